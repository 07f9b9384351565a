"""SQL of training runs. Whoever writes to one names itself: the row says who may."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anima.kernel import db
from anima.registry.run_model import Progress, Session


@dataclass(frozen=True, slots=True)
class Taken:
    """A run that this writer holds from now on."""

    session_id: uuid.UUID
    model_id: uuid.UUID | None
    step: int
    current_epoch: float


@dataclass(frozen=True, slots=True)
class Known:
    """Whether a run was there already."""

    session_id: uuid.UUID


ADD = db.Query(
    Known,
    """
    insert into training_sessions (
        session_id, owner_id, model_id, name, configuration, dataset, status, total_epochs, writer, started_at,
        heartbeat_at, created_at, updated_at
    )
    values (
        %(session_id)s, %(owner_id)s, %(model_id)s, %(name)s, %(configuration)s, %(dataset)s, %(status)s,
        %(total_epochs)s, %(writer)s, case when %(status)s = 'running' then %(at)s::timestamptz end,
        case when %(status)s = 'running' then %(at)s::timestamptz end, %(at)s, %(at)s
    )
    on conflict (owner_id, session_id) do nothing
    returning session_id
    """,
)

TAKE = db.Query(
    Taken,
    """
    update training_sessions set writer = %(writer)s, status = 'running', error = null, ended_at = null,
        started_at = coalesce(started_at, %(at)s), heartbeat_at = %(at)s
    where owner_id = %(owner_id)s and session_id = %(session_id)s
    returning session_id, model_id, step, current_epoch
    """,
)

# The row is locked until the transaction ends: who takes the run over waits for it, and is then its only writer.
BEAT = db.Query(
    Taken,
    """
    update training_sessions set heartbeat_at = %(at)s, step = greatest(step, %(step)s::bigint),
        current_epoch = greatest(current_epoch, coalesce(%(epoch)s, 0))
    where owner_id = %(owner_id)s and session_id = %(session_id)s and writer = %(writer)s
    returning session_id, model_id, step, current_epoch
    """,
)

REWIND = db.Query(
    Taken,
    """
    update training_sessions set heartbeat_at = %(at)s, step = %(step)s,
        current_epoch = coalesce(%(epoch)s::double precision, current_epoch)
    where owner_id = %(owner_id)s and session_id = %(session_id)s and writer = %(writer)s
    returning session_id, model_id, step, current_epoch
    """,
)

END = db.Query(
    Taken,
    """
    update training_sessions set status = %(status)s, error = %(error)s, heartbeat_at = %(at)s, writer = null,
        ended_at = case when %(status)s in ('completed', 'failed', 'cancelled') then %(at)s::timestamptz end
    where owner_id = %(owner_id)s and session_id = %(session_id)s and writer = %(writer)s
    returning session_id, model_id, step, current_epoch
    """,
)

# Whoever trains it meanwhile is told by its next write that it does so no more.
CHANGE = db.Command(
    """
    update training_sessions set status = %(status)s, error = %(error)s, heartbeat_at = %(at)s, writer = case
            when %(status)s in ('running', 'pending') then writer end,
        started_at = case when %(status)s = 'running' then coalesce(started_at, %(at)s) else started_at end,
        ended_at = case when %(status)s in ('completed', 'failed', 'cancelled') then %(at)s::timestamptz end
    where owner_id = %(owner_id)s and session_id = %(session_id)s
    """
)

LOCKED = db.Query(
    Session,
    """
    select session_id, model_id, name, configuration, dataset, status, current_epoch, total_epochs, step, error,
        started_at, heartbeat_at, ended_at, created_at
    from training_sessions where owner_id = %(owner_id)s and session_id = %(session_id)s
    for update
    """,
)

ADVANCE = db.Command(
    """
    update training_sessions set heartbeat_at = %(at)s, step = greatest(step, %(step)s::bigint),
        current_epoch = greatest(current_epoch, coalesce(%(epoch)s, 0))
    where owner_id = %(owner_id)s and session_id = %(session_id)s
    """
)

REMOVE = db.Command("delete from training_sessions where owner_id = %(owner_id)s and session_id = %(session_id)s")

SESSION = db.Query(
    Session,
    """
    select session_id, model_id, name, configuration, dataset, status, current_epoch, total_epochs, step, error,
        started_at, heartbeat_at, ended_at, created_at
    from training_sessions where owner_id = %(owner_id)s and session_id = %(session_id)s
    """,
)

PAGE = db.Query(
    Session,
    """
    select session_id, model_id, name, configuration, dataset, status, current_epoch, total_epochs, step, error,
        started_at, heartbeat_at, ended_at, created_at
    from training_sessions
    where owner_id = %(owner_id)s and (%(model_id)s::uuid is null or model_id = %(model_id)s)
        and (%(status)s::text is null or status = %(status)s)
        and (%(before)s::timestamptz is null or (created_at, session_id) < (%(before)s, %(before_id)s::uuid))
    order by created_at desc, session_id desc
    limit %(limit)s
    """,
)

PROGRESS = db.Query(
    Progress,
    """
    select session_id, name, model_id, model_name, model_version, status, current_epoch, total_epochs, progress, step,
        checkpoint_count, last_checkpoint_step, best_checkpoint_id, best_step, best_metrics, started_at, heartbeat_at,
        ended_at
    from v_training_progress where owner_id = %(owner_id)s and session_id = %(session_id)s
    """,
)


def add(
    tx: db.Transaction,
    owner_id: int,
    session_id: uuid.UUID,
    name: str,
    *,
    model_id: uuid.UUID | None,
    configuration: Mapping[str, Any],
    dataset: Mapping[str, Any],
    total_epochs: float | None,
    status: str,
    writer: uuid.UUID | None,
    at: datetime,
) -> db.Pending[Known]:
    """Enters a run; no row where there is one of this id already."""
    return tx.fetch(
        ADD,
        owner_id=owner_id,
        session_id=session_id,
        name=name,
        model_id=model_id,
        configuration=db.jsonb(dict(configuration)),
        dataset=db.jsonb(dict(dataset)),
        total_epochs=total_epochs,
        status=status,
        writer=writer,
        at=at,
    )


def take(
    tx: db.Transaction, owner_id: int, session_id: uuid.UUID, writer: uuid.UUID, at: datetime
) -> db.Pending[Taken]:
    """Makes `writer` the only one who can write to the run; no row where there is no such run."""
    return tx.fetch(TAKE, owner_id=owner_id, session_id=session_id, writer=writer, at=at)


def beat(
    tx: db.Transaction,
    owner_id: int,
    session_id: uuid.UUID,
    writer: uuid.UUID,
    *,
    step: int,
    epoch: float | None,
    at: datetime,
) -> db.Pending[Taken]:
    """The writer is alive, and has come so far; no row where it is not the writer any more. Locks the run."""
    return tx.fetch(BEAT, owner_id=owner_id, session_id=session_id, writer=writer, step=step, epoch=epoch, at=at)


def rewind(
    tx: db.Transaction,
    owner_id: int,
    session_id: uuid.UUID,
    writer: uuid.UUID,
    *,
    step: int,
    epoch: float | None,
    at: datetime,
) -> db.Pending[Taken]:
    """As `beat`, and the run is where it was at that step."""
    return tx.fetch(REWIND, owner_id=owner_id, session_id=session_id, writer=writer, step=step, epoch=epoch, at=at)


def end(
    tx: db.Transaction,
    owner_id: int,
    session_id: uuid.UUID,
    writer: uuid.UUID,
    status: str,
    error: str | None,
    at: datetime,
) -> db.Pending[Taken]:
    """The writer lets go of the run; no row where it was not the writer any more."""
    return tx.fetch(END, owner_id=owner_id, session_id=session_id, writer=writer, status=status, error=error, at=at)


def locked(tx: db.Transaction, owner_id: int, session_id: uuid.UUID) -> db.Pending[Session]:
    """The run of an id, which nobody else changes now."""
    return tx.fetch(LOCKED, owner_id=owner_id, session_id=session_id)


def change(
    tx: db.Transaction, owner_id: int, session_id: uuid.UUID, status: str, error: str | None, at: datetime
) -> None:
    """Sets the status from outside; the writer of a run that stops loses it."""
    tx.execute(CHANGE, owner_id=owner_id, session_id=session_id, status=status, error=error, at=at)


def advance(
    tx: db.Transaction, owner_id: int, session_id: uuid.UUID, step: int, epoch: float | None, at: datetime
) -> None:
    """The run has come so far, says who sends its metrics."""
    tx.execute(ADVANCE, owner_id=owner_id, session_id=session_id, step=step, epoch=epoch, at=at)


def remove(tx: db.Transaction, owner_id: int, session_id: uuid.UUID) -> db.Done:
    """Deletes a run with its metrics and checkpoints."""
    return tx.execute(REMOVE, owner_id=owner_id, session_id=session_id)


def session(tx: db.Transaction, owner_id: int, session_id: uuid.UUID) -> db.Pending[Session]:
    """The run of an id."""
    return tx.fetch(SESSION, owner_id=owner_id, session_id=session_id)


def page(
    tx: db.Transaction,
    owner_id: int,
    *,
    model_id: uuid.UUID | None,
    status: str | None,
    before: datetime | None,
    before_id: uuid.UUID | None,
    limit: int,
) -> db.Pending[Session]:
    """Runs, the newest first, after that of a cursor."""
    return tx.fetch(
        PAGE, owner_id=owner_id, model_id=model_id, status=status, before=before, before_id=before_id, limit=limit
    )


def progress(tx: db.Transaction, owner_id: int, session_id: uuid.UUID) -> db.Pending[Progress]:
    """How far a run has come, with its checkpoints."""
    return tx.fetch(PROGRESS, owner_id=owner_id, session_id=session_id)
