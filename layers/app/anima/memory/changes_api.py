"""HTTP of the journal: what was changed of memory within a day, and its undoing."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from anima.kernel import http
from anima.memory import changes_service

router = APIRouter(tags=["memory"])

HEADER = "Anima-Change"
"""Names a change in the answer to the call that made it."""

Tags = Annotated[list[Annotated[str, Field(min_length=1, max_length=50)]], Field(max_length=20)]
Now = Annotated[bool, Query(description="Keep nothing to undo it by")]

_DESCRIPTION = "The change, to undo it within a day: POST /avatars/{id}/memories/changes/{change_id}/undo"
CHANGED: dict[int | str, dict[str, Any]] = {
    204: {"headers": {HEADER: {"description": _DESCRIPTION, "schema": {"type": "string", "format": "uuid"}}}}
}
"""How an answer without a body documents the header."""

_CHANGE_ID = "01977a2e-7b1c-7e0f-a2b3-6c5d4e3f2a1b"
_ITEM_ID = "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f"
_EXAMPLE: dict[str, Any] = {
    "change_id": _CHANGE_ID,
    "kind": "fact",
    "item_id": _ITEM_ID,
    "action": "forget",
    "title": "The user dislikes olives.",
    "made_at": "2026-01-09T18:02:11Z",
    "expires_at": "2026-01-10T18:02:11Z",
    "undone_at": None,
}


class ChangeOut(BaseModel):
    """A change of what is remembered that can be undone until `expires_at`."""

    change_id: uuid.UUID
    kind: Literal["fact", "episode"]
    item_id: uuid.UUID
    action: Literal["correct", "confirm", "pin", "unpin", "forget"]
    title: str
    made_at: datetime
    expires_at: datetime
    undone_at: datetime | None


class UndoneOut(BaseModel):
    """What is as it was before."""

    kind: Literal["fact", "episode"]
    item_id: uuid.UUID


@router.get(
    "/avatars/{avatar_id}/memories/changes",
    summary="What you changed of an avatar's memory",
    response_model=http.Items[ChangeOut],
    responses={**http.example({"items": [_EXAMPLE], "next_cursor": None}), **http.problems(404)},
)
def list_changes(
    caller: http.Caller, avatar_id: uuid.UUID, limit: http.PageLimit = 50, cursor: http.PageCursor = None
) -> http.Items[ChangeOut]:
    """What you corrected, confirmed, pinned and forgot within the last day, newest first."""
    found = changes_service.changes(caller, avatar_id, limit=limit, cursor=cursor)
    return http.Items(items=[ChangeOut(**asdict(each)) for each in found.items], next_cursor=found.next_cursor)


@router.post(
    "/avatars/{avatar_id}/memories/changes/{change_id}/undo",
    summary="Undo a change of memory",
    response_model=UndoneOut,
    responses={**http.example({"kind": "fact", "item_id": _ITEM_ID}), **http.problems(404, 409)},
)
def undo_change(caller: http.Caller, avatar_id: uuid.UUID, change_id: uuid.UUID) -> UndoneOut:
    """Puts back what was there before, and lets the messages that told it be recalled again.

    Refused (409) where it was changed since, was undone already, or a day has passed.
    """
    return UndoneOut(**asdict(changes_service.undo(caller, avatar_id, change_id)))


def mark(response: Response, change_id: uuid.UUID | None) -> None:
    """Names the change in the answer, if anything was changed."""
    if change_id is not None:
        response.headers[HEADER] = str(change_id)
