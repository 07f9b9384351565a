"""What a deployment weighs and how long people wait for it: sizes, imports, first and warm turns, locks, branches.

PARTS=turns,locks measures some of them. What is built and deployed `make test-cloud` weighs: its figures are read.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Callable

from scripts import cloud
from scripts.venvs import ROOT
from tests.bench import bench_coldstart, place
from tests.bench.frame import Bench, Sample

WORKERS_LIMIT_MB = 60
CONNECTIONS, INVOCATIONS = 10, 100
BRANCH_MB, BRANCHES = 500, 5


def run(bench: Bench) -> None:
    """All parts; one that fails is named below the table, and holds up no other."""
    sys.path.insert(0, str(ROOT / "tests"))
    wanted = os.environ["PARTS"].split(",") if os.environ.get("PARTS") else list(_PARTS)
    failed = []
    for name in wanted:
        part, begun = Bench(f"deploy.{name}"), time.monotonic()
        print(f"deploy: {name} …", flush=True)
        try:
            _PARTS[name](part)
        except Exception:
            traceback.print_exc()
            failed.append(name)
            continue
        print(f"deploy: {name} took {time.monotonic() - begun:.0f} s", flush=True)
        bench.figures += part.figures
        bench.notes += part.notes
    if failed:
        bench.note(f"LEFT OUT, for they failed: {', '.join(failed)}")
    if others := [name for name in _PARTS if name not in wanted]:
        bench.note(f"not asked for: {', '.join(others)}")
    if not bench.figures:
        raise RuntimeError("no part was measured")


def sizes(bench: Bench) -> None:
    """Layers and functions as `sam build` leaves them; built first where they are not there."""
    if not cloud.FIGURES.is_file():
        cloud.build()
    known = json.loads(cloud.FIGURES.read_text())
    for name, size in known["layers_unzipped"].items():
        bench.figure(f"size.{name}", size / 1e6, "MB")
    together, limit = known["largest_function_unzipped"] / 1e6, known["unzipped_limit"] / 1e6
    bench.figure("size.largest_function_with_layers", together, "MB", peer="limit of Lambda", peer_value=limit)
    workers = known["deps_unzipped_of_workers"] / 1e6
    bench.figure("size.deps_of_workers", workers, "MB", peer="limit", peer_value=WORKERS_LIMIT_MB)
    for name, size in known["functions_unzipped"].items():
        bench.figure(f"size.{name}", size / 1e3, "kB")
    for name in sorted(known):
        if name.endswith("_s"):
            walls = known[name] if isinstance(known[name], list) else [known[name]]
            bench.figure(f"wall.{name.removesuffix('_s')}", Sample(tuple(walls)), "s")
    largest = ", ".join(f"{name} {size / 1e6:.1f}" for name, size in known["deps_largest"].items())
    bench.note(
        f"sizes: unzipped, for Python {known['python']} on {known['architecture']}; in the deps layer, MB: {largest}"
    )


def turns(bench: Bench) -> None:
    """The whole wait of first and warm turns in the emulator, p50 and p95, and the median of each part."""
    from tests.bench import deploy_turns

    with place.opened() as here:
        for name, found in deploy_turns.waits(here):
            p50, p95 = deploy_turns.quantiles([one.whole for one in found])
            bench.figure(f"{name}.p50", p50, "ms")
            bench.figure(f"{name}.p95", p95, "ms")
            for part, value in deploy_turns.median_parts(found).items():
                bench.figure(f"{name}.{part}", value, "ms")
    bench.note(
        "turns: the chat function in Lambda's runtime interface emulator, with a stub model and the real embedder on "
        "this machine. start: the process with its imports; connect: waiting for a connection; model of a first turn: "
        "mostly the loading of the SDK (openai), as far as it is not done beside connect and embed, for the stub "
        "answers at once; parts are medians; "
        f"asleep: the database turns all away for {deploy_turns.ASLEEP_SECONDS * 1000:.0f} ms from the first try on"
    )


def functions(bench: Bench) -> None:
    """Cold and warm time of every function with a sample event: the whole wait of its caller."""
    from tests.bench import deploy_functions

    with place.opened() as here:
        for one in deploy_functions.times(here):
            bench.figure(f"{one.function}.cold_ms", one.cold, "ms")
            bench.figure(f"{one.function}.warm_ms", one.warm, "ms")
    bench.note(
        f"functions: {deploy_functions.STARTS} starts, {deploy_functions.FURTHER} further calls of each, with a stub "
        f"model, the database awake; {deploy_functions.STREAM} over its port, without Lambda Web Adapter; migrate with "
        "nothing to apply, outbox with nothing to send, socket at $connect"
    )
    for name in deploy_functions.without_event():
        bench.note(f"functions: {name} was not called: it has no sample event")
    for name, why in deploy_functions.LEFT_OUT.items():
        bench.note(f"functions: events/{name}.json was not sent: {why}")


def locks(bench: Bench) -> None:
    """Migrations on an empty database, and the later ones on a million messages."""
    from tests.bench import deploy_locks

    with deploy_locks.server(place.passwords()) as url:
        for stem, milliseconds in deploy_locks.on_empty(url):
            bench.figure(f"migration.{stem}.on_empty", milliseconds, "ms")
        begun = time.monotonic()
        messages = deploy_locks.fill(url)
        bench.note(f"locks: {messages:,} messages of 1,000 people, written in {time.monotonic() - begun:.0f} s")
        for held in deploy_locks.later(url):
            bench.figure(f"migration.{held.stem}.locked", held.locked, "ms")
            bench.figure(f"migration.{held.stem}.took", held.took, "ms")
            told = ", ".join(held.what) or "nothing that keeps reading or writing waiting"
            bench.note(f"locks: {held.stem} holds {told}")
    bench.note("locked: from before the statement that takes the first blocking lock on what was there, to the commit")


def branch(bench: Bench) -> None:
    """Time to branch 500 MB on the embedded default."""
    from tests.bench.branching import time_to_branch

    found = [time_to_branch(BRANCH_MB) for _ in range(BRANCHES)]
    bench.figure(f"branch_{BRANCH_MB}_mb", Sample(tuple(one.seconds for one in found)), "s")
    bench.figure(f"branch_{BRANCH_MB}_mb.blocked", Sample(tuple(one.blocked_seconds for one in found)), "s")
    bench.note(f"branch: {found[0].megabytes:.0f} MB on the embedded server, fsync on; blocked: nobody could connect")


def connections(bench: Bench) -> None:
    """How many connections the database sees while a hundred functions answer a turn at once, behind a pooler."""
    from tests.bench import deploy_turns

    from fixtures.pooler import measured

    with place.opened() as here, place.quick_embedder():
        act = deploy_turns.turn_in_process(place.person())
        load = measured(here.owner_url, act, invocations=INVOCATIONS, size=CONNECTIONS)
    if load.failed:
        raise RuntimeError(f"{load.failed} of {INVOCATIONS} turns failed")
    bench.figure("connections.of_functions", load.clients, "connections")
    bench.figure("connections.of_database", load.servers, "connections", peer="limit", peer_value=CONNECTIONS)
    bench.note(f"connections: {INVOCATIONS} turns at once through PgBouncer in transaction mode, {CONNECTIONS} a login")


_PARTS: dict[str, Callable[[Bench], None]] = {
    "sizes": sizes,
    "imports": bench_coldstart.run,
    "turns": turns,
    "functions": functions,
    "locks": locks,
    "branch": branch,
    "connections": connections,
}
