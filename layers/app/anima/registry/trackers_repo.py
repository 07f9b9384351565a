"""SQL of what a tracker is told of a run: its values in the order of steps, and its checkpoints."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Measured:
    """A value that a run measured."""

    scope: str
    name: str
    step: int
    at: datetime
    epoch: float | None
    value: float


@dataclass(frozen=True, slots=True)
class Kept:
    """A checkpoint of a run."""

    checkpoint_id: uuid.UUID
    step: int
    kind: str
    is_best: bool
    n_bytes: int
    new_bytes: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are."""

    found: int


VALUES = db.Query(
    Measured,
    """
    select scope, name, step, at, epoch, value from training_metrics
    where owner_id = %(owner_id)s and session_id = %(session_id)s and step >= %(step)s
        and (%(at)s::timestamptz is null or (step, at, scope, name) > (%(step)s, %(at)s, %(scope)s, %(name)s))
    order by step, at, scope, name
    limit %(limit)s
    """,
)

COUNT = db.Query(
    Count,
    "select count(*) as found from training_metrics where owner_id = %(owner_id)s and session_id = %(session_id)s",
)

CHECKPOINTS = db.Query(
    Kept,
    """
    select checkpoint_id, step, kind, is_best, n_bytes, new_bytes, created_at from model_checkpoints
    where owner_id = %(owner_id)s and session_id = %(session_id)s
    order by step, kind
    """,
)


def values(
    tx: db.Transaction, owner_id: int, session_id: uuid.UUID, after: Measured | None, limit: int
) -> db.Pending[Measured]:
    """The values of a run that follow one of them, in the order of steps."""
    return tx.fetch(
        VALUES,
        owner_id=owner_id,
        session_id=session_id,
        step=after.step if after else 0,
        at=after.at if after else None,
        scope=after.scope if after else "",
        name=after.name if after else "",
        limit=limit,
    )


def count(tx: db.Transaction, owner_id: int, session_id: uuid.UUID) -> db.Pending[Count]:
    """How many values a run has measured."""
    return tx.fetch(COUNT, owner_id=owner_id, session_id=session_id)


def checkpoints(tx: db.Transaction, owner_id: int, session_id: uuid.UUID) -> db.Pending[Kept]:
    """The checkpoints of a run, in the order of steps."""
    return tx.fetch(CHECKPOINTS, owner_id=owner_id, session_id=session_id)
