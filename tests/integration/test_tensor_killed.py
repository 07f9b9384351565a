"""kill -9 at every step of saving, dropping and collecting: what was visible stays whole, and what was not goes.

A process that has loaded everything forks a child for each try; the child counts its steps (each statement to the
database, each call that changes a file) and kills itself at one of them, before or after it.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from anima.kernel import db
from anima.tensors import service
from anima.tensors.model import TensorRef
from fixtures import killed
from fixtures.tensors import Keeper, Sound

_TRIES = 20

_PROGRAM = """
import os, signal, sys, threading
sys.path.insert(0, {tests!r})
import numpy as np
import psycopg
from datetime import timedelta
from pathlib import Path
from fixtures.tensors import Keeper
from anima.kernel import db
from anima.vendors import packs
from anima.tensors import service, save_service, read_service, verify_service, collect_service, compact_service
from anima.tensors import writing_service, delta_service, slice_service
import anima.vendors.packs.folder

writing_service.INLINE_BYTES = save_service.INLINE_BYTES = 3000
writing_service.PACK_BYTES = 100_000
save_service._GROUP_BYTES = 50_000
compact_service._LEAST_BYTES = 0
owner_id = {owner_id!r}
keeper = Keeper(db.Principal(owner_id), owner_id, packs.packs())
lock = threading.Lock()
left = 0

def step():
    global left
    with lock:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

def dying(owner, name):
    real = getattr(owner, name)
    def wrapped(*args, **kwargs):
        step()
        answer = real(*args, **kwargs)
        step()
        return answer
    setattr(owner, name, wrapped)

def arrays(seed):
    rng = np.random.default_rng(seed // 2)
    frozen = np.random.default_rng(1000 + seed // 4).standard_normal(9000).astype(np.float32)
    moving = rng.integers(0, 1 << 30, 20_000, np.int32)
    moving[seed % 2 :: 50] += seed
    return dict(frozen=frozen, moving=moving, small=np.arange(seed, seed + 40), empty=np.zeros(0, np.int8))

def work(seed):
    service.collect(keeper.principal, timedelta(0))
    saved = keeper.save(arrays(seed), ["raw", "compressed"][seed % 2])
    moved = arrays(seed)
    moved["moving"][::70] ^= 3
    keeper.save(moved, "delta", saved.tensors)
    keeper.drop()
    service.collect(keeper.principal, timedelta(0))

for owner, name in [(psycopg.Connection, "execute"), (psycopg.Cursor, "execute"), (os, "pwritev"), (os, "fsync"),
        (os, "unlink"), (os, "open"), (Path, "unlink"), (Path, "rename")]:
    dying(owner, name)

for line in sys.stdin:
    seed, steps = map(int, line.split())
    if not (child := os.fork()):
        left = steps
        work(seed)
        print(steps - left, flush=True)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(code, flush=True)
"""


@contextmanager
def workers(keeper: Keeper, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    program = _PROGRAM.replace("{tests!r}", repr(str(Path(__file__).parents[1])))
    program = program.replace("{owner_id!r}", repr(keeper.owner_id))
    with (tmp_path / "stderr").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            env=killed.surroundings(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait(20)


def asked(process: subprocess.Popen[str], seed: int, steps: int) -> int:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{seed} {steps}\n")
    process.stdin.flush()
    return int(process.stdout.readline())


def visible(connection: psycopg.Connection[Any], keeper: Keeper) -> dict[str, set[str]]:
    """The models that are there, and the tensors of each."""
    rows = connection.execute(
        """
        select m.model_id::text, w.name from models m left join model_weights w using (model_id)
        where m.owner_id = %s
        """,
        (keeper.owner_id,),
    )
    found: dict[str, set[str]] = {}
    for model_id, name in rows.fetchall():
        found.setdefault(model_id, set()).add(name)
    return found


def all_refs(connection: psycopg.Connection[Any], keeper: Keeper) -> list[TensorRef]:
    rows = connection.execute(
        "select distinct tensor_id from model_weights where owner_id = %s", (keeper.owner_id,)
    ).fetchall()
    with db.transaction(keeper.principal) as tx:
        return service.refs(tx, keeper.owner_id, [tensor_id for (tensor_id,) in rows])


def test_killed_at_any_step(keeper: Keeper, sound: Sound, owner_conn: psycopg.Connection[Any], tmp_path: Path) -> None:
    first = keeper.save({"kept": np.arange(5000), "moving": np.arange(100.0)}, "compressed")
    names = {"frozen", "moving", "small", "empty"}
    draw, died = random.Random(9), 0  # noqa: S311
    with workers(keeper, tmp_path) as process:
        steps = asked(process, 0, 1 << 30)
        assert asked_end(process) == 0, (tmp_path / "stderr").read_text()
        assert steps > 200
        points = draw.sample(range(1, steps), _TRIES)
        for seed, point in enumerate(points, 1):
            code = asked(process, seed, point)
            if code >= 0:  # it came to its end: threads take their steps in another order
                code = asked_end(process)
                assert code == 0, (tmp_path / "stderr").read_text()
            died += code == -signal.SIGKILL
            sound(keeper)
            models = visible(owner_conn, keeper)
            assert all(found in (names, {"kept", "moving"}) for found in models.values())
            refs = all_refs(owner_conn, keeper)
            service.read_all(keeper.principal, refs)
    assert died > _TRIES * 0.8
    service.collect(keeper.principal, timedelta(0))
    sound(keeper)
    rows = owner_conn.execute(
        "select pack_id, n_bytes from tensor_packs where owner_id = %s and state = 'sealed'", (keeper.owner_id,)
    )
    assert dict(rows.fetchall()) == keeper.files()
    read = service.read(keeper.principal, list(first.tensors.values()))
    assert (read["kept"] == np.arange(5000)).all()
    owner_conn.execute("delete from models where owner_id = %s", (keeper.owner_id,))
    service.collect(keeper.principal, timedelta(0))
    assert keeper.files() == {}
    usage = service.usage(keeper.principal)
    assert (usage.tensors, usage.chunks, usage.packs) == (0, 0, 0)


def asked_end(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())
