"""What HTTP is told of jobs, and what it answers: bodies with their examples."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from anima.kernel import http
from anima.registry.metrics_model import Scope
from anima.training.model import Backend, Kind, Source, Status

ID = "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f"
TIME = "2026-11-22T10:00:00Z"
JOB: dict[str, Any] = {
    "job_id": ID,
    "kind": "simulation",
    "name": "DQN on CartPole-v1",
    "label": "standard",
    "status": "running",
    "wanted": "run",
    "configuration": {"task": "train", "simulation": {"environment": {"id": "CartPole-v1"}}},
    "limits": {"wall_seconds": 3600},
    "backend": "local",
    "gpus": 0,
    "waiting_for": None,
    "run_id": ID,
    "model_id": None,
    "registered_model": None,
    "attempt": 1,
    "most_attempts": 3,
    "step": 1200,
    "of": 50_000,
    "progress": {"episode": 31, "return_mean": 42.5, "steps_per_second": 3900.0},
    "error": None,
    "exit_code": None,
    "result": None,
    "source": "api",
    "stop_asked_at": None,
    "heartbeat_at": TIME,
    "not_before": None,
    "created_at": TIME,
    "started_at": TIME,
    "ended_at": None,
    "updated_at": TIME,
}
SERIES: dict[str, Any] = {
    "name": "return_mean",
    "scope": "train",
    "values": 1200,
    "first_step": 1,
    "last_step": 1200,
    "last": 42.5,
    "buckets": [],
}


class NewJob(http.Body):
    """A job: a simulation that trains, or a batch of questions to a model."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"simulation": "cartpole"}]})
    kind: Kind | None = Field(None, description="Not set: by what is given")
    name: str | None = Field(None, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")
    simulation: dict[str, Any] | str | None = Field(None, description="A simulation file, or the name of a ready one")
    batch: dict[str, Any] | None = Field(None, description="The configuration of a batch inference")
    backend: Backend | None = Field(None, description="Where it runs; not set: as the settings say")
    gpus: int | None = Field(None, ge=0, le=64, description="Not set: as its simulation says")
    spot: bool | None = Field(
        None,
        description="In SageMaker and Batch: capacity that is cheaper and may be taken away, from which it goes on by "
        "its checkpoint; false: on demand. Not set: spot",
    )
    source: Source = Field("api", description="By which door it came")


class JobModel(BaseModel):
    """The version of a model that came of a job."""

    model_id: uuid.UUID
    name: str
    version: int


class JobAnswer(BaseModel):
    """A job."""

    job_id: uuid.UUID
    kind: Kind
    name: str
    label: str | None = Field(description="Which physics it trains by")
    status: Status
    wanted: str = Field(description="run, paused or cancelled: what it is to become")
    configuration: dict[str, Any]
    limits: dict[str, Any]
    backend: Backend
    gpus: int
    waiting_for: str | None = Field(description="gpus or processes, where it waits for them")
    run_id: uuid.UUID | None
    model_id: uuid.UUID | None
    registered_model: JobModel | None
    attempt: int = Field(description="Which of those that count: not what was paused, or interrupted by its machine")
    most_attempts: int
    step: int | None
    of: int | None
    progress: dict[str, Any]
    error: str | None
    exit_code: int | None
    result: dict[str, Any] | None
    source: Source
    stop_asked_at: datetime | None
    heartbeat_at: datetime | None
    not_before: datetime | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    updated_at: datetime


class JobMetricBucket(BaseModel):
    """Values of neighbouring steps; minimum, maximum and mean of those that are finite numbers."""

    first_step: int
    last_step: int
    values: int
    not_finite: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    last: float | None = Field(description="null where it is no finite number")


class JobMetricSeries(BaseModel):
    """A metric over the steps of a run."""

    name: str
    scope: Scope
    values: int
    first_step: int
    last_step: int
    last: float | None = Field(description="null where it is no finite number")
    buckets: list[JobMetricBucket]


class JobMetrics(BaseModel):
    """What a job measured, by its run."""

    job_id: uuid.UUID
    run_id: uuid.UUID | None
    series: list[JobMetricSeries]


class LogLine(BaseModel):
    """A line that a job wrote."""

    seq: int
    at: datetime
    line: str


class Different(BaseModel):
    """A place in which two configurations differ; null where one has nothing there."""

    path: str
    a: Any
    b: Any


class ReadySimulation(BaseModel):
    """A simulation that came with this code."""

    name: str
    title: str
    simulation: dict[str, Any]


class Capacity(BaseModel):
    """How much room there is for jobs, of everybody together."""

    gpus: int
    gpus_free: int
    processes: int
    processes_free: int
    waiting: int
    backends: list[str] = Field(description="Those that are set up here")
