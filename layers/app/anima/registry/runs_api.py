"""HTTP of training runs: begun, watched, measured, ended. What trains in Python writes by `registry.runs` instead."""

from __future__ import annotations

import math
import uuid
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from anima.kernel import http
from anima.kernel.http import Items
from anima.registry import metrics_model, metrics_service, run_model, run_reading_service, run_remote_service
from anima.registry.metrics_model import Scope
from anima.registry.run_model import Status as RunStatus

router = APIRouter(tags=["registry"])

_ID = "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f"
_TIME = "2026-11-22T10:00:00Z"
_MOST_VALUES = 1000
_MOST_SERIES = 20
_RUN: dict[str, Any] = {
    "run_id": _ID,
    "model_id": _ID,
    "name": "warm restarts",
    "configuration": {"learning_rate": 0.0003},
    "dataset": {"name": "tiny-shakespeare"},
    "status": "running",
    "step": 1200,
    "current_epoch": 1.5,
    "total_epochs": 4,
    "error": None,
    "started_at": _TIME,
    "heartbeat_at": _TIME,
    "ended_at": None,
    "created_at": _TIME,
}
_SERIES = {
    "name": "loss",
    "scope": "train",
    "values": 1200,
    "first_step": 1,
    "last_step": 1200,
    "last": 2.1,
    "buckets": [
        {
            "first_step": 1,
            "last_step": 12,
            "values": 12,
            "not_finite": 0,
            "minimum": 2.1,
            "maximum": 4.4,
            "mean": 3.0,
            "last": 2.1,
        }
    ],
}


class NewRun(http.Body):
    """A run that is about to begin."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "warm restarts", "configuration": {"learning_rate": 0.0003}}]},
    )
    name: str = Field(min_length=1, max_length=200)
    model_id: uuid.UUID | None = Field(None, description="The model that is trained")
    configuration: dict[str, Any] = Field(default_factory=dict, description="What it would take to begin again")
    dataset: dict[str, Any] = Field(default_factory=dict)
    total_epochs: float | None = Field(None, gt=0, le=1e9, allow_inf_nan=False)


class RunChange(http.Body):
    """How a run goes on."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"status": "completed"}]})
    status: RunStatus
    error: str | None = Field(None, max_length=4000, description="Why it failed")


class RunAnswer(BaseModel):
    """A training run."""

    run_id: uuid.UUID
    model_id: uuid.UUID | None
    name: str
    configuration: dict[str, Any]
    dataset: dict[str, Any]
    status: RunStatus
    step: int
    current_epoch: float
    total_epochs: float | None
    error: str | None
    started_at: datetime | None
    heartbeat_at: datetime | None
    ended_at: datetime | None
    created_at: datetime


class MetricValue(http.Body):
    """One measured value."""

    step: int = Field(ge=0, lt=2**63)
    name: str = Field(min_length=1, max_length=200)
    value: float = Field(description="Also infinite or no number, as losses become; then sent as a string")
    scope: Scope = "train"
    epoch: float | None = Field(None, ge=0, le=1e9, allow_inf_nan=False)
    at: AwareDatetime | None = Field(None, description="When; sent again with the same time, it is entered once")


class MetricBatch(http.Body):
    """Values of a run."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"values": [{"step": 12, "name": "loss", "value": 2.1, "at": "2026-11-22T10:00:00Z"}]}]
        },
    )
    values: list[MetricValue] = Field(min_length=1, max_length=_MOST_VALUES)


class MetricsWritten(BaseModel):
    """How many of the values were new."""

    written: int


class MetricBucket(BaseModel):
    """Values of neighbouring steps; minimum, maximum and mean of those that are finite numbers."""

    first_step: int
    last_step: int
    values: int
    not_finite: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    last: float | None = Field(description="null where it is no finite number")


class MetricSeries(BaseModel):
    """A metric over the steps of a run."""

    name: str
    scope: Scope
    values: int
    first_step: int
    last_step: int
    last: float | None = Field(description="null where it is no finite number")
    buckets: list[MetricBucket]


class RunMetrics(BaseModel):
    """What a run measured."""

    run_id: uuid.UUID
    series: list[MetricSeries]


def _told(one: run_model.Session) -> dict[str, Any]:
    fields = asdict(one)
    return {**fields, "run_id": fields.pop("session_id")}


@router.get(
    "/registry/runs",
    summary="Training runs",
    response_model=Items[RunAnswer],
    responses={**http.example({"items": [_RUN], "next_cursor": None}), **http.problems(404)},
)
def list_runs(
    caller: http.Caller,
    model_id: Annotated[uuid.UUID | None, Query(description="Only those that train this model")] = None,
    status: Annotated[RunStatus | None, Query(description="Only those in this state")] = None,
    cursor: http.PageCursor = None,
    limit: http.PageLimit = 50,
) -> Any:
    """The newest first."""
    page = run_reading_service.sessions(caller, cursor, limit, model_id=model_id, status=status)
    return {"items": [_told(one) for one in page.items], "next_cursor": page.next_cursor}


@router.post(
    "/registry/runs",
    status_code=201,
    summary="Begin a training run",
    response_model=RunAnswer,
    responses={**http.example(_RUN, 201), **http.problems(404)},
)
def create_run(caller: http.Caller, body: NewRun) -> Any:
    """For who trains elsewhere and sends what is measured here. In Python: `registry.runs.begin`."""
    made = run_remote_service.begin(
        caller, body.name, body.model_id, body.configuration, body.dataset, body.total_epochs
    )
    return _told(made)


@router.get(
    "/registry/runs/{run_id}",
    summary="A training run",
    response_model=RunAnswer,
    responses={**http.example(_RUN), **http.problems(404)},
)
def get_run(caller: http.Caller, run_id: uuid.UUID) -> Any:
    """How far it is, and when it was last heard of."""
    return _told(run_reading_service.session(caller, run_id))


@router.patch(
    "/registry/runs/{run_id}",
    summary="Change the state of a run",
    response_model=RunAnswer,
    responses={**http.example(_RUN), **http.problems(404, 409)},
)
def change_run(caller: http.Caller, run_id: uuid.UUID, body: RunChange) -> Any:
    """Pauses it, ends it, or lets it go on. One that has ended stays as it ended."""
    return _told(run_remote_service.change(caller, run_id, body.status, body.error))


@router.delete(
    "/registry/runs/{run_id}",
    status_code=204,
    summary="Delete a run",
    responses={**http.problems(404)},
)
def delete_run(caller: http.Caller, run_id: uuid.UUID) -> None:
    """With what it measured and its checkpoints; who trains it cannot go on. The model stays."""
    run_remote_service.delete(caller, run_id)


@router.get(
    "/registry/runs/{run_id}/metrics",
    summary="What a run measured",
    response_model=RunMetrics,
    responses={**http.example({"run_id": _ID, "series": [_SERIES]}), **http.problems(404)},
)
def get_metrics(
    caller: http.Caller,
    run_id: uuid.UUID,
    name: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=200)]],
        Query(max_length=50, description="Only metrics of these names"),
    ] = [],  # noqa: B006
    scope: Annotated[Scope | None, Query(description="Only those of this part of the data")] = None,
    points: Annotated[int, Query(ge=1, le=2000, description="Into so many buckets of each metric at most")] = 200,
) -> Any:
    """Downsampled: of each bucket of steps the least, the greatest and the mean value, so that no peak is lost. Of more
    than 20 metrics only those have buckets that `name` asks for.
    """
    if not name:
        known = [one for one in metrics_service.series(caller, run_id) if scope in (None, one.scope)]
        if len(known) > _MOST_SERIES:
            return {"run_id": run_id, "series": [{**_last(one), "buckets": []} for one in known]}
    found = metrics_service.downsampled(caller, run_id, names=name, scope=scope, points=points)
    return {"run_id": run_id, "series": [_curve(one) for one in found]}


def _curve(one: metrics_model.Curve) -> dict[str, Any]:
    return {**_last(one), "buckets": [_last(bucket) for bucket in one.buckets]}


def _last(one: metrics_model.Series | metrics_model.Curve | metrics_model.Bucket) -> dict[str, Any]:
    """As JSON has it: no number where the last value is none, or is infinite."""
    return {**asdict(one), "last": one.last if math.isfinite(one.last) else None}


@router.post(
    "/registry/runs/{run_id}/metrics",
    status_code=201,
    summary="Send what a run measured",
    response_model=MetricsWritten,
    responses={**http.example({"written": 1}, 201), **http.problems(404, 409)},
)
def post_metrics(caller: http.Caller, run_id: uuid.UUID, body: MetricBatch) -> Any:
    """Up to 1000 values in one go. A value that brings its own time may come twice, and is entered once."""
    values = [metrics_model.Value(**one.model_dump(exclude_none=True)) for one in body.values]
    return {"written": metrics_service.write(caller, run_id, values)}
