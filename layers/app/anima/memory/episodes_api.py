"""HTTP of episodes: what an avatar keeps of what happened to its owner, to see, to correct, to pin and to forget."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from anima.kernel import clock, http
from anima.memory import episodes_service
from anima.memory.changes_api import CHANGED, Now, Tags, mark
from anima.memory.facts_model import Episode
from anima.memory.model import strength

router = APIRouter(tags=["memory"])

Sentiment = Literal["very_negative", "negative", "neutral", "positive", "very_positive"]
EpisodeOrigin = Literal["said", "corrected", "consolidated", "imported"]

EPISODE_ID = "01977a2e-70aa-7d15-8f1e-2b7a4c9d5e61"
_EPISODE_EXAMPLE: dict[str, Any] = {
    "id": EPISODE_ID,
    "type": "milestone",
    "title": "I passed my driving test today",
    "summary": "I passed my driving test today. I'm so happy",
    "importance": 7.75,
    "sentiment": "very_positive",
    "tags": [],
    "timestamp": "2026-01-05T09:30:00Z",
    "times_recalled": 1,
    "last_recalled": "2026-01-09T18:02:11Z",
    "forget_at": "2026-02-12T21:14:03Z",
    "pinned": False,
    "strength": 0.71,
    "origin": "said",
    "related_facts": [],
    "related_episodes": [],
    "source": {"message_ids": [17, 18], "session_id": 4},
}


class EpisodeSource(BaseModel):
    """The messages that told an episode."""

    message_ids: list[int]
    session_id: int | None


class EpisodeOut(BaseModel):
    """Something that happened to an avatar's owner, as they told it."""

    id: uuid.UUID
    type: str
    title: str
    summary: str
    importance: float
    sentiment: Sentiment
    tags: list[str]
    timestamp: datetime
    times_recalled: int
    last_recalled: datetime | None
    forget_at: datetime | None
    pinned: bool
    strength: float = Field(description="How much of it is left now, 0-1; at a tenth it is forgotten")
    origin: EpisodeOrigin
    related_facts: list[uuid.UUID]
    related_episodes: list[uuid.UUID]
    source: EpisodeSource


class EpisodePatch(http.Body):
    """What to correct of an episode; a pinned one is never forgotten."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"pinned": True, "importance": 9}]})

    title: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    summary: Annotated[str, Field(min_length=1, max_length=4000)] | None = None
    importance: Annotated[float, Field(ge=0, le=10)] | None = None
    pinned: bool | None = None
    tags: Tags | None = None


@router.get(
    "/avatars/{avatar_id}/episodes",
    summary="What an avatar keeps of what happened to you",
    response_model=http.Items[EpisodeOut],
    responses={**http.example({"items": [_EPISODE_EXAMPLE], "next_cursor": None}), **http.problems(404)},
)
def list_episodes(
    caller: http.Caller,
    avatar_id: uuid.UUID,
    type: Annotated[str | None, Query(max_length=50, description="Only this type, as `milestone`")] = None,
    min_importance: Annotated[float, Query(ge=0, le=10, description="Only what is at least so important")] = 0,
    q: Annotated[str | None, Query(max_length=200, description="Only those in which this stands")] = None,
    limit: http.PageLimit = 50,
    cursor: http.PageCursor = None,
) -> http.Items[EpisodeOut]:
    """Episodes that are not forgotten, newest first, each with the messages that told it."""
    found = episodes_service.episodes(
        caller, avatar_id, type=type, min_importance=min_importance, q=q, limit=limit, cursor=cursor
    )
    return http.Items(items=[_episode(each) for each in found.items], next_cursor=found.next_cursor)


@router.get(
    "/avatars/{avatar_id}/episodes/{episode_id}",
    summary="An episode",
    response_model=EpisodeOut,
    responses={**http.example(_EPISODE_EXAMPLE), **http.problems(404)},
)
def get_episode(caller: http.Caller, avatar_id: uuid.UUID, episode_id: uuid.UUID) -> EpisodeOut:
    """One episode, with the messages that told it and what it is related to."""
    return _episode(episodes_service.episode(caller, avatar_id, episode_id))


@router.patch(
    "/avatars/{avatar_id}/episodes/{episode_id}",
    summary="Correct or pin an episode",
    response_model=EpisodeOut,
    responses={**http.example({**_EPISODE_EXAMPLE, "pinned": True, "importance": 9}), **http.problems(404, 409)},
)
def correct_episode(
    caller: http.Caller, avatar_id: uuid.UUID, episode_id: uuid.UUID, body: EpisodePatch, response: Response
) -> EpisodeOut:
    """Corrects an episode. Its importance says anew when it fades; a pinned one never does.

    The header `Anima-Change` names the change, to undo it within a day.
    """
    change = episodes_service.EpisodeChange(body.title, body.summary, body.importance, body.pinned, body.tags)
    episode, change_id = episodes_service.correct_episode(caller, avatar_id, episode_id, change)
    mark(response, change_id)
    return _episode(episode)


@router.delete(
    "/avatars/{avatar_id}/episodes/{episode_id}",
    summary="Forget an episode",
    status_code=204,
    responses={**CHANGED, **http.problems(404)},
)
def forget_episode(
    caller: http.Caller, avatar_id: uuid.UUID, episode_id: uuid.UUID, response: Response, now: Now = False
) -> None:
    """Deletes an episode. The messages that told it stay in their session, but are recalled no more.

    The header `Anima-Change` names the change, to undo it within a day; with `now=true` nothing is kept to undo it.
    """
    mark(response, episodes_service.forget_episode(caller, avatar_id, episode_id, now=now))


def _episode(episode: Episode) -> EpisodeOut:
    source = EpisodeSource(message_ids=episode.context_messages, session_id=episode.session_id)
    shown = {name: value for name, value in asdict(episode).items() if name in EpisodeOut.model_fields}
    importance = round(episode.importance, 4)
    return EpisodeOut(**{**shown, "importance": importance}, strength=_strength(episode), source=source)


def _strength(episode: Episode) -> float:
    if episode.pinned:
        return 1.0
    age = clock.now() - (episode.last_recalled or episode.timestamp)
    return round(strength(age, episode.importance / 10, episode.times_recalled), 4)
