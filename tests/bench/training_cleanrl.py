"""CleanRL's DQN of CartPole as its authors distribute it: cleanrl/dqn.py of the package, its numbers and its network.

The file is run as it lies in the package (cleanrl 1.2.0), with the Gymnasium and the replay buffer of its time; only
the writer of TensorBoard and the look at wandb are put out of its way, as they are no part of learning, and the CPU
clock starts with its first step.
"""

import contextlib
import importlib
import json
import os
import resource
import runpy
import sys
import tempfile
import types
from importlib import metadata
from typing import Any, ClassVar


class Writer:
    """Takes what would go to TensorBoard."""

    returns: ClassVar[list[float]] = []

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def add_scalar(self, name: str, value: float, _step: int) -> None:
        """Keeps the return of each episode."""
        if name == "charts/episodic_return":
            self.returns.append(float(value))

    def add_text(self, *_: object) -> None:
        """Nobody reads it."""

    def close(self) -> None:
        """Nothing is open."""


def main(given: dict[str, Any]) -> dict[str, float]:
    """One run; what it came to."""
    source = next(one for one in metadata.files("cleanrl") or [] if str(one) == "cleanrl/dqn.py").locate()
    begun: list[float] = []
    board: Any = types.ModuleType("torch.utils.tensorboard")
    board.SummaryWriter = Writer
    if "threads" in given:
        importlib.import_module("torch").set_num_threads(given["threads"])
    sys.modules["torch.utils.tensorboard"] = board
    worlds = importlib.import_module("gymnasium").vector.SyncVectorEnv
    reset = worlds.reset

    def timed(self: Any, **options: Any) -> Any:
        begun.append(cpu())
        return reset(self, **options)

    worlds.reset = timed
    sys.argv = ["dqn.py", "--seed", str(given["seed"]), "--total-timesteps", str(given["steps"])]
    with (
        tempfile.TemporaryDirectory() as folder,
        open(os.devnull, "w", encoding="utf-8") as nowhere,
        contextlib.chdir(folder),
        contextlib.redirect_stdout(nowhere),
    ):
        runpy.run_path(str(source), run_name="__main__")
    last = Writer.returns[-100:]
    return {"steps": given["steps"], "cpu_seconds": cpu() - begun[0], "last_100": sum(last) / max(1, len(last))}


def cpu() -> float:
    """CPU seconds of this process and its threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
