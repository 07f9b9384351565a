"""What jobs answer with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from anima.client.results.runs import MetricSeries

JobStatus = Literal["queued", "starting", "running", "stopping", "paused", "completed", "failed", "cancelled"]
JobKind = Literal["simulation", "batch_inference"]
JobBackend = Literal["local", "container", "sagemaker", "batch"]
JobSource = Literal["api", "schedule", "queue", "cli"]


@dataclass(frozen=True, slots=True)
class JobModel:
    """The version of a model that came of a job."""

    model_id: UUID
    name: str
    version: int


@dataclass(frozen=True, slots=True)
class Job:
    """Work in a process of its own: what it was told, how far it is, what came of it."""

    job_id: UUID
    kind: JobKind
    name: str
    label: str | None
    status: JobStatus
    wanted: str
    configuration: Mapping[str, Any]
    limits: Mapping[str, Any]
    backend: JobBackend
    gpus: int
    waiting_for: str | None
    run_id: UUID | None
    model_id: UUID | None
    registered_model: JobModel | None
    attempt: int
    most_attempts: int
    step: int | None
    of: int | None
    progress: Mapping[str, Any]
    error: str | None
    exit_code: int | None
    result: Mapping[str, Any] | None
    source: JobSource
    stop_asked_at: datetime | None
    heartbeat_at: datetime | None
    not_before: datetime | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    updated_at: datetime

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self.status in ("completed", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class JobMetrics:
    """What a job measured."""

    job_id: UUID
    run_id: UUID | None
    series: tuple[MetricSeries, ...]


@dataclass(frozen=True, slots=True)
class JobLine:
    """A line that a job wrote."""

    seq: int
    at: datetime
    line: str


@dataclass(frozen=True, slots=True)
class JobDifference:
    """A place in which two configurations differ; None where one has nothing there."""

    path: str
    a: Any
    b: Any


@dataclass(frozen=True, slots=True)
class ReadySimulation:
    """A simulation that comes along."""

    name: str
    title: str
    simulation: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class JobCapacity:
    """How much room there is for jobs, of everybody together."""

    gpus: int
    gpus_free: int
    processes: int
    processes_free: int
    waiting: int
    backends: tuple[str, ...]
