"""Checkpoints: what is known of one, which is the best, and which are kept."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Kind = Literal["full", "weights", "optimizer"]
Role = Literal["weight", "optimizer", "state"]
Mode = Literal["lowest", "highest"]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A state from which training can go on (`full`), or a part of one. `metrics` may hold NaN and infinities."""

    checkpoint_id: uuid.UUID
    session_id: uuid.UUID | None
    model_id: uuid.UUID | None
    parent_id: uuid.UUID | None
    kind: Kind
    step: int
    epoch: float | None
    metrics: dict[str, Any]
    is_best: bool
    n_bytes: int
    new_bytes: int
    created_at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "metrics", {name: number(value) for name, value in self.metrics.items()})


@dataclass(frozen=True, slots=True)
class Held:
    """What the rules of keeping and of the best look at."""

    checkpoint_id: uuid.UUID
    kind: Kind
    step: int
    is_best: bool
    metrics: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Keep:
    """Which checkpoints stay: the `last` so many, those whose step `every` divides, the best. Without numbers, all."""

    last: int | None = None
    every: int | None = None
    best: bool = True

    def __post_init__(self) -> None:
        if (self.last is not None and self.last < 1) or (self.every is not None and self.every < 1):
            raise ValueError("last and every are at least 1")

    def doomed(self, held: Iterable[Held]) -> list[uuid.UUID]:
        """Those of one run that go, the earliest first; the last of each kind never does."""
        if self.last is None and self.every is None:
            return []
        ordered = sorted(held, key=lambda one: one.step)
        staying: set[uuid.UUID] = set()
        for kind in {one.kind for one in ordered}:
            staying |= {one.checkpoint_id for one in [x for x in ordered if x.kind == kind][-(self.last or 1) :]}
        staying |= {one.checkpoint_id for one in ordered if self.every and one.step % self.every == 0}
        staying |= {one.checkpoint_id for one in ordered if self.best and one.is_best}
        return [one.checkpoint_id for one in ordered if one.checkpoint_id not in staying]


def better(new: Mapping[str, Any], old: Mapping[str, Any] | None, metric: str, mode: Mode) -> bool:
    """Whether what was measured is better than what the best so far measured. What is no number is never the best."""
    value = number(new.get(metric))
    if not isinstance(value, int | float) or math.isnan(value):
        return False
    before = number(old.get(metric)) if old is not None else None
    if not isinstance(before, int | float) or math.isnan(before):
        return True
    return value < before if mode == "lowest" else value > before


def number(value: object) -> object:
    """A value of metrics as JSON holds it, as the number that it is."""
    return float(value) if value in ("NaN", "Infinity", "-Infinity") else value


def plain(metrics: Mapping[str, float]) -> dict[str, Any]:
    """Metrics for JSON, which has no NaN and no infinities: they stand as the words that Postgres reads as such."""

    def told(value: float) -> float | str:
        if math.isnan(value):
            return "NaN"
        return value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")

    return {name: told(float(value)) for name, value in metrics.items()}


@dataclass(frozen=True, slots=True)
class OptimizerEntry:
    """What an optimiser keeps of one parameter; the names are those of its tensors in the checkpoint."""

    parameter: str
    momentum: str | None
    variance: str | None
    hyperparameters: dict[str, Any]
    step: int
