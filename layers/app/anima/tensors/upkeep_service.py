"""Has collected what nobody said was free: tensors that went out of use with an avatar or a document, packs of a save
that was killed.
"""

from __future__ import annotations

from anima.kernel import db
from anima.tensors import service, upkeep_repo

_NOBODY = db.Principal(user_id=None, login="worker")


def collect_due() -> int:
    """Has collected what is free for a day already, owner by owner; answers of how many."""
    with db.transaction(_NOBODY) as tx:
        due = upkeep_repo.due(tx)
    for one in due.all():
        with db.transaction(db.Principal(one.owner_id, login="worker")) as tx:
            service.released(tx, one.owner_id)
    return len(due.all())
