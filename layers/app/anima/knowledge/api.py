"""Documents, stores, chunks and search over HTTP."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from anima.kernel import http, idempotency
from anima.kernel.pages import Page
from anima.knowledge import bodies_api, documents_service, service
from anima.knowledge.bodies_api import Documents
from anima.knowledge.model import NewDocument, NewStore, SearchRequest

router = APIRouter(tags=["knowledge"])
search_router = APIRouter(tags=["knowledge"])

Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
Mode = Literal["hybrid", "vector", "words"]
State = Literal["queued", "running", "done", "unsearchable", "failed"]

_WHEN = "2026-01-31T12:00:00Z"
_LOCATION = {"heading": "House rules > Breakfast", "char_start": 120, "char_end": 410, "line_start": 8, "line_end": 13}
_DOCUMENT = {
    "document_id": 12,
    "store_id": 1,
    "purpose": "context",
    "title": "House rules",
    "source_uri": "https://example.org/rules",
    "doc_type": "markdown",
    "size_bytes": 1830,
    "state": "running",
    "stage": "embed",
    "chunks_done": 64,
    "chunks_total": 200,
    "token_count": 0,
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
    "location": _LOCATION,
}
_STORE = {
    "store_id": 4,
    "store_name": "papers",
    "provider": "pgvector",
    "embedding_model": "all-MiniLM-L6-v2",
    "dimension": 384,
    "metric": "cosine",
    "purpose": "semantic",
    "created_at": _WHEN,
    "metadata": {},
}
_HIT = {
    **{key: _CHUNK[key] for key in ("chunk_id", "document_id", "text", "location")},
    "source_uri": "https://example.org/rules",
    "title": "House rules",
    "score": 0.93,
    "scores": {"vector": 0.61, "words": 4.2, "trigram": None},
}


class QueuedAnswer(BaseModel):
    """A document that was taken in; ask for it to see how far it is."""

    document_id: int
    state: State


class DocumentAnswer(QueuedAnswer):
    """A document and its progress: stages are queued, parse, chunk, embed, done."""

    store_id: int
    purpose: str
    title: str
    source_uri: str | None
    doc_type: str
    size_bytes: int
    stage: str
    chunks_done: int
    chunks_total: int | None = Field(description="Not known before the document is cut")
    token_count: int
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
    location: dict[str, Any] = Field(description="page, heading, char_start, char_end, line_start, line_end")


class OpenedChunk(ChunkAnswer):
    """A chunk with what stands before and after it; neighbours may share a sentence."""

    title: str
    source_uri: str | None
    previous_chunk_id: int | None
    previous_text: str | None
    next_chunk_id: int | None
    next_text: str | None


class StoreAnswer(BaseModel):
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


class NewStoreBody(http.Body):
    """A vector store to be made in this database."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"store_name": "papers", "purpose": "semantic"}]}
    )
    store_name: str = Field(min_length=1, max_length=100)
    purpose: str = Field(min_length=1, max_length=100)
    provider: str = Field("pgvector", max_length=100, description="pgvector is what there is")
    dimension: int | None = Field(None, ge=1, le=16_000, description="Not given: the embedder's")
    metric: Literal["cosine"] = "cosine"
    metadata: dict[str, Any] = Field(default_factory=dict)


class Filter(http.Body):
    """Documents to search in: these only, and only those whose metadata holds all that is said here."""

    document_ids: list[Id] | None = Field(None, max_length=1000)
    metadata: dict[str, Any] | None = None


class DocumentSearch(http.Body):
    """What is looked for."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"query": "When is breakfast?", "purpose": "context", "top_k": 5}]},
    )
    query: str = Field(min_length=1, max_length=8000, pattern=r"\S")
    purpose: str = Field("context", min_length=1, max_length=100)
    top_k: int = Field(10, ge=1, le=100)
    mode: Mode = Field("hybrid", description="By meaning and words, or one of them")
    filter: Filter = Field(default_factory=Filter)


class Scores(BaseModel):
    """Cosine with the question; BM25; likeness of the spelling. Null where one says nothing."""

    vector: float | None
    words: float | None
    trigram: float | None


class HitAnswer(BaseModel):
    """A chunk that was found; `score` is between 0 and 1 and orders the hits of one search."""

    chunk_id: int
    document_id: int
    source_uri: str | None
    title: str
    location: dict[str, Any]
    text: str
    score: float
    scores: Scores


class FoundChunks(BaseModel):
    """Hits, best first; `timings` in milliseconds."""

    retrieval_id: int
    hits: list[HitAnswer]
    timings: dict[str, float]


class RetrievalAnswer(BaseModel):
    """The log of a search; `distances` are cosine distances in the order of `result_ids`."""

    retrieval_id: int
    request_id: int | None
    store_id: int | None
    query_text: str | None
    mode: str
    top_k: int
    result_ids: list[int]
    distances: list[float]
    status: Literal["pending", "completed", "failed"]
    latency_ms: float | None
    retrieved_at: datetime


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
    """Takes one document, or up to 100, and answers before they are read; the same content twice is one document."""
    key = idempotency.read_key(idempotency_key, "POST /documents", [_fingerprint(each) for each in documents])
    queued = [asdict(each) for each in documents_service.queue_documents(caller, documents, key)]
    return queued[0] if documents.single else queued


def _fingerprint(new: NewDocument) -> list[Any]:
    digest = hashlib.sha256(new.content).hexdigest()
    return [digest, new.title, new.source_uri, new.doc_type, new.purpose, new.metadata, new.name]


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


@router.get(
    "/vector-stores",
    summary="List vector stores",
    response_model=http.Items[StoreAnswer],
    responses={**http.example({"items": [_STORE], "next_cursor": None}), **http.problems()},
)
def get_stores(caller: http.Caller, limit: http.PageLimit = 50, cursor: http.PageCursor = None) -> dict[str, Any]:
    """The caller's stores; everybody begins with context, findings and analysis."""
    return _items(documents_service.list_stores(caller, limit, cursor))


@router.post(
    "/vector-stores",
    status_code=201,
    summary="Make a vector store",
    response_model=StoreAnswer,
    responses={**http.example(_STORE, status=201), **http.problems(409)},
)
def post_store(caller: http.Caller, body: NewStoreBody) -> dict[str, Any]:
    """Makes a store; documents and searches reach it by its purpose."""
    return asdict(documents_service.create_store(caller, NewStore(**body.model_dump())))


@router.get(
    "/retrievals/{retrieval_id}",
    summary="The log of a search",
    response_model=RetrievalAnswer,
    responses={
        **http.example(
            {
                "retrieval_id": 77,
                "request_id": None,
                "store_id": 1,
                "query_text": "When is breakfast?",
                "mode": "hybrid",
                "top_k": 5,
                "result_ids": [345],
                "distances": [0.39],
                "status": "completed",
                "latency_ms": 3.1,
                "retrieved_at": _WHEN,
            }
        ),
        **http.problems(404),
    },
)
def get_retrieval(caller: http.Caller, retrieval_id: Id) -> dict[str, Any]:
    """What a search found, how far it was, how long it took, and how it ended."""
    return asdict(service.get_retrieval(caller, retrieval_id))


@search_router.post(
    "/search",
    summary="Search documents",
    response_model=FoundChunks,
    responses={
        **http.example({"retrieval_id": 77, "hits": [_HIT], "timings": {"embed": 8.0, "search": 3.1, "total": 12.9}}),
        **http.problems(404),
    },
)
def post_search(caller: http.Caller, body: DocumentSearch) -> dict[str, Any]:
    """Finds passages by meaning, words and spelling, in the stores of a purpose."""
    ids = body.filter.document_ids
    request = SearchRequest(
        query=body.query,
        purpose=body.purpose,
        top_k=body.top_k,
        mode=body.mode,
        metadata=body.filter.metadata,
        document_ids=None if ids is None else tuple(ids),
    )
    result = service.search(caller, request)
    return {
        "retrieval_id": result.retrieval_id,
        "hits": [hit.as_json() for hit in result.hits],
        "timings": result.timings,
    }
