"""SQL of the calendar of training."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are."""

    n: int


LOCK = db.Command("select pg_advisory_xact_lock(hashtextextended('training_cycle', %(owner_id)s))")

# The event that is being handled now is not in the future any more.
ARMED = db.Query(
    Count,
    """
    select count(*)::integer as n from outbox
    where owner_id = %(owner_id)s and topic = 'training.cycle' and delivered_at is null and dead_at is null
        and attempts = 0 and next_attempt_at > %(now)s
    """,
)

ALIVE = db.Query(
    Count,
    """
    select count(*)::integer as n from training_jobs
    where owner_id = %(owner_id)s and source = 'schedule' and (
        status in ('queued', 'starting', 'running', 'stopping') or job_id = %(job_id)s
    )
    """,
)


def lock(tx: db.Transaction, owner_id: int) -> None:
    """Nobody else arms a turn until the transaction ends."""
    tx.execute(LOCK, owner_id=owner_id)


def armed(tx: db.Transaction, owner_id: int, now: datetime) -> db.Pending[Count]:
    """How many turns are to come."""
    return tx.fetch(ARMED, owner_id=owner_id, now=now)


def alive(tx: db.Transaction, owner_id: int, job_id: uuid.UUID) -> db.Pending[Count]:
    """How many jobs of the calendar have not ended, or are this one."""
    return tx.fetch(ALIVE, owner_id=owner_id, job_id=job_id)
