"""What a run measures: single values as they are logged, and many of them as a curve of few points."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from anima.kernel import clock

Scope = Literal["train", "validation", "test"]


@dataclass(frozen=True, slots=True)
class Value:
    """One number at one step. `at` tells it from others of that step, and makes a second sending of it harmless."""

    step: int
    name: str
    value: float
    scope: Scope = "train"
    epoch: float | None = None
    at: datetime | None = None

    def __post_init__(self) -> None:
        if self.at is None:
            object.__setattr__(self, "at", clock.now())


@dataclass(frozen=True, slots=True)
class Series:
    """What was logged under one name: how many values, from which step to which, and the last of them."""

    scope: Scope
    name: str
    values: int
    first_step: int
    last_step: int
    last: float


@dataclass(frozen=True, slots=True)
class Bucket:
    """Neighbouring values of a series as one point. The extremes and the mean are those of its finite values."""

    first_step: int
    last_step: int
    values: int
    not_finite: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    last: float


@dataclass(frozen=True, slots=True)
class Curve:
    """A series with its buckets, in order of steps."""

    scope: Scope
    name: str
    values: int
    first_step: int
    last_step: int
    last: float
    buckets: list[Bucket]
