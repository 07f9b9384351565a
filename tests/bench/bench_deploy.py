"""What a deployment weighs and how long people wait for it: sizes, imports, first and warm turns, locks, branches.

Each part is kept in build/bench/deploy/ when it is done: a run that was cut goes on where it was. FRESH=1 measures all
anew, PARTS=turns,locks only some. What is built and deployed is weighed by `make test-cloud`, whose figures are read.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict

from scripts import cloud
from scripts.venvs import ROOT
from tests.bench import bench_coldstart
from tests.bench.bench_turn import LOGINS, Place, _database, _quick_embedder, _settings, _stub
from tests.bench.frame import OUTPUT, Bench, Figure, Sample

from anima.kernel import secrets
from anima.kernel.postgres import bootstrap

KEPT = OUTPUT / "deploy"
KEPT_SECONDS = 12 * 3600
WORKERS_LIMIT_MB = 60
CONNECTIONS, INVOCATIONS = 10, 100
BRANCH_MB, BRANCHES = 500, 5


def run(bench: Bench) -> None:
    """All parts; one that fails is named below the table, and holds up no other."""
    sys.path.insert(0, str(ROOT / "tests"))
    wanted = os.environ.get("PARTS", "").split(",") if os.environ.get("PARTS") else list(_PARTS)
    failed = []
    for name in wanted:
        try:
            figures, notes = _kept(name) or _measured(name)
        except Exception:
            traceback.print_exc()
            failed.append(name)
            continue
        bench.figures += figures
        bench.notes += notes
    if failed:
        bench.note(f"LEFT OUT, for they failed: {', '.join(failed)}")
    if not bench.figures:
        raise RuntimeError("no part was measured")


def _measured(name: str) -> tuple[list[Figure], list[str]]:
    part = Bench(f"deploy.{name}")
    begun = time.monotonic()
    print(f"deploy: {name} …", flush=True)
    _PARTS[name](part)
    print(f"deploy: {name} took {time.monotonic() - begun:.0f} s", flush=True)
    KEPT.mkdir(parents=True, exist_ok=True)
    document = {"figures": [asdict(one) for one in part.figures], "notes": part.notes}
    (KEPT / f"{name}.json").write_text(json.dumps(document, indent=2) + "\n")
    return part.figures, part.notes


def _kept(name: str) -> tuple[list[Figure], list[str]] | None:
    """What an earlier run of today measured."""
    file = KEPT / f"{name}.json"
    if name == "sizes" or os.environ.get("FRESH") or not file.is_file():
        return None
    if time.time() - file.stat().st_mtime > KEPT_SECONDS:
        return None
    document = json.loads(file.read_text())
    figures = [
        Figure(**{**one, "spread": tuple(one["spread"]) if one["spread"] else None}) for one in document["figures"]
    ]
    return figures, [*document["notes"], f"{name}: measured at {time.ctime(file.stat().st_mtime)}"]


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

    with _house() as (place, stub):
        for name, found in deploy_turns.waits(place, stub):
            p50, p95 = deploy_turns.quantiles([one.whole for one in found])
            bench.figure(f"{name}.p50", p50, "ms")
            bench.figure(f"{name}.p95", p95, "ms")
            for part, value in deploy_turns.median_parts(found).items():
                bench.figure(f"{name}.{part}", value, "ms")
    bench.note(
        "turns: the chat function in Lambda's runtime interface emulator, with a stub model and the real embedder on "
        "this machine. start: the process with its imports; connect: waiting for a connection; parts are medians; "
        f"asleep: the database turns all away for {deploy_turns.ASLEEP_SECONDS * 1000:.0f} ms from the first try on"
    )


def locks(bench: Bench) -> None:
    """Migrations on an empty database, and the later ones on a million messages."""
    from tests.bench import deploy_locks

    passwords = bootstrap.LoginPasswords(*(secrets.login_password(login) for login in LOGINS))
    with deploy_locks.server(passwords) as url:
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

    with _house() as (place, _), _quick_embedder(), deploy_turns.turn_of(place) as act:
        load = measured(place.owner_url, act, invocations=INVOCATIONS, size=CONNECTIONS)
    if load.failed:
        raise RuntimeError(f"{load.failed} of {INVOCATIONS} turns failed")
    bench.figure("connections.of_functions", load.clients, "connections")
    bench.figure("connections.of_database", load.servers, "connections", peer="limit", peer_value=CONNECTIONS)
    bench.note(f"connections: {INVOCATIONS} turns at once through PgBouncer in transaction mode, {CONNECTIONS} a login")


@contextmanager
def _house() -> Iterator[tuple[Place, str]]:
    """A throw-away database with everything migrated, and the address of a stub of a provider."""
    with ExitStack() as held:
        place, stub = held.enter_context(_database()), held.enter_context(_stub())
        held.enter_context(_settings(place, stub))
        yield place, stub


_PARTS: dict[str, Callable[[Bench], None]] = {
    "sizes": sizes,
    "imports": bench_coldstart.run,
    "turns": turns,
    "locks": locks,
    "branch": branch,
    "connections": connections,
}
