"""Jobs that a state machine looks after: begun as an execution of it, and led on by its tasks.

The machine (`infra/statemachines/training.asl.json`) finds a place, runs the container, registers what came of it and
gives the place back; each of its tasks is one call of `step`, and each may come twice.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from itertools import chain, count
from typing import Any

from anima.kernel import db, telemetry
from anima.kernel.config import settings
from anima.kernel.errors import AnimaError, BadInput, FieldError
from anima.training import (
    cycle_service,
    gpu_repo,
    jobs_service,
    leaving_service,
    registering_service,
    repo,
    run_service,
)
from anima.training.errors import JobNotFound, JobState
from anima.training.model import ENDED, LIVE, Job
from anima.vendors.job_backends import training as backends
from anima.vendors.job_backends.step_functions import StateMachine
from anima.vendors.job_backends.training import Seen
from anima.vendors.job_contract import STOPPED

_IN_MACHINE = ("sagemaker", "batch")
_DAY = 86_400
_MEMORY_MIB = 16_384
_MIB = 1 << 20
_CPUS = 4
_LOOK_SECONDS = 60.0
_FINAL = ("States.ABORTED", "States.TIMED_OUT", "NoRoom")
"""What ends the execution as a whole, so that nobody would begin another attempt."""


def see_to(principal: db.Principal, one: Job) -> None:
    """A job was asked for, or is to be stopped: the machine hears of it. It comes back while the job runs, rarely."""
    if one.status == "queued" and one.execution is None:
        name = _executed(one)
        with db.transaction(principal) as tx:
            repo.executed(tx, one.owner_id, one.job_id, name)
    elif one.status in LIVE and one.handle is not None:
        run_service.listen(principal, one, one.handle)
        if one.status == "stopping":
            backends.backend(one.backend).stop(one.handle)
        jobs_service.arm(principal, one, _LOOK_SECONDS)


def _executed(one: Job) -> str:
    """Has an execution look after the job; its name. Raises JobsUnavailable.

    One that has ended keeps its name. So a job that was paused, or failed, before it had a place gets another one.
    """
    machine, name = StateMachine(settings().training_machine or ""), f"{one.job_id.hex}-{one.attempt + 1}"
    told: dict[str, str | int | None] = {"job_id": str(one.job_id), "owner_id": one.owner_id}
    names = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(each for each in names if machine.begins(each, told))


def step(event: Mapping[str, Any]) -> dict[str, Any]:
    """Does a task of the machine. Raises BadInput for what is none, JobNotFound, DatabaseUnavailable and others."""
    task = event.get("task") if isinstance(event, Mapping) else None
    if task == "cycle":
        return _cycle(event)
    if task == "ended":
        return _ended(event)
    if task not in _TASKS:
        wrong = FieldError("task", f"cycle, ended, {', '.join(_TASKS)}")
        raise BadInput(reason="a task of the state machine is expected", fields=[wrong])
    principal, job_id = _named(event)
    if task in _WITHOUT:  # what is to be cleared away may be gone
        try:
            jobs_service.get(principal, job_id)
        except JobNotFound:
            return _WITHOUT[task]
    return _TASKS[task](principal, jobs_service.get(principal, job_id), event)


def _named(event: Mapping[str, Any]) -> tuple[db.Principal, uuid.UUID]:
    owner_id = event.get("owner_id")
    try:
        job_id = uuid.UUID(str(event.get("job_id")))
    except ValueError:
        job_id = None
    if job_id is None or type(owner_id) is not int or not 0 < owner_id < 2**63:
        wrong = [FieldError("job_id", "the id of a job"), FieldError("owner_id", "a number")]
        raise BadInput(reason="the task names no job", fields=wrong)
    return db.Principal(owner_id, login="worker"), job_id


def _cycle(event: Mapping[str, Any]) -> dict[str, Any]:
    configured = settings()
    owner_id, at = configured.training_pipeline_user_id, event.get("at")
    if not configured.training_pipeline_enabled or owner_id is None:
        return {"job_id": None}
    if not isinstance(at, str) or not 1 <= len(at) <= 100:
        raise BadInput(reason="the cycle says no time", fields=[FieldError("at", "the time of the schedule")])
    made = cycle_service.begin(owner_id, at)
    return {"job_id": None if made is None else str(made)}


def _ended(event: Mapping[str, Any]) -> dict[str, Any]:
    """An execution did not come to its own end: its job is told, and gives back what it holds."""
    try:
        job = json.loads(event["input"])
        told = {"job_id": job["job_id"], "owner_id": job["owner_id"]}
    except (KeyError, TypeError, ValueError, RecursionError):
        wrong = FieldError("input", "the input of the execution, as JSON")
        raise BadInput(reason="the event says of no execution what it was given", fields=[wrong]) from None
    cause = "the execution that looked after it was ended"
    fault = {"Error": f"States.{event.get('status')}", "Cause": cause}
    step({"task": "failed", **told, "fault": fault, "final": True})
    return step({"task": "release", **told})


def _validate(principal: db.Principal, one: Job, event: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    if one.status in ENDED or one.status == "paused":
        raise JobState(status=one.status, reason="it is not to run")
    if (lacks := backends.missing(one.backend, spot=one.spot, here=True)) is not None and one.backend in _IN_MACHINE:
        raise BadInput(reason=lacks)
    return {"backend": one.backend if one.backend in _IN_MACHINE else "elsewhere"}


def _allocate(principal: db.Principal, one: Job, event: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    if one.status == "queued":
        outcome = run_service.take(principal, one)
        if outcome in ("gpus", "processes"):
            return {"allocated": False}
    now = jobs_service.get(principal, one.job_id)
    if now.status not in ("starting", "running"):
        raise JobState(status=now.status, reason="it is not to run")
    if now.backend in _IN_MACHINE:
        with db.transaction(principal) as tx:
            repo.started(tx, now.owner_id, now.job_id, now.attempt, now.attempt_name, now.updated_at)
        jobs_service.tell_run(principal, now, "running")
        jobs_service.arm(principal, now, _LOOK_SECONDS)
    return {"allocated": True, **_order(now)}


def _order(one: Job) -> dict[str, Any]:
    from anima.vendors.job_backends import aws, batch, sagemaker

    seconds = int(one.limits.get("wall_seconds") or _DAY)
    place = aws.place_of(one.job_id.hex)
    memory = str(max(512, int(one.limits.get("memory_bytes") or _MEMORY_MIB * _MIB) // _MIB))
    needs = [{"Type": "VCPU", "Value": str(_CPUS)}, {"Type": "MEMORY", "Value": memory}]
    if one.gpus:
        needs.append({"Type": "GPU", "Value": str(one.gpus)})
    return {
        "name": one.attempt_name,
        "job": "simulate" if one.kind == "simulation" else "batch_inference",
        "input_uri": aws.bring_configuration(one.job_id.hex, one.configuration),
        "output_uri": place,
        "checkpoint_uri": f"{place}checkpoints/",
        "run_id": "" if one.run_id is None else str(one.run_id),
        "instance": settings().training_instance,
        "seconds": seconds,
        "resources": needs,
        "spot": one.spot,
        "stopping": sagemaker.stopping(seconds, spot=one.spot),
        "queue": batch.queue(spot=one.spot),
    }


def _start(principal: db.Principal, one: Job, event: Mapping[str, Any]) -> dict[str, Any]:
    """Elsewhere than in AWS: by the backend of this machine, which tells the machine by its token."""
    from dataclasses import replace

    if one.status not in ("starting", "running"):
        raise JobState(status=one.status, reason="it has no place, or is to run no more")
    order = run_service.order(principal, one)
    told = {**order.environment, "ANIMA_JOB_TOKEN": str(event.get("token") or "")}
    handle = backends.backend(one.backend).start(replace(order, environment=told))
    with db.transaction(principal) as tx:
        repo.started(tx, one.owner_id, one.job_id, one.attempt, handle, one.updated_at)
    jobs_service.tell_run(principal, one, "running")
    return {}


def _look(principal: db.Principal, one: Job, event: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    if one.status == "completed":
        return {"completed": True}
    seen = backends.backend(one.backend).look(one.handle or one.attempt_name)
    if one.handle is not None:
        run_service.listen(principal, one, one.handle)
    return {"completed": seen.state == "ended" and seen.exit_code == 0}


def _register(principal: db.Principal, one: Job, event: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    found = registering_service.register(principal, one.job_id)
    return {"model_id": None if found.model_id is None else str(found.model_id)}


def _evaluate(principal: db.Principal, one: Job, event: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    if one.status in LIVE:
        if one.handle is not None:
            run_service.listen(principal, one, one.handle)
        leaving_service.complete(principal, jobs_service.get(principal, one.job_id))
    return {}


def _failed(principal: db.Principal, one: Job, event: Mapping[str, Any]) -> dict[str, Any]:
    """Why the machine could not go on, in words for its person; and whether the job is to be tried again."""
    if one.status in ENDED or one.status == "paused":
        return {"again": False}
    if one.status == "queued" and one.attempt > 0 and one.not_before is not None:
        return {"again": True}  # it was said already, and this is the same call once more
    fault = event.get("fault") if isinstance(event.get("fault"), Mapping) else {}
    kind, cause = str((fault or {}).get("Error", "")), str((fault or {}).get("Cause", ""))
    code, reason = _explained(kind, cause)
    seen = _ask_backend(one) or Seen("ended", code, reason)
    if event.get("final") is True or kind in _FINAL or one.status == "queued":
        leaving_service.leave(principal, one, "failed" if one.wanted == "run" else one.wanted, error=reason)
        return {"again": False}
    leaving_service.end(principal, one, seen)
    return {"again": jobs_service.get(principal, one.job_id).status == "queued"}


def _ask_backend(one: Job) -> Seen | None:
    """What the backend says, which knows best; None where it cannot be asked, or says that nothing is the matter."""
    if one.handle is None:
        return None
    try:
        seen = backends.backend(one.backend).look(one.handle)
    except AnimaError as error:
        telemetry.error("training.not_seen", error)
        return None
    return seen if seen.state == "ended" and seen.exit_code not in (0, None) else None


def _explained(kind: str, cause: str) -> tuple[int | None, str]:
    """Exit code and words in what a service said, or in what our own function raised."""
    try:
        told = json.loads(cause)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        return None, leaving_service.printable(cause or kind)[:2000] or "the state machine gave no reason"
    container = told.get("Container") if isinstance(told.get("Container"), dict) else {}
    code = told.get("ExitCode", (container or {}).get("ExitCode"))
    words = [
        told.get(name)
        for name in ("FailureReason", "errorMessage", "StatusReason", "Reason")
        if isinstance(told.get(name), str) and told.get(name)
    ]
    if told.get("TrainingJobStatus") == "Stopped":
        code = STOPPED
    return (code if type(code) is int else None), leaving_service.printable(str(words[0]) if words else kind)[:2000]


def _release(principal: db.Principal, one: Job, event: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    """Gives back what was lent; a job that still counts as running then has come to no end of its own."""
    if one.status in LIVE:
        leaving_service.leave(
            principal,
            one,
            "failed" if one.wanted == "run" else one.wanted,
            error="the state machine ended before the job did",
        )
        return {}
    with db.transaction(principal) as tx:
        gpu_repo.release(tx, one.owner_id, one.job_id)
    leaving_service.wake()
    return {}


_Task = Callable[[db.Principal, Job, Mapping[str, Any]], dict[str, Any]]
_TASKS: dict[str, _Task] = {
    "validate": _validate,
    "allocate": _allocate,
    "start": _start,
    "look": _look,
    "register": _register,
    "evaluate": _evaluate,
    "failed": _failed,
    "release": _release,
}
_WITHOUT: dict[str, dict[str, Any]] = {"look": {"completed": False}, "failed": {"again": False}, "release": {}}
