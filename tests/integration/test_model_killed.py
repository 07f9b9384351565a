"""kill -9 at any step of importing, deploying and exporting: a model is there whole, or it is not there."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg

from anima.registry import export_service, parts_service, service
from fixtures import killed, model_folders
from fixtures.tensors import Keeper, Sound

_TRIES = 8

_PROGRAM = """
import os, signal, sys, threading
from pathlib import Path
import psycopg
from anima.kernel import db
from anima.registry import export_service, import_service, service
import anima.tensors.save_service, anima.registry.vocabulary_service, anima.vendors.packs.folder

me = db.Principal({owner_id!r})
folder = Path({folder!r})
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

for owner, name in [(psycopg.Connection, "execute"), (psycopg.Cursor, "execute"), (os, "fsync"), (os, "replace")]:
    dying(owner, name)

for line in sys.stdin:
    seed, steps = map(int, line.split())
    if not (child := os.fork()):
        left = steps
        model = import_service.import_folder(me, folder / "in", "m")
        service.deploy(me, model)
        export_service.export(me, model, folder / f"out{seed}")
        print(steps - left, flush=True)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class _Worker:
    """A process that has loaded everything, and forks a child for each try."""

    def __init__(self, keeper: Keeper, folder: Path) -> None:
        program = _PROGRAM.replace("{owner_id!r}", repr(keeper.owner_id)).replace("{folder!r}", repr(str(folder)))
        self.process = subprocess.Popen(
            [sys.executable, "-c", program],
            env=killed.surroundings(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def answer(self) -> int:
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())

    def ask(self, seed: int, steps: int) -> int:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{seed} {steps}\n")
        self.process.stdin.flush()
        return self.answer()


def check(keeper: Keeper, connection: psycopg.Connection[Any], wanted: dict[str, str]) -> None:
    """Every model is whole, at most one is deployed, and the numbers of deployments follow each other."""
    for model in service.models(keeper.principal, limit=100).items:
        assert len(parts_service.all_weights(keeper.principal, model)) == len(model_folders.gpt2_shapes())
        assert {one.path: one.sha256 for one in parts_service.all_files(keeper.principal, model)} == wanted
    rows = connection.execute(
        "select number from model_deployments where owner_id = %s order by number", (keeper.owner_id,)
    ).fetchall()
    assert [number for (number,) in rows] == list(range(1, len(rows) + 1))


def test_killed_at_any_step(keeper: Keeper, sound: Sound, owner_conn: psycopg.Connection[Any], tmp_path: Path) -> None:
    wanted = model_folders.contents(model_folders.gpt2(tmp_path / "in"))
    worker, died = _Worker(keeper, tmp_path), 0
    try:
        steps = worker.ask(0, 1 << 30)
        assert worker.answer() == 0
        for seed, point in enumerate(random.Random(4).sample(range(1, steps), _TRIES), 1):  # noqa: S311
            code = worker.ask(seed, point)
            code = worker.answer() if code >= 0 else code
            died += code == -signal.SIGKILL
            check(keeper, owner_conn, wanted)
            out = tmp_path / f"out{seed}"
            assert not out.exists() or model_folders.contents(out) == wanted
    finally:
        worker.process.kill()
        worker.process.wait(20)
    assert died > _TRIES / 2
    sound(keeper)
    last = service.models(keeper.principal).items[0]
    out = export_service.export(keeper.principal, last, tmp_path / "last")
    assert model_folders.contents(out) == wanted
    for seed in range(1, _TRIES + 1):
        if not (tmp_path / f"out{seed}").exists():
            export_service.export(keeper.principal, last, tmp_path / f"out{seed}")
    assert not list(tmp_path.glob(".*.draft")), "drafts of those that were killed"
