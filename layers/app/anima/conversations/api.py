"""HTTP of conversations: sessions, their history, media."""

from __future__ import annotations

import uuid
from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, File, Path, Query, Response, UploadFile
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from anima.conversations import media_service, service
from anima.conversations.media_model import Medium
from anima.conversations.model import Message, Session
from anima.kernel import http, idempotency, pages, serving

router = APIRouter(tags=["conversations"])

RowId = Annotated[int, Path(ge=1, le=2**63 - 1)]
ShortText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]

_SESSION = {
    "session_id": 9001,
    "avatar_id": "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f",
    "avatar_name": "Luna",
    "title": "Olives",
    "private": False,
    "started_at": "2026-01-31T12:00:00Z",
    "ended_at": None,
}
_MESSAGE = {
    "message_id": 12,
    "parent_message_id": 11,
    "role": "assistant",
    "content": "Noted: no olives.",
    "created_at": "2026-01-31T12:00:02Z",
    "avatar_id": "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f",
    "media_refs": [],
    "response_id": 5,
    "citations": 0,
    "state": None,
    "branch": {"index": 1, "of": 1, "siblings": [12]},
}
_MEDIUM = {
    "media_id": 3,
    "media_type": "image",
    "mime_type": "image/png",
    "size_bytes": 5120,
    "checksum_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "name": "lake.png",
    "created_at": "2026-01-31T12:00:00Z",
}


class NewSession(http.Body):
    """A session to begin."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"avatar_id": "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f", "private": False}]},
    )
    avatar_id: uuid.UUID | None = Field(None, description="With whom; neither this nor a name: the first avatar")
    avatar: Annotated[ShortText, Field(max_length=100)] | None = Field(None, description="The avatar by its name")
    title: Annotated[ShortText, Field(max_length=200)] | None = None
    private: bool = Field(False, description="Nothing of a private session is remembered")

    @model_validator(mode="after")
    def _one_way(self) -> NewSession:
        if self.avatar_id is not None and self.avatar is not None:
            raise ValueError("give avatar_id or avatar, not both")
        return self


class SessionAnswer(BaseModel):
    """A session."""

    session_id: int
    avatar_id: uuid.UUID | None
    avatar_name: str | None
    title: str | None
    private: bool
    started_at: datetime
    ended_at: datetime | None


class MediaRef(BaseModel):
    """A file that came with a message."""

    media_id: int
    media_type: str
    mime_type: str


class Branch(BaseModel):
    """Which of the messages that stand in one place this is."""

    index: int = Field(description="From 1, the oldest")
    of: int
    siblings: list[int] = Field(description="The ids of all of them, this one among them, oldest first")


class MessageAnswer(BaseModel):
    """A message; `state` says what became of the request that a user's message made."""

    message_id: int
    parent_message_id: int | None
    role: str
    content: str
    created_at: datetime
    avatar_id: uuid.UUID | None
    media_refs: list[MediaRef]
    response_id: int | None
    citations: int = Field(description="How many citations the answer has; GET /responses/{id} shows them")
    state: str | None = Field(
        description="pending, waiting (for somebody to approve a tool's call), completed, failed or interrupted; "
        "null for replies"
    )
    branch: Branch


class MediumAnswer(BaseModel):
    """A stored file."""

    media_id: int
    media_type: str
    mime_type: str
    size_bytes: int
    checksum_sha256: str
    name: str | None
    created_at: datetime


@router.post(
    "/sessions",
    status_code=201,
    summary="Begin a session",
    response_model=SessionAnswer,
    responses={**http.example(_SESSION, status=201), **http.problems(404, 409)},
)
def create_session(caller: http.Caller, body: NewSession, idempotency_key: http.IdempotencyHeader = None) -> Session:
    """With an avatar by id or by name; without either, with the first one."""
    key = idempotency.read_key(idempotency_key, "POST /sessions", body.model_dump(mode="json"))
    return service.create_session(
        caller, avatar=body.avatar_id or body.avatar, private=body.private, title=body.title, key=key
    )


@router.get(
    "/sessions",
    summary="Sessions, newest first",
    response_model=http.Items[SessionAnswer],
    responses={**http.example({"items": [_SESSION], "next_cursor": None}), **http.problems()},
)
def list_sessions(
    caller: http.Caller,
    limit: http.PageLimit = 50,
    cursor: http.PageCursor = None,
    avatar_id: Annotated[uuid.UUID | None, Query(description="Only those with this avatar")] = None,
) -> pages.Page[Session]:
    """Your sessions."""
    return service.list_sessions(caller, cursor=cursor, limit=limit, avatar_id=avatar_id)


@router.get(
    "/sessions/{session_id}",
    summary="One session",
    response_model=SessionAnswer,
    responses={**http.example(_SESSION), **http.problems(404)},
)
def get_session(caller: http.Caller, session_id: RowId) -> Session:
    """With whom it is, and since when."""
    return service.get_session(caller, session_id)


@router.get(
    "/sessions/{session_id}/messages",
    summary="The history of a session",
    response_model=http.Items[MessageAnswer],
    responses={**http.example({"items": [_MESSAGE], "next_cursor": None}), **http.problems(404)},
)
def history(
    caller: http.Caller,
    session_id: RowId,
    limit: http.PageLimit = 50,
    cursor: http.PageCursor = None,
    order: Annotated[service.Order, Query(description="Which end to begin at")] = "oldest",
    leaf: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="A message of the branch that is wanted")] = None,
    branches: Annotated[service.Branches, Query(description="all: every message, of every branch")] = "current",
) -> pages.Page[Message]:
    """The branch that leads to the newest message, or that which goes through `leaf`; each message says which others
    stand in its place, where it was edited or answered more than once.
    """
    return service.history(caller, session_id, cursor=cursor, limit=limit, order=order, leaf=leaf, branches=branches)


@router.delete(
    "/sessions/{session_id}",
    status_code=204,
    summary="Delete a session with all that was said in it",
    responses=http.problems(404),
)
def delete_session(caller: http.Caller, session_id: RowId) -> None:
    """Its requests, answers and searches go too, and what rested on it alone; of a private one also its files."""
    service.delete_session(caller, session_id)


@router.post(
    "/media",
    status_code=201,
    summary="Store a small file for a message",
    response_model=MediumAnswer,
    responses={**http.example(_MEDIUM, status=201), **http.problems(413, 415)},
)
def store_medium(
    caller: http.Caller,
    file: Annotated[UploadFile, File(description="The file", examples=["(the bytes of a picture)"])],
) -> Medium:
    """Its kind is told by its bytes; the same file twice is stored once."""
    return media_service.store(caller, file.file.read(media_service.MAX_BYTES + 1), file.filename)


@router.get(
    "/media/{media_id}",
    summary="One stored file's description",
    response_model=MediumAnswer,
    responses={**http.example(_MEDIUM), **http.problems(404)},
)
def get_medium(caller: http.Caller, media_id: RowId) -> Medium:
    """Kind, size and checksum."""
    return media_service.get(caller, media_id)


@router.get(
    "/media/{media_id}/content",
    summary="One stored file",
    response_class=Response,
    responses={**serving.RESPONSES, **http.problems(404, 416)},
)
def get_content(caller: http.Caller, media_id: RowId, range_header: http.RangeHeader = None) -> Response:
    """Its bytes, or a part of them: as what they are where a browser can show that and do nothing else with it."""
    found = media_service.get(caller, media_id)
    opened = partial(media_service.opened, found)
    given = serving.served(opened, found.size_bytes, found.mime_type, found.name, range_header)
    return StreamingResponse(given.content, given.status_code, given.headers)
