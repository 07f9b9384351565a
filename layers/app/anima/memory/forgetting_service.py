"""Forgetting of those who do not come back: once a day, by the index, for whoever has something that has faded."""

from __future__ import annotations

from anima.kernel import clock, db, telemetry
from anima.memory import forgetting_repo

_NOBODY = db.Principal(user_id=None, login="worker")


def forget_due() -> int:
    """Deletes what has faded of everybody; answers how many episodes. Costs what is due, not what there is."""
    at = clock.now()
    with db.transaction(_NOBODY) as tx:
        found = forgetting_repo.due(tx)
    dropped = 0
    for each in found.all():
        with db.transaction(db.Principal(each.owner_id, login="worker")) as tx:
            gone = forgetting_repo.drop_faded(tx, each.owner_id, at)
        dropped += len(gone.all())
    if dropped:
        telemetry.count("memory.faded", dropped)
    return dropped
