"""Uploads over HTTP: announced, then sent here in one stream, or straight to the object store."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from anima.kernel import http
from anima.knowledge import uploads_service
from anima.knowledge.documents_model import Upload
from anima.knowledge.errors import WrongSize

router = APIRouter(tags=["knowledge"])

_BUFFER_BYTES = 1 << 20
_ID = "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f"
_TICKET = {
    "upload_id": _ID,
    "method": "PUT",
    "url": f"/api/v1/uploads/{_ID}/content",
    "headers": {"Content-Type": "application/octet-stream"},
    "fields": {},
    "expires_at": "2026-02-01T12:00:00Z",
}
_UPLOAD = {
    "upload_id": _ID,
    "name": "thesis.pdf",
    "size_bytes": 73400320,
    "state": "stored",
    "checksum_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "document_id": None,
    "media_id": None,
    "expires_at": "2026-02-01T12:00:00Z",
}


class NewUpload(http.Body):
    """A file that is to come."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "thesis.pdf", "size_bytes": 73400320}]}
    )
    name: str = Field(min_length=1, max_length=1000, description="Its name")
    size_bytes: int = Field(ge=1, le=2**53, description="How many bytes it has, exactly")
    media_type: str | None = Field(None, max_length=200, description="What it says that it is; its content decides")


class TicketAnswer(BaseModel):
    """How to send it: PUT its bytes to `url` with `headers`, or POST a form to `url`: `fields`, and `file` last."""

    upload_id: uuid.UUID
    method: str
    url: str = Field(description="Here without a host: the server that was asked")
    headers: dict[str, str]
    fields: dict[str, str]
    expires_at: datetime = Field(description="Forgotten then, if nothing was made of it")


class UploadAnswer(BaseModel):
    """A file on its way: open (it has not come), stored, or used."""

    upload_id: uuid.UUID
    name: str
    size_bytes: int
    state: str
    checksum_sha256: str | None
    document_id: int | None
    media_id: int | None
    expires_at: datetime


class UploadedMedium(BaseModel):
    """A stored file, as messages refer to it."""

    media_id: int
    media_type: str
    mime_type: str
    size_bytes: int
    checksum_sha256: str
    name: str | None
    created_at: datetime


@router.post(
    "/uploads",
    status_code=201,
    summary="Announce a large file",
    response_model=TicketAnswer,
    responses={**http.example(_TICKET, status=201), **http.problems(413)},
)
def post_upload(caller: http.Caller, body: NewUpload) -> dict[str, Any]:
    """Says how to send it; then make a document of it (`POST /documents {"upload": …}`) or a medium, within a day."""
    return asdict(uploads_service.announce(caller, body.name, body.size_bytes, body.media_type))


@router.get(
    "/uploads/{upload_id}",
    summary="One upload",
    response_model=UploadAnswer,
    responses={**http.example(_UPLOAD), **http.problems(404)},
)
def get_upload(caller: http.Caller, upload_id: uuid.UUID) -> Upload:
    """Whether its file has come here, and what was made of it."""
    return uploads_service.expected(caller, upload_id)


@router.put(
    "/uploads/{upload_id}/content",
    summary="Send an announced file",
    response_model=UploadAnswer,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}, "example": "…"}},
        }
    },
    responses={**http.example(_UPLOAD), **http.problems(404, 409)},
)
async def put_content(caller: http.Caller, upload_id: uuid.UUID, request: Request) -> Upload:
    """Its bytes, as they are; the same sent again changes nothing. They never lie in memory as a whole."""
    upload = await run_in_threadpool(uploads_service.expected, caller, upload_id)
    place = uploads_service.arriving(upload)
    came = await run_in_threadpool(place.__enter__)
    try:
        waiting = bytearray()
        async for chunk in request.stream():
            waiting += chunk
            if len(waiting) >= _BUFFER_BYTES:
                await run_in_threadpool(came.write, bytes(waiting))
                waiting.clear()
        await run_in_threadpool(came.write, bytes(waiting))
    except ClientDisconnect:
        raise WrongSize(reason="the size", announced=upload.size_bytes, size=came.size) from None
    else:
        return await run_in_threadpool(uploads_service.arrived, caller, upload, came)
    finally:
        await run_in_threadpool(place.__exit__, None, None, None)


@router.post(
    "/uploads/{upload_id}/medium",
    status_code=201,
    summary="Make a medium of an upload",
    response_model=UploadedMedium,
    responses={
        **http.example(
            {
                "media_id": 3,
                "media_type": "video",
                "mime_type": "video/mp4",
                "size_bytes": 73400320,
                "checksum_sha256": _UPLOAD["checksum_sha256"],
                "name": "lake.mp4",
                "created_at": "2026-01-31T12:00:00Z",
            },
            status=201,
        ),
        **http.problems(404, 409, 413, 415),
    },
)
def post_medium(caller: http.Caller, upload_id: uuid.UUID) -> Any:
    """What `POST /media` does for small files: its id goes into `media` of a message."""
    return uploads_service.to_medium(caller, upload_id)
