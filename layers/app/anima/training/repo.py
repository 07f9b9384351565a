"""SQL of jobs. Whoever changes one names the attempt and the states that it thinks the job is in."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from anima.kernel import db
from anima.training.model import Job


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are."""

    n: int


@dataclass(frozen=True, slots=True)
class Changed:
    """A job that was changed just now."""

    job_id: uuid.UUID


LOCK_PERSON = db.Command("select pg_advisory_xact_lock(hashtextextended('training_jobs', %(owner_id)s))")

UNENDED = db.Query(
    Count,
    """
    select count(*)::integer as n from training_jobs
    where owner_id = %(owner_id)s and status not in ('completed', 'failed', 'cancelled')
    """,
)

ADD = db.Query(
    Changed,
    """
    insert into training_jobs (
        job_id, owner_id, kind, name, configuration, limits, backend, gpus, run_id, most_attempts, source, created_at,
        updated_at
    )
    values (
        %(job_id)s, %(owner_id)s, %(kind)s, %(name)s, %(configuration)s, %(limits)s, %(backend)s, %(gpus)s, %(run_id)s,
        %(most_attempts)s, %(source)s, %(at)s, %(at)s
    )
    on conflict (owner_id, job_id) do nothing
    returning job_id
    """,
)

_JOB: LiteralString = """
    select j.job_id, j.owner_id, j.kind, j.name, j.status, j.wanted, j.configuration, j.limits, j.backend, j.gpus,
        j.waiting_for, j.run_id, j.model_id, m.name as model_name, m.version as model_version, j.handle, j.execution,
        j.attempt, j.most_attempts, j.step, j."of", j.progress, j.error, j.exit_code, j.result, j.source,
        j.stop_asked_at, j.heartbeat_at, j.not_before, j.check_at, j.created_at, j.started_at, j.ended_at, j.updated_at
    from training_jobs j left join models m on m.owner_id = j.owner_id and m.model_id = j.model_id
"""

JOB = db.Query(Job, _JOB + "where j.owner_id = %(owner_id)s and j.job_id = %(job_id)s")

PAGE = db.Query(
    Job,
    _JOB
    + """
    where j.owner_id = %(owner_id)s and (%(status)s::text is null or j.status = %(status)s)
        and (%(kind)s::text is null or j.kind = %(kind)s)
        and (%(before)s::timestamptz is null or (j.created_at, j.job_id) < (%(before)s, %(before_id)s::uuid))
    order by j.created_at desc, j.job_id desc
    limit %(limit)s
    """,
)

# Only from the states that the caller saw, so that of two who decide at once one finds nothing to do.
WANT = db.Query(
    Changed,
    """
    update training_jobs set wanted = %(wanted)s,
        stop_asked_at = case when %(status)s = 'stopping' then coalesce(stop_asked_at, %(at)s) end,
        status = %(status)s, waiting_for = null, not_before = null,
        execution = case when %(status)s <> 'queued' then execution end,
        error = case when %(status)s = 'queued' then null else error end,
        exit_code = case when %(status)s = 'queued' then null else exit_code end,
        most_attempts = case when %(status)s = 'queued' then attempt + %(attempts)s::integer else most_attempts end,
        ended_at = case when %(status)s in ('completed', 'failed', 'cancelled') then %(at)s::timestamptz end
    where owner_id = %(owner_id)s and job_id = %(job_id)s and status = any (%(statuses)s::text[])
    returning job_id
    """,
)

STARTED = db.Query(
    Changed,
    """
    update training_jobs set handle = %(handle)s, status = 'running', heartbeat_at = %(at)s
    where owner_id = %(owner_id)s and job_id = %(job_id)s and attempt = %(attempt)s and status = 'starting'
    returning job_id
    """,
)

EXECUTED = db.Query(
    Changed,
    """
    update training_jobs set execution = %(execution)s
    where owner_id = %(owner_id)s and job_id = %(job_id)s and status in ('queued', 'starting', 'running', 'stopping')
    returning job_id
    """,
)

SEEN = db.Query(
    Changed,
    """
    update training_jobs set step = coalesce(%(step)s::bigint, step), "of" = coalesce(%(of)s::bigint, "of"),
        progress = %(progress)s,
        heartbeat_at = coalesce(%(heartbeat_at)s::timestamptz, heartbeat_at), updated_at = now()
    where owner_id = %(owner_id)s and job_id = %(job_id)s and attempt = %(attempt)s
        and status in ('starting', 'running', 'stopping')
    returning job_id
    """,
)

# It is not there any more: ended, paused, or queued for its next attempt, unless its person wants it stopped meanwhile.
LEFT = db.Query(
    Changed,
    """
    update training_jobs set status = %(status)s, error = %(error)s, exit_code = %(exit_code)s, handle = null,
        result = coalesce(%(result)s::jsonb, result), model_id = coalesce(%(model_id)s::uuid, model_id),
        not_before = %(not_before)s, waiting_for = null, stop_asked_at = null,
        most_attempts = most_attempts + case when %(uncounted)s::boolean then 1 else 0 end,
        progress = %(progress)s,
        ended_at = case when %(status)s in ('completed', 'failed', 'cancelled') then %(at)s::timestamptz end
    where owner_id = %(owner_id)s and job_id = %(job_id)s and attempt = %(attempt)s
        and status in ('queued', 'starting', 'running', 'stopping')
        and (%(status)s <> 'queued' or (wanted = 'run' and status <> 'queued'))
    returning job_id
    """,
)

RESULT = db.Query(
    Changed,
    """
    update training_jobs set result = coalesce(result, '{}') || %(result)s::jsonb,
        model_id = coalesce(%(model_id)s::uuid, model_id)
    where owner_id = %(owner_id)s and job_id = %(job_id)s
    returning job_id
    """,
)

# One event is armed for the next look, however many ask for one.
ARM = db.Query(
    Changed,
    """
    update training_jobs set check_at = %(at)s
    where owner_id = %(owner_id)s and job_id = %(job_id)s and (check_at is null or check_at <= %(now)s)
        and status in ('queued', 'starting', 'running', 'stopping')
    returning job_id
    """,
)

REMOVE = db.Query(
    Changed,
    """
    delete from training_jobs
    where owner_id = %(owner_id)s and job_id = %(job_id)s and status in ('completed', 'failed', 'cancelled', 'paused')
    returning job_id
    """,
)


def lock_person(tx: db.Transaction, owner_id: int) -> None:
    """Nobody else enters a job of this person until the transaction ends."""
    tx.execute(LOCK_PERSON, owner_id=owner_id)


def unended(tx: db.Transaction, owner_id: int) -> db.Pending[Count]:
    """How many jobs of a person have not ended."""
    return tx.fetch(UNENDED, owner_id=owner_id)


def add(
    tx: db.Transaction,
    owner_id: int,
    job_id: uuid.UUID,
    *,
    kind: str,
    name: str,
    configuration: Mapping[str, Any],
    limits: Mapping[str, Any],
    backend: str,
    gpus: int,
    run_id: uuid.UUID | None,
    most_attempts: int,
    source: str,
    at: datetime,
) -> db.Pending[Changed]:
    """Enters a job that waits for its turn; no row where there is one of this id already."""
    return tx.fetch(
        ADD,
        owner_id=owner_id,
        job_id=job_id,
        kind=kind,
        name=name,
        configuration=db.jsonb(dict(configuration)),
        limits=db.jsonb(dict(limits)),
        backend=backend,
        gpus=gpus,
        run_id=run_id,
        most_attempts=most_attempts,
        source=source,
        at=at,
    )


def job(tx: db.Transaction, owner_id: int, job_id: uuid.UUID) -> db.Pending[Job]:
    """The job of an id."""
    return tx.fetch(JOB, owner_id=owner_id, job_id=job_id)


def page(
    tx: db.Transaction,
    owner_id: int,
    *,
    status: str | None,
    kind: str | None,
    before: datetime | None,
    before_id: uuid.UUID | None,
    limit: int,
) -> db.Pending[Job]:
    """Jobs, the newest first, after that of a cursor."""
    return tx.fetch(PAGE, owner_id=owner_id, status=status, kind=kind, before=before, before_id=before_id, limit=limit)


def want(
    tx: db.Transaction,
    owner_id: int,
    job_id: uuid.UUID,
    *,
    wanted: str,
    status: str,
    statuses: Sequence[str],
    at: datetime,
    attempts: int = 0,
) -> db.Pending[Changed]:
    """What its person wants a job to be; no row where it is in none of these states any more."""
    return tx.fetch(
        WANT,
        owner_id=owner_id,
        job_id=job_id,
        wanted=wanted,
        status=status,
        statuses=list(statuses),
        at=at,
        attempts=attempts,
    )


def started(
    tx: db.Transaction, owner_id: int, job_id: uuid.UUID, attempt: int, handle: str, at: datetime
) -> db.Pending[Changed]:
    """The backend has begun this attempt; no row where the job is another by now."""
    return tx.fetch(STARTED, owner_id=owner_id, job_id=job_id, attempt=attempt, handle=handle, at=at)


def executed(tx: db.Transaction, owner_id: int, job_id: uuid.UUID, execution: str) -> db.Pending[Changed]:
    """A state machine looks after the job."""
    return tx.fetch(EXECUTED, owner_id=owner_id, job_id=job_id, execution=execution)


def seen(
    tx: db.Transaction,
    owner_id: int,
    job_id: uuid.UUID,
    attempt: int,
    *,
    step: int | None,
    of: int | None,
    progress: Mapping[str, Any],
    heartbeat_at: datetime | None,
) -> db.Pending[Changed]:
    """How far the attempt has come; no row where it is over."""
    return tx.fetch(
        SEEN,
        owner_id=owner_id,
        job_id=job_id,
        attempt=attempt,
        step=step,
        of=of,
        progress=db.jsonb(dict(progress)),
        heartbeat_at=heartbeat_at,
    )


def left(
    tx: db.Transaction,
    one: Job,
    status: str,
    *,
    at: datetime,
    error: str | None = None,
    exit_code: int | None = None,
    result: Mapping[str, Any] | None = None,
    model_id: uuid.UUID | None = None,
    not_before: datetime | None = None,
    uncounted: bool = False,
    progress: Mapping[str, Any] | None = None,
) -> db.Pending[Changed]:
    """The attempt is over, and the job is something else now; no row where somebody else has said so."""
    return tx.fetch(
        LEFT,
        owner_id=one.owner_id,
        job_id=one.job_id,
        attempt=one.attempt,
        status=status,
        at=at,
        error=error,
        exit_code=exit_code,
        result=None if result is None else db.jsonb(dict(result)),
        model_id=model_id,
        not_before=not_before,
        uncounted=uncounted,
        progress=db.jsonb(dict(one.progress if progress is None else progress)),
    )


def add_result(
    tx: db.Transaction, owner_id: int, job_id: uuid.UUID, result: Mapping[str, Any], model_id: uuid.UUID | None
) -> db.Pending[Changed]:
    """More that came of a job."""
    return tx.fetch(RESULT, owner_id=owner_id, job_id=job_id, result=db.jsonb(dict(result)), model_id=model_id)


def arm(tx: db.Transaction, owner_id: int, job_id: uuid.UUID, at: datetime, now: datetime) -> db.Pending[Changed]:
    """Says when the job is looked at next; no row where that is arranged already, or nothing is to be looked at."""
    return tx.fetch(ARM, owner_id=owner_id, job_id=job_id, at=at, now=now)


def remove(tx: db.Transaction, owner_id: int, job_id: uuid.UUID) -> db.Pending[Changed]:
    """Deletes a job that does not run."""
    return tx.fetch(REMOVE, owner_id=owner_id, job_id=job_id)
