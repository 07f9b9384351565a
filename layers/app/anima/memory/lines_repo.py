"""SQL of writing facts: the sources and the lines as they are now, and what becomes of them; sets of rows at a time."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from anima.kernel import db
from anima.memory.lines_model import Plan, Row, Standing


@dataclass(frozen=True, slots=True)
class Source:
    """A message of a person's own that may be remembered, kept from going until the transaction ends."""

    message_id: int
    session_id: int
    content: str
    created_at: datetime
    own: bool


@dataclass(frozen=True, slots=True)
class Near:
    """A fact that holds and means nearly the same as a new one; `cosine` says how nearly."""

    place: int
    key: str
    value: Any
    cosine: float


@dataclass(frozen=True, slots=True)
class Found:
    """What a fact is found by: its words, and the vector of its text."""

    terms: Sequence[str]
    vector: Sequence[float]


@dataclass(frozen=True, slots=True)
class Holding:
    """A fact that holds, and since when it is known."""

    key: str
    category: str
    value: Any
    learned_at: datetime


LOCK = db.Command("select pg_advisory_xact_lock(hashtextextended('memory:' || %(owner_id)s::bigint, 0))")

# What is being deleted is waited for, and then not there; what is there cannot go before this ends. What was said in
# other words since (an edit, by its mark) holds no more, however late somebody reads it.
SOURCES = db.Query(
    Source,
    """
    select m.message_id, m.session_id, m.content, m.created_at,
        m.role = 'user' and m.author_id is not distinct from m.owner_id as own
    from messages m
    join sessions s on s.user_id = m.owner_id and s.session_id = m.session_id
    join avatars a on a.owner_id = m.owner_id and a.avatar_id = %(avatar_id)s
    where m.owner_id = %(owner_id)s and m.message_id = any(%(message_ids)s::bigint[]) and not s.private
        and m.message_id > a.remembers_after and not exists (
            select from messages e
            where e.owner_id = m.owner_id and e.metadata ? 'edits' and e.metadata ->> 'edits' = any(array[
                m.message_id::text, case when m.role = 'assistant' then m.parent_message_id::text end
            ])
        )
    order by m.message_id
    for key share of m
    """,
)

NEAR = db.Query(
    Near,
    """
    with new as materialized (
        select n.place::integer as place, n.category, n.vector::vector as vector
        from unnest(%(categories)s::text[], %(vectors)s::text[]) with ordinality as n (category, vector, place)
    )
    select n.place, h.key, h.value, 1 - h.distance as cosine
    from new n
    cross join lateral (
        select u.key, u.value, u.embedding <=> n.vector as distance
        from user_facts u
        where u.user_id = %(owner_id)s and u.avatar_id = %(avatar_id)s and u.is_active and u.category = n.category
            and u.embedding_model = %(embedding_model)s
        order by distance
        limit 5
    ) h
    order by n.place, cosine desc
    """,
)

STANDING = db.Query(
    Standing,
    """
    select u.id as fact_id, u.category, u.key, u.value, u.status, u.origin, u.is_active, u.mention_count, u.learned_at,
        u.ended_at, u.superseded_by, s.key as successor_key, coalesce(s.true_from, s.learned_at) as successor_from,
        u.settled_at, u.true_from, u.true_until, m.message_id, said.session_id, m.evidence, m.said_at, m.confirmed,
        m.changed, m.gone, m.true_from as said_from, m.true_until as said_until, m.place
    from user_facts u
    left join user_facts s on s.user_id = u.user_id and s.id = u.superseded_by
    left join fact_mentions m on m.owner_id = u.user_id and m.fact_id = u.id
    left join messages said on said.owner_id = m.owner_id and said.message_id = m.message_id
    where u.user_id = %(owner_id)s and u.avatar_id = %(avatar_id)s and u.key = any(%(keys)s::text[])
    order by u.id, m.said_at, m.message_id
    """,
)

HOLDING = db.Query(
    Holding,
    """
    select u.key, u.category, u.value, u.learned_at
    from user_facts u
    where u.user_id = %(owner_id)s and u.avatar_id = %(avatar_id)s and u.is_active
    order by u.id
    """,
)

END = db.Command(
    """
    update user_facts set is_active = false where user_id = %(owner_id)s and id = any(%(fact_ids)s::uuid[])
    """
)

# A period that was parted from another one shares its words, its vector and what its owner noted.
WRITE = db.Command(
    """
    insert into user_facts as u (id, user_id, avatar_id, session_id, category, key, value, confidence, status, evidence,
        source_message_id, first_mentioned, last_updated, mention_count, is_active, learned_at, ended_at, superseded_by,
        true_from, true_until, origin, entity_id, tags, context, terms, embedding, embedding_model)
    select n.id, %(owner_id)s, %(avatar_id)s, n.session_id, n.category, n.key, n.value, n.confidence, n.status,
        n.evidence, n.message_id, n.first_mentioned, n.last_updated, n.mention_count, n.is_active, n.learned_at,
        n.ended_at, n.superseded_by, n.true_from, n.true_until, n.origin,
        coalesce(
            (select e.entity_id from entities e where e.owner_id = %(owner_id)s and e.entity_id = n.entity_id),
            l.entity_id
        ),
        coalesce(l.tags, '{}'), coalesce(l.context, ''), coalesce(string_to_array(n.terms, ' '), l.terms, '{}'),
        coalesce(n.vector::vector, l.embedding),
        case when n.vector is null then l.embedding_model else %(embedding_model)s end
    from jsonb_to_recordset(%(rows)s::jsonb) as n (id uuid, session_id bigint, category text, key text, value jsonb,
        confidence real, status text, evidence text, message_id bigint, first_mentioned timestamptz,
        last_updated timestamptz, mention_count integer, is_active boolean, learned_at timestamptz,
        ended_at timestamptz, superseded_by uuid, true_from timestamptz, true_until timestamptz, origin text,
        entity_id uuid, "like" uuid, terms text, vector text)
    left join user_facts l on l.user_id = %(owner_id)s and l.id = n."like"
    on conflict (id) do update set session_id = excluded.session_id, confidence = excluded.confidence,
        status = excluded.status, evidence = excluded.evidence, source_message_id = excluded.source_message_id,
        first_mentioned = excluded.first_mentioned, last_updated = excluded.last_updated,
        mention_count = excluded.mention_count, is_active = excluded.is_active, learned_at = excluded.learned_at,
        ended_at = excluded.ended_at, superseded_by = excluded.superseded_by, true_from = excluded.true_from,
        true_until = excluded.true_until, entity_id = coalesce(u.entity_id, excluded.entity_id)
    where u.user_id = %(owner_id)s
    """
)

MENTION = db.Command(
    """
    insert into fact_mentions (owner_id, fact_id, message_id, evidence, said_at, confirmed, changed, gone, true_from,
        true_until, place)
    select %(owner_id)s, n.fact_id, n.message_id, n.evidence, n.said_at, n.confirmed, n.changed, n.gone, n.true_from,
        n.true_until, n.place
    from jsonb_to_recordset(%(mentions)s::jsonb) as n (fact_id uuid, message_id bigint, evidence text,
        said_at timestamptz, confirmed boolean, changed boolean, gone boolean, true_from timestamptz,
        true_until timestamptz, place smallint)
    on conflict do nothing
    """
)

MOVE = db.Command(
    """
    update fact_mentions m set fact_id = n.new_id
    from unnest(%(old_ids)s::uuid[], %(new_ids)s::uuid[], %(message_ids)s::bigint[]) as n (old_id, new_id, message_id)
    where m.owner_id = %(owner_id)s and m.fact_id = n.old_id and m.message_id = n.message_id
    """
)

DROP = db.Command("delete from user_facts where user_id = %(owner_id)s and id = any(%(fact_ids)s::uuid[])")


def lock(tx: db.Transaction, owner_id: int) -> None:
    """Has everybody else who changes what is remembered of this owner wait until the transaction ends."""
    tx.execute(LOCK, owner_id=owner_id)


def sources(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, message_ids: Sequence[int]) -> db.Pending[Source]:
    """Those of the messages that are still there and may be remembered."""
    return tx.fetch(SOURCES, owner_id=owner_id, avatar_id=avatar_id, message_ids=list(message_ids))


def near(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    *,
    categories: Sequence[str],
    vectors: Sequence[Sequence[float]],
    embedding_model: str,
) -> db.Pending[Near]:
    """Of each new fact (1, 2, …) the facts of its category that hold and mean most nearly the same, nearest first."""
    return tx.fetch(
        NEAR,
        owner_id=owner_id,
        avatar_id=avatar_id,
        categories=list(categories),
        vectors=[db.vector_text(vector) for vector in vectors],
        embedding_model=embedding_model,
    )


def standing(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, keys: Sequence[str]) -> db.Pending[Standing]:
    """Every fact of these keys, whether it holds or not, once for each message that spoke of it."""
    return tx.fetch(STANDING, owner_id=owner_id, avatar_id=avatar_id, keys=list(keys))


def holding(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID) -> db.Pending[Holding]:
    """Every fact that holds."""
    return tx.fetch(HOLDING, owner_id=owner_id, avatar_id=avatar_id)


def write(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    plan: Plan,
    *,
    found_by: Mapping[uuid.UUID, Found],
    entities: Mapping[uuid.UUID, uuid.UUID],
    embedding_model: str | None,
) -> None:
    """Writes what a plan says: what ends first, for at most one fact of a key is active at any moment."""
    if plan.ended:
        tx.execute(END, owner_id=owner_id, fact_ids=plan.ended)
    if plan.rows:
        rows = [_row(each, found_by.get(each.id), entities.get(each.id)) for each in plan.rows]
        tx.execute(
            WRITE,
            owner_id=owner_id,
            avatar_id=avatar_id,
            rows=json.dumps(rows, default=str),
            embedding_model=embedding_model,
        )
    if plan.moved:
        old, new, messages = (list(each) for each in zip(*plan.moved, strict=True))
        tx.execute(MOVE, owner_id=owner_id, old_ids=old, new_ids=new, message_ids=messages)
    if plan.said:
        tx.execute(
            MENTION, owner_id=owner_id, mentions=json.dumps([_mention(*each) for each in plan.said], default=str)
        )
    if plan.dropped:
        tx.execute(DROP, owner_id=owner_id, fact_ids=plan.dropped)


def _row(row: Row, found: Found | None, entity_id: uuid.UUID | None) -> dict[str, Any]:
    """A row for the statement; dates and ids as their text."""
    told = asdict(row)
    told.pop("about")
    words = None if found is None else " ".join(found.terms)
    vector = None if found is None else db.vector_text(found.vector)
    return {**told, "entity_id": entity_id, "terms": words, "vector": vector}


def _mention(fact_id: uuid.UUID, said: Any) -> dict[str, Any]:
    names = ("message_id", "evidence", "said_at", "confirmed", "changed", "gone", "true_from", "true_until", "place")
    return {"fact_id": fact_id, **{name: getattr(said, name) for name in names}}
