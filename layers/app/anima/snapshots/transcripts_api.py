"""Past conversations over HTTP: brought as turns, as text, as an upload or as a file, and how far their imports are."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from starlette.datastructures import FormData, UploadFile

from anima.kernel import http, idempotency
from anima.kernel.errors import BadInput, FieldError
from anima.snapshots import transcripts_service as service
from anima.snapshots.transcripts_model import NewTranscript
from anima.vendors.readers.transcripts.model import TEXT_CHARS, moment

router = APIRouter(tags=["memory"])

_OWN_FIELDS = {"turns", "text", "upload"}
_EXAMPLE: dict[str, Any] = {
    "title": "Anna and me",
    "turns": [
        {"id": "1", "session": 1, "date": "2023-05-08T13:56:00Z", "speaker": "Anna", "text": "How is the new job?"},
        {"id": "2", "session": 1, "date": "2023-05-08T13:57:00Z", "speaker": "me", "text": "I love it. I bake now."},
    ],
}
_AVATAR_ID = "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f"
_TRANSCRIPT: dict[str, Any] = {
    "document_id": 31,
    "avatar_id": _AVATAR_ID,
    "title": "conversations.json",
    "state": "running",
    "stage": "extract",
    "reason": None,
    "origin": "chatgpt",
    "sessions": 412,
    "messages": 6120,
    "speakers": [{"name": "user", "turns": 3060}, {"name": "ChatGPT", "turns": 3060}],
    "me": ["user"],
    "note": None,
    "counts": {"turns": 6120, "conversations": 412, "out_of_order": 2, "from_the_future": 0, "undated": 0, "empty": 31},
    "created_at": "2026-01-31T12:00:00Z",
    "updated_at": "2026-01-31T12:01:00Z",
}

Me = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=20)]


class Turn(http.Body):
    """Something that somebody said."""

    id: str | int | None = Field(None, description="Its id; kept as turn_id. Not given: its place")
    session: str | int | None = Field(None, description="What it is part of; each becomes a session")
    date: str | int | float | None = Field(None, description="When it was said: ISO 8601, or seconds since 1970")
    speaker: Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
    text: Annotated[str, Field(max_length=TEXT_CHARS)]

    @field_validator("date")
    @classmethod
    def _is_a_date(cls, date: str | int | float | None) -> str | int | float | None:
        moment(date)
        return date


class TranscriptBody(http.Body):
    """Past conversations: their turns, their text ("Anna: hello", a line each turn), or an upload of an export."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    title: str | None = Field(None, min_length=1, max_length=1000)
    turns: Annotated[list[Turn], Field(min_length=1, max_length=200_000)] | None = None
    text: str | None = Field(None, min_length=1)
    upload: uuid.UUID | None = Field(None, description="The upload_id of a file that came by POST /uploads")
    me: Me | str | None = Field(None, description="What you are called there; not given: as you are called here")
    proposals: int = Field(20, ge=0, le=1000, description="Of your messages a model is asked about so many")


class BroughtAnswer(BaseModel):
    """The document that stands for the conversations; ask for it to see how far their import is."""

    document_id: int
    state: Literal["queued", "running", "done", "failed", "unsearchable"]


class Speaker(BaseModel):
    """Somebody who speaks in past conversations, and how often."""

    name: str
    turns: int


class TranscriptAnswer(BaseModel):
    """An import: stages are queued, parse, embed, extract, done. What is embedded is found already."""

    document_id: int
    avatar_id: uuid.UUID | None
    title: str
    state: str
    stage: str
    reason: str | None
    origin: str | None = Field(description="chatgpt, claude, whatsapp, plain, turns; null until it was read")
    sessions: int
    messages: int
    speakers: list[Speaker] = Field(description="Those that say most; empty until it was read")
    me: list[str] | None = Field(description="Which of them were recognised as you; null where nobody was")
    note: str | None = Field(description="What to do where nobody was recognised as you")
    counts: dict[str, int]
    created_at: datetime
    updated_at: datetime


_REQUEST_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {"schema": TranscriptBody.model_json_schema(), "example": _EXAMPLE},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "string", "format": "binary", "description": "An export, or a text of turns"},
                    "title": {"type": "string"},
                    "me": {"type": "string", "description": "What you are called there"},
                    "proposals": {"type": "integer", "default": 20},
                },
            },
            "example": {"file": "conversations.json", "me": "Anna"},
        },
    },
}


async def _sent(request: Request) -> NewTranscript:
    media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media_type == "multipart/form-data":
        async with request.form(max_files=1, max_fields=20) as form:
            return await _of_form(form)
    if media_type == "application/json":
        return _of_json(await request.body())
    raise BadInput(reason="a transcript comes as application/json or multipart/form-data")


Sent = Annotated[NewTranscript, Depends(_sent)]


def _of_json(body: bytes) -> NewTranscript:
    """A body of ours, or an export as it is."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise BadInput(reason="the body is not JSON", fields=[FieldError("body", "a JSON object or list")]) from None
    if isinstance(data, list) or (isinstance(data, dict) and not _OWN_FIELDS & set(data)):
        return NewTranscript(content=body)
    read = _validated(data)
    given = [name for name in sorted(_OWN_FIELDS) if getattr(read, name) is not None]
    if len(given) != 1:
        raise service.OneTranscript(fields=[FieldError(name, "this or another, not both") for name in given])
    return NewTranscript(_content(read), read.upload, None, read.title, _named(read.me), read.proposals)


def _content(body: TranscriptBody) -> bytes | None:
    try:
        if body.text is not None:
            return body.text.encode()
        if body.turns is None:
            return None
        turns = [turn.model_dump() for turn in body.turns]
        return json.dumps({"title": body.title, "turns": turns}, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise BadInput(reason="the text is not valid Unicode", fields=[FieldError("text", "Unicode")]) from None


async def _of_form(form: FormData) -> NewTranscript:
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise BadInput(reason="the form has no file", fields=[FieldError("file", "a file")])
    given = {name: value for name, value in form.multi_items() if name != "file" and value != ""}
    read = _validated({**given, "text": "-"})
    return NewTranscript(await file.read(), None, file.filename, read.title, _named(read.me), read.proposals)


def _validated(data: Any) -> TranscriptBody:
    try:
        return TranscriptBody.model_validate(data)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in wrong]) from None


def _named(me: list[str] | str | None) -> list[str]:
    return [me] if isinstance(me, str) else list(me or [])


@router.post(
    "/avatars/{avatar_id}/transcripts",
    status_code=202,
    summary="Bring past conversations",
    response_model=BroughtAnswer,
    openapi_extra={"requestBody": _REQUEST_BODY},
    responses={**http.example({"document_id": 31, "state": "queued"}, status=202), **http.problems(404, 409, 413)},
)
def post_transcript(
    caller: http.Caller, avatar_id: uuid.UUID, new: Sent, idempotency_key: http.IdempotencyHeader = None
) -> dict[str, Any]:
    """Takes exports of ChatGPT, Claude and WhatsApp (also zipped), plain transcripts, and turns, before they are read.

    Each conversation becomes a session of the avatar's with the dates that it had; what you said yourself is read for
    facts and episodes. The same export is taken once, and of a newer one only what is new. Where nobody in it is
    called as you are, say with `me` who you are, or nothing of it becomes a fact; the same brought again with another
    `me` is taken back and read anew, and a `me` that nobody has is refused.
    `GET /documents/{document_id}` tells how far it is, and deleting that document takes back all that it brought.
    """
    source = hashlib.sha256(new.content).hexdigest() if new.content is not None else str(new.upload)
    asked = [str(avatar_id), source, new.title, new.name, list(new.me), new.proposals]
    key = idempotency.read_key(idempotency_key, "POST /avatars/{avatar_id}/transcripts", asked)
    return asdict(service.bring(caller, avatar_id, new, key))


@router.get(
    "/avatars/{avatar_id}/transcripts",
    summary="Past conversations that were brought",
    response_model=http.Items[TranscriptAnswer],
    responses={**http.example({"items": [_TRANSCRIPT], "next_cursor": None}), **http.problems(404)},
)
def get_transcripts(
    caller: http.Caller, avatar_id: uuid.UUID, limit: http.PageLimit = 50, cursor: http.PageCursor = None
) -> dict[str, Any]:
    """The imports into an avatar's memory with what was counted, newest first."""
    found = service.list_transcripts(caller, avatar_id, limit, cursor)
    return {"items": [asdict(row) for row in found.items], "next_cursor": found.next_cursor}
