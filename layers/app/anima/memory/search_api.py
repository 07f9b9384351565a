"""HTTP of search in what is remembered."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from anima.kernel import http
from anima.memory import search_service
from anima.memory.model import Kind, Memory
from anima.memory.service import KINDS

search_router = APIRouter(tags=["memory"])

_HIT_EXAMPLE: dict[str, Any] = {
    "kind": "fact",
    "id": "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f",
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
    transcript_id: int | None = Field(None, ge=1, description="Only what this import brought: its document")


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


@search_router.post(
    "/avatars/{avatar_id}/memories/search",
    summary="Search what an avatar remembers",
    response_model=Hits,
    responses={**http.example({"hits": [_HIT_EXAMPLE]}), **http.problems(404)},
)
def search(caller: http.Caller, avatar_id: uuid.UUID, body: SearchBody) -> Hits:
    """Facts, episodes and messages by meaning and by words, best first, as the avatar itself would recall them."""
    wanted = search_service.Search(**{name: getattr(body, name) for name in SearchBody.model_fields})
    return Hits(hits=[_hit(each) for each in search_service.search(caller, avatar_id, wanted)])


def _hit(memory: Memory) -> Hit:
    found = memory.source
    source = HitSource(
        message_id=found.message_id,
        turn_id=getattr(found, "turn_id", None),
        session=found.session_id,
        date=found.date,
        speaker=found.speaker,
    )
    shown = asdict(memory)
    shown.pop("source")
    return Hit(**shown, source=source)
