"""SQL of facts as they are read: what holds, what held, which messages said so."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString

from anima.kernel import db
from anima.memory.facts_model import Fact, Mention

COLUMNS: LiteralString = """
    u.id, u.avatar_id, u.session_id, u.category, u.key, u.value, u.confidence, u.status, u.evidence,
    u.source_message_id, u.first_mentioned, u.last_updated, u.mention_count, u.tags, u.context, u.is_active,
    u.superseded_by, u.true_from, u.true_until, u.learned_at, u.ended_at, u.pinned, u.origin, u.settled_at, u.entity_id,
    (select e.name from entities e where e.owner_id = u.user_id and e.entity_id = u.entity_id) as entity_name
"""

# What was never held (a guess that was outvoted, a denial of what nobody had said) is no history.
FACTS = db.Query(
    Fact,
    "select"
    + COLUMNS
    + """
    from user_facts u
    where u.user_id = %(owner_id)s and u.avatar_id = %(avatar_id)s
        and (%(category)s::text is null or u.category = %(category)s)
        and (%(pattern)s::text is null or u.value::text ilike %(pattern)s or u.evidence ilike %(pattern)s
            or u.key ilike %(pattern)s)
        and case when %(at)s::timestamptz is not null
            then u.learned_at <= %(at)s and (u.ended_at is null or u.ended_at > %(at)s)
            else u.is_active or (%(history)s::boolean and (u.ended_at is null or u.ended_at > u.learned_at)) end
        and (%(before)s::uuid is null or u.id < %(before)s)
    order by u.id desc
    limit %(limit)s
    """,
)

FACT = db.Query(
    Fact,
    "select"
    + COLUMNS
    + """
    from user_facts u
    where u.user_id = %(owner_id)s and u.avatar_id = %(avatar_id)s and u.id = %(fact_id)s
    for update of u
    """,
)

# What stood under the key before and after, and what took its place under another one.
LINE_OF = db.Query(
    Fact,
    "select"
    + COLUMNS
    + """
    from user_facts u
    join user_facts f on f.user_id = u.user_id and f.avatar_id = u.avatar_id and f.id = %(fact_id)s
    where u.user_id = %(owner_id)s and u.avatar_id = %(avatar_id)s and u.id <> f.id
        and (u.key = f.key or u.superseded_by = f.id or u.id = f.superseded_by)
        and (u.ended_at is null or u.ended_at > u.learned_at)
    order by u.learned_at desc, u.id desc
    limit 200
    """,
)

MENTIONS = db.Query(
    Mention,
    """
    select m.fact_id, m.message_id, said.session_id, m.said_at as date, m.evidence, m.gone
    from fact_mentions m
    join messages said on said.owner_id = m.owner_id and said.message_id = m.message_id
    where m.owner_id = %(owner_id)s and m.fact_id = any(%(fact_ids)s::uuid[])
    order by m.said_at desc, m.message_id desc
    limit 1000
    """,
)


def facts(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    *,
    category: str | None,
    pattern: str | None,
    history: bool,
    at: datetime | None,
    before: uuid.UUID | None,
    limit: int,
) -> db.Pending[Fact]:
    """A page of facts, newest first; with `history` also those that hold no more, with `at` those known then."""
    return tx.fetch(
        FACTS,
        owner_id=owner_id,
        avatar_id=avatar_id,
        category=category,
        pattern=pattern,
        history=history,
        at=at,
        before=before,
        limit=limit,
    )


def fact(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, fact_id: uuid.UUID) -> db.Pending[Fact]:
    """One fact, kept from changing until the transaction ends."""
    return tx.fetch(FACT, owner_id=owner_id, avatar_id=avatar_id, fact_id=fact_id)


def line_of(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, fact_id: uuid.UUID) -> db.Pending[Fact]:
    """The history of a fact: what else stood under its key, latest first."""
    return tx.fetch(LINE_OF, owner_id=owner_id, avatar_id=avatar_id, fact_id=fact_id)


def mentions(tx: db.Transaction, owner_id: int, fact_ids: Sequence[uuid.UUID]) -> db.Pending[Mention]:
    """The messages that spoke of these facts, latest first."""
    return tx.fetch(MENTIONS, owner_id=owner_id, fact_ids=list(fact_ids))
