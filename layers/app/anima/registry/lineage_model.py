"""Where a model comes from, and what came of it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Kin:
    """A model that another one came from (`generation` below zero), or that came from it (above)."""

    model_id: uuid.UUID
    name: str
    version: int
    status: str
    parent_id: uuid.UUID | None
    derivation: dict[str, Any]
    generation: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class KinRun:
    """A run that went on from a model, or that it came from, and how many checkpoints it left."""

    run_id: uuid.UUID
    name: str
    status: str
    step: int
    started_at: datetime | None
    ended_at: datetime | None
    checkpoints: int


@dataclass(frozen=True, slots=True)
class Lineage:
    """The ancestors of a model (the nearest first), its descendants (by generation, then by age), its runs (the
    earliest first) and how many checkpoints it has, of its own and of its runs.
    """

    model_id: uuid.UUID
    ancestors: list[Kin]
    descendants: list[Kin]
    runs: list[KinRun]
    checkpoints: int
