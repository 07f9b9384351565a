"""SQL of what is lent to jobs: GPUs, and places on this machine."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta

from anima.kernel import db
from anima.training.model import Room


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of asking for room: taken, gpus or processes (it waits for them), or gone."""

    outcome: str


@dataclass(frozen=True, slots=True)
class Lent:
    """A GPU that a job has."""

    gpu_id: str


@dataclass(frozen=True, slots=True)
class Due:
    """A job that somebody is to look at, and whose it is."""

    owner_id: int
    job_id: uuid.UUID


TAKE = db.Query(Taken, "select training_take(%(job_id)s, %(gpus)s, %(processes)s) as outcome")

LENT = db.Query(
    Lent,
    """
    select gpu_id from gpu_sessions
    where owner_id = %(owner_id)s and job_id = %(job_id)s and released_at is null order by allocated_at, gpu_id
    """,
)

RELEASE = db.Query(
    Lent,
    """
    update gpu_sessions set released_at = now()
    where owner_id = %(owner_id)s and job_id = %(job_id)s and released_at is null
    returning gpu_id
    """,
)

ROOM = db.Query(Room, "select gpus_lent, processes_here, waiting from training_room()")

DUE = db.Query(Due, "select owner_id, job_id from training_due(%(silent)s)")


def take(tx: db.Transaction, job_id: uuid.UUID, gpus: int, processes: int) -> db.Pending[Taken]:
    """Lends a queued job what it needs, where there are so many GPUs and processes, and makes it starting."""
    return tx.fetch(TAKE, job_id=job_id, gpus=gpus, processes=processes)


def lent(tx: db.Transaction, owner_id: int, job_id: uuid.UUID) -> db.Pending[Lent]:
    """The GPUs that a job has."""
    return tx.fetch(LENT, owner_id=owner_id, job_id=job_id)


def release(tx: db.Transaction, owner_id: int, job_id: uuid.UUID) -> db.Pending[Lent]:
    """Gives the GPUs of a job back; twice is once."""
    return tx.fetch(RELEASE, owner_id=owner_id, job_id=job_id)


def room(tx: db.Transaction) -> db.Pending[Room]:
    """How much is lent, and how many wait."""
    return tx.fetch(ROOM)


def due(tx: db.Transaction, silent: timedelta | None) -> db.Pending[Due]:
    """Jobs that wait for room, and those that nobody has looked at for so long: for a worker that acts for nobody."""
    return tx.fetch(DUE, silent=silent)
