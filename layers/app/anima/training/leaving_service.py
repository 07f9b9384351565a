"""How an attempt is left: completed, failed, stopped, or queued for the next. What was lent is given back with it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from anima.kernel import clock, db, telemetry
from anima.kernel.errors import AnimaError
from anima.registry.run_model import Status as RunStatus
from anima.training import gpu_repo, jobs_service, logs_repo, registering_service, repo
from anima.training.model import ENDED, HERE, LIVE, Job, Status
from anima.vendors.job_backends import training as backends
from anima.vendors.job_backends.training import Seen
from anima.vendors.job_contract import STOPPED

_NOBODY = db.Principal(user_id=None, login="worker")
_MOST_ERROR = 2000
_WAKE = 100
"""As many as wait at most: those before may wait for something else than what has come back."""
_REFUSED, _CONFIGURATION = 1, 2
_FIRST_WAIT = 1.0
_RUN: Mapping[str, RunStatus] = {
    "queued": "pending",
    "paused": "paused",
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
}


def end(principal: db.Principal, one: Job, seen: Seen) -> None:
    """Its process has ended, or is lost: what becomes of the job."""
    code = seen.exit_code
    if code == 0:
        complete(principal, one)
    elif one.wanted != "run":
        error = _why(principal, one, seen) if code in (_REFUSED, _CONFIGURATION) else None
        leave(principal, one, one.wanted, error=error, exit_code=code)
    elif code in (_REFUSED, _CONFIGURATION):
        leave(principal, one, "failed", error=_why(principal, one, seen), exit_code=code)
    elif one.status == "stopping":
        reason = f"it ran longer than the {one.limits.get('wall_seconds')} seconds that it has (wall_seconds)"
        leave(principal, one, "failed", error=reason, exit_code=code)
    else:
        interrupted = code == STOPPED and _came_further(one)
        if interrupted:
            one = replace(one, progress={**one.progress, "stopped_at": one.step})
        once_more(principal, one, _why(principal, one, seen), exit_code=code, interrupted=interrupted)


def _came_further(one: Job) -> bool:
    """Whether it is beyond where it was interrupted before, or it might be begun for ever."""
    return "stopped_at" not in one.progress or (one.step or 0) > (one.progress["stopped_at"] or 0)


def complete(principal: db.Principal, one: Job) -> None:
    """It did what it was to do: what came of it is kept, its checkpoint becomes a version of a model."""
    where = backends.backend(one.backend)
    result = where.result(one.handle or one.attempt_name)
    if result is None and one.backend in HERE:
        leave(principal, one, "failed", error="it ended without a word, and without a result", exit_code=0)
        return
    _came_to(principal, one, result or {})
    found = registering_service.register(principal, one.job_id)
    kept = {**_bounded(result or {}), **found.said}
    leave(principal, one, "completed", exit_code=0, result=kept, model_id=found.model_id)


def _came_to(principal: db.Principal, one: Job, result: Mapping[str, Any]) -> None:
    """How far it came, by its result: of one that was over before it was listened to nothing else says so."""
    step = count(result.get("steps", result.get("step")))
    if step is None or (one.step is not None and one.step >= step):
        return
    of = count(result.get("of")) or one.of or step
    with db.transaction(principal) as tx:
        repo.seen(tx, one.owner_id, one.job_id, one.attempt, step=step, of=of, progress=one.progress, heartbeat_at=None)


def count(value: object) -> int | None:
    """A number of steps that a row can hold; None for anything else."""
    return value if type(value) is int and 0 <= value < 2**63 else None


def _bounded(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result that is no larger than a row should be."""
    try:
        text = json.dumps(result, allow_nan=False, ensure_ascii=False)
        text.encode()
    except (ValueError, TypeError, RecursionError):  # half of a character, too
        return {"result": "it is no JSON that can be kept"}
    if len(text) > 200_000 or "\\u0000" in text:
        return {"result": "it is too large to be kept here; its file has it"}
    return dict(result)


def once_more(
    principal: db.Principal, one: Job, reason: str, *, exit_code: int | None = None, interrupted: bool = False
) -> bool:
    """Has it go on from its checkpoint, where attempts are left: who was interrupted has done nothing wrong."""
    if not interrupted and one.attempt >= one.most_attempts:
        leave(
            principal,
            one,
            "failed",
            error=f"{reason} (attempt {jobs_service.attempt(one)})"[:_MOST_ERROR],
            exit_code=exit_code,
        )
        return False
    telemetry.count("training.again", backend=one.backend, interrupted=str(interrupted).lower())
    seconds = _FIRST_WAIT if interrupted else _FIRST_WAIT * 2 ** min(one.attempt - 1, 6)
    again(principal, one, seconds, one.progress, reason, uncounted=interrupted, exit_code=exit_code)
    return True


def again(
    principal: db.Principal,
    one: Job,
    seconds: float,
    progress: Mapping[str, Any],
    reason: str,
    *,
    uncounted: bool = True,
    exit_code: int | None = None,
) -> None:
    """Queues a job for its next attempt in so many seconds."""
    at = clock.now() + timedelta(seconds=seconds)
    leave(
        principal,
        one,
        "queued",
        error=reason,
        exit_code=exit_code,
        not_before=at,
        uncounted=uncounted,
        progress=progress,
    )
    jobs_service.arm(principal, one, seconds)


def leave(
    principal: db.Principal,
    one: Job,
    status: Status,
    *,
    error: str | None = None,
    **more: Any,
) -> bool:
    """The attempt is over; what was lent goes back, and whoever waits is woken. False where it was said before."""
    with db.transaction(principal) as tx:
        changed = repo.left(tx, one, status, at=clock.now(), error=error, **more).first()
        if changed is not None:  # else what is lent may be lent to its next attempt
            gpu_repo.release(tx, one.owner_id, one.job_id)
    if changed is None:
        return status == "queued" and _stopped_meanwhile(principal, one)
    wake()
    if status != "queued":
        jobs_service.tell_run(principal, one, _RUN[status], error)
    if status in ENDED:
        telemetry.count("training.ended", kind=one.kind, status=status)
    return True


def _stopped_meanwhile(principal: db.Principal, one: Job) -> bool:
    """Leaves an attempt as its person has come to want it, where that is no next one."""
    now = jobs_service.get(principal, one.job_id)
    if now.status not in LIVE or now.attempt != one.attempt or now.wanted == "run":
        return False
    return leave(principal, now, now.wanted)


def wake() -> None:
    """Has those looked at that wait for room, who waited longest first."""
    with db.transaction(_NOBODY) as tx:
        found = gpu_repo.due(tx, None)
    for due in found.all()[:_WAKE]:
        ask_for(due.owner_id, due.job_id)


def ask_for(owner_id: int, job_id: uuid.UUID) -> None:
    """Has somebody's job looked at."""
    with db.transaction(db.Principal(owner_id, login="worker")) as tx:
        jobs_service.ask(tx, owner_id, job_id, jobs_service.REQUESTED)


def _why(principal: db.Principal, one: Job, seen: Seen) -> str:
    """In the job's own words, else in those that it wrote last; as text that a terminal and a page can show."""
    text = printable(seen.reason or "")
    if not text:
        last = _last_words(principal, one)
        text = f"it ended with exit code {seen.exit_code}" + (f": {last}" if last else "")
        if most := one.limits.get("memory_bytes"):
            text += f" (resource_limits.memory_bytes gives it {most} bytes)"
    return text[:_MOST_ERROR]


def _last_words(principal: db.Principal, one: Job) -> str:
    with db.transaction(principal) as tx:
        last = logs_repo.last(tx, one.owner_id, one.job_id)
    row = last.first()
    return row.line[:500] if row is not None else ""


def printable(text: str) -> str:
    """The text without control characters and halves of characters."""
    return "".join(one if one.isprintable() else " " for one in text).strip()


def words(error: BaseException) -> str:
    """What is said of an error of ours; of any other its kind only."""
    text = error.detail if isinstance(error, AnimaError) else f"{type(error).__name__} on this machine"
    return printable(text)[:_MOST_ERROR]
