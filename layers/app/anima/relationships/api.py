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
}


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


@router.get(
    "/avatars/{avatar_id}/affinity",
    summary="How close an avatar is to you",
    response_model=AffinityAnswer,
    responses={**http.example(_AFFINITY), **http.problems(404)},
)
def get_affinity(caller: http.Caller, avatar_id: uuid.UUID) -> dict[str, Any]:
    """Points, level, and what they came from."""
    name, kept, standing = standing_service.of_avatar(caller, avatar_id)
    return {
        "avatar_id": avatar_id,
        "personality_name": name,
        "affinity": standing.points,
        "level": standing.level,
        "total_messages": kept.total_messages,
        "positive_interactions": kept.positive_interactions,
        "negative_interactions": kept.negative_interactions,
        "last_interaction": kept.last_interaction,
    }
