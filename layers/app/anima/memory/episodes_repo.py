"""SQL of episodes: what happened to a person, as they told it; sets of rows at a time."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, LiteralString

from anima.kernel import db
from anima.memory.facts_model import Episode, Moment

RELATED_FROM = 0.6
"""From this cosine on two episodes are of one matter."""


@dataclass(frozen=True, slots=True)
class NewEpisode:
    """An episode about to be stored, with the messages that tell it and what it is found by."""

    id: uuid.UUID
    session_id: int | None
    at: datetime
    moment: Moment
    origin: str
    message_ids: Sequence[int]
    related_facts: Sequence[uuid.UUID]
    times_recalled: int
    last_recalled: datetime | None
    forget_at: datetime
    terms: Sequence[str]
    embedding: Sequence[float]


@dataclass(frozen=True, slots=True)
class Added:
    """An episode that was not there yet."""

    id: uuid.UUID


@dataclass(frozen=True, slots=True)
class ForgottenEpisode:
    """An episode that was forgotten, and the messages that told it."""

    id: uuid.UUID
    context_messages: list[int]


# Arrays have no foreign keys: what is gone by now is left out.
COLUMNS: LiteralString = """
    e.id, e.avatar_id, e.session_id, e.type, e.title, e.summary, e.importance, e.sentiment, e.tags, e.context_messages,
    e."timestamp", e.times_recalled, e.last_recalled, e.forget_at, e.pinned,
    array(select f.id from user_facts f where f.user_id = e.user_id and f.id = any(e.related_facts) order by f.id)
        as related_facts,
    array(select o.id from episodes o where o.user_id = e.user_id and o.id = any(e.related_episodes) order by o.id)
        as related_episodes,
    e.origin
"""

EPISODES = db.Query(
    Episode,
    "select"
    + COLUMNS
    + """
    from episodes e
    where e.user_id = %(owner_id)s and e.avatar_id = %(avatar_id)s
        and (%(type)s::text is null or e.type = %(type)s)
        and e.importance >= %(min_importance)s
        and (%(pattern)s::text is null or e.title ilike %(pattern)s or e.summary ilike %(pattern)s)
        and (e.pinned or e.forget_at > %(now)s)
        and (%(before)s::uuid is null or e.id < %(before)s)
    order by e.id desc
    limit %(limit)s
    """,
)

EPISODE = db.Query(
    Episode,
    "select"
    + COLUMNS
    + """
    from episodes e
    where e.user_id = %(owner_id)s and e.avatar_id = %(avatar_id)s and e.id = %(episode_id)s
    for update of e
    """,
)

# Only ids of the owner's own rows get in, and what a message told already is not told twice.
ADD_EPISODES = db.Query(
    Added,
    """
    insert into episodes (id, user_id, avatar_id, session_id, type, title, summary, importance, sentiment,
        context_messages, "timestamp", times_recalled, last_recalled, forget_at, origin, related_facts, terms,
        embedding, embedding_model)
    select n.id, %(owner_id)s, %(avatar_id)s, n.session_id, n.type, n.title, n.summary, n.importance, n.sentiment,
        array(
            select m.message_id from messages m
            where m.owner_id = %(owner_id)s and m.message_id = any(n.message_ids) order by m.message_id
        ),
        n.at, n.times_recalled, n.last_recalled, n.forget_at, n.origin,
        array(select f.id from user_facts f where f.user_id = %(owner_id)s and f.id = any(n.fact_ids) order by f.id),
        string_to_array(n.terms, ' '), n.vector::vector, %(embedding_model)s
    from jsonb_to_recordset(%(episodes)s::jsonb) as n (id uuid, session_id bigint, type text, title text, summary text,
        importance real, sentiment text, message_ids bigint[], at timestamptz, times_recalled integer,
        last_recalled timestamptz, forget_at timestamptz, origin text, fact_ids uuid[], terms text, vector text)
    where not exists (
        select from episodes e
        where e.user_id = %(owner_id)s and e.avatar_id = %(avatar_id)s and e.session_id = n.session_id
            and e.title = n.title and n.message_ids[1] = any(e.context_messages)
    )
    returning id
    """,
)

# Related are episodes that tell of one fact or of one entity, or that are near each other in meaning, of the thousand
# before and after; each of a pair names the other, and none more than eight.
RELATE = db.Command(
    """
    with fresh as materialized (
        select f.id, f.related_facts, f.embedding, f.embedding_model, f."timestamp", array(
            select theirs.message_id
            from entity_mentions mine
            join entity_mentions theirs using (owner_id, avatar_id, entity_id)
            where mine.owner_id = %(owner_id)s and mine.avatar_id = %(avatar_id)s
                and mine.message_id = any(f.context_messages)
            order by theirs.message_id desc
            limit 500
        ) as spoken_of
        from episodes f
        where f.user_id = %(owner_id)s and f.avatar_id = %(avatar_id)s and f.id = any(%(episode_ids)s::uuid[])
    ),
    pairs as (
        select f.id as one, o.id as other
        from fresh f
        cross join lateral (
            select e.id
            from (
                (select id, related_facts, context_messages, embedding, embedding_model from episodes
                where user_id = %(owner_id)s and avatar_id = %(avatar_id)s and "timestamp" <= f."timestamp"
                order by "timestamp" desc limit 1000)
                union all
                (select id, related_facts, context_messages, embedding, embedding_model from episodes
                where user_id = %(owner_id)s and avatar_id = %(avatar_id)s and "timestamp" > f."timestamp"
                order by "timestamp" limit 1000)
            ) e
            where e.id <> f.id and (
                e.related_facts && f.related_facts or e.context_messages && f.spoken_of
                or (e.embedding_model = f.embedding_model and 1 - (e.embedding <=> f.embedding) >= %(nearness)s)
            )
            order by e.embedding <=> f.embedding, e.id
            limit 8
        ) o
    ),
    both_ways as (
        select one, other from pairs union select other, one from pairs
    ),
    gathered as (
        select one, array_agg(other order by other) as others from both_ways group by one
    )
    update episodes e set related_episodes = array(
        select distinct r from unnest(e.related_episodes || g.others) as r order by r desc limit 8
    )
    from gathered g
    where e.user_id = %(owner_id)s and e.id = g.one
    """
)

CORRECT_EPISODE = db.Command(
    """
    update episodes set title = %(title)s, summary = %(summary)s, importance = %(importance)s, pinned = %(pinned)s,
        tags = %(tags)s::text[], forget_at = %(forget_at)s, terms = %(terms)s::text[], embedding = %(vector)s::vector,
        embedding_model = %(embedding_model)s, origin = %(origin)s
    where user_id = %(owner_id)s and avatar_id = %(avatar_id)s and id = %(episode_id)s
    """
)

FORGET_EPISODE = db.Query(
    ForgottenEpisode,
    """
    delete from episodes
    where user_id = %(owner_id)s and avatar_id = %(avatar_id)s and id = %(episode_id)s
    returning id, context_messages
    """,
)

FORGET_RELATED = db.Command(
    """
    delete from episodes
    where user_id = %(owner_id)s and avatar_id = %(avatar_id)s and not pinned and related_facts && %(fact_ids)s::uuid[]
    """
)


def episodes(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    *,
    type: str | None,
    min_importance: float,
    pattern: str | None,
    now: datetime,
    before: uuid.UUID | None,
    limit: int,
) -> db.Pending[Episode]:
    """A page of the episodes that are not forgotten, newest first."""
    return tx.fetch(
        EPISODES,
        owner_id=owner_id,
        avatar_id=avatar_id,
        type=type,
        min_importance=min_importance,
        pattern=pattern,
        now=now,
        before=before,
        limit=limit,
    )


def episode(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, episode_id: uuid.UUID) -> db.Pending[Episode]:
    """One episode, kept from changing until the transaction ends."""
    return tx.fetch(EPISODE, owner_id=owner_id, avatar_id=avatar_id, episode_id=episode_id)


def add(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, new: Sequence[NewEpisode], *, embedding_model: str
) -> list[uuid.UUID]:
    """Stores episodes, and relates them to others; answers those that were not there yet."""
    if not new:
        return []
    rows = json.dumps([_row(each) for each in new], default=str)
    stored = tx.fetch(
        ADD_EPISODES, owner_id=owner_id, avatar_id=avatar_id, episodes=rows, embedding_model=embedding_model
    )
    added = [each.id for each in stored.all()]
    relate(tx, owner_id, avatar_id, added)
    return added


def relate(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, episode_ids: Sequence[uuid.UUID]) -> None:
    """Finds which others these episodes are related to."""
    tx.execute(RELATE, owner_id=owner_id, avatar_id=avatar_id, episode_ids=list(episode_ids), nearness=RELATED_FROM)


def _row(new: NewEpisode) -> dict[str, Any]:
    return {
        **asdict(new.moment),
        "id": new.id,
        "session_id": new.session_id,
        "message_ids": list(new.message_ids),
        "at": new.at,
        "times_recalled": new.times_recalled,
        "last_recalled": new.last_recalled,
        "forget_at": new.forget_at,
        "origin": new.origin,
        "fact_ids": [str(each) for each in new.related_facts],
        "terms": " ".join(new.terms),
        "vector": db.vector_text(new.embedding),
    }


def correct(
    tx: db.Transaction,
    owner_id: int,
    episode: Episode,
    *,
    terms: Sequence[str],
    vector: Sequence[float],
    embedding_model: str,
) -> None:
    """Gives an episode the title, summary, importance, pin and tags that `episode` has."""
    tx.execute(
        CORRECT_EPISODE,
        owner_id=owner_id,
        avatar_id=episode.avatar_id,
        episode_id=episode.id,
        title=episode.title,
        summary=episode.summary,
        importance=episode.importance,
        pinned=episode.pinned,
        tags=episode.tags,
        forget_at=episode.forget_at,
        terms=list(terms),
        vector=db.vector_text(vector),
        embedding_model=embedding_model,
        origin=episode.origin,
    )


def forget(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, episode_id: uuid.UUID
) -> db.Pending[ForgottenEpisode]:
    """Deletes an episode; answers what went."""
    return tx.fetch(FORGET_EPISODE, owner_id=owner_id, avatar_id=avatar_id, episode_id=episode_id)


def forget_related(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, fact_ids: Sequence[uuid.UUID]) -> None:
    """Deletes the episodes that tell of these facts, but for pinned ones."""
    tx.execute(FORGET_RELATED, owner_id=owner_id, avatar_id=avatar_id, fact_ids=list(fact_ids))
