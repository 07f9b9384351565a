"""The calendar of training: a job of the simulation that the settings name, again and again, never two at once."""

from __future__ import annotations

import random
import uuid
from datetime import datetime, timedelta

from anima.kernel import clock, db, outbox, telemetry
from anima.kernel.config import settings
from anima.kernel.errors import AnimaError, Unavailable
from anima.training import configuration_service, cycle_repo, jobs_service

CYCLE = "training.cycle"
_SPACE = uuid.UUID("3d1f2c0e-7a35-4c57-9d0b-8a3c3b0d7f6e")


def turn(event: outbox.Event) -> None:
    """Begins the job of this turn and arms the next one. What belongs to an earlier setting is left alone."""
    configured = settings()
    if not configured.training_pipeline_enabled or event.owner_id != configured.training_pipeline_user_id:
        return
    begin(event.owner_id, str(event.payload.get("at") or event.event_id))
    arm()


def begin(owner_id: int, at: str) -> uuid.UUID | None:
    """Enters the job of a time, once; None where it could not be. The job before it, if it still runs, is enough."""
    principal = db.Principal(owner_id, login="worker")
    configured = settings()
    job_id = uuid.uuid5(_SPACE, f"{owner_id} {at}")
    prefix = configured.training_pipeline_version_prefix
    with db.transaction(principal) as tx:
        alive = cycle_repo.alive(tx, owner_id, job_id).one()
    if alive.n:
        return None
    try:
        new = configuration_service.new_simulation(
            configured.training_pipeline_simulation, name=prefix, source="schedule"
        )
        return jobs_service.create(principal, new, job_id=job_id).job_id
    except Unavailable:
        raise
    except AnimaError as error:  # the next turn may go better
        telemetry.error("training.cycle_failed", error)
        return None


def arm() -> datetime | None:
    """Has the next turn come after the interval and its jitter, unless one is armed; at home only.

    Deployed, a schedule of its own calls. Answers when, or None where there is nothing to arm.
    """
    configured = settings()
    owner_id = configured.training_pipeline_user_id
    if not configured.training_pipeline_enabled or owner_id is None or configured.training_machine is not None:
        return None
    jitter = random.uniform(0, configured.training_cycle_jitter_seconds)  # noqa: S311
    at = clock.now() + timedelta(seconds=configured.training_cycle_interval_seconds + jitter)
    with db.transaction(db.Principal(owner_id, login="worker")) as tx:
        cycle_repo.lock(tx, owner_id)
        if cycle_repo.armed(tx, owner_id, clock.now()).one().n:
            return None
        outbox.emit(tx, CYCLE, f"cycle:{owner_id}", owner_id, {"at": at.isoformat()}, not_before=at)
    return at
