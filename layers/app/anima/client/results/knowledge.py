"""What documents, passages, searches, uploads and summaries answer with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class UnreadPart:
    """A part of a document that nothing could read."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Document:
    """A document and its progress: stages are queued, fetch, parse, read, chunk, embed, index, done."""

    document_id: int
    state: Literal["queued", "running", "done", "unsearchable", "failed"]
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
    stage: str
    unit: str | None
    units_done: int
    units_total: int | None
    seconds_left: float | None
    chunks_done: int
    chunks_total: int | None
    token_count: int
    unread: tuple[UnreadPart, ...]
    attempts: int
    reason: str | None
    language: str | None
    created_at: datetime
    updated_at: datetime
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DocumentQueued:
    """A document that was taken in; ask for it to see how far it is."""

    document_id: int
    state: Literal["queued", "running", "done", "unsearchable", "failed"]


@dataclass(frozen=True, slots=True)
class DocumentRetried:
    """A document that waits for its ingestion again."""

    document_id: int
    state: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document and where it stands in it."""

    chunk_id: int
    document_id: int
    chunk_index: int
    text: str
    token_count: int
    location: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OpenedChunk:
    """A chunk with what stands before and after it; neighbours may share a sentence."""

    chunk_id: int
    document_id: int
    chunk_index: int
    text: str
    token_count: int
    location: Mapping[str, Any]
    title: str
    source_uri: str | None
    previous_chunk_id: int | None
    previous_text: str | None
    next_chunk_id: int | None
    next_text: str | None


@dataclass(frozen=True, slots=True)
class ChunkScores:
    """Cosine with the question; BM25; likeness of the spelling. Null where one says nothing."""

    vector: float | None
    words: float | None
    trigram: float | None


@dataclass(frozen=True, slots=True)
class ChunkCopy:
    """A passage that says the same."""

    chunk_id: int
    document_id: int
    title: str


@dataclass(frozen=True, slots=True)
class ChunkWhy:
    """Why a passage was found."""

    terms: tuple[str, ...]
    spelled: Mapping[str, str]
    speaker: str | None
    neighbours: tuple[int, ...]
    same_as: tuple[ChunkCopy, ...]


@dataclass(frozen=True, slots=True)
class ChunkHit:
    """A passage that was found; `score` is between 0 and 1, orders the hits, and is held against the floor."""

    chunk_id: int
    document_id: int
    store_id: int
    purpose: str
    source_uri: str | None
    title: str
    location: Mapping[str, Any]
    text: str
    score: float
    scores: ChunkScores
    why: ChunkWhy


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits, best first; `timings` in milliseconds."""

    retrieval_id: int
    hits: tuple[ChunkHit, ...]
    nothing_found: bool
    best_below: float | None
    floor: float
    warnings: tuple[str, ...]
    plan: tuple[str, ...] | None
    timings: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The log of a search; `distances` are cosine distances in the order of `result_ids`."""

    retrieval_id: int
    request_id: int | None
    store_id: int | None
    purposes: tuple[str, ...]
    query_text: str | None
    mode: str
    top_k: int
    floor: float | None
    result_ids: tuple[int, ...]
    distances: tuple[float, ...]
    status: Literal["pending", "completed", "failed"]
    latency_ms: float | None
    warnings: tuple[str, ...]
    retrieved_at: datetime


@dataclass(frozen=True, slots=True)
class UploadTicket:
    """How to send it: PUT its bytes to `url` with `headers`, or POST a form to `url`: `fields`, and `file` last."""

    upload_id: UUID
    method: str
    url: str
    headers: Mapping[str, str]
    fields: Mapping[str, str]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Upload:
    """A file on its way: open (it has not come), stored, or used."""

    upload_id: UUID
    name: str
    size_bytes: int
    state: str
    checksum_sha256: str | None
    document_id: int | None
    media_id: int | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class UploadedMedium:
    """A stored file, as messages refer to it."""

    media_id: int
    media_type: str
    mime_type: str
    size_bytes: int
    checksum_sha256: str
    name: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SummaryEstimate:
    """What it costs: tokens read and written, calls, seconds where the pace is known; money where prices are known."""

    mode: Literal["one_piece", "map_reduce", "extractive"]
    model: str | None
    tokens: int
    completion_tokens: int
    calls: int
    seconds: float | None
    money: float | None


@dataclass(frozen=True, slots=True)
class SummaryCitation:
    """Where a sentence of a summary comes from."""

    marker: int
    document_id: int
    chunk_id: int
    location: Mapping[str, Any]
    quote: str


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary, how far it is, and where each of its sentences comes from."""

    summary_id: int
    document_id: int
    title: str
    instruction: str | None
    sentences: int
    mode: Literal["one_piece", "map_reduce", "extractive"]
    model: str | None
    state: Literal["estimated", "queued", "running", "done", "failed", "cancelled"]
    parts_done: int
    parts_total: int
    estimate: SummaryEstimate
    text: str | None
    citations: tuple[SummaryCitation, ...]
    usage: Mapping[str, Any]
    reason: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class SummaryQueued:
    """A summary that is being made, or was only estimated (then `summary_id` is null)."""

    summary_id: int | None
    state: Literal["estimated", "queued", "running", "done", "failed", "cancelled"]
    estimate: SummaryEstimate
