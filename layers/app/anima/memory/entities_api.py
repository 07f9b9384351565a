"""HTTP of entities: the people, places and things that an avatar has heard its owner speak of."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel

from anima.kernel import http
from anima.memory import entities_service

router = APIRouter(tags=["memory"])

EntityKind = Literal["person", "animal", "place", "organisation", "thing", "event"]
_EXAMPLE: dict[str, Any] = {
    "entity_id": "01977a2e-7d00-7a11-b2c3-d4e5f60718a9",
    "kind": "person",
    "name": "Anna Keller",
    "aliases": ["Anna"],
    "relation": "sister",
    "mention_count": 5,
    "first_seen": "2026-01-05T09:30:00Z",
    "last_seen": "2026-01-09T18:02:11Z",
}


class EntityOut(BaseModel):
    """Somebody or something of whom an avatar has heard; `relation` is what they are to you."""

    entity_id: uuid.UUID
    kind: EntityKind
    name: str
    aliases: list[str]
    relation: str | None
    mention_count: int
    first_seen: datetime
    last_seen: datetime


@router.get(
    "/avatars/{avatar_id}/entities",
    summary="Whom and what an avatar has heard you speak of",
    response_model=http.Items[EntityOut],
    responses={**http.example({"items": [_EXAMPLE], "next_cursor": None}), **http.problems(404)},
)
def list_entities(
    caller: http.Caller,
    avatar_id: uuid.UUID,
    kind: Annotated[EntityKind | None, Query(description="Only this kind")] = None,
    limit: http.PageLimit = 50,
    cursor: http.PageCursor = None,
) -> http.Items[EntityOut]:
    """People, animals, places, organisations, things and events, those last made first; counts are this avatar's."""
    found = entities_service.entities(caller, avatar_id, kind=kind, limit=limit, cursor=cursor)
    return http.Items(items=[EntityOut(**asdict(each)) for each in found.items], next_cursor=found.next_cursor)
