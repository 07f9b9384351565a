"""A training run whose process is killed again and again ends with the bits of one that was never disturbed."""

from __future__ import annotations

import signal
import subprocess
import sys
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

from anima.kernel import db
from anima.registry import checkpoint_service, metrics_service
from anima.tensors import service as tensors
from fixtures import broken_runs, killed
from fixtures.training import Plain

if TYPE_CHECKING:
    from fixtures.tensors import Keeper, Sound

FORGETS = """
import sys
import uuid
from anima.kernel import db
from anima.registry import runs
run = runs.begin(db.Principal(int(sys.argv[1])), "hasty", session_id=uuid.UUID(sys.argv[2]))
for step in range(3):
    run.log(step, loss=float(step))
"""

KILLS, STEPS, EVERY = 5, 64, 4


def test_it_ends_with_the_same_bits(keeper: Keeper, sound: Sound) -> None:
    broken = uuid.uuid4()
    make = "fixtures.training:Plain"
    codes = broken_runs.train(keeper.owner_id, broken, make, steps=STEPS, every=EVERY, kills=KILLS)
    assert codes == [-signal.SIGKILL] * KILLS + [0]

    unbroken = Plain()
    losses = [unbroken.step() for _ in range(STEPS)]
    last = checkpoint_service.checkpoints(keeper.principal, session_id=broken).items[0]
    assert last.step == STEPS
    parts = checkpoint_service.tensors(keeper.principal, last.checkpoint_id)
    arrays = tensors.read_all(keeper.principal, [one.ref for one in parts])
    kept = {f"{one.role}:{one.name}": array for one, array in zip(parts, arrays, strict=True)}
    ends = {name: one.tobytes() for name, one in kept.items() if name.startswith("weight:")}
    assert ends == {f"weight:{name}": one.tobytes() for name, one in unbroken.trainer.weights.items()}
    for kind in ("m", "v"):
        for name, moment in unbroken.trainer.adam[kind].items():
            assert kept[f"optimizer:{kind}.{name}"].tobytes() == moment.tobytes()

    curve = metrics_service.read(keeper.principal, broken, "loss", points=STEPS)
    assert [one.values for one in curve] == [1] * STEPS
    assert [one.last for one in curve] == losses
    steps = [one.step for one in checkpoint_service.checkpoints(keeper.principal, session_id=broken, limit=200).items]
    assert steps == list(range(STEPS, 0, -EVERY))
    sound(keeper)
    tensors.collect(db.Principal(keeper.owner_id, login="worker"), grace=timedelta(0))
    sound(keeper)


def test_who_forgets_to_finish_loses_nothing_that_was_logged(keeper: Keeper) -> None:
    session_id = uuid.uuid4()
    command = [sys.executable, "-c", FORGETS, str(keeper.owner_id), str(session_id)]
    done = subprocess.run(command, env=killed.surroundings(), capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
    (series,) = metrics_service.series(keeper.principal, session_id)
    assert (series.name, series.values, series.last) == ("loss", 3, 2.0)
