"""HTTP of memory: what an avatar keeps of its owner, to see, search, correct, forget and erase."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from anima.kernel import http
from anima.memory import records_service as records
from anima.memory.facts_model import Episode, Fact
from anima.memory.keys import reading
from anima.memory.model import Kind, Memory
from anima.memory.service import KINDS

router = APIRouter(tags=["memory"])
search_router = APIRouter(tags=["memory"])

Status = Literal["unconfirmed", "confirmed"]
Sentiment = Literal["very_negative", "negative", "neutral", "positive", "very_positive"]
Tags = Annotated[list[Annotated[str, Field(min_length=1, max_length=50)]], Field(max_length=20)]

_FACT_ID, _EPISODE_ID = "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f", "01977a2e-70aa-7d15-8f1e-2b7a4c9d5e61"
_FACT_EXAMPLE: dict[str, Any] = {
    "id": _FACT_ID,
    "category": "preferences",
    "key": "dislikes:olives",
    "value": "olives",
    "text": "The user dislikes olives.",
    "status": "confirmed",
    "confidence": 0.9,
    "mention_count": 2,
    "first_mentioned": "2026-01-05T09:30:00Z",
    "last_updated": "2026-01-09T18:02:11Z",
    "tags": [],
    "context": "",
    "is_active": True,
    "superseded_by": None,
    "source": {"message_id": 17, "session_id": 4, "evidence": "I hate olives"},
}
_EPISODE_EXAMPLE: dict[str, Any] = {
    "id": _EPISODE_ID,
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
    "related_facts": [],
    "related_episodes": [],
    "source": {"message_ids": [17, 18], "session_id": 4},
}
_HIT_EXAMPLE: dict[str, Any] = {
    "kind": "fact",
    "id": _FACT_ID,
    "text": "The user dislikes olives.",
    "score": 0.93,
    "scores": {
        "cosine": 0.71,
        "words": 2.4,
        "coverage": 1.0,
        "relevance": 1.0,
        "strength": 1.0,
        "importance": 0.9,
        "asked": 1.0,
    },
    "strength": 1.0,
    "confirmed": True,
    "source": {"message_id": 17, "turn_id": None, "session": 4, "date": "2026-01-05T09:30:00Z", "speaker": "user"},
}


class FactSource(BaseModel):
    """Where a fact comes from: the message and the words in it; none where its owner corrected it."""

    message_id: int | None
    session_id: int | None
    evidence: str


class FactOut(BaseModel):
    """Something that an avatar knows of its owner."""

    id: uuid.UUID
    category: str
    key: str
    value: JsonValue
    text: str
    status: Status
    confidence: float
    mention_count: int
    first_mentioned: datetime
    last_updated: datetime
    tags: list[str]
    context: str
    is_active: bool
    superseded_by: uuid.UUID | None
    source: FactSource


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
    related_facts: list[uuid.UUID]
    related_episodes: list[uuid.UUID]
    source: EpisodeSource


class FactPatch(http.Body):
    """What to correct of a fact. Another value counts as confirmed, and the old one stays as history."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"value": "capers"}]})

    value: Annotated[str, Field(min_length=1, max_length=500)] | int | float | None = None
    confirmed: bool | None = None
    tags: Tags | None = None
    context: Annotated[str, Field(max_length=2000)] | None = None


class EpisodePatch(http.Body):
    """What to correct of an episode; a pinned one is never forgotten."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"pinned": True, "importance": 9}]})

    title: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    summary: Annotated[str, Field(min_length=1, max_length=4000)] | None = None
    importance: Annotated[float, Field(ge=0, le=10)] | None = None
    pinned: bool | None = None
    tags: Tags | None = None


class SearchBody(http.Body):
    """What to look for in memory."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"query": "What do I hate to eat?", "top_k": 5}]}
    )

    query: Annotated[str, Field(min_length=1, max_length=4000, pattern=r"\S")]
    top_k: Annotated[int, Field(ge=1, le=100)] = 10
    kinds: Annotated[tuple[Kind, ...], Field(min_length=1, max_length=3)] = KINDS
    session_id: int | None = Field(None, ge=1, description="Only what was said in this session")
    at: datetime | None = Field(None, description="What was known at this moment; none: now")


class HitSource(BaseModel):
    """Where a memory comes from."""

    message_id: int | None
    turn_id: str | None = None
    session: int | None
    date: datetime
    speaker: str


class Hit(BaseModel):
    """A memory that was found, with the scores that explain its place."""

    kind: Literal["fact", "episode", "message"]
    id: str
    text: str
    score: float
    scores: dict[str, float]
    strength: float
    confirmed: bool
    source: HitSource


class Hits(BaseModel):
    """What was found, best first."""

    hits: list[Hit]


class ErasedOut(BaseModel):
    """How much was erased; `messages` are those that are no longer found."""

    facts: int
    episodes: int
    messages: int


@router.get(
    "/avatars/{avatar_id}/facts",
    summary="What an avatar knows of you",
    response_model=http.Items[FactOut],
    responses={**http.example({"items": [_FACT_EXAMPLE], "next_cursor": None}), **http.problems(404)},
)
def list_facts(
    caller: http.Caller,
    avatar_id: uuid.UUID,
    category: Annotated[str | None, Query(max_length=50, description="Only this category, as `health`")] = None,
    history: Annotated[bool, Query(description="Also what holds no more")] = False,
    limit: http.PageLimit = 50,
    cursor: http.PageCursor = None,
) -> http.Items[FactOut]:
    """Facts, newest first, each with the message and the words that it comes from."""
    found = records.facts(caller, avatar_id, category=category, history=history, limit=limit, cursor=cursor)
    return http.Items(items=[_fact(each) for each in found.items], next_cursor=found.next_cursor)


@router.patch(
    "/avatars/{avatar_id}/facts/{fact_id}",
    summary="Correct a fact",
    response_model=FactOut,
    responses={
        **http.example({**_FACT_EXAMPLE, "key": "dislikes:capers", "value": "capers"}),
        **http.problems(404, 409),
    },
)
def correct_fact(caller: http.Caller, avatar_id: uuid.UUID, fact_id: uuid.UUID, body: FactPatch) -> FactOut:
    """Corrects or confirms a fact. What it was stays as history (`history=true` lists it)."""
    change = records.FactChange(body.value, body.confirmed, body.tags, body.context)
    return _fact(records.correct_fact(caller, avatar_id, fact_id, change))


@router.delete(
    "/avatars/{avatar_id}/facts/{fact_id}",
    summary="Forget a fact",
    status_code=204,
    responses=http.problems(404),
)
def forget_fact(caller: http.Caller, avatar_id: uuid.UUID, fact_id: uuid.UUID) -> None:
    """Deletes a fact with its history, and the episodes that tell of it (but pinned ones).

    The message that it came from stays in its session, but is recalled no more.
    """
    records.forget_fact(caller, avatar_id, fact_id)


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
    limit: http.PageLimit = 50,
    cursor: http.PageCursor = None,
) -> http.Items[EpisodeOut]:
    """Episodes that are not forgotten, newest first, each with the messages that told it."""
    found = records.episodes(caller, avatar_id, type=type, min_importance=min_importance, limit=limit, cursor=cursor)
    return http.Items(items=[_episode(each) for each in found.items], next_cursor=found.next_cursor)


@router.patch(
    "/avatars/{avatar_id}/episodes/{episode_id}",
    summary="Correct or pin an episode",
    response_model=EpisodeOut,
    responses={**http.example({**_EPISODE_EXAMPLE, "pinned": True, "importance": 9}), **http.problems(404, 409)},
)
def correct_episode(caller: http.Caller, avatar_id: uuid.UUID, episode_id: uuid.UUID, body: EpisodePatch) -> EpisodeOut:
    """Corrects an episode. Its importance says anew when it fades; a pinned one never does."""
    change = records.EpisodeChange(body.title, body.summary, body.importance, body.pinned, body.tags)
    return _episode(records.correct_episode(caller, avatar_id, episode_id, change))


@router.delete(
    "/avatars/{avatar_id}/episodes/{episode_id}",
    summary="Forget an episode",
    status_code=204,
    responses=http.problems(404),
)
def forget_episode(caller: http.Caller, avatar_id: uuid.UUID, episode_id: uuid.UUID) -> None:
    """Deletes an episode. The messages that told it stay in their session, but are recalled no more."""
    records.forget_episode(caller, avatar_id, episode_id)


@search_router.post(
    "/avatars/{avatar_id}/memories/search",
    summary="Search what an avatar remembers",
    response_model=Hits,
    responses={**http.example({"hits": [_HIT_EXAMPLE]}), **http.problems(404)},
)
def search(caller: http.Caller, avatar_id: uuid.UUID, body: SearchBody) -> Hits:
    """Facts, episodes and messages by meaning and by words, best first, as the avatar itself would recall them."""
    wanted = records.Search(body.query, body.top_k, body.kinds, body.session_id, body.at)
    return Hits(hits=[_hit(each) for each in records.search(caller, avatar_id, wanted)])


@router.delete(
    "/users/me/memory",
    summary="Erase all memory of you",
    response_model=ErasedOut,
    responses={**http.example({"facts": 12, "episodes": 3, "messages": 240}), **http.problems()},
)
def erase_memory(caller: http.Caller) -> ErasedOut:
    """Erases all your facts and episodes, of all avatars, and the index that finds what you said.

    Your sessions and their messages stay until you delete them; affinity and moods stay. A turn that is being
    reflected on right now may still leave its trace.
    """
    return ErasedOut(**asdict(records.erase_all(caller)))


def _fact(fact: Fact) -> FactOut:
    source = FactSource(message_id=fact.source_message_id, session_id=fact.session_id, evidence=fact.evidence)
    shown = {name: value for name, value in asdict(fact).items() if name in FactOut.model_fields}
    text = reading(fact.key, fact.value, fact.status == "confirmed", fact.evidence)
    return FactOut(**{**shown, "confidence": round(fact.confidence, 4)}, text=text, source=source)


def _episode(episode: Episode) -> EpisodeOut:
    source = EpisodeSource(message_ids=episode.context_messages, session_id=episode.session_id)
    shown = {name: value for name, value in asdict(episode).items() if name in EpisodeOut.model_fields}
    return EpisodeOut(**{**shown, "importance": round(episode.importance, 4)}, source=source)


def _hit(memory: Memory) -> Hit:
    found = memory.source
    source = HitSource(message_id=found.message_id, session=found.session_id, date=found.date, speaker=found.speaker)
    shown = asdict(memory)
    shown.pop("source")
    return Hit(**shown, source=source)
