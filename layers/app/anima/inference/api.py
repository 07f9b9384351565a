"""HTTP of inference: sessions with what they measured, what the caches hold and saved, and what a model attended to."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from anima.inference import attention_service, caches_service, metrics_service, sessions_service
from anima.kernel import http
from anima.kernel.http import Items

router = APIRouter(tags=["inference"])

_ID = "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f"
_TIME = "2026-11-22T10:00:00Z"
_HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_SESSION = {
    "inference_id": _ID,
    "model_id": _ID,
    "model": "tiny-gpt2@2",
    "temperature": 0.7,
    "top_k": 40,
    "top_p": 0.95,
    "request_count": 12,
    "created_at": _TIME,
    "ended_at": None,
}
_BUCKET = {
    "at": _TIME,
    "requests": 12,
    "latency_mean": 41.5,
    "latency_max": 90.0,
    "throughput": None,
    "tokens_per_second": 24.1,
    "tokens": 640,
    "memory_max": 104857600,
    "cache_hits": 9,
    "cache_misses": 3,
}
_CACHE = {
    "kind": "embeddings",
    "entries": 1200,
    "n_bytes": 1843200,
    "hits": 5400,
    "saved_bytes": 8294400,
    "saved_tokens": None,
    "oldest": _TIME,
    "next_ends": _TIME,
}
_PATTERN = {
    "pattern_id": _ID,
    "inference_id": None,
    "model_id": _ID,
    "layer": 0,
    "head": 3,
    "tokens": ["The", " cat", " sat"],
    "input_hash": _HASH,
    "tensor_id": _ID,
    "created_at": _TIME,
}


_INPUT = {"input_hash": _HASH, "tokens": ["The", " cat", " sat"], "layers": 12, "heads": 12, "created_at": _TIME}


class InferenceSession(BaseModel):
    """Requests to one model under one sampling."""

    inference_id: uuid.UUID
    model_id: uuid.UUID
    model: str = Field(description="Its name and version")
    temperature: float | None
    top_k: int | None
    top_p: float | None
    request_count: int
    created_at: datetime
    ended_at: datetime | None


class InferenceBucket(BaseModel):
    """The requests of a stretch of time that begins at `at`."""

    at: datetime
    requests: int
    latency_mean: float = Field(description="Milliseconds")
    latency_max: float
    throughput: float | None = Field(description="Requests a second")
    tokens_per_second: float | None
    tokens: int
    memory_max: int | None = Field(description="Bytes")
    cache_hits: int
    cache_misses: int


class InferenceMetrics(BaseModel):
    """What a session measured."""

    inference_id: uuid.UUID
    buckets: list[InferenceBucket]


class InferenceCache(BaseModel):
    """A cache: what it holds of yours, and what it saved."""

    kind: Literal["embeddings", "activations", "kv", "slots"]
    entries: int
    n_bytes: int
    hits: int
    saved_bytes: int = Field(description="Given again instead of being computed")
    saved_tokens: int | None = Field(description="Positions that no model read again; of embeddings nobody knows")
    oldest: datetime | None
    next_ends: datetime | None = Field(description="When the next entry expires")


class InferenceCaches(BaseModel):
    """All caches."""

    caches: list[InferenceCache]


class AttentionPattern(BaseModel):
    """What a head attended to in a text: a matrix of queries by keys, each row of which adds up to 1."""

    pattern_id: uuid.UUID
    inference_id: uuid.UUID | None
    model_id: uuid.UUID
    layer: int
    head: int
    tokens: list[str]
    input_hash: str
    tensor_id: uuid.UUID = Field(description="The matrix: GET /registry/tensors/{tensor_id}/data")
    created_at: datetime


class AttentionInput(BaseModel):
    """A text of which attention was recorded."""

    input_hash: str
    tokens: list[str]
    layers: int
    heads: int
    created_at: datetime


@router.get(
    "/inference/sessions",
    summary="Sessions of inference",
    response_model=Items[InferenceSession],
    responses={**http.example({"items": [_SESSION], "next_cursor": None}), **http.problems(404)},
)
def list_sessions(
    caller: http.Caller,
    model_id: Annotated[uuid.UUID | None, Query(description="Only those of this model")] = None,
    cursor: http.PageCursor = None,
    limit: http.PageLimit = 50,
) -> Any:
    """The newest first."""
    return sessions_service.sessions(caller, cursor, limit, model_id=model_id)


@router.get(
    "/inference/sessions/{inference_id}",
    summary="A session of inference",
    response_model=InferenceSession,
    responses={**http.example(_SESSION), **http.problems(404)},
)
def get_session(caller: http.Caller, inference_id: uuid.UUID) -> Any:
    """Which model, how it was sampled, and how often it was asked."""
    return sessions_service.session(caller, inference_id)


@router.get(
    "/inference/sessions/{inference_id}/metrics",
    summary="What a session of inference measured",
    response_model=InferenceMetrics,
    responses={**http.example({"inference_id": _ID, "buckets": [_BUCKET]}), **http.problems(404)},
)
def get_metrics(
    caller: http.Caller,
    inference_id: uuid.UUID,
    points: Annotated[int, Query(ge=1, le=2000, description="Into so many stretches of time at most")] = 100,
) -> Any:
    """Latency, tokens, memory, hits of the cache, over time."""
    return {
        "inference_id": inference_id,
        "buckets": metrics_service.read(caller, inference_id, points=points),
    }


@router.get(
    "/inference/caches",
    summary="What the caches of inference saved",
    response_model=InferenceCaches,
    responses={**http.example({"caches": [_CACHE]}), **http.problems()},
)
def get_caches(caller: http.Caller) -> Any:
    """Embeddings, activations of layers, keys and values, slots of the local server: what is held of yours."""
    return {"caches": caches_service.caches(caller)}


@router.get(
    "/inference/attention/{model_id}",
    summary="Recorded attention",
    response_model=Items[AttentionPattern],
    responses={**http.example({"items": [_PATTERN], "next_cursor": None}), **http.problems(404)},
)
def list_patterns(
    caller: http.Caller,
    model_id: uuid.UUID,
    text: Annotated[str | None, Query(alias="input", pattern="^[0-9a-f]{64}$", description="`input_hash`")] = None,
    layer: Annotated[int | None, Query(ge=0, lt=2**31)] = None,
    head: Annotated[int | None, Query(ge=0, lt=2**31)] = None,
    cursor: http.PageCursor = None,
    limit: http.PageLimit = 50,
) -> Any:
    """By text, layer and head; the matrix of each is a tensor."""
    return attention_service.patterns(
        caller, model_id, input_hash=text, layer=layer, head=head, cursor=cursor, limit=limit
    )


@router.get(
    "/inference/attention/{model_id}/inputs",
    summary="Texts of which attention was recorded",
    response_model=Items[AttentionInput],
    responses={**http.example({"items": [_INPUT], "next_cursor": None}), **http.problems(404)},
)
def list_inputs(
    caller: http.Caller, model_id: uuid.UUID, cursor: http.PageCursor = None, limit: http.PageLimit = 50
) -> Any:
    """The newest first."""
    return attention_service.inputs(caller, model_id, cursor, limit)
