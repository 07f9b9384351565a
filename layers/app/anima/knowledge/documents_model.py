"""Documents, their pieces and uploads as the room hands them around."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class NewDocument:
    """What somebody brings in: a content, an address to fetch it from, or an upload; exactly one of them.

    `is_file` says that the content is a file's, of which `name` and `media_type` are what it says of itself.
    """

    content: bytes | None = None
    title: str | None = None
    source_uri: str | None = None
    doc_type: str | None = None
    purpose: str = "context"
    metadata: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None
    media_type: str | None = None
    is_file: bool = False
    uri: str | None = None
    upload: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Queued:
    """The answer to who brings a document in: which one it is, and its state."""

    document_id: int
    state: str


@dataclass(frozen=True, slots=True)
class Document:
    """A document, and how far it is: `seconds_left` by the pace of its stage, where that has one."""

    document_id: int
    store_id: int
    purpose: str
    title: str
    source_uri: str | None
    uri: str | None
    name: str | None
    doc_type: str
    mime_type: str | None
    media_id: int | None
    size_bytes: int
    state: str
    stage: str
    unit: str | None
    units_done: int
    units_total: int | None
    seconds_left: float | None
    chunks_done: int
    chunks_total: int | None
    token_count: int
    unread: list[dict[str, Any]]
    attempts: int
    reason: str | None
    language: str | None
    created_at: datetime
    updated_at: datetime
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class File:
    """The original of a document, where it is known: `storage_uri` is null until it was fetched."""

    document_id: int
    storage_uri: str | None
    content_sha256: str | None
    size_bytes: int
    mime_type: str | None
    name: str | None
    title: str


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A piece of a document."""

    chunk_id: int
    document_id: int
    chunk_index: int
    text: str
    token_count: int
    location: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ChunkInContext:
    """A chunk with what stands before and after it, as one opens a citation."""

    chunk_id: int
    document_id: int
    chunk_index: int
    text: str
    token_count: int
    location: dict[str, Any]
    title: str
    source_uri: str | None
    previous_chunk_id: int | None
    previous_text: str | None
    next_chunk_id: int | None
    next_text: str | None


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that comes on its own before something is made of it.

    State: open (it may still come), stored, used (a document or a medium was made of it).
    """

    upload_id: uuid.UUID
    name: str
    media_type: str | None
    size_bytes: int
    storage_uri: str | None
    checksum_sha256: str | None
    state: str
    document_id: int | None
    media_id: int | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Ticket:
    """How a file is to be sent: by PUT of its bytes with `headers`, or by POST of a form with `fields` and `file`."""

    upload_id: uuid.UUID
    method: str
    url: str
    headers: dict[str, str]
    fields: dict[str, str]
    expires_at: datetime
