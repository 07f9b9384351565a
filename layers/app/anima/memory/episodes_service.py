"""Episodes, for the person whom they are of: to see, to correct, to pin and to forget."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from anima.kernel import clock, db, pages
from anima.kernel.errors import NotFound
from anima.memory import (
    changes_repo,
    changes_rows_repo,
    changes_service,
    episodes_repo,
    index_repo,
    lines_repo,
    owned_service,
)
from anima.memory.changes_model import Action
from anima.memory.changes_service import Noted
from anima.memory.facts_model import Episode
from anima.memory.indexing import episode_text, text_terms
from anima.memory.model import forget_at
from anima.memory.owned_service import ChangedMeanwhile


class EpisodeNotFound(NotFound):
    """There is no episode {id} of yours."""

    slug = "episode-not-found"


@dataclass(frozen=True, slots=True)
class EpisodeChange:
    """What a person corrects of an episode; None leaves a thing as it is."""

    title: str | None = None
    summary: str | None = None
    importance: float | None = None
    pinned: bool | None = None
    tags: list[str] | None = None


def episodes(
    principal: db.Principal,
    avatar_id: uuid.UUID,
    *,
    type: str | None,
    min_importance: float,
    q: str | None,
    limit: int,
    cursor: str | None,
) -> pages.Page[Episode]:
    """A page of the episodes that an avatar keeps, newest first. Raises AvatarNotFound, BadInput (cursor)."""
    owner_id, before = owned_service.owner(principal), owned_service.before(cursor)
    with db.transaction(principal) as tx:
        known = index_repo.known(tx, owner_id, avatar_id)
        found = episodes_repo.episodes(
            tx,
            owner_id,
            avatar_id,
            type=type,
            min_importance=min_importance,
            pattern=owned_service.pattern(q),
            now=clock.now(),
            before=before,
            limit=limit + 1,
        )
    owned_service.existing(known, avatar_id)
    return pages.page(found.all(), limit, lambda episode: [episode.id])


def episode(principal: db.Principal, avatar_id: uuid.UUID, episode_id: uuid.UUID) -> Episode:
    """One episode. Raises AvatarNotFound, EpisodeNotFound."""
    owner_id = owned_service.owner(principal)
    with db.transaction(principal) as tx:
        known = index_repo.known(tx, owner_id, avatar_id)
        found = episodes_repo.episode(tx, owner_id, avatar_id, episode_id)
    owned_service.existing(known, avatar_id)
    episode = found.first()
    if episode is None or not (episode.pinned or episode.forget_at is None or episode.forget_at > clock.now()):
        raise EpisodeNotFound(id=episode_id)
    return episode


def correct_episode(
    principal: db.Principal, avatar_id: uuid.UUID, episode_id: uuid.UUID, change: EpisodeChange
) -> tuple[Episode, uuid.UUID | None]:
    """Corrects an episode; its importance says anew when it is forgotten.

    Answers the episode and the change that can be undone, if anything changed. Raises AvatarNotFound, EpisodeNotFound,
    ChangedMeanwhile.
    """
    owner_id = owned_service.owner(principal)
    before = episode(principal, avatar_id, episode_id)
    after = _changed(before, change)
    if after == before:
        return before, None
    text = episode_text(after.title, after.summary)
    vectors, model = owned_service.embedded(principal, [text])
    with db.transaction(principal) as tx:
        lines_repo.lock(tx, owner_id)
        if episodes_repo.episode(tx, owner_id, avatar_id, episode_id).first() != before:
            raise ChangedMeanwhile
        was = changes_rows_repo.standing(tx, owner_id, avatar_id, episode_ids=[episode_id]).one()
        listed = text_terms(text)
        episodes_repo.correct(tx, owner_id, after, terms=listed, vector=vectors[0], embedding_model=model)
        stored = episodes_repo.episode(tx, owner_id, avatar_id, episode_id).one()
        change_id = changes_service.enter(
            tx,
            owner_id,
            avatar_id,
            Noted(was, [], [episode_id]),
            kind="episode",
            item_id=episode_id,
            action=_action(before, after),
            title=before.title,
        )
    return stored, change_id


def _changed(before: Episode, change: EpisodeChange) -> Episode:
    importance = before.importance if change.importance is None else change.importance
    last = before.last_recalled or before.timestamp
    after = replace(
        before,
        title=before.title if change.title is None else change.title,
        summary=before.summary if change.summary is None else change.summary,
        importance=importance,
        pinned=before.pinned if change.pinned is None else change.pinned,
        tags=before.tags if change.tags is None else change.tags,
        forget_at=before.forget_at
        if change.importance is None
        else forget_at(last, importance / 10, before.times_recalled),
    )
    told_anew = (after.title, after.summary) != (before.title, before.summary)
    return replace(after, origin="corrected") if told_anew else after


def _action(before: Episode, after: Episode) -> Action:
    if before.pinned != after.pinned:
        return "pin" if after.pinned else "unpin"
    return "correct"


def forget_episode(
    principal: db.Principal, avatar_id: uuid.UUID, episode_id: uuid.UUID, *, now: bool = False
) -> uuid.UUID | None:
    """Deletes an episode, and takes the messages that told it out of recall.

    Answers the change that can be undone for a day; none with `now`: then nothing of it is kept. Raises
    EpisodeNotFound.
    """
    owner_id = owned_service.owner(principal)
    with db.transaction(principal) as tx:
        lines_repo.lock(tx, owner_id)
        was = changes_rows_repo.standing(tx, owner_id, avatar_id, episode_ids=[episode_id]).one()
        gone = episodes_repo.forget(tx, owner_id, avatar_id, episode_id).first()
        if gone is None:
            raise EpisodeNotFound(id=episode_id)
        told = gone.context_messages
        hides = changes_repo.indexed(tx, owner_id, avatar_id, told).one().messages
        index_repo.unindex(tx, owner_id, avatar_id, told)
        if now:
            changes_repo.for_good(tx, owner_id, avatar_id, fact_ids=[], episode_ids=[episode_id], message_ids=told)
            return None
        noted = Noted(was, [], [episode_id], hides)
        return changes_service.enter(
            tx,
            owner_id,
            avatar_id,
            noted,
            kind="episode",
            item_id=episode_id,
            action="forget",
            title=was.episodes[0]["title"],
        )
