"""Turns that were cut by the end of their process, found and closed."""

from __future__ import annotations

import uuid
from datetime import datetime

from anima.chat import cut_repo, repo
from anima.kernel import db, telemetry


def close_cut(instance: uuid.UUID | None = None) -> int:
    """Closes turns that nobody answers any more: past their time, or of the process `instance`, which is gone.

    They become `interrupted`, and their keys may be used again. Answers how many there were.
    """
    with db.transaction(db.Principal(None, login="worker")) as tx:
        owners = cut_repo.owners_of_cut(tx, instance)
    closed = 0
    for owner in owners.all():
        with db.transaction(db.Principal(owner.owner_id, login="worker")) as tx:
            cut = repo.closed_cut(tx, owner.owner_id, instance)
        closed += len(cut.all())
    if closed:
        telemetry.info("turns.closed", count=closed)
    return closed


def next_cut() -> datetime | None:
    """When the next turn that is not answered yet counts as cut; nothing where all are answered."""
    with db.transaction(db.Principal(None, login="worker")) as tx:
        expires = cut_repo.next_expiry(tx)
    return expires.one().expires_at
