"""Trains a neuromodulated agent as a simulation file says, or plays what was trained.

    ANIMA_JOB_DIR=./runs/mine python gpu_jobs/simulate/simulate.py

Configuration: `simulation` (the file as an object or as its text; `input/data/config/simulation.json` wins), `task`:
`train` (also when none is named), `check` (makes the environment and no more), `evaluate`, `play`; the last two take
`weights` (a file, or the folder of a job) or `checkpoint` (of the registry), and `episodes`. MODE, MAX_STEPS and SEED
of the environment win over the file. With ANIMA_JOB_RUN and ANIMA_JOB_OWNER checkpoints and metrics go into the
registry, else into the folder, which one trainer has at a time.

What is left: `model/` (weights.safetensors, simulation.json, result.json), `trajectory/`, `live.jsonl`, `checkpoints/`.
"""

from __future__ import annotations

import os

# Before numpy is loaded: with matrices this small, threads cost more than they bring.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import json
import math
import signal
import sys
import uuid
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Literal, get_args

if not __package__:  # run as a file: the parts beside it are a package, in the checkout and in an installed wheel
    here = Path(__file__).resolve().parent
    sys.path[:] = [str(here.parent), *(one for one in sys.path if Path(one).resolve() != here)]
    __package__ = here.name

from anima.kernel.errors import AnimaError, BadInput
from anima.neuromodulation.simulation import SimulationInvalid, read, read_object
from anima.vendors.job_contract import BAD_CONFIGURATION, DONE, FAILED, STOPPED, fail, in_a_line, refuse

from . import live, weights_file
from .agent import Outcome, train
from .environments import Environments
from .failures import BadConfiguration, BadWeights, FolderInUse
from .keeper import FolderKeeper, Keeper, RegistryKeeper, disk
from .options import options
from .play import play
from .record import Recorder

CONTAINER = Path("/opt/ml")
LAST = 100
"""Returns of so many episodes stand in the result."""
Task = Literal["train", "check", "evaluate", "play"]

stop_asked = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """The configuration."""

    simulation: Any
    task: Task
    weights: Path | None
    checkpoint: uuid.UUID | None
    episodes: int | None


def main() -> int:
    signal.signal(signal.SIGTERM, ask_to_stop)
    # Taken out of the environment: the settings accept no name of ours but their own.
    folder = Path(os.environ.pop("ANIMA_JOB_DIR", CONTAINER))
    run, owner = os.environ.pop("ANIMA_JOB_RUN", ""), os.environ.pop("ANIMA_JOB_OWNER", "")
    try:
        wanted = configuration(folder)
        if owner and not run:  # as one of its own it would reach what only whoever runs this place may reach
            raise BadConfiguration(reason="the run of this job was deleted")
        identity = (uuid.UUID(run), int(owner)) if run else None
    except SimulationInvalid as error:
        return fail(folder, f"{error.slug}: {error}", BAD_CONFIGURATION)
    except BadConfiguration as error:
        return fail(folder, reason(error), BAD_CONFIGURATION)
    except (OSError, ValueError, KeyError, TypeError, AnimaError) as error:
        return fail(folder, f"bad-configuration: {reason(error)}", BAD_CONFIGURATION)
    try:
        if wanted.task == "check":
            return checked(wanted.simulation)
        return trained(folder, wanted, identity) if wanted.task == "train" else played(folder, wanted, identity)
    except FolderInUse as error:  # whatever lies there is of the other one
        return refuse(reason(error), FAILED)
    except BadInput as error:  # an unknown environment, weights that do not fit: no attempt can mend it
        return fail(folder, reason(error), BAD_CONFIGURATION)
    except SystemExit as error:  # of an environment: nobody here ends the process so
        return fail(folder, f"environment-failed: it ended the process with {error.code!r}", FAILED)
    except Exception as error:  # whatever it was: its reason is told, and the job may be tried again
        return fail(folder, reason(error), FAILED)


def checked(simulation: Any) -> int:
    """Makes the environment once, which says what is wrong with it."""
    chosen = options(simulation)
    Environments(chosen.environment, chosen.arguments, seed=chosen.seed, frames=chosen.frames).close()
    return DONE


def trained(folder: Path, wanted: Wanted, identity: tuple[uuid.UUID, int] | None) -> int:
    simulation = wanted.simulation
    # 1. Where checkpoints and numbers go; what an earlier attempt has left is gone on with.
    keeper = keeper_for(folder, simulation, identity)
    try:
        # 2. The record of every step, and the page that shows it while it grows.
        recorder = record_of(folder, simulation, keeper)
        try:
            with live.serving(simulation, folder, tell) if identity is None else nullcontext():
                # 3. The run itself.
                outcome = train(simulation, keeper=keeper, recorder=recorder, stop=lambda: stop_asked)
        finally:
            recorder.close()
        # 4. What it came to.
        if not outcome.stopped:
            leave(folder, simulation, outcome, keeper)
        keeper.finish("paused" if outcome.stopped else "completed")
    except BaseException as error:
        ended_badly(keeper, error)
        raise
    return STOPPED if outcome.stopped else DONE


def record_of(folder: Path, simulation: Any, keeper: Keeper) -> Recorder:
    """The record of a run that goes on after the keeper's checkpoint."""
    modulators = simulation.names() if simulation.integration_with_rl.enabled else ()
    environments = simulation.rl_plugin.environments
    return Recorder(simulation, folder, keeper, modulators, environments, keeper.resume_step, keeper.record)


def keeper_for(folder: Path, simulation: Any, identity: tuple[uuid.UUID, int] | None) -> Keeper:
    """The registry for a job that was started by somebody, the folder for one of its own."""
    if identity is None:
        return FolderKeeper(folder)
    from anima.kernel.db import Principal

    run, owner = identity
    return RegistryKeeper(Principal(owner), run, simulation.rl_plugin.name, json.loads(simulation.dumps()))


def leave(folder: Path, simulation: Any, outcome: Outcome, keeper: Keeper) -> None:
    """The result: weights, the file that they were trained by, and what the run came to with a last examination."""
    chosen, evaluation = options(simulation), None
    if chosen.evaluate_episodes:
        evaluation = play(chosen, outcome.weights, chosen.evaluate_episodes, stop=lambda: stop_asked).told()
        if evaluation["return_mean"] is not None:
            keeper.log(outcome.steps, "test", evaluation_return=evaluation["return_mean"])
    model = folder / "model"
    weights_file.write(model / "weights.safetensors", outcome.weights, {"simulation": simulation.dumps()})
    write_whole(model / "simulation.json", simulation.dumps())
    result = {
        "task": "train",
        "steps": outcome.steps,
        "episodes": outcome.episodes,
        "last_100": None if math.isnan(outcome.last_100) else outcome.last_100,
        "returns": outcome.returns[-LAST:].tolist(),
        "resets": outcome.resets[-LAST:].tolist(),
        "evaluation": evaluation,
    }
    write_whole(model / "result.json", json.dumps(result, indent=2) + "\n")


def played(folder: Path, wanted: Wanted, identity: tuple[uuid.UUID, int] | None) -> int:
    """`evaluate` writes what the episodes came to; `play` each of their steps besides, as lines of JSON."""
    simulation, weights = wanted.simulation, weights_of(wanted, identity)
    chosen = options(simulation)
    episodes = wanted.episodes or chosen.evaluate_episodes or 10
    model = folder / "model"
    model.mkdir(parents=True, exist_ok=True)
    with disk("what was played"), (model / "play.draft").open("w", encoding="utf-8") as lines:

        def write(step: dict[str, Any]) -> None:
            lines.write(json.dumps(step) + "\n")

        tells = write if wanted.task == "play" else None
        found = play(chosen, weights, episodes, tell=tells, stop=lambda: stop_asked)
    if wanted.task == "play":
        (model / "play.draft").replace(model / "play.jsonl")
    else:
        (model / "play.draft").unlink()
    if not found.whole:
        return STOPPED
    result = {"task": wanted.task, "steps": found.steps, "evaluation": found.told()}
    write_whole(model / "result.json", json.dumps(result, indent=2) + "\n")
    tell({"step": found.steps, "of": found.steps, "episode": episodes, "return_mean": found.told()["return_mean"]})
    return DONE


def weights_of(wanted: Wanted, identity: tuple[uuid.UUID, int] | None) -> dict[str, Any]:
    """From a file, the folder of a job, or a checkpoint of the registry. Raises BadWeights, CheckpointNotFound."""
    if wanted.checkpoint is None:
        assert wanted.weights is not None
        inside = wanted.weights / "model" / "weights.safetensors"
        given = wanted.weights / "weights.safetensors" if wanted.weights.is_dir() else wanted.weights
        return weights_file.read(inside if inside.exists() else given)[0]
    if identity is None:
        raise BadWeights(reason="a checkpoint of the registry is read for somebody: ANIMA_JOB_RUN, ANIMA_JOB_OWNER")
    from anima.kernel.db import Principal
    from anima.registry import checkpoint_service
    from anima.tensors import service as tensors

    principal = Principal(identity[1])
    parts = [one for one in checkpoint_service.tensors(principal, wanted.checkpoint) if one.role == "weight"]
    return dict(zip([one.name for one in parts], tensors.read_all(principal, [one.ref for one in parts]), strict=True))


def configuration(folder: Path) -> Wanted:
    """The configuration as the contract of jobs has it. Raises SimulationInvalid, BadConfiguration."""
    place = folder / "input" / "config" / "hyperparameters.json"
    given: dict[str, Any] = json.loads(os.environ.pop("ANIMA_JOB_CONFIG", "") or place.read_text(encoding="utf-8"))
    channel = folder / "input" / "data" / "config" / "simulation.json"
    file: Any = channel.read_bytes() if channel.exists() else given.get("simulation", {})
    simulation = read_object(file, os.environ) if isinstance(file, dict) else read(file, os.environ)
    task = given.get("task") or "train"
    if task not in get_args(Task):
        raise BadConfiguration(reason=f"task is {' or '.join(get_args(Task))}, not {task!r}")
    weights = Path(given["weights"]) if given.get("weights") else None
    checkpoint = uuid.UUID(given["checkpoint"]) if given.get("checkpoint") else None
    if task in ("evaluate", "play") and weights is None and checkpoint is None:
        raise BadConfiguration(reason=f"{task} needs `weights` or `checkpoint`")
    episodes = int(given["episodes"]) if given.get("episodes") else None
    if episodes is not None and not 1 <= episodes <= 100_000:
        raise BadConfiguration(reason="episodes lie between 1 and 100000")
    return Wanted(simulation, task, weights, checkpoint, episodes)


def write_whole(path: Path, text: str) -> None:
    """Writes a file whole or not at all. Raises NoRoom."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with disk(path.name):
        path.with_suffix(".draft").write_text(text, encoding="utf-8")
        path.with_suffix(".draft").replace(path)


def ended_badly(keeper: Keeper, error: BaseException) -> None:
    """Tells the run why, if it can be told: another trainer may have it."""
    with suppress(Exception):
        keeper.finish("failed", reason(error))


def reason(error: BaseException) -> str:
    """What went wrong, in words that begin with the kind of it."""
    if isinstance(error, AnimaError):
        return in_a_line(f"{error.slug}: {error.detail}")
    if isinstance(error, MemoryError):
        return "out-of-memory: the run needs more than resource_limits.memory_bytes"
    return f"{type(error).__name__}: {error}"


def tell(line: dict[str, Any]) -> None:
    """A line of JSON on standard output."""
    print(json.dumps(line), flush=True)


def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
    global stop_asked
    stop_asked = True


if __name__ == "__main__":
    sys.exit(main())
