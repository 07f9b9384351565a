"""Documents, chunks and hits as the room hands them around."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Mode = Literal["hybrid", "vector", "words"]


@dataclass(frozen=True, slots=True)
class NewDocument:
    """What somebody brings in. `name` and `media_type` are what a file says of itself."""

    content: bytes
    title: str | None = None
    source_uri: str | None = None
    doc_type: str | None = None
    purpose: str = "context"
    metadata: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None
    media_type: str | None = None


@dataclass(frozen=True, slots=True)
class Queued:
    """The answer to who brings a document in: which one it is, and its state."""

    document_id: int
    state: str


@dataclass(frozen=True, slots=True)
class Document:
    """A document, and how far it is."""

    document_id: int
    store_id: int
    purpose: str
    title: str
    source_uri: str | None
    doc_type: str
    size_bytes: int
    state: str
    stage: str
    chunks_done: int
    chunks_total: int | None
    token_count: int
    attempts: int
    reason: str | None
    language: str | None
    created_at: datetime
    updated_at: datetime
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Store:
    """A vector store."""

    store_id: int
    store_name: str
    provider: str
    embedding_model: str
    dimension: int
    metric: str
    purpose: str
    created_at: datetime
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class NewStore:
    """A vector store to be made."""

    store_name: str
    purpose: str
    dimension: int | None = None
    provider: str = "pgvector"
    metric: str = "cosine"
    metadata: Mapping[str, Any] = field(default_factory=dict)


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
class Hit:
    """A chunk that was found.

    `score` (0-1) orders the hits of one search. `vector` is the cosine with the question, `words` the BM25 score,
    `trigram` the likeness of the spelling where a word was only found in another one; null where it says nothing.
    """

    chunk_id: int
    document_id: int
    source_uri: str | None
    title: str
    location: dict[str, Any]
    text: str
    score: float
    vector: float | None
    words: float | None
    trigram: float | None

    @property
    def scores(self) -> dict[str, float | None]:
        """What the score is made of."""
        return {"vector": self.vector, "words": self.words, "trigram": self.trigram}

    def as_json(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "chunk_id": self.chunk_id,
            "document_id": self.document_id,
            "source_uri": self.source_uri,
            "title": self.title,
            "location": self.location,
            "text": self.text,
            "score": self.score,
            "scores": self.scores,
        }


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What is looked for, where, how, and in which documents only."""

    query: str
    purpose: str = "context"
    top_k: int = 10
    mode: Mode = "hybrid"
    metadata: Mapping[str, Any] | None = None
    document_ids: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What was found, best first, and how long it took (milliseconds)."""

    retrieval_id: int
    hits: list[Hit]
    timings: dict[str, float]


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The log of a search; `distances` are cosine distances in the order of `result_ids` (1 where none was taken)."""

    retrieval_id: int
    request_id: int | None
    store_id: int | None
    query_text: str | None
    mode: str
    top_k: int
    result_ids: list[int]
    distances: list[float]
    status: str
    latency_ms: float | None
    retrieved_at: datetime
