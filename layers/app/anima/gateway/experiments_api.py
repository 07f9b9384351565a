"""Experiments over HTTP; for admins."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from anima.gateway import experiments_admin_service as service
from anima.gateway.experiments_report_model import Guard, MetricName
from anima.kernel import http
from anima.kernel.http import Items

router = APIRouter(tags=["experiments"])

ExperimentId = Annotated[int, Path(gt=0, lt=2**63)]
_KEY = r"^[a-z][a-z0-9_]{0,39}$"
Param = Annotated[StrictBool | StrictInt | StrictFloat | Annotated[StrictStr, Field(max_length=100)], Field()]
_VARIANTS = [
    {"name": "as it is", "weight": 1.0, "model": None, "prompt": None, "params": {}, "policy": {}},
    {"name": "brief", "weight": 1.0, "model": None, "prompt": "brief@2", "params": {"temperature": 0.2}, "policy": {}},
]
_GUARD = {"min_answers": 20, "confidence": 0.95, "bounds": {"errors": 0.05, "safety": 0.02, "liked": 0.2}}
_EXPERIMENT = {
    "exp_id": 1,
    "name": "brief answers",
    "variants": _VARIANTS,
    "metric": "liked",
    "guard": _GUARD,
    "created_by": 1,
    "start_ts": "2026-11-22T10:00:00Z",
    "end_ts": None,
    "ended": None,
}
_APART = {"value": 0.12, "low": 0.02, "high": 0.22}
_SEEN = {"n": 210, "people": 35, "value": 0.81, "low": 0.74, "high": 0.87}
_REPORT = {
    **_EXPERIMENT,
    "report": {
        "variants": [
            {"name": "as it is", "people": 40, "answers": 602, "metrics": {"liked": {**_SEEN, "difference": None}}},
            {"name": "brief", "people": 38, "answers": 577, "metrics": {"liked": {**_SEEN, "difference": _APART}}},
        ],
        "verdict": {"metric": "liked", "better": ["brief"], "worse": [], "open": False},
    },
}


class VariantBody(http.Body):
    """A variant; what is left out stays as it is. The first one is that which the others are held to."""

    name: str = Field(min_length=1, max_length=40)
    weight: float = Field(1.0, gt=0, le=1000, allow_inf_nan=False, description="Its share, over the sum of all weights")
    model: str | None = Field(None, min_length=1, max_length=200, description="A role, or `provider:name`")
    prompt: str | None = Field(None, max_length=120, description="`name@version`: a further system part")
    params: dict[Annotated[str, Field(pattern=_KEY)], Param] = Field(
        default_factory=dict, max_length=20, description="Parameters of the call, over the model's own"
    )
    policy: dict[Annotated[str, Field(pattern=_KEY)], StrictBool] = Field(
        default_factory=dict, max_length=20, description="Switches of avatars that are off, as `{'hints': false}`"
    )


class GuardBody(http.Body):
    """When the experiment stops by itself: a variant is worse than the first one by more than a bound."""

    min_answers: int = Field(20, ge=5, le=1_000_000, description="So many answers both must have")
    confidence: float = Field(0.95, ge=0.5, le=0.9999, description="However often one looks")
    bounds: dict[MetricName, Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]] = Field(
        default_factory=lambda: dict(Guard().bounds),  # type: ignore[arg-type]
        description="By metric; of latency and cost a part of the first variant's mean",
    )


class NewExperiment(http.Body):
    """Variants to try on people."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "brief answers",
                    "variants": [{"name": "as it is"}, {"name": "brief", "params": {"temperature": 0.2}}],
                    "metric": "liked",
                }
            ]
        },
    )
    name: str = Field(min_length=1, max_length=100)
    variants: list[VariantBody] = Field(min_length=2, max_length=10)
    metric: MetricName = Field("liked", description="What decides")
    guard: GuardBody = Field(default_factory=GuardBody)


class StopBody(http.Body):
    """Why it is stopped."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "decided"}]})
    reason: str = Field("", max_length=500)


class VariantAnswer(BaseModel):
    """A variant."""

    name: str
    weight: float = 1.0
    model: str | None = None
    prompt: str | None = None
    params: dict[str, Any] = Field(default_factory=dict)
    policy: dict[str, bool] = Field(default_factory=dict)


class ExperimentAnswer(BaseModel):
    """An experiment."""

    exp_id: int
    name: str
    variants: list[VariantAnswer]
    metric: MetricName
    guard: GuardBody
    created_by: int | None
    start_ts: datetime
    end_ts: datetime | None = Field(description="Null: it runs")
    ended: dict[str, Any] | None = Field(description="By whom and why it was ended")


class VariantApart(BaseModel):
    """By how much a variant exceeds the first one."""

    value: float
    low: float | None
    high: float | None


class VariantMeasured(BaseModel):
    """A metric of a variant, with the interval in which it lies with 95%."""

    n: int = Field(description="Answers that count")
    people: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    difference: VariantApart | None = None


class VariantReport(BaseModel):
    """What was seen of a variant."""

    name: str
    people: int
    answers: int
    metrics: dict[MetricName, VariantMeasured]


class ExperimentVerdict(BaseModel):
    """Which variants are surely better or worse than the first; `open`: of some it is not known."""

    metric: MetricName
    better: list[str]
    worse: list[str]
    open: bool


class ExperimentReport(BaseModel):
    """What an experiment has shown."""

    variants: list[VariantReport]
    verdict: ExperimentVerdict


class ReportedExperiment(ExperimentAnswer):
    """An experiment with what it has shown."""

    report: ExperimentReport


@router.get(
    "/experiments",
    summary="Experiments",
    response_model=Items[ExperimentAnswer],
    responses={**http.example({"items": [_EXPERIMENT], "next_cursor": None}), **http.problems(403)},
)
def list_experiments(caller: http.AdminCaller, cursor: http.PageCursor = None, limit: http.PageLimit = 50) -> Any:
    """Admins only; the newest first."""
    page = service.experiments(caller, cursor, limit)
    return {"items": page.items, "next_cursor": page.next_cursor}


@router.post(
    "/experiments",
    status_code=201,
    summary="Begin an experiment",
    response_model=ExperimentAnswer,
    responses={**http.example(_EXPERIMENT, 201), **http.problems(403, 409)},
)
def begin_experiment(caller: http.AdminCaller, body: NewExperiment) -> Any:
    """Admins only. From now on each person is given one of the variants, and keeps it while the experiment runs."""
    variants = [service.NewVariant(**one.model_dump()) for one in body.variants]
    guard = Guard(
        body.guard.min_answers, body.guard.confidence, {str(name): bound for name, bound in body.guard.bounds.items()}
    )
    return service.begin(caller, body.name, variants, body.metric, guard)


@router.get(
    "/experiments/{exp_id}",
    summary="What an experiment has shown",
    response_model=ReportedExperiment,
    responses={**http.example(_REPORT), **http.problems(403, 404)},
)
def report_experiment(caller: http.AdminCaller, exp_id: ExperimentId) -> Any:
    """Admins only: of each variant feedback, latency, cost, errors and safety, with their intervals."""
    experiment, shown = service.reported(caller, exp_id)
    return {**asdict(experiment), "report": shown}


@router.post(
    "/experiments/{exp_id}/stop",
    summary="Stop an experiment",
    response_model=ExperimentAnswer,
    responses={**http.example(_EXPERIMENT), **http.problems(403, 404)},
)
def stop_experiment(caller: http.AdminCaller, exp_id: ExperimentId, body: StopBody) -> Any:
    """Admins only. People are answered as usual from the next turn on; what was seen stays."""
    return service.stop(caller, exp_id, body.reason)
