"""SQL of episodes: what happened to a person, as they told it; sets of rows at a time."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from anima.kernel import db
from anima.memory.facts_model import Episode, Moment


@dataclass(frozen=True, slots=True)
class NewEpisode:
    """An episode about to be stored, with what it is found by."""

    id: uuid.UUID
    moment: Moment
    related_facts: Sequence[uuid.UUID]
    forget_at: datetime
    terms: Sequence[str]
    embedding: Sequence[float]


@dataclass(frozen=True, slots=True)
class ForgottenEpisode:
    """An episode that was forgotten, and the messages that told it."""

    id: uuid.UUID
    context_messages: list[int]


EPISODES = db.Query(
    Episode,
    """
    select id, avatar_id, session_id, type, title, summary, importance, sentiment, tags, context_messages, "timestamp",
        times_recalled, last_recalled, forget_at, pinned, related_facts, related_episodes
    from episodes
    where user_id = %(owner_id)s and avatar_id = %(avatar_id)s
        and (%(type)s::text is null or type = %(type)s)
        and importance >= %(min_importance)s
        and (pinned or forget_at > now())
        and (%(before)s::uuid is null or id < %(before)s)
    order by id desc
    limit %(limit)s
    """,
)

EPISODE = db.Query(
    Episode,
    """
    select id, avatar_id, session_id, type, title, summary, importance, sentiment, tags, context_messages, "timestamp",
        times_recalled, last_recalled, forget_at, pinned, related_facts, related_episodes
    from episodes
    where user_id = %(owner_id)s and avatar_id = %(avatar_id)s and id = %(episode_id)s
    for update
    """,
)

# Arrays have no foreign keys: only ids of the owner's own rows get in.
ADD_EPISODE = db.Command(
    """
    insert into episodes (id, user_id, avatar_id, session_id, type, title, summary, importance, sentiment,
        context_messages, "timestamp", forget_at, related_facts, terms, embedding, embedding_model)
    values (%(new_id)s, %(owner_id)s, %(avatar_id)s, %(session_id)s, %(type)s, %(title)s, %(summary)s, %(importance)s,
        %(sentiment)s,
        array(
            select message_id from messages
            where owner_id = %(owner_id)s and message_id = any(%(message_ids)s::bigint[]) order by message_id
        ),
        %(at)s, %(forget_at)s,
        array(select id from user_facts where user_id = %(owner_id)s and id = any(%(fact_ids)s::uuid[]) order by id),
        %(terms)s::text[], %(vector)s::vector, %(embedding_model)s)
    """
)

CORRECT_EPISODE = db.Query(
    Episode,
    """
    update episodes set title = %(title)s, summary = %(summary)s, importance = %(importance)s, pinned = %(pinned)s,
        tags = %(tags)s::text[], forget_at = %(forget_at)s, terms = %(terms)s::text[], embedding = %(vector)s::vector,
        embedding_model = %(embedding_model)s
    where user_id = %(owner_id)s and avatar_id = %(avatar_id)s and id = %(episode_id)s
    returning id, avatar_id, session_id, type, title, summary, importance, sentiment, tags, context_messages,
        "timestamp", times_recalled, last_recalled, forget_at, pinned, related_facts, related_episodes
    """,
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

DROP_FADED = db.Command(
    """
    delete from episodes
    where user_id = %(owner_id)s and avatar_id = %(avatar_id)s and not pinned and forget_at <= %(at)s
    """
)


def episodes(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    *,
    type: str | None,
    min_importance: float,
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
        before=before,
        limit=limit,
    )


def episode(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, episode_id: uuid.UUID) -> db.Pending[Episode]:
    """One episode, kept from changing until the transaction ends."""
    return tx.fetch(EPISODE, owner_id=owner_id, avatar_id=avatar_id, episode_id=episode_id)


def add(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    new: NewEpisode,
    *,
    session_id: int,
    message_ids: Sequence[int],
    embedding_model: str,
    at: datetime,
) -> None:
    """Stores an episode that these messages tell."""
    tx.execute(
        ADD_EPISODE,
        new_id=new.id,
        owner_id=owner_id,
        avatar_id=avatar_id,
        session_id=session_id,
        type=new.moment.type,
        title=new.moment.title,
        summary=new.moment.summary,
        importance=new.moment.importance,
        sentiment=new.moment.sentiment,
        message_ids=list(message_ids),
        at=at,
        forget_at=new.forget_at,
        fact_ids=list(new.related_facts),
        terms=list(new.terms),
        vector=db.vector_text(new.embedding),
        embedding_model=embedding_model,
    )


def correct(
    tx: db.Transaction,
    owner_id: int,
    episode: Episode,
    *,
    terms: Sequence[str],
    vector: Sequence[float],
    embedding_model: str,
) -> db.Pending[Episode]:
    """Gives an episode the title, summary, importance, pin and tags that `episode` has."""
    return tx.fetch(
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
    )


def forget(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, episode_id: uuid.UUID
) -> db.Pending[ForgottenEpisode]:
    """Deletes an episode; answers what went."""
    return tx.fetch(FORGET_EPISODE, owner_id=owner_id, avatar_id=avatar_id, episode_id=episode_id)


def forget_related(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, fact_ids: Sequence[uuid.UUID]) -> None:
    """Deletes the episodes that tell of these facts, but for pinned ones."""
    tx.execute(FORGET_RELATED, owner_id=owner_id, avatar_id=avatar_id, fact_ids=list(fact_ids))


def drop_faded(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, at: datetime) -> None:
    """Deletes the episodes whose strength fell below a tenth; what was said stays."""
    tx.execute(DROP_FADED, owner_id=owner_id, avatar_id=avatar_id, at=at)
