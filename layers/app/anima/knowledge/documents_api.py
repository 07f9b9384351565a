"""Documents and their chunks over HTTP."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from anima.kernel import http, idempotency, serving
from anima.kernel.pages import Page
from anima.knowledge import bodies_api, documents_service
from anima.knowledge.bodies_api import Documents
from anima.knowledge.documents_model import NewDocument

router = APIRouter(tags=["knowledge"])

Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
State = Literal["queued", "running", "done", "unsearchable", "failed"]

_WHEN = "2026-01-31T12:00:00Z"
_DOCUMENT = {
    "document_id": 12,
    "store_id": 1,
    "purpose": "context",
    "title": "House rules",
    "source_uri": "https://example.org/rules",
    "uri": "https://example.org/rules",
    "name": "rules",
    "doc_type": "markdown",
    "mime_type": "text/markdown",
    "media_id": 3,
    "size_bytes": 1830,
    "state": "running",
    "stage": "embed",
    "unit": "pages",
    "units_done": 4,
    "units_total": 4,
    "seconds_left": 1.5,
    "chunks_done": 64,
    "chunks_total": 200,
    "token_count": 0,
    "unread": [],
    "attempts": 1,
    "reason": None,
    "language": None,
    "created_at": _WHEN,
    "updated_at": _WHEN,
    "metadata": {"language": "en"},
}
_CHUNK = {
    "chunk_id": 345,
    "document_id": 12,
    "chunk_index": 3,
    "text": "Breakfast is served from seven to ten.",
    "token_count": 9,
    "location": {"heading": "House rules > Breakfast", "char_start": 120, "char_end": 410, "line_start": 8},
}


class QueuedAnswer(BaseModel):
    """A document that was taken in; ask for it to see how far it is."""

    document_id: int
    state: State


class Unread(BaseModel):
    """A part of a document that nothing could read."""

    what: str
    reason: str


class DocumentAnswer(QueuedAnswer):
    """A document and its progress: stages are queued, fetch, parse, read, chunk, embed, index, done."""

    store_id: int
    purpose: str
    title: str
    source_uri: str | None
    uri: str | None = Field(description="Where it was fetched from, if it was")
    name: str | None = Field(description="The name of its file")
    doc_type: str
    mime_type: str | None = Field(description="What it is by its content; null until that was looked at")
    media_id: int | None = Field(description="Its file as a medium, for messages")
    size_bytes: int
    stage: str
    unit: str | None = Field(description="What is counted while it is read: pages, slides, rows, seconds, bytes")
    units_done: int
    units_total: int | None
    seconds_left: float | None = Field(description="By the pace of its stage; null where that cannot be told")
    chunks_done: int
    chunks_total: int | None = Field(description="Not known before the document is cut")
    token_count: int
    unread: list[Unread] = Field(description="Parts that nothing could read")
    attempts: int
    reason: str | None = Field(description="Why it failed, cannot be searched, or is tried again")
    language: str | None
    created_at: datetime
    updated_at: datetime
    metadata: dict[str, Any]


class ChunkAnswer(BaseModel):
    """A piece of a document and where it stands in it."""

    chunk_id: int
    document_id: int
    chunk_index: int
    text: str
    token_count: int
    location: dict[str, Any] = Field(
        description="Those that apply of page, page_end, slide, sheet, row_start, row_end, heading, char_start, "
        "char_end, line_start, line_end, second_start, second_end, speaker"
    )


class OpenedChunk(ChunkAnswer):
    """A chunk with what stands before and after it; neighbours may share a sentence."""

    title: str
    source_uri: str | None
    previous_chunk_id: int | None
    previous_text: str | None
    next_chunk_id: int | None
    next_text: str | None


def _items(found: Page[Any]) -> dict[str, Any]:
    return {"items": [asdict(row) for row in found.items], "next_cursor": found.next_cursor}


@router.post(
    "/documents",
    status_code=202,
    summary="Bring in documents",
    response_model=QueuedAnswer | list[QueuedAnswer],
    openapi_extra={"requestBody": bodies_api.REQUEST_BODY},
    responses={**http.example({"document_id": 12, "state": "queued"}, status=202), **http.problems(404, 409, 413)},
)
def post_documents(
    caller: http.Caller, documents: Documents, idempotency_key: http.IdempotencyHeader = None
) -> list[dict[str, Any]] | dict[str, Any]:
    """Takes one document, or up to 100, and answers before they are read; the same content twice is one document.

    Each has one source: `text`, a `uri` that is fetched, an `upload` that came before, or a file of the form.
    """
    key = idempotency.read_key(idempotency_key, "POST /documents", [_fingerprint(each) for each in documents])
    queued = [asdict(each) for each in documents_service.queue_documents(caller, documents, key)]
    return queued[0] if documents.single else queued


def _fingerprint(new: NewDocument) -> list[Any]:
    source = hashlib.sha256(new.content).hexdigest() if new.content is not None else new.uri or str(new.upload)
    return [source, new.title, new.source_uri, new.doc_type, new.purpose, new.metadata, new.name]


@router.get(
    "/documents",
    summary="List documents",
    response_model=http.Items[DocumentAnswer],
    responses={**http.example({"items": [_DOCUMENT], "next_cursor": None}), **http.problems()},
)
def get_documents(
    caller: http.Caller,
    limit: http.PageLimit = 50,
    cursor: http.PageCursor = None,
    state: Annotated[State | None, Query(description="Only those in this state")] = None,
    purpose: Annotated[str | None, Query(max_length=100, description="Only those of this purpose")] = None,
) -> dict[str, Any]:
    """The caller's documents with their progress, newest first."""
    return _items(documents_service.list_documents(caller, limit, cursor, state=state, purpose=purpose))


@router.get(
    "/documents/{document_id}",
    summary="One document",
    response_model=DocumentAnswer,
    responses={**http.example(_DOCUMENT), **http.problems(404)},
)
def get_document(caller: http.Caller, document_id: Id) -> dict[str, Any]:
    """A document: its state, how far its ingestion is, and why it failed if it did."""
    return asdict(documents_service.get_document(caller, document_id))


@router.delete("/documents/{document_id}", status_code=204, summary="Delete a document", responses=http.problems(404))
def delete_document(caller: http.Caller, document_id: Id) -> None:
    """Deletes a document with its file, its chunks, and all that a search could find of it."""
    documents_service.delete_document(caller, document_id)


@router.get(
    "/documents/{document_id}/file",
    summary="The original of a document",
    response_class=Response,
    responses={
        **serving.RESPONSES,
        307: {"description": "The object store gives it, for a few minutes, at the address that is named"},
        **http.problems(404, 409, 416),
    },
)
def get_file(caller: http.Caller, document_id: Id, range_header: http.RangeHeader = None) -> Response:
    """The file as it came, or a part of it; one that could do harm in a browser is only downloaded."""
    found = documents_service.get_file(caller, document_id)
    elsewhere = documents_service.signed(found)
    if elsewhere is not None:
        return Response(status_code=307, headers={"Location": elsewhere, "Cache-Control": "no-store"})
    opened = partial(documents_service.opened, found)
    given = serving.served(opened, found.size_bytes, found.mime_type, found.name or found.title, range_header)
    return StreamingResponse(given.content, given.status_code, given.headers)


@router.get(
    "/documents/{document_id}/chunks",
    summary="Chunks of a document",
    response_model=http.Items[ChunkAnswer],
    responses={**http.example({"items": [_CHUNK], "next_cursor": None}), **http.problems(404)},
)
def get_chunks(
    caller: http.Caller, document_id: Id, limit: http.PageLimit = 50, cursor: http.PageCursor = None
) -> dict[str, Any]:
    """The pieces that a document was cut into, in order."""
    return _items(documents_service.list_chunks(caller, document_id, limit, cursor))


@router.get(
    "/chunks/{chunk_id}",
    summary="One chunk with its neighbours",
    response_model=OpenedChunk,
    responses={
        **http.example(
            {
                **_CHUNK,
                "title": "House rules",
                "source_uri": None,
                "previous_chunk_id": 344,
                "previous_text": "Doors close at eleven.",
                "next_chunk_id": 346,
                "next_text": "Olives are never served.",
            }
        ),
        **http.problems(404),
    },
)
def get_chunk(caller: http.Caller, chunk_id: Id) -> dict[str, Any]:
    """What a citation points to, and what stands around it."""
    return asdict(documents_service.get_chunk(caller, chunk_id))
