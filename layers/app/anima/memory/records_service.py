"""What is remembered of a person, for that person: to see, search, correct and forget, with where each came from."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from anima.kernel import clock, db, ids, pages
from anima.kernel.errors import BadInput, Conflict, FieldError, NotFound
from anima.memory import episodes_repo, facts_repo, index_repo
from anima.memory.facts_model import Episode, Fact, same
from anima.memory.index_repo import Erased, Known
from anima.memory.indexing import episode_text, fact_terms, fact_text, text_terms
from anima.memory.keys import full_key, rivals
from anima.memory.model import Kind, Memory, forget_at, root, without_names
from anima.memory.service import KINDS, begin_recall
from anima.vendors import embeddings
from anima.vendors.embeddings.question import ask


class AvatarNotFound(NotFound):
    """There is no avatar {id} of yours."""

    slug = "avatar-not-found"


class FactNotFound(NotFound):
    """There is no fact {id} of yours."""

    slug = "fact-not-found"


class EpisodeNotFound(NotFound):
    """There is no episode {id} of yours."""

    slug = "episode-not-found"


class ChangedMeanwhile(Conflict):
    """It was changed by somebody else meanwhile; look at it again."""

    slug = "changed-meanwhile"


@dataclass(frozen=True, slots=True)
class FactChange:
    """What a person corrects of a fact; None leaves a thing as it is."""

    value: Any = None
    confirmed: bool | None = None
    tags: list[str] | None = None
    context: str | None = None


@dataclass(frozen=True, slots=True)
class EpisodeChange:
    """What a person corrects of an episode; None leaves a thing as it is."""

    title: str | None = None
    summary: str | None = None
    importance: float | None = None
    pinned: bool | None = None
    tags: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for in memory. `at`: as it was known at that moment."""

    query: str
    top_k: int = 10
    kinds: Sequence[Kind] = KINDS
    session_id: int | None = None
    at: datetime | None = None


def facts(
    principal: db.Principal,
    avatar_id: uuid.UUID,
    *,
    category: str | None,
    history: bool,
    limit: int,
    cursor: str | None,
) -> pages.Page[Fact]:
    """A page of what an avatar knows of its owner, newest first. Raises AvatarNotFound, BadInput (cursor)."""
    before = _before(cursor)
    with db.transaction(principal) as tx:
        known = index_repo.known(tx, _owner(principal), avatar_id)
        found = facts_repo.facts(
            tx,
            _owner(principal),
            avatar_id,
            category=category,
            history=history,
            before=before,
            limit=limit + 1,
        )
    _existing(known, avatar_id)
    return pages.page(found.all(), limit, lambda fact: [fact.id])


def correct_fact(principal: db.Principal, avatar_id: uuid.UUID, fact_id: uuid.UUID, change: FactChange) -> Fact:
    """Corrects a fact; what it was before stays as history. What its owner says of it counts as confirmed.

    Raises AvatarNotFound, FactNotFound, ChangedMeanwhile; BadInput for a fact that holds no more.
    """
    owner_id, at = _owner(principal), clock.now()
    before = _fact_now(principal, avatar_id, fact_id)
    after = _corrected(before, change, at)
    vector, embedding_model = _embedded(principal, fact_text(after.key, after.value))
    with db.transaction(principal) as tx:
        if facts_repo.fact(tx, owner_id, avatar_id, fact_id).first() != before:
            raise ChangedMeanwhile
        if not same(before.value, after.value):
            facts_repo.keep_old(tx, owner_id, fact_id, ids.uuid7(), at)
            facts_repo.end_others(tx, owner_id, avatar_id, fact_id, [after.key, *rivals(after.key)], at)
        listed = fact_terms(after.key, after.value, after.evidence)
        stored = facts_repo.correct(tx, owner_id, after, terms=listed, vector=vector, embedding_model=embedding_model)
    return stored.one()


def _fact_now(principal: db.Principal, avatar_id: uuid.UUID, fact_id: uuid.UUID) -> Fact:
    with db.transaction(principal) as tx:
        known = index_repo.known(tx, _owner(principal), avatar_id)
        found = facts_repo.fact(tx, _owner(principal), avatar_id, fact_id)
    _existing(known, avatar_id)
    fact = found.first()
    if fact is None:
        raise FactNotFound(id=fact_id)
    if not fact.is_active:
        raise BadInput(reason="this fact is history; correct the one that took its place")
    return fact


def _embedded(principal: db.Principal, text: str) -> tuple[list[float], str]:
    """The vector of a text by the model that serves, and its name: this process may never have searched by it."""
    with db.transaction(principal) as tx:
        serving = index_repo.serving(tx).first()
    embedder = embeddings.embedder(serving.name if serving else None)
    vector: list[float] = embedder.embed([text])[0].tolist()
    return vector, embedder.name


def _corrected(before: Fact, change: FactChange, at: datetime) -> Fact:
    after = replace(
        before,
        tags=before.tags if change.tags is None else change.tags,
        context=before.context if change.context is None else change.context,
        last_updated=at,
    )
    if change.confirmed is not None:
        after = replace(after, status="confirmed" if change.confirmed else "unconfirmed")
    if change.confirmed:
        after = replace(after, confidence=1.0)
    if change.value is None or same(change.value, before.value):
        return after
    return replace(
        after,
        key=full_key(root(before.key), change.value),
        value=change.value,
        status="confirmed",
        confidence=1.0,
        evidence="",
        source_message_id=None,
    )


def forget_fact(principal: db.Principal, avatar_id: uuid.UUID, fact_id: uuid.UUID) -> None:
    """Deletes a fact with its history and the episodes that tell of it (but pinned ones).

    The messages that it came from stay in their sessions, but are recalled no more. Raises FactNotFound.
    """
    owner_id = _owner(principal)
    with db.transaction(principal) as tx:
        gone = facts_repo.forget(tx, owner_id, avatar_id, fact_id).all()
        if not gone:
            raise FactNotFound(id=fact_id)
        sources = sorted({each.message_id for each in gone if each.message_id is not None})
        index_repo.unindex(tx, owner_id, avatar_id, sources)
        episodes_repo.forget_related(tx, owner_id, avatar_id, [each.id for each in gone])


def episodes(
    principal: db.Principal,
    avatar_id: uuid.UUID,
    *,
    type: str | None,
    min_importance: float,
    limit: int,
    cursor: str | None,
) -> pages.Page[Episode]:
    """A page of the episodes that an avatar keeps, newest first. Raises AvatarNotFound, BadInput (cursor)."""
    before = _before(cursor)
    with db.transaction(principal) as tx:
        known = index_repo.known(tx, _owner(principal), avatar_id)
        found = episodes_repo.episodes(
            tx,
            _owner(principal),
            avatar_id,
            type=type,
            min_importance=min_importance,
            before=before,
            limit=limit + 1,
        )
    _existing(known, avatar_id)
    return pages.page(found.all(), limit, lambda episode: [episode.id])


def correct_episode(
    principal: db.Principal, avatar_id: uuid.UUID, episode_id: uuid.UUID, change: EpisodeChange
) -> Episode:
    """Corrects an episode; its importance says anew when it is forgotten.

    Raises AvatarNotFound, EpisodeNotFound, ChangedMeanwhile.
    """
    owner_id = _owner(principal)
    before = _episode_now(principal, avatar_id, episode_id)
    after = _changed(before, change)
    text = episode_text(after.title, after.summary)
    vector, embedding_model = _embedded(principal, text)
    with db.transaction(principal) as tx:
        if episodes_repo.episode(tx, owner_id, avatar_id, episode_id).first() != before:
            raise ChangedMeanwhile
        stored = episodes_repo.correct(
            tx, owner_id, after, terms=text_terms(text), vector=vector, embedding_model=embedding_model
        )
    return stored.one()


def _episode_now(principal: db.Principal, avatar_id: uuid.UUID, episode_id: uuid.UUID) -> Episode:
    with db.transaction(principal) as tx:
        known = index_repo.known(tx, _owner(principal), avatar_id)
        found = episodes_repo.episode(tx, _owner(principal), avatar_id, episode_id)
    _existing(known, avatar_id)
    episode = found.first()
    if episode is None:
        raise EpisodeNotFound(id=episode_id)
    return episode


def _changed(before: Episode, change: EpisodeChange) -> Episode:
    importance = before.importance if change.importance is None else change.importance
    last = before.last_recalled or before.timestamp
    return replace(
        before,
        title=before.title if change.title is None else change.title,
        summary=before.summary if change.summary is None else change.summary,
        importance=importance,
        pinned=before.pinned if change.pinned is None else change.pinned,
        tags=before.tags if change.tags is None else change.tags,
        forget_at=forget_at(last, importance / 10, before.times_recalled),
    )


def forget_episode(principal: db.Principal, avatar_id: uuid.UUID, episode_id: uuid.UUID) -> None:
    """Deletes an episode, and takes the messages that told it out of recall. Raises EpisodeNotFound."""
    owner_id = _owner(principal)
    with db.transaction(principal) as tx:
        gone = episodes_repo.forget(tx, owner_id, avatar_id, episode_id).first()
        if gone is None:
            raise EpisodeNotFound(id=episode_id)
        index_repo.unindex(tx, owner_id, avatar_id, gone.context_messages)


def search(principal: db.Principal, avatar_id: uuid.UUID, wanted: Search) -> list[Memory]:
    """What an avatar remembers about something, best first. Raises AvatarNotFound.

    The names of those who talk are in every sentence and say nothing: they are taken out of what is looked for.
    """
    owner_id = _owner(principal)
    with db.transaction(principal) as tx:
        known = index_repo.known(tx, owner_id, avatar_id)
    names = _existing(known, avatar_id).names
    question = ask(without_names(wanted.query, names))
    with db.transaction(principal) as tx:
        found = begin_recall(
            tx,
            owner_id,
            avatar_id,
            question,
            top_k=wanted.top_k,
            names=names,
            kinds=wanted.kinds,
            session_id=wanted.session_id,
            at=wanted.at,
        )
    return found.memories()


def erase_all(principal: db.Principal) -> Erased:
    """Deletes every fact and episode of the caller and their whole index of messages, of all avatars.

    Sessions with their messages stay, as do affinity and moods; no other session recalls them any more.
    """
    with db.transaction(principal) as tx:
        erased = index_repo.erase(tx, _owner(principal))
    return erased.one()


def _owner(principal: db.Principal) -> int:
    if principal.user_id is None:
        raise LookupError("memory belongs to a user")
    return principal.user_id


def _existing(known: db.Pending[Known], avatar_id: uuid.UUID) -> Known:
    found = known.first()
    if found is None:
        raise AvatarNotFound(id=avatar_id)
    return found


def _before(cursor: str | None) -> uuid.UUID | None:
    position = pages.decode(cursor, 1)
    try:
        return None if position is None else uuid.UUID(str(position[0]))
    except ValueError:
        wrong = FieldError("cursor", "take it from next_cursor of a page")
        raise BadInput(reason="unknown cursor", fields=[wrong]) from None
