"""What a trainer gets from its run: a save that is under way, and the place where it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, get_args

from anima.kernel.errors import BadInput, FieldError
from anima.registry.checkpoint_model import Checkpoint, Kind
from anima.registry.checkpoint_saving_service import Best, Kept
from anima.registry.metrics_model import Value
from anima.registry.metrics_service import check


@dataclass(frozen=True, slots=True)
class Resumed:
    """Where a run goes on: after `step`. None is what was not saved, or was filled into what was handed in."""

    checkpoint: Checkpoint
    weights: dict[str, Any] | None
    optimizer: Any
    scheduler: Any
    scaler: Any
    data_position: Any
    extra: Any

    @property
    def step(self) -> int:
        """The last step that is done."""
        return self.checkpoint.step

    @property
    def epoch(self) -> float | None:
        """The epoch that it was in."""
        return self.checkpoint.epoch


class Saving:
    """A save that is under way."""

    def __init__(self, future: Future[Kept]) -> None:
        self._future = future
        self.told = False

    @property
    def done(self) -> bool:
        """Whether it has ended, well or not."""
        return self._future.done()

    def wait(self, timeout: float | None = None) -> Checkpoint:
        """The checkpoint, once it is durable. Raises what the save raised, and TimeoutError after so many seconds."""
        try:
            return self._future.result(timeout).checkpoint
        finally:
            self.told = self._future.done()

    def failure(self) -> BaseException | None:
        """What it raised, if it has ended and nobody was told yet."""
        if not self.done or self.told:
            return None
        self.told = True
        return self._future.exception()


def best_of(given: bool | str | None) -> Best | None:
    """What `is_best` of a save means. Raises BadInput."""
    if not given:
        return None
    if given is True:
        return Best(None)
    mode, _, metric = given.partition(":")
    if mode == "lowest" and metric:
        return Best(metric, "lowest")
    if mode == "highest" and metric:
        return Best(metric, "highest")
    accepted = 'True, "lowest:loss", "highest:accuracy" or another metric'
    raise BadInput(reason="what the best checkpoint is", fields=[FieldError("is_best", accepted)])


def number_of(name: str, value: Any) -> float:
    """A value that is logged, also one of numpy or torch. Raises BadInput."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise BadInput(reason=f"{name!r} is no number", fields=[FieldError(str(name), "a number")]) from None


def check_place(kind: str, step: int, epoch: float | None, measured: Mapping[str, float]) -> None:
    """Whether a checkpoint can be kept that says this of itself. Raises BadInput."""
    if kind not in get_args(Kind):
        accepted = ", ".join(get_args(Kind))
        raise BadInput(reason="an unknown kind of checkpoint", fields=[FieldError("kind", accepted)])
    check([Value(step, name, value, epoch=epoch) for name, value in [*measured.items(), ("step", 0.0)]])


def told(error: str) -> str:
    """What went wrong, as text that can be kept whatever it was."""
    return error.encode("utf-8", "replace").decode().replace("\0", "\ufffd")[:2000]
