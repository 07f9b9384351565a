"""Jobs: what is known of one, what it may use, and in which states it can be."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

Kind = Literal["simulation", "batch_inference"]
Status = Literal["queued", "starting", "running", "stopping", "paused", "completed", "failed", "cancelled"]
Backend = Literal["local", "container", "sagemaker", "batch"]
Source = Literal["api", "schedule", "queue", "cli"]
Wanted = Literal["run", "paused", "cancelled"]

LIVE: Final = ("starting", "running", "stopping")
"""It has room, and most likely a process."""
ENDED: Final = ("completed", "failed", "cancelled")
HERE: Final = ("local", "container")
"""Backends whose jobs run on this machine."""
OWN: Final = ("log", "waits", "stopped_at")
"""What the room itself keeps in the progress of a job: where its log was read to, and what was tried."""
SCRIPTS: Final[dict[str, str]] = {"simulation": "simulate", "batch_inference": "batch_inference"}
"""Which script of gpu_jobs a kind of job runs."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a job may use; None: as much as there is."""

    memory_bytes: int | None = None
    wall_seconds: int | None = None
    spot: bool | None = None
    """Whether it may run on capacity that can be taken away, where a cloud runs it; None: it may."""


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job as it is asked for, its configuration checked."""

    kind: Kind
    name: str
    configuration: dict[str, Any]
    backend: Backend
    gpus: int = 0
    limits: Limits = Limits()
    source: Source = "api"


@dataclass(frozen=True, slots=True)
class Job:
    """A job: a row of training_jobs, with the model that came of it."""

    job_id: uuid.UUID
    owner_id: int
    kind: Kind
    name: str
    status: Status
    wanted: Wanted
    configuration: dict[str, Any]
    limits: dict[str, Any]
    backend: Backend
    gpus: int
    waiting_for: str | None
    run_id: uuid.UUID | None
    model_id: uuid.UUID | None
    model_name: str | None
    model_version: int | None
    handle: str | None
    execution: str | None
    attempt: int
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
    check_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    updated_at: datetime

    @property
    def attempt_name(self) -> str:
        """What the attempt that runs now is called everywhere: the job's id and which attempt it is."""
        return f"{self.job_id.hex}-{self.attempt}"

    @property
    def spot(self) -> bool:
        """Whether it may run on capacity that can be taken away."""
        return bool(self.limits.get("spot", True))


@dataclass(frozen=True, slots=True)
class Line:
    """A line that a job wrote."""

    seq: int
    at: datetime
    line: str


@dataclass(frozen=True, slots=True)
class Room:
    """How much is lent to jobs, and how many wait: of everybody."""

    gpus_lent: int
    processes_here: int
    waiting: int
