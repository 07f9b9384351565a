"""SQL of what sleep replays, and of what becomes of it: episodes folded, episodes merged, their relations repaired."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, LiteralString

from anima.kernel import db
from anima.memory.sleep_model import Lived, Told


@dataclass(frozen=True, slots=True)
class Recalled:
    """A message of the person's own that recall finds."""

    message_id: int
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Pair:
    """Two episodes of a type that are near in meaning."""

    one: uuid.UUID
    other: uuid.UUID
    cosine: float


@dataclass(frozen=True, slots=True)
class Remade:
    """That what was made of several episodes is made anew."""

    done: str | None


@dataclass(frozen=True, slots=True)
class Bare:
    """An episode without a vector."""

    id: uuid.UUID
    title: str
    summary: str


_LIVED: LiteralString = """
    select e.id, e.session_id, e.type, e.title, e.summary, e.importance::float8 as importance, e.sentiment, e.tags,
        e.context_messages, e."timestamp", e.times_recalled, e.last_recalled, e.pinned, e.origin, e.related_facts,
        e.related_episodes, coalesce(e.metadata -> 'parts', '[]') as parts,
        array(
            select distinct m.entity_id from entity_mentions m
            where m.owner_id = e.user_id and m.avatar_id = e.avatar_id and m.message_id = any(e.context_messages)
            order by 1
        ) as entities
    from episodes e
"""

# The newest of them, and for a third of the number those that matter most: what is new, and what is worth it.
REPLAYED = db.Query(
    Lived,
    """
    with living as (
        select id, importance, "timestamp" from episodes
        where user_id = %(owner_id)s and avatar_id = %(avatar_id)s and (pinned or forget_at > %(at)s)
    ),
    chosen as (
        (select id from living order by "timestamp" desc, id desc limit %(newest)s::integer)
        union
        (select id from living order by importance desc, id desc limit %(dearest)s::integer)
    )
    """  # noqa: S608 (a piece from this file)
    + _LIVED
    + """
    join chosen using (id)
    where e.user_id = %(owner_id)s
    order by e."timestamp", e.id
    """,
)

PAIRS = db.Query(
    Pair,
    """
    select a.id as one, b.id as other, 1 - (a.embedding <=> b.embedding) as cosine
    from episodes a
    join episodes b on b.user_id = a.user_id and b.type = a.type and b.embedding_model = a.embedding_model
    where a.user_id = %(owner_id)s and a.id < b.id and a.id = any(%(episode_ids)s::uuid[])
        and b.id = any(%(episode_ids)s::uuid[]) and 1 - (a.embedding <=> b.embedding) >= %(nearest)s::float8
    """,
)

# As they are now, and kept so: what has changed or gone since they were replayed is not dreamt of.
SOURCES = db.Query(
    Lived,
    _LIVED
    + """
    where e.user_id = %(owner_id)s and e.avatar_id = %(avatar_id)s and e.id = any(%(episode_ids)s::uuid[])
    order by e.id
    for update of e
    """,
)

# Under the strongest one's id where it says the same, under a new one where it is made of several; what named those
# that are gone names it instead.
GONE = db.Command(
    """
    delete from episodes
    where user_id = %(owner_id)s and avatar_id = %(avatar_id)s and id = any(%(episode_ids)s::uuid[])
    """
)

REPAIR = db.Command(
    """
    update episodes e set related_episodes = array(
        select distinct case when r = any(%(episode_ids)s::uuid[]) then %(episode_id)s::uuid else r end as id
        from unnest(e.related_episodes) r
        where not (e.id = %(episode_id)s::uuid and r = any(%(episode_ids)s::uuid[]))
        order by 1
    )
    where user_id = %(owner_id)s and avatar_id = %(avatar_id)s and related_episodes && %(episode_ids)s::uuid[]
    """
)

ADD = db.Command(
    """
    insert into episodes (id, user_id, avatar_id, session_id, type, title, summary, importance, sentiment, tags,
        context_messages, "timestamp", times_recalled, last_recalled, forget_at, related_facts, related_episodes,
        metadata, origin, terms, embedding, embedding_model)
    select %(new_id)s::uuid, %(owner_id)s, avatar_id, %(session_id)s::bigint, %(type)s, %(title)s, %(summary)s,
        %(importance)s, %(sentiment)s, %(tags)s::text[],
        array(
            select message_id from messages
            where owner_id = %(owner_id)s and message_id = any(%(message_ids)s::bigint[]) order by message_id
        ),
        %(at)s, %(times_recalled)s, %(last_recalled)s, %(forget_at)s,
        array(select id from user_facts where user_id = %(owner_id)s and id = any(%(fact_ids)s::uuid[]) order by id),
        array(
            select id from episodes
            where user_id = %(owner_id)s and id = any(%(episode_ids)s::uuid[]) order by id
        ),
        jsonb_build_object('parts', %(parts)s::jsonb), 'consolidated', %(terms)s::text[], %(vector)s::vector,
        %(embedding_model)s
    from avatars where owner_id = %(owner_id)s and avatar_id = %(avatar_id)s
    """
)

FOLD = db.Command(
    """
    update episodes set importance = %(importance)s, tags = %(tags)s::text[],
        context_messages = array(
            select message_id from messages
            where owner_id = %(owner_id)s and message_id = any(%(message_ids)s::bigint[]) order by message_id
        ),
        "timestamp" = %(at)s, times_recalled = %(times_recalled)s, last_recalled = %(last_recalled)s,
        forget_at = greatest(forget_at, %(forget_at)s),
        related_facts = array(
            select id from user_facts where user_id = %(owner_id)s and id = any(%(fact_ids)s::uuid[]) order by id
        ),
        related_episodes = array(
            select id from episodes
            where user_id = %(owner_id)s and id = any(%(related_ids)s::uuid[]) order by id
        )
    where user_id = %(owner_id)s and avatar_id = %(avatar_id)s and id = %(episode_id)s::uuid
    """
)

# What recall finds: not what is private, forgotten, or only the assistant's.
RECALLED = db.Query(
    Recalled,
    """
    select m.message_id, m.content as text, m.created_at as at
    from message_embeddings e
    join messages m on m.owner_id = e.user_id and m.message_id = e.message_id
    join sessions s on s.user_id = m.owner_id and s.session_id = m.session_id
    where e.user_id = %(owner_id)s and e.avatar_id = %(avatar_id)s and m.role = 'user'
        and m.author_id is not distinct from m.owner_id and not s.private
    order by m.created_at desc, m.message_id desc
    limit %(limit)s
    """,
)

REMAKE = db.Query(Remade, "select remake_consolidated(%(owner_id)s::bigint, %(message_ids)s::bigint[])::text as done")

BARE = db.Query(
    Bare,
    """
    select id, title, summary from episodes
    where user_id = %(owner_id)s and origin = 'consolidated' and embedding is null
    order by id
    limit %(limit)s
    """,
)

CLOTHE = db.Command(
    """
    update episodes e set terms = string_to_array(n.terms, ' '), embedding = n.vector::vector,
        embedding_model = %(embedding_model)s
    from unnest(%(episode_ids)s::uuid[], %(summaries)s::text[], %(term_lists)s::text[], %(vectors)s::text[])
        as n (id, summary, terms, vector)
    where e.user_id = %(owner_id)s and e.id = n.id and e.summary = n.summary and e.embedding is null
    """
)


def replayed(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, number: int, at: datetime) -> db.Pending[Lived]:
    """The episodes that are replayed, at most so many, in the order of time."""
    dearest = number // 3
    return tx.fetch(REPLAYED, owner_id=owner_id, avatar_id=avatar_id, newest=number - dearest, dearest=dearest, at=at)


def pairs(tx: db.Transaction, owner_id: int, episode_ids: Sequence[uuid.UUID], nearest: float) -> db.Pending[Pair]:
    """Those of these episodes that are at least so near to each other; compared where one model embedded both."""
    return tx.fetch(PAIRS, owner_id=owner_id, episode_ids=list(episode_ids), nearest=nearest)


def sources(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, episode_ids: Sequence[uuid.UUID]
) -> db.Pending[Lived]:
    """These episodes as they are now, kept from changing until the transaction ends."""
    return tx.fetch(SOURCES, owner_id=owner_id, avatar_id=avatar_id, episode_ids=list(episode_ids))


def fold(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    told: Told,
    *,
    episode_id: uuid.UUID,
    gone: Sequence[uuid.UUID],
    forget_at: datetime,
) -> None:
    """Gives an episode what those know that say the same, and deletes these."""
    tx.execute(
        FOLD,
        owner_id=owner_id,
        avatar_id=avatar_id,
        episode_id=episode_id,
        importance=told.importance,
        tags=told.tags,
        message_ids=told.context_messages,
        at=told.timestamp,
        times_recalled=told.times_recalled,
        last_recalled=told.last_recalled,
        forget_at=forget_at,
        fact_ids=told.related_facts,
        related_ids=told.related_episodes,
    )
    _replace(tx, owner_id, avatar_id, gone, episode_id)


def merge(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    told: Told,
    *,
    new_id: uuid.UUID,
    gone: Sequence[uuid.UUID],
    forget_at: datetime,
    terms: Sequence[str],
    vector: Sequence[float],
    embedding_model: str,
) -> None:
    """Stores an episode that was made of several, and deletes these."""
    tx.execute(
        ADD,
        owner_id=owner_id,
        avatar_id=avatar_id,
        new_id=new_id,
        **_columns(told),
        forget_at=forget_at,
        terms=list(terms),
        vector=db.vector_text(vector),
        embedding_model=embedding_model,
    )
    _replace(tx, owner_id, avatar_id, gone, new_id)


def _columns(told: Told) -> dict[str, Any]:
    given = asdict(told)
    renamed = {
        "context_messages": "message_ids",
        "timestamp": "at",
        "related_facts": "fact_ids",
        "related_episodes": "episode_ids",
    }
    columns = {renamed.get(name, name): value for name, value in given.items()}
    return {**columns, "parts": json.dumps(told.parts)}


def _replace(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, gone: Sequence[uuid.UUID], episode_id: uuid.UUID
) -> None:
    tx.execute(GONE, owner_id=owner_id, avatar_id=avatar_id, episode_ids=list(gone))
    tx.execute(REPAIR, owner_id=owner_id, avatar_id=avatar_id, episode_ids=list(gone), episode_id=episode_id)


def recalled(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, limit: int) -> db.Pending[Recalled]:
    """The person's own messages that recall finds, the newest first."""
    return tx.fetch(RECALLED, owner_id=owner_id, avatar_id=avatar_id, limit=limit)


def remake(tx: db.Transaction, owner_id: int, message_ids: Sequence[int]) -> None:
    """Makes consolidated episodes anew without what these messages told, for messages that stay but hold no more."""
    tx.fetch(REMAKE, owner_id=owner_id, message_ids=list(message_ids))


def bare(tx: db.Transaction, owner_id: int, limit: int) -> db.Pending[Bare]:
    """Consolidated episodes that were made anew and have no vector yet."""
    return tx.fetch(BARE, owner_id=owner_id, limit=limit)


def clothe(
    tx: db.Transaction,
    owner_id: int,
    episodes: Sequence[Bare],
    term_lists: Sequence[Sequence[str]],
    vectors: Sequence[Sequence[float]],
    embedding_model: str,
) -> None:
    """Gives episodes their terms and vectors, where they still read so."""
    tx.execute(
        CLOTHE,
        owner_id=owner_id,
        episode_ids=[each.id for each in episodes],
        summaries=[each.summary for each in episodes],
        term_lists=[" ".join(terms) for terms in term_lists],
        vectors=[db.vector_text(vector) for vector in vectors],
        embedding_model=embedding_model,
    )
