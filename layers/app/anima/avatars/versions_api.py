"""HTTP of versions of an avatar's personality."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from anima.avatars import versions_service
from anima.avatars.api import AVATAR_EXAMPLE, AvatarAnswer
from anima.avatars.model import Avatar
from anima.avatars.versions_model import Version, WholeVersion
from anima.kernel import http, pages

router = APIRouter(prefix="/avatars", tags=["avatars"])

Number = Annotated[int, Path(ge=1, le=versions_service.MAX_VERSION, description="Number of the version, from 1 on")]

_VERSION = {
    "version": 3,
    "personality_name": "luna",
    "restored_from": 1,
    "created_at": "2026-01-31T12:00:00Z",
    "is_present": True,
}
_WHOLE = {**_VERSION, "personality": {"persona": {"name": "Luna"}}}
_CHANGE = {
    "path": "persona.tone",
    "kind": "changed",
    "before": "warm",
    "after": "dry",
    "told": "persona.tone: warm becomes dry",
}


class VersionAnswer(BaseModel):
    """A version; `restored_from` is the one that it brought back."""

    version: int
    personality_name: str
    restored_from: int | None
    created_at: datetime
    is_present: bool = Field(description="Whether it is the personality that the avatar has")


class WholeVersionAnswer(VersionAnswer):
    """A version with its personality."""

    personality: dict[str, Any]


class ChangeAnswer(BaseModel):
    """A difference: at a path something was added, removed or changed."""

    path: str
    kind: str
    before: Any
    after: Any
    told: str = Field(description="The same for people")


class DifferenceAnswer(BaseModel):
    """What changed from one version to another."""

    before: int
    after: int
    changes: list[ChangeAnswer]


@router.get(
    "/{avatar_id}/versions",
    summary="Versions of an avatar's personality",
    response_model=http.Items[VersionAnswer],
    responses={**http.example({"items": [_VERSION], "next_cursor": None}), **http.problems(404)},
)
def list_versions(
    caller: http.Caller, avatar_id: uuid.UUID, limit: http.PageLimit = 50, cursor: http.PageCursor = None
) -> pages.Page[Version]:
    """The newest first; the hundred newest are kept. Whatever changes the personality makes one."""
    return versions_service.list_versions(caller, avatar_id, cursor=cursor, limit=limit)


@router.get(
    "/{avatar_id}/versions/{version}",
    summary="One version",
    response_model=WholeVersionAnswer,
    responses={**http.example(_WHOLE), **http.problems(404)},
)
def get_version(caller: http.Caller, avatar_id: uuid.UUID, version: Number) -> WholeVersion:
    """With its personality."""
    return versions_service.get(caller, avatar_id, version)


@router.get(
    "/{avatar_id}/versions/{version}/difference",
    summary="What changed since a version",
    response_model=DifferenceAnswer,
    responses={**http.example({"before": 1, "after": 3, "changes": [_CHANGE]}), **http.problems(404)},
)
def get_difference(
    caller: http.Caller,
    avatar_id: uuid.UUID,
    version: Number,
    to: Annotated[int | None, Query(ge=1, le=versions_service.MAX_VERSION, description="None: the present one")] = None,
) -> dict[str, Any]:
    """Until another version, or until now."""
    before, after, changes = versions_service.difference(caller, avatar_id, version, to)
    told = [
        {"path": one.path, "kind": one.kind, "before": one.before, "after": one.after, "told": str(one)}
        for one in changes
    ]
    return {"before": before.version, "after": after.version, "changes": told}


@router.post(
    "/{avatar_id}/versions/{version}/restore",
    summary="Bring a version back",
    response_model=AvatarAnswer,
    responses={**http.example(AVATAR_EXAMPLE), **http.problems(404)},
)
def restore(caller: http.Caller, avatar_id: uuid.UUID, version: Number) -> Avatar:
    """As a new version, so that nothing is lost; a personality of another name has its own affinity."""
    return versions_service.restore(caller, avatar_id, version)
