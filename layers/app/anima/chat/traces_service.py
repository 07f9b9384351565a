"""What the logs of turns hold of memory goes when that is erased; what was said and answered stays until deleted."""

from __future__ import annotations

import uuid

from anima.chat import traces_repo
from anima.kernel import db


def forget_session(owner: db.Principal, owner_id: int, session_id: int) -> None:
    """Takes what was said in a session that is gone out of the logs of other answers, with the prompts of those."""
    with db.transaction(owner) as tx:
        traces_repo.forget_session(tx, owner_id, session_id)


def forget_recalled(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID | None = None) -> None:
    """Takes all that an avatar (none: any) recalled out of the logs of answers, with their prompts."""
    traces_repo.forget_avatar(tx, owner_id, avatar_id)
