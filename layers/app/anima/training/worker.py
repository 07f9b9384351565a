"""What the room does when events come: jobs are begun, looked at, and begun anew by the calendar."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

from anima.kernel import delivery, outbox
from anima.kernel.errors import BadInput, FieldError
from anima.kernel.watch import watched
from anima.training import cycle_service, jobs_service, run_service, upkeep_service
from anima.vendors.job_backends import training as backends

_HANDLE = re.compile(r"[0-9a-f]{32}-[0-9]{1,9}")
STOP = "training.stop"
TOPICS = frozenset({jobs_service.REQUESTED, jobs_service.CHECK, cycle_service.CYCLE, STOP})


def act(event: outbox.Event) -> None:
    """Does what one event asks for."""
    if event.topic == cycle_service.CYCLE:
        cycle_service.turn(event)
        return
    if event.topic == STOP:
        _stop(event.payload)
        return
    named = event.payload.get("job_id")
    try:
        job_id = uuid.UUID(str(named))
    except ValueError:
        wrong = FieldError("payload.job_id", "the id of a job")
        raise BadInput(reason="the event names no job", fields=[wrong]) from None
    run_service.advance(event.owner, job_id)


def _stop(payload: Mapping[str, Any]) -> None:
    """Ends a job whose row is gone, or will be: its account was closed."""
    backend, handle = payload.get("backend"), payload.get("handle")
    if backend not in backends.NAMES or not isinstance(handle, str) or not _HANDLE.fullmatch(handle):
        wrong = [FieldError("payload.backend", ", ".join(backends.NAMES)), FieldError("payload.handle", "of a job")]
        raise BadInput(reason="the event names no job", fields=wrong)
    backends.backend(str(backend)).stop(handle)


def handle(event: Mapping[str, Any], *, raising: bool = False) -> dict[str, Any]:
    """Does what the records of an SQS event ask for; delivered twice, it works once."""
    return delivery.consume(event, watched(act), raising=raising)


def look_again(*, began: bool = False) -> int:
    """Has jobs looked at that nobody looks at any more; when the house `began`, all that live."""
    return upkeep_service.begin() if began else upkeep_service.look_again()


def step(event: Mapping[str, Any]) -> dict[str, Any]:
    """Does a task of the state machine, and answers what it goes on by. Raises BadInput for what is no task."""
    from anima.training import machine_service

    return machine_service.step(event)
