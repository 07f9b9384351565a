"""HTTP of relationships: how close an avatar is to you."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from anima.kernel import http
from anima.relationships import standing_service

router = APIRouter(tags=["relationships"])

_AFFINITY = {
    "avatar_id": "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f",
    "personality_name": "luna",
    "affinity": 23.5,
    "level": "acquaintance",
    "total_messages": 31,
    "positive_interactions": 9,
    "negative_interactions": 1,
    "last_interaction": "2026-01-31T12:00:00Z",
    "next_level": {"level": "friend", "from": 45.0},
    "history": [
        {"level": "new acquaintance", "points": 0.0, "at": "2026-01-02T09:12:00Z"},
        {"level": "acquaintance", "points": 20.4, "at": "2026-01-17T18:40:00Z"},
    ],
}


class NextLevel(BaseModel):
    """The level that comes next."""

    level: str
    from_: float = Field(alias="from", description="The points from which it holds")


class LevelEntered(BaseModel):
    """A level that was entered."""

    level: str
    points: float
    at: datetime


class AffinityAnswer(BaseModel):
    """How close an avatar is to you, with its present personality."""

    avatar_id: uuid.UUID
    personality_name: str
    affinity: float = Field(ge=0, le=100, description="Points now; absence lowers them slowly")
    level: str
    total_messages: int
    positive_interactions: int
    negative_interactions: int
    last_interaction: datetime | None
    next_level: NextLevel | None = Field(None, description="Null where there is none above")
    history: list[LevelEntered] = Field(default_factory=list, description="The levels so far, oldest first")


@router.get(
    "/avatars/{avatar_id}/affinity",
    summary="How close an avatar is to you",
    response_model=AffinityAnswer,
    responses={**http.example(_AFFINITY), **http.problems(404)},
)
def get_affinity(caller: http.Caller, avatar_id: uuid.UUID) -> dict[str, Any]:
    """Points, level, and what they came from."""
    name, kept, standing, following = standing_service.of_avatar(caller, avatar_id)
    return {
        "avatar_id": avatar_id,
        "personality_name": name,
        "affinity": standing.points,
        "level": standing.level,
        "total_messages": kept.total_messages,
        "positive_interactions": kept.positive_interactions,
        "negative_interactions": kept.negative_interactions,
        "last_interaction": kept.last_interaction,
        "next_level": {"level": following.name, "from": following.low} if following else None,
        "history": kept.level_history,
    }
