"""SQL of what a person themself changes of a fact: corrected, confirmed, pinned, forgotten."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from anima.kernel import db
from anima.memory.facts_model import Fact


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A fact to be forgotten with those before it."""

    id: uuid.UUID
    key: str


# What it was stays as history, under an id of its own, with the messages that said so.
KEEP_OLD = db.Command(
    """
    insert into user_facts (id, user_id, avatar_id, session_id, category, key, value, confidence, status, evidence,
        source_message_id, first_mentioned, last_updated, mention_count, tags, context, is_active, superseded_by,
        true_from, true_until, learned_at, ended_at, pinned, origin, entity_id, settled_at)
    select %(new_id)s, user_id, avatar_id, session_id, category, key, value, confidence, status, evidence,
        source_message_id, first_mentioned, %(at)s, mention_count, tags, context, false, id,
        true_from, coalesce(true_until, %(at)s), learned_at, %(at)s, pinned, origin, entity_id, settled_at
    from user_facts
    where user_id = %(owner_id)s and id = %(fact_id)s
    """
)

MOVE_MENTIONS = db.Command(
    """
    update fact_mentions set fact_id = %(new_id)s where owner_id = %(owner_id)s and fact_id = %(fact_id)s
    """
)

END_OTHERS = db.Command(
    """
    update user_facts set is_active = false, superseded_by = %(fact_id)s, ended_at = %(at)s, last_updated = %(at)s
    where user_id = %(owner_id)s and avatar_id = %(avatar_id)s and is_active and key = any(%(keys)s::text[])
        and id <> %(fact_id)s
    """
)

CORRECT = db.Command(
    """
    update user_facts set category = %(category)s, key = %(key)s, value = %(value)s, confidence = %(confidence)s,
        status = %(status)s, evidence = %(evidence)s, source_message_id = %(message_id)s, tags = %(tags)s::text[],
        context = %(context)s, last_updated = %(at)s, mention_count = %(mention_count)s, learned_at = %(learned_at)s,
        true_from = %(true_from)s, true_until = %(true_until)s, pinned = %(pinned)s, origin = %(origin)s,
        settled_at = %(settled_at)s, terms = %(terms)s::text[], embedding = %(vector)s::vector,
        embedding_model = %(embedding_model)s
    where user_id = %(owner_id)s and avatar_id = %(avatar_id)s and id = %(fact_id)s
    """
)

WITH_PAST = db.Query(
    Forgotten,
    """
    with recursive line as (
        select id, key from user_facts
        where user_id = %(owner_id)s and avatar_id = %(avatar_id)s and id = %(fact_id)s
        union
        select u.id, u.key from user_facts u join line on u.superseded_by = line.id
        where u.user_id = %(owner_id)s
    )
    select id, key from line
    """,
)

FORGET = db.Command("delete from user_facts where user_id = %(owner_id)s and id = any(%(fact_ids)s::uuid[])")


def keep_old(tx: db.Transaction, owner_id: int, fact_id: uuid.UUID, new_id: uuid.UUID, at: datetime) -> None:
    """Copies a fact, as it is, into the history; its messages go with it."""
    tx.execute(KEEP_OLD, owner_id=owner_id, fact_id=fact_id, new_id=new_id, at=at)
    tx.execute(MOVE_MENTIONS, owner_id=owner_id, fact_id=fact_id, new_id=new_id)


def end_others(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, fact_id: uuid.UUID, keys: Sequence[str], at: datetime
) -> None:
    """Ends what cannot hold beside a fact: what stands under these keys."""
    tx.execute(END_OTHERS, owner_id=owner_id, avatar_id=avatar_id, fact_id=fact_id, keys=list(keys), at=at)


def correct(
    tx: db.Transaction,
    owner_id: int,
    fact: Fact,
    *,
    terms: Sequence[str],
    vector: Sequence[float],
    embedding_model: str,
) -> None:
    """Gives a fact everything that `fact` says of it."""
    tx.execute(
        CORRECT,
        owner_id=owner_id,
        avatar_id=fact.avatar_id,
        fact_id=fact.id,
        category=fact.category,
        key=fact.key,
        value=db.jsonb(fact.value),
        confidence=fact.confidence,
        status=fact.status,
        evidence=fact.evidence,
        message_id=fact.source_message_id,
        tags=fact.tags,
        context=fact.context,
        at=fact.last_updated,
        mention_count=fact.mention_count,
        learned_at=fact.learned_at,
        true_from=fact.true_from,
        true_until=fact.true_until,
        pinned=fact.pinned,
        origin=fact.origin,
        settled_at=fact.settled_at,
        terms=list(terms),
        vector=db.vector_text(vector),
        embedding_model=embedding_model,
    )


def with_past(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, fact_id: uuid.UUID) -> db.Pending[Forgotten]:
    """A fact, and those whose place it took, and those before them."""
    return tx.fetch(WITH_PAST, owner_id=owner_id, avatar_id=avatar_id, fact_id=fact_id)


def forget(tx: db.Transaction, owner_id: int, fact_ids: Sequence[uuid.UUID]) -> None:
    """Deletes facts."""
    tx.execute(FORGET, owner_id=owner_id, fact_ids=list(fact_ids))
