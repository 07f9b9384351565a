"""SQL that takes back what rested on messages that were replaced: they stay in their session, but hold no more."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Replaced:
    """A message in whose place another stands."""

    message_id: int


# A message of the person with its answers; or the other answers to a message that was answered again.
REPLACED = db.Query(
    Replaced,
    """
    select m.message_id from messages m
    where m.owner_id = %(owner_id)s and (
        m.message_id = %(edits)s::bigint
        or (m.parent_message_id = %(edits)s::bigint and m.role = 'assistant')
        or (m.parent_message_id = %(answered)s::bigint and m.role = 'assistant' and m.message_id <> %(by)s::bigint)
    )
    order by m.message_id
    """,
)

# What else a fact, an entity or an episode rests on is seen to by the triggers of these tables.
UNSAY_FACTS = db.Command(
    "delete from fact_mentions where owner_id = %(owner_id)s and message_id = any(%(message_ids)s::bigint[])"
)

UNSAY_ENTITIES = db.Command(
    """
    delete from entity_mentions
    where owner_id = %(owner_id)s and avatar_id = %(avatar_id)s and message_id = any(%(message_ids)s::bigint[])
    """
)

UNSAY_EPISODES = db.Command(
    """
    update episodes set context_messages = array(
        select told.id from unnest(context_messages) with ordinality as told (id, place)
        where told.id <> all(%(message_ids)s::bigint[]) order by told.place
    )
    where user_id = %(owner_id)s and avatar_id = %(avatar_id)s
        and context_messages && %(message_ids)s::bigint[]
    """
)


def replaced(
    tx: db.Transaction, owner_id: int, edits: int | None, answered: int | None, by: int | None
) -> db.Pending[Replaced]:
    """The messages that an edit, or another answer (`by`) to a message, has replaced."""
    return tx.fetch(REPLACED, owner_id=owner_id, edits=edits, answered=answered, by=by)


def unsay(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, message_ids: Sequence[int]) -> None:
    """Takes messages away from the facts, entities and episodes that rest on them."""
    tx.execute(UNSAY_FACTS, owner_id=owner_id, message_ids=list(message_ids))
    tx.execute(UNSAY_ENTITIES, owner_id=owner_id, avatar_id=avatar_id, message_ids=list(message_ids))
    tx.execute(UNSAY_EPISODES, owner_id=owner_id, avatar_id=avatar_id, message_ids=list(message_ids))
