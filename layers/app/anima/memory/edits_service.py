"""What a person takes back by saying it in other words, and what an avatar does by answering again.

The messages stay in their session as a branch of it; but they are not recalled any more, and what rests on them alone
is forgotten. What was said elsewhere too, corrected or pinned stays.
"""

from __future__ import annotations

import uuid

from anima.kernel import db
from anima.memory import edits_repo, index_repo, lines_repo, replay_repo


def take_back(
    principal: db.Principal,
    owner_id: int,
    avatar_id: uuid.UUID,
    *,
    edits: int | None = None,
    answered: int | None = None,
    by: int | None = None,
) -> int:
    """Takes back the message `edits` with its answers, or all answers to `answered` but the one that counts now (`by`).

    Done twice, it is the same. Answers how many messages it were.
    """
    with db.transaction(principal) as tx:
        lines_repo.lock(tx, owner_id)
        found = edits_repo.replaced(tx, owner_id, edits, answered, by).all()
        message_ids = [one.message_id for one in found]
        if message_ids:
            replay_repo.remake(tx, owner_id, message_ids)
            edits_repo.unsay(tx, owner_id, avatar_id, message_ids)
            index_repo.unindex(tx, owner_id, avatar_id, message_ids)
    return len(message_ids)
