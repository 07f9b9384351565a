"""Finds jobs that nobody looks at: what a killed process left, a lost callback, room that has become larger."""

from __future__ import annotations

from datetime import timedelta

from anima.kernel import db, telemetry
from anima.training import cycle_service, gpu_repo, leaving_service

SILENT = timedelta(minutes=30)
"""A job that lives is looked at far more often."""
_NOBODY = db.Principal(user_id=None, login="worker")


def look_again(silent: timedelta = SILENT) -> int:
    """Has jobs looked at that wait for room, and those that nobody has looked at for so long; answers how many."""
    with db.transaction(_NOBODY) as tx:
        found = gpu_repo.due(tx, silent)
    for due in found.all():
        leaving_service.ask_for(due.owner_id, due.job_id)
    if found.all():
        telemetry.info("training.looked_again", jobs=len(found.all()))
    return len(found.all())


def begin() -> int:
    """When the house starts: jobs of a process that is gone are found at once, and the calendar goes on."""
    cycle_service.arm()
    return look_again(timedelta(0))
