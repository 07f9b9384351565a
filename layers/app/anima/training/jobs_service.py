"""Jobs for who asks for them: entered, listed, stopped, taken up again, removed. None of it starts a process."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from anima.kernel import clock, db, ids, outbox, pages, telemetry
from anima.kernel.config import settings
from anima.kernel.errors import AnimaError, Unauthenticated
from anima.kernel.pages import Page
from anima.registry import run_remote_service
from anima.registry.run_errors import RunNotFound, RunOver
from anima.registry.run_model import Status as RunStatus
from anima.training import gpu_repo, logs_repo, repo
from anima.training.errors import JobNotFound, JobState, MayNotStart, NoRoomEver, TooManyJobs
from anima.training.model import ENDED, LIVE, Job, Line, NewJob, Room
from anima.vendors.job_backends import training as backends

REQUESTED, CHECK = "training.requested", "training.check"
MOST_ATTEMPTS = 3
_STARTERS = frozenset({"admin", "operator", "researcher"})


def owner(principal: db.Principal) -> int:
    """Whose jobs are meant. Raises Unauthenticated for a principal without a person."""
    if principal.user_id is None:
        raise Unauthenticated(reason="nobody is signed in")
    return principal.user_id


def check_may_start(principal: db.Principal) -> None:
    """Whoever only looks on uses nothing of the machine. Raises MayNotStart."""
    if principal.login == "app" and not principal.roles & _STARTERS:
        raise MayNotStart


def attempt(one: Job) -> int:
    """Which attempt it is of the `MOST_ATTEMPTS` that it has: one that was paused or interrupted is none of them.

    The number of the job itself counts them all, for each has a name of its own; what is not counted raises its most.
    """
    return max(0, one.attempt - (one.most_attempts - MOST_ATTEMPTS))


def create(principal: db.Principal, new: NewJob, *, job_id: uuid.UUID | None = None) -> Job:
    """Enters a job with its run, and has it begun; one of this `job_id` that is there already is answered as it is.

    Raises MayNotStart, TooManyJobs, NoRoomEver, BadInput.
    """
    check_may_start(principal)
    owner_id, known = owner(principal), job_id or ids.uuid7()
    if new.gpus > settings().training_gpus:
        raise NoRoomEver(gpus=new.gpus, there=settings().training_gpus)
    run = None
    if new.kind == "simulation":
        run = run_remote_service.begin(principal, new.name, None, new.configuration["simulation"]).session_id
    try:
        return _enter(principal, owner_id, known, new, run)
    except AnimaError:
        if run is not None:
            run_remote_service.delete(principal, run)
        raise


def _enter(principal: db.Principal, owner_id: int, job_id: uuid.UUID, new: NewJob, run_id: uuid.UUID | None) -> Job:
    most = settings().training_jobs_per_person
    with db.transaction(principal) as tx:
        repo.lock_person(tx, owner_id)
        there = repo.unended(tx, owner_id).one().n
        if there >= most:
            raise TooManyJobs(jobs=there, most=most)
        repo.add(
            tx,
            owner_id,
            job_id,
            kind=new.kind,
            name=new.name,
            configuration=new.configuration,
            limits={name: value for name, value in asdict(new.limits).items() if value is not None},
            backend=new.backend,
            gpus=new.gpus,
            run_id=run_id,
            most_attempts=MOST_ATTEMPTS,
            source=new.source,
            at=clock.now(),
        )
        ask(tx, owner_id, job_id, REQUESTED)
    telemetry.count("training.jobs", kind=new.kind, backend=new.backend)
    return get(principal, job_id)


def ask(tx: db.Transaction, owner_id: int, job_id: uuid.UUID, topic: str = CHECK) -> None:
    """Has a job looked at now."""
    outbox.emit(tx, topic, f"training:{job_id}", owner_id, {"job_id": str(job_id)})


def arm(principal: db.Principal, one: Job, seconds: float) -> None:
    """Has a job looked at in so many seconds, unless that is arranged already: while it lives, and no longer."""
    now = clock.now()
    at = now + timedelta(seconds=seconds)
    with db.transaction(principal) as tx:
        if repo.arm(tx, one.owner_id, one.job_id, at, now).first() is not None:
            # a key of its own: what is asked for now does not wait for what is asked for later
            payload = {"job_id": str(one.job_id)}
            outbox.emit(tx, CHECK, f"check:{one.job_id}", one.owner_id, payload, not_before=at)


def get(principal: db.Principal, job_id: uuid.UUID) -> Job:
    """A job. Raises JobNotFound."""
    with db.transaction(principal) as tx:
        found = repo.job(tx, owner(principal), job_id)
    one = found.first()
    if one is None:
        raise JobNotFound(job_id=job_id)
    return one


def page(
    principal: db.Principal,
    cursor: str | None = None,
    limit: int = 50,
    *,
    status: str | None = None,
    kind: str | None = None,
) -> Page[Job]:
    """Jobs, the newest first: all, or those of a state or a kind. Raises BadInput for an unknown cursor."""
    place = pages.time_and_id(cursor)
    before, before_id = place if place is not None else (None, None)
    with db.transaction(principal) as tx:
        found = repo.page(
            tx, owner(principal), status=status, kind=kind, before=before, before_id=before_id, limit=limit + 1
        )
    return pages.page(found.all(), limit, lambda one: [one.created_at.isoformat(), str(one.job_id)])


def logs(
    principal: db.Principal, job_id: uuid.UUID, after: int = 0, limit: int = 200, cursor: str | None = None
) -> Page[Line]:
    """Lines that a job wrote, after a number. Raises JobNotFound, BadInput."""
    after = max(after, pages.number(cursor) or 0)
    get(principal, job_id)
    with db.transaction(principal) as tx:
        found = logs_repo.page(tx, owner(principal), job_id, after, limit + 1)
    return pages.page(found.all(), limit, lambda line: [line.seq])


def room(principal: db.Principal) -> Room:
    """How much is lent to jobs, of everybody, and how many wait."""
    with db.transaction(principal) as tx:
        found = gpu_repo.room(tx)
    return found.one()


def cancel(principal: db.Principal, job_id: uuid.UUID) -> Job:
    """Ends a job for good; its checkpoints stay. One that runs is stopped soon. Raises JobNotFound, JobState."""
    one = get(principal, job_id)
    if one.status == "cancelled" or (one.status == "stopping" and one.wanted == "cancelled"):
        return one
    if one.status in ENDED:
        raise JobState(status=one.status, reason="what has ended cannot be cancelled")
    return _stop(principal, one, "cancelled")


def pause(principal: db.Principal, job_id: uuid.UUID) -> Job:
    """Stops a job at a checkpoint, from which `resume` goes on. Raises JobNotFound, JobState."""
    one = get(principal, job_id)
    if one.status == "paused" or (one.status == "stopping" and one.wanted == "paused"):
        return one
    if one.status in ENDED or one.status == "stopping":
        raise JobState(status=one.status, reason="only what is queued or running can be paused")
    return _stop(principal, one, "paused")


def _stop(principal: db.Principal, one: Job, wanted: RunStatus) -> Job:
    """Not asked while nothing runs: then it is over at once."""
    runs = one.status in LIVE
    if runs and (simulation_of(one).get("security") or {}).get("stop") == "signal_only":
        raise JobState(status=one.status, reason="its simulation says that only a signal stops it (security.stop)")
    statuses = LIVE if runs else ("queued", "paused")
    with db.transaction(principal) as tx:
        changed = repo.want(
            tx,
            one.owner_id,
            one.job_id,
            wanted=wanted,
            status="stopping" if runs else wanted,
            statuses=statuses,
            at=clock.now(),
        ).first()
        if changed is not None and runs:
            ask(tx, one.owner_id, one.job_id)
    if changed is None:
        return _again(principal, one, wanted)
    if not runs:
        tell_run(principal, one, wanted)
    return get(principal, one.job_id)


def _again(principal: db.Principal, one: Job, wanted: RunStatus) -> Job:
    """It was changed meanwhile: decided once more, by what it is now."""
    now = get(principal, one.job_id)
    if now.status == one.status:
        raise JobState(status=now.status, reason="it is being changed; try again")
    return cancel(principal, one.job_id) if wanted == "cancelled" else pause(principal, one.job_id)


def resume(principal: db.Principal, job_id: uuid.UUID) -> Job:
    """Has a paused or failed job go on from its last checkpoint. Raises JobNotFound, JobState, MayNotStart."""
    check_may_start(principal)
    one = get(principal, job_id)
    if one.status in ("queued", "starting", "running"):
        return one
    if one.status not in ("paused", "failed"):
        raise JobState(status=one.status, reason="only what is paused or has failed goes on")
    with db.transaction(principal) as tx:
        changed = repo.want(
            tx,
            one.owner_id,
            job_id,
            wanted="run",
            status="queued",
            statuses=("paused", "failed"),
            at=clock.now(),
            attempts=MOST_ATTEMPTS,
        ).first()
        if changed is not None:
            ask(tx, one.owner_id, job_id, REQUESTED)
    return get(principal, job_id)


def remove(principal: db.Principal, job_id: uuid.UUID) -> None:
    """Deletes a job that does not run, with its folder; its run and its model stay. Raises JobNotFound, JobState."""
    one = get(principal, job_id)
    with db.transaction(principal) as tx:
        gone = repo.remove(tx, one.owner_id, job_id).first()
    if gone is None:
        raise JobState(status=get(principal, job_id).status, reason="cancel it first")
    with suppress(AnimaError):  # a backend that is gone holds nobody up
        backends.backend(one.backend).remove(one.attempt_name)


def tell_run(principal: db.Principal, one: Job, status: RunStatus, error: str | None = None) -> None:
    """The run of a job is what the job is; one that has ended stays as it ended."""
    if one.run_id is None:
        return
    with suppress(RunOver, RunNotFound):
        run_remote_service.change(principal, one.run_id, status, error)


def simulation_of(one: Job) -> dict[str, Any]:
    """The simulation of a job; empty where it is of another kind."""
    found = one.configuration.get("simulation")
    return found if isinstance(found, dict) else {}
