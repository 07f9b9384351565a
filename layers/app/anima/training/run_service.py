"""One look at a job: begun where there is room, followed while it runs, and led to its end.

Nothing of it is remembered but in the row and by the backend, so that whoever comes next goes on; what happens twice,
happens once: an attempt is started by its name, and the row is only changed from the state that was seen.
"""

from __future__ import annotations

import json
import random
import threading
import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from anima.kernel import clock, db, telemetry
from anima.kernel.config import settings
from anima.kernel.errors import AnimaError, DatabaseUnavailable, Unavailable
from anima.training import gpu_repo, jobs_service, leaving_service, logs_repo, repo
from anima.training.errors import JobNotFound
from anima.training.model import ENDED, HERE, LIVE, OWN, SCRIPTS, Job
from anima.vendors.job_backends import JobsUnavailable
from anima.vendors.job_backends import training as backends
from anima.vendors.job_backends.scripts import script
from anima.vendors.job_backends.training import JobOrder

FIRST_SECONDS, LONGEST_SECONDS = 1.0, 15.0
"""A job here is looked at so often, at first and later; elsewhere four times rarer."""
LATER_SECONDS = 120
"""A job ends itself when its time is over; one that does not is ended so much later."""
MOST_LINES = 2000
_MOST_LINE = 2000
_MOST_NAMES = 50
_MOST_WAITS = 30
_AWAY_SECONDS = 30.0
_busy: dict[uuid.UUID, threading.Lock] = defaultdict(threading.Lock)


def advance(principal: db.Principal, job_id: uuid.UUID) -> None:
    """Does what is to be done for a job now, and arms the next look where one is needed."""
    with _busy[job_id]:
        try:
            one = jobs_service.get(principal, job_id)
        except JobNotFound:
            _busy.pop(job_id, None)
            return
        if settings().training_machine is not None:
            from anima.training import machine_service

            machine_service.see_to(principal, one)
            return
        try:
            if one.status == "queued":
                _begin(principal, one)
            elif one.status in LIVE:
                _follow(principal, one)
        except DatabaseUnavailable:
            raise
        except Unavailable as error:  # a backend or a store that is away for a while: the job goes on meanwhile
            telemetry.error("training.not_looked_at", error)
            jobs_service.arm(principal, one, _AWAY_SECONDS)
    if one.status in ENDED:
        _busy.pop(job_id, None)


def _begin(principal: db.Principal, one: Job) -> None:
    now = clock.now()
    if one.not_before is not None and one.not_before > now:
        jobs_service.arm(principal, one, (one.not_before - now).total_seconds())
        return
    if take(principal, one) == "taken":
        _start(principal, jobs_service.get(principal, one.job_id))


def take(principal: db.Principal, one: Job) -> str:
    """Lends a job what it needs, if there is room: taken, gpus, processes, or gone."""
    with db.transaction(principal) as tx:
        found = gpu_repo.take(tx, one.job_id, settings().training_gpus, settings().training_processes)
    return found.one().outcome


def _start(principal: db.Principal, one: Job) -> None:
    """Starts the attempt that has room; where the backend cannot now, it is given back and tried again later."""
    try:
        handle = backends.backend(one.backend).start(order(principal, one))
    except JobsUnavailable as error:
        _wait(principal, one, error)
        return
    except (AnimaError, OSError) as error:
        leaving_service.leave(principal, one, "failed", error=leaving_service.words(error))
        return
    with db.transaction(principal) as tx:
        begun = repo.started(tx, one.owner_id, one.job_id, one.attempt, handle, clock.now()).first()
    if begun is None:  # it was cancelled or paused meanwhile
        backends.backend(one.backend).stop(handle)
    else:
        jobs_service.tell_run(principal, one, "running")
    telemetry.count("training.attempts", backend=one.backend)
    jobs_service.arm(principal, one, FIRST_SECONDS)


def _wait(principal: db.Principal, one: Job, error: AnimaError) -> None:
    tries = int(one.progress.get("waits", 0)) + 1
    if tries > _MOST_WAITS:
        leaving_service.leave(principal, one, "failed", error=leaving_service.words(error))
        return
    seconds = min(300.0, 2.0**tries) * (1 + random.random() / 4)  # noqa: S311
    leaving_service.again(principal, one, seconds, {**one.progress, "waits": tries}, leaving_service.words(error))


def order(principal: db.Principal, one: Job) -> JobOrder:
    """What the backend is asked to run."""
    with db.transaction(principal) as tx:
        lent = gpu_repo.lent(tx, one.owner_id, one.job_id)
    environment = {"ANIMA_JOB_OWNER": str(one.owner_id)}
    if one.run_id is not None:
        environment["ANIMA_JOB_RUN"] = str(one.run_id)
    return JobOrder(
        one.attempt_name,
        one.job_id.hex,
        str(script(SCRIPTS[one.kind])),
        one.configuration,
        environment,
        tuple(gpu.gpu_id for gpu in lent.all()),
        one.limits.get("memory_bytes"),
        one.limits.get("wall_seconds"),
        settings().training_image,
        spot=one.spot,
        ended=partial(_ended, one.owner_id, one.job_id),
    )


def _ended(owner_id: int, job_id: uuid.UUID) -> None:
    """A child has ended: it is looked at now. Where that cannot be said, the armed look comes to it."""
    try:
        with db.transaction(db.Principal(owner_id, login="worker")) as tx:
            jobs_service.ask(tx, owner_id, job_id)
    except Exception as error:
        telemetry.error("training.end_not_told", error)


def _follow(principal: db.Principal, one: Job) -> None:
    where = backends.backend(one.backend)
    handle = one.handle
    if handle is None and one.status == "stopping":  # nothing is begun in order to be ended
        handle = one.attempt_name
    elif handle is None:  # begun by somebody who died over it
        handle = where.start(order(principal, one))
    seen = where.look(handle)
    listened = listen(principal, one, handle)
    if seen.state != "running":
        leaving_service.end(principal, listened, seen)
        return
    if one.handle is None and one.status == "starting":
        with db.transaction(principal) as tx:
            repo.started(tx, one.owner_id, one.job_id, one.attempt, handle, clock.now())
    late = _over_time(one)
    if one.status == "stopping" or late:
        where.stop(handle)
        if late and one.status != "stopping":
            with db.transaction(principal) as tx:
                repo.want(
                    tx,
                    one.owner_id,
                    one.job_id,
                    wanted="run",
                    status="stopping",
                    statuses=("starting", "running"),
                    at=clock.now(),
                )
    jobs_service.arm(principal, one, _next_look(one))


def _over_time(one: Job) -> bool:
    most = one.limits.get("wall_seconds")
    if most is None or one.started_at is None:
        return False
    return clock.now() - one.started_at > timedelta(seconds=most + LATER_SECONDS)


def _next_look(one: Job) -> float:
    """Soon for what began just now or is to end, rarer for what runs long."""
    rarer = 1.0 if one.backend in HERE else 4.0
    if one.started_at is None or one.status == "stopping":
        return FIRST_SECONDS * rarer
    age = (clock.now() - one.started_at).total_seconds()
    return min(LONGEST_SECONDS, max(FIRST_SECONDS, age / 20)) * rarer


def listen(principal: db.Principal, one: Job, handle: str) -> Job:
    """Keeps what the job has written since: lines as they are, heartbeats as how far it has come."""
    written = backends.backend(one.backend).logs(handle, one.progress.get("log"))
    beats, lines = split(written.lines)
    last = beats[-1] if beats else {}
    before = {name: value for name, value in one.progress.items() if not beats or name in OWN}
    progress = {**last, **before, "log": written.since}
    progress.pop("waits", None)
    now = clock.now()
    with db.transaction(principal) as tx:
        if lines:
            logs_repo.append(tx, one.owner_id, one.job_id, lines, now, MOST_LINES)
        repo.seen(
            tx,
            one.owner_id,
            one.job_id,
            one.attempt,
            step=leaving_service.count(last.get("step")),
            of=leaving_service.count(last.get("of")),
            progress=progress,
            heartbeat_at=now if beats else None,
        )
    return jobs_service.get(principal, one.job_id)


def split(lines: Sequence[str]) -> tuple[list[dict[str, Any]], list[str]]:
    """Heartbeats, which are one line of JSON with a step, and all other lines, without what no terminal should see.

    The line by which a job says why it failed is given in words.
    """
    beats: list[dict[str, Any]] = []
    others: list[str] = []
    for line in lines:
        said = _said(line)
        if leaving_service.count(said.get("step")) is not None:
            beats.append(_heartbeat(said))
            continue
        reason = said.get("failed")
        told = f"failed: {reason}" if said.keys() == {"failed"} and isinstance(reason, str) else line
        if text := leaving_service.printable(told)[:_MOST_LINE]:
            others.append(text)
    return beats, others[-MOST_LINES:]


def _said(line: str) -> dict[str, Any]:
    """What a line says as JSON; nothing where it is other text."""
    if not line.startswith("{"):
        return {}
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _heartbeat(found: dict[str, Any]) -> dict[str, Any]:
    fine = [name for name, value in found.items() if name not in OWN and _plain(name) and _plain(value)]
    return {name: found[name] for name in ("step", *fine[:_MOST_NAMES])}


def _plain(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= 200 and value.isprintable()
    if isinstance(value, float):
        return value == value and abs(value) != float("inf")
    return value is None or isinstance(value, bool) or (type(value) is int and abs(value) < 2**63)
