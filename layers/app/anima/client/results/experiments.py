"""What prompts and experiments answer with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Prompt:
    """A version of a prompt."""

    prompt_id: int
    name: str
    version: int
    content: str
    created_by: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PromptDifference:
    """How two versions differ."""

    name: str
    old: int
    new: int
    diff: str


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant."""

    name: str
    weight: float = 1.0
    model: str | None = None
    prompt: str | None = None
    params: Mapping[str, Any] | None = None
    policy: Mapping[str, bool] | None = None


@dataclass(frozen=True, slots=True)
class Guard:
    """When the experiment stops by itself: a variant is worse than the first one by more than a bound."""

    min_answers: int = 20
    confidence: float = 0.95
    bounds: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment."""

    exp_id: int
    name: str
    variants: tuple[Variant, ...]
    metric: Literal["liked", "rating", "latency", "cost", "errors", "safety"]
    guard: Guard
    created_by: int | None
    start_ts: datetime
    end_ts: datetime | None
    ended: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class MeasuredDifference:
    """By how much a variant exceeds the first one."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric of a variant, with the interval in which it lies with 95%."""

    n: int
    people: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    difference: MeasuredDifference | None = None


@dataclass(frozen=True, slots=True)
class VariantReport:
    """What was seen of a variant."""

    name: str
    people: int
    answers: int
    metrics: Mapping[str, Measured]


@dataclass(frozen=True, slots=True)
class ExperimentVerdict:
    """Which variants are surely better or worse than the first; `open`: of some it is not known."""

    metric: Literal["liked", "rating", "latency", "cost", "errors", "safety"]
    better: tuple[str, ...]
    worse: tuple[str, ...]
    open: bool


@dataclass(frozen=True, slots=True)
class ExperimentReport:
    """What an experiment has shown."""

    variants: tuple[VariantReport, ...]
    verdict: ExperimentVerdict


@dataclass(frozen=True, slots=True)
class ReportedExperiment(Experiment):
    """An experiment with what it has shown."""

    report: ExperimentReport
