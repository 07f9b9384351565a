"""Training runs: what is known of one, and what a trainer gets back when it goes on."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

Status = Literal["pending", "running", "paused", "completed", "failed", "cancelled"]
Compression = Literal["raw", "compressed", "delta"]
ENDED: Final = ("completed", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Session:
    """A run: what is trained how, and how far it has come."""

    session_id: uuid.UUID
    model_id: uuid.UUID | None
    name: str
    configuration: dict[str, Any]
    dataset: dict[str, Any]
    status: Status
    current_epoch: float
    total_epochs: float | None
    step: int
    error: str | None
    started_at: datetime | None
    heartbeat_at: datetime | None
    ended_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Progress:
    """A run beside its checkpoints: a row of the view v_training_progress."""

    session_id: uuid.UUID
    name: str
    model_id: uuid.UUID | None
    model_name: str | None
    model_version: int | None
    status: Status
    current_epoch: float
    total_epochs: float | None
    progress: float | None
    step: int
    checkpoint_count: int
    last_checkpoint_step: int | None
    best_checkpoint_id: uuid.UUID | None
    best_step: int | None
    best_metrics: dict[str, Any] | None
    started_at: datetime | None
    heartbeat_at: datetime | None
    ended_at: datetime | None
