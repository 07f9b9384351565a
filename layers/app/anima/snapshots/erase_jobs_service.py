"""Ends the jobs of an account that was closed, as far as they can be reached: nothing of the erasing waits for them."""

from __future__ import annotations

from anima.kernel import db, outbox, telemetry
from anima.snapshots import erase_models_repo as repo
from anima.vendors.job_backends import training as backends

STOP = "training.stop"


def end_jobs(owner: db.Principal, owner_id: int) -> None:
    """Stops what runs and removes folders. Events that name what runs say it once more to who may stop it elsewhere.

    A backend that is gone, or not set up any more, is only told of: its job finds its run deleted, and ends by itself.
    """
    with db.transaction(owner) as tx:
        found = repo.attempts(tx, owner_id)
    with db.transaction(owner) as tx:
        for one in found.all():
            if one.alive:
                payload = {"backend": one.backend, "handle": one.handle}
                outbox.emit(tx, STOP, f"stop:{one.handle}", owner_id, payload)
    for one in found.all():
        try:
            backend = backends.backend(one.backend)
            if one.alive:
                backend.stop(one.handle)
            backend.remove(one.handle)
        except Exception as error:  # whatever is the matter with it: the account is to go
            telemetry.error("account.job_not_ended", error, backend=one.backend)
