"""Trackers: where others look at training runs (MLflow, TensorBoard, Weights & Biases); a run is written into them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Literal, Protocol
from uuid import UUID

from anima.kernel.errors import AnimaError, BadInput

Kind = Literal["mlflow", "tensorboard", "wandb"]
KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "mlflow": "anima.vendors.trackers.mlflow_runs",
        "tensorboard": "anima.vendors.trackers.tensorboard_files",
        "wandb": "anima.vendors.trackers.wandb_offline",
    }
)


class TrackerMissing(AnimaError):
    """{kind} cannot be written, because it is not installed here: install the extra `train` (anima[train])."""

    status = 501
    slug = "tracker-missing"


class TrackerRefused(AnimaError):
    """{kind} could not write the run to {place}: {reason}."""

    status = 502
    slug = "tracker-refused"
    quoted = ("place", "reason")


@dataclass(frozen=True, slots=True)
class TrackedRun:
    """A run as a tracker is told of it."""

    run_id: UUID
    name: str
    project: str
    status: str
    model: str | None
    configuration: Mapping[str, Any]
    dataset: Mapping[str, Any]
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    error: str | None

    @property
    def begun(self) -> datetime:
        """When it began."""
        return self.started_at or self.created_at

    @property
    def parameters(self) -> dict[str, Any]:
        """What it was configured with, flat: inner names follow outer ones behind a dot."""
        return {**flat(self.configuration), **flat(self.dataset, "dataset.")}


@dataclass(frozen=True, slots=True)
class Point:
    """One value that was measured."""

    scope: str
    name: str
    step: int
    at: datetime
    epoch: float | None
    value: float


@dataclass(frozen=True, slots=True)
class KeptState:
    """A checkpoint, as far as a tracker is told of it."""

    checkpoint_id: UUID
    step: int
    kind: str
    is_best: bool
    n_bytes: int
    new_bytes: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Written:
    """Where a run is found now, and how much of it was written."""

    place: str
    run_id: str
    points: int


class Tracker(Protocol):
    """A module that writes runs, whose points come in the order of steps; a run's next time replaces the earlier."""

    def write(
        self, place: str, run: TrackedRun, points: Iterable[Point], checkpoints: Sequence[KeptState]
    ) -> Written: ...


def write(kind: str, place: str, run: TrackedRun, points: Iterable[Point], checkpoints: Sequence[KeptState]) -> Written:
    """Writes a run. Raises BadInput for an unknown kind, TrackerMissing, TrackerRefused."""
    if kind not in KINDS:
        raise BadInput(reason=f"runs are written to {', '.join(KINDS)}, not to {kind[:40]!r}")
    if not place:
        raise BadInput(reason="the place to write to is empty")
    writer: Callable[..., Written] = importlib.import_module(KINDS[kind]).write
    try:
        return writer(place, run, points, checkpoints)
    except ImportError as error:
        raise TrackerMissing(kind=kind) from error
    except OSError as error:
        raise TrackerRefused(kind=kind, place=place, reason=error.strerror or type(error).__name__) from error


def flat(given: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Values by path; lists and what is empty stay whole."""
    found: dict[str, Any] = {}
    for name, value in given.items():
        inner = flat(value, f"{before}{name}.") if isinstance(value, Mapping) and value else {f"{before}{name}": value}
        found |= inner
    return found


def folder_name(run: TrackedRun) -> str:
    """A folder for a run: its name as far as it is safe, and its id."""
    safe = "".join(one if one.isascii() and (one.isalnum() or one in "-_") else "-" for one in run.name[:60])
    return f"{safe.strip('-') or 'run'}-{run.run_id.hex}"
