"""HTTP of avatars."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from anima.avatars import service
from anima.avatars.model import MAX_BIO_CHARS, MAX_NAME_CHARS, Avatar, Changes, NewAvatar, Rule
from anima.kernel import http, idempotency, pages

router = APIRouter(prefix="/avatars", tags=["avatars"])

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NAME_CHARS)]
ModelName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Bio = Annotated[str, Field(max_length=MAX_BIO_CHARS)]
Visibility = Literal["private", "friends", "public"]
Given = Annotated[str | dict[str, Any], Field(description="The name of a ready personality, or a personality as JSON")]

Egress = Annotated[
    dict[str, Rule],
    Field(
        description="Who may read what is remembered, by category: `local` (only a model on this machine), `any`, or a "
        "list of providers; what is not named may go to any"
    ),
]

AVATAR_EXAMPLE = {
    "avatar_id": "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f",
    "name": "Luna",
    "bio": "",
    "personality_name": "luna",
    "personality": {"persona": {"name": "Luna"}},
    "model": None,
    "visibility": "private",
    "switches": {"moods": True},
    "egress": {"health": "local"},
    "created_at": "2026-01-31T12:00:00Z",
    "updated_at": "2026-01-31T12:00:00Z",
}


class Switches(http.Body):
    """What of an avatar's memory and feeling is on; what was never named is on."""

    facts: bool | None = None
    episodes: bool | None = None
    semantic_recall: bool | None = None
    levels: bool | None = None
    moods: bool | None = None
    curiosity: bool | None = None
    hints: bool | None = None
    style: bool | None = None

    def given(self) -> dict[str, bool]:
        """Those that were named."""
        return {name: value for name, value in self.model_dump().items() if value is not None}


class AvatarBody(http.Body):
    """An avatar to be made."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "Luna", "personality": "luna"}]})
    name: Name
    personality: Given = "luna"
    bio: Bio = ""
    model: ModelName | None = Field(None, description="Model that answers, as `provider:name`")
    visibility: Visibility = "private"
    switches: Switches = Field(default_factory=Switches)
    egress: Egress = Field(default_factory=dict)


class ChangesBody(http.Body):
    """What to change; a field that is left out stays. A model of null means: the one that is configured."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"bio": "My companion", "switches": {"moods": False}, "egress": {"health": "local"}}]
        },
    )
    name: Name | None = None
    bio: Bio | None = None
    personality: Given | None = None
    model: ModelName | None = None
    visibility: Visibility | None = None
    switches: Switches = Field(default_factory=Switches)
    egress: Egress = Field(default_factory=dict)


class AvatarAnswer(BaseModel):
    """An avatar."""

    avatar_id: uuid.UUID
    name: str
    bio: str
    personality_name: str
    personality: dict[str, Any]
    model: str | None
    visibility: str
    switches: dict[str, bool]
    egress: dict[str, Rule]
    created_at: datetime
    updated_at: datetime


@router.post(
    "",
    status_code=201,
    summary="Make an avatar",
    response_model=AvatarAnswer,
    responses={**http.example(AVATAR_EXAMPLE, status=201), **http.problems(409)},
)
def create(caller: http.Caller, body: AvatarBody, idempotency_key: http.IdempotencyHeader = None) -> Avatar:
    """From a ready personality, by its name, or from one of your own, as JSON."""
    key = idempotency.read_key(idempotency_key, "POST /avatars", body.model_dump(mode="json"))
    new = NewAvatar(
        body.name, body.personality, body.bio, body.model, body.visibility, body.switches.given(), body.egress
    )
    return service.create(caller, new, key)


@router.get(
    "",
    summary="Avatars",
    response_model=http.Items[AvatarAnswer],
    responses={**http.example({"items": [AVATAR_EXAMPLE], "next_cursor": None}), **http.problems()},
)
def list_avatars(caller: http.Caller, limit: http.PageLimit = 50, cursor: http.PageCursor = None) -> pages.Page[Avatar]:
    """In the order in which they were made."""
    return service.list_avatars(caller, cursor=cursor, limit=limit)


@router.get(
    "/{avatar_id}",
    summary="One avatar, by id or by name",
    response_model=AvatarAnswer,
    responses={**http.example(AVATAR_EXAMPLE), **http.problems(404)},
)
def get(
    caller: http.Caller,
    avatar_id: Annotated[str, Path(min_length=1, max_length=MAX_NAME_CHARS, description="Id or name")],
) -> Avatar:
    """With its personality."""
    return service.find(caller, avatar_id)


@router.patch(
    "/{avatar_id}",
    summary="Change an avatar",
    response_model=AvatarAnswer,
    responses={**http.example(AVATAR_EXAMPLE), **http.problems(404, 409)},
)
def patch(caller: http.Caller, avatar_id: uuid.UUID, body: ChangesBody) -> Avatar:
    """A new personality begins a new relationship; the old one is kept for its return."""
    changes = Changes(
        name=body.name,
        bio=body.bio,
        personality=body.personality,
        visibility=body.visibility,
        switches=body.switches.given(),
        model=body.model,
        change_model="model" in body.model_fields_set,
        egress=body.egress,
    )
    return service.patch(caller, avatar_id, changes)
