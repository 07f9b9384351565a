"""Vector stores over HTTP: made, listed, changed, checked, deleted; here or on another engine."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from anima.kernel import http
from anima.knowledge import stores_check_service, stores_service
from anima.knowledge.stores_model import NewStore, Store

router = APIRouter(tags=["knowledge"])

Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
Provider = Literal["pgvector", "pinecone", "milvus", "qdrant", "weaviate"]

_WHEN = "2026-01-31T12:00:00Z"
_STORE = {
    "store_id": 4,
    "store_name": "papers",
    "provider": "qdrant",
    "endpoint_url": "https://qdrant.example.org",
    "has_key": True,
    "embedding_model": "all-MiniLM-L6-v2@85bb1de96885",
    "dimension": 384,
    "metric": "cosine",
    "purpose": "semantic",
    "documents": 12,
    "chunks": 480,
    "health": {
        "condition": "ready",
        "waiting": 0,
        "last_error": None,
        "failed_at": None,
        "retry_at": None,
        "reached_at": _WHEN,
    },
    "created_at": _WHEN,
    "metadata": {},
}
_CHECKED = {
    "store_id": 4,
    "store_name": "papers",
    "provider": "qdrant",
    "reachable": True,
    "problem": None,
    "expected": 480,
    "found": 478,
    "waiting": 0,
    "missing": 2,
    "extra": 0,
    "other_model": 0,
    "mended": True,
}


class StoreHealth(BaseModel):
    """How a store is. `waiting`: vectors that its engine has not got, or not forgotten, yet."""

    condition: Literal["ready", "waiting", "failing"]
    waiting: int
    last_error: str | None = Field(description="What its engine said the last time, where that was an error")
    failed_at: datetime | None
    retry_at: datetime | None = Field(description="When it is tried again by itself")
    reached_at: datetime | None


class StoreAnswer(BaseModel):
    """A vector store. Its key is never shown."""

    store_id: int
    store_name: str
    provider: str
    endpoint_url: str | None
    has_key: bool
    embedding_model: str
    dimension: int
    metric: str
    purpose: str
    documents: int
    chunks: int
    health: StoreHealth
    created_at: datetime
    metadata: dict[str, Any]


class NewStoreBody(http.Body):
    """A vector store to be made: in this database, or on another engine."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"store_name": "papers", "purpose": "semantic"},
                {
                    "store_name": "papers",
                    "purpose": "semantic",
                    "provider": "qdrant",
                    "endpoint_url": "https://qdrant.example.org",
                    "api_key": "…",
                },
            ]
        },
    )
    store_name: str = Field(min_length=1, max_length=100)
    purpose: str = Field(min_length=1, max_length=100)
    provider: Provider = "pgvector"
    endpoint_url: str | None = Field(
        None,
        min_length=1,
        max_length=2000,
        description="Where its engine answers; `local`: in a folder of this server (Milvus, Qdrant); "
        "not given: the engine that the settings name",
    )
    api_key: SecretStr | None = Field(None, max_length=2000, description="Kept encrypted, shown to nobody")
    embedding_model: str | None = Field(None, max_length=200, description="Not given: the one that serves")
    dimension: int | None = Field(None, ge=1, le=16_000, description="Not given: the embedder's")
    metric: Literal["cosine", "l2", "inner_product"] = "cosine"
    space: str | None = Field(
        None,
        min_length=1,
        max_length=45,
        pattern=r"^[A-Za-z][A-Za-z0-9_-]*$",
        description="An index, collection or class that is there already; not given: one of its own is made",
    )
    metadata: dict[str, Any] = Field(default_factory=dict)


class StoreChange(http.Body):
    """What of a store is to be another."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"api_key": "…"}]})
    api_key: SecretStr | None = Field(None, max_length=2000)
    endpoint_url: str | None = Field(None, min_length=1, max_length=2000)
    metadata: dict[str, Any] | None = Field(None, description="Instead of what is there, for instance the floor")


class CheckBody(http.Body):
    """What is done with what a check finds."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"mend": True}]})
    mend: bool = False


class CheckAnswer(BaseModel):
    """What a store should hold, and what it does."""

    store_id: int
    store_name: str
    provider: str
    reachable: bool
    problem: str | None = Field(description="Why its engine could not be compared")
    expected: int
    found: int
    waiting: int
    missing: int = Field(description="Chunks whose vector is not there")
    extra: int = Field(description="Vectors of no chunk")
    other_model: int = Field(description="Vectors of another model than the store's")
    mended: bool = Field(description="What was found is being put right")


class DeletedAnswer(BaseModel):
    """A store that nobody sees any more; what it held is being removed."""

    store_id: int
    state: Literal["deleting"] = "deleting"


def _shown(store: Store) -> dict[str, Any]:
    return {**asdict(store), "health": store.health}


def _secret(given: SecretStr | None) -> str | None:
    return given.get_secret_value() or None if given is not None else None


@router.get(
    "/vector-stores",
    summary="List vector stores",
    response_model=http.Items[StoreAnswer],
    responses={**http.example({"items": [_STORE], "next_cursor": None}), **http.problems()},
)
def get_stores(caller: http.Caller, limit: http.PageLimit = 50, cursor: http.PageCursor = None) -> dict[str, Any]:
    """The caller's stores and how they are; everybody begins with context, findings and analysis."""
    found = stores_service.list_stores(caller, limit, cursor)
    return {"items": [_shown(store) for store in found.items], "next_cursor": found.next_cursor}


@router.post(
    "/vector-stores",
    status_code=201,
    summary="Make a vector store",
    response_model=StoreAnswer,
    responses={**http.example(_STORE, status=201), **http.problems(409, 503)},
)
def post_store(caller: http.Caller, body: NewStoreBody) -> dict[str, Any]:
    """Makes a store; documents and searches reach it by its purpose. Its engine is asked first, and must fit."""
    given = body.model_dump(exclude={"api_key"})
    return _shown(stores_service.create_store(caller, NewStore(**given, api_key=_secret(body.api_key))))


@router.patch(
    "/vector-stores/{store_id}",
    summary="Change a vector store",
    response_model=StoreAnswer,
    responses={**http.example(_STORE), **http.problems(404, 503)},
)
def patch_store(caller: http.Caller, store_id: Id, body: StoreChange) -> dict[str, Any]:
    """Gives a store another key, address or metadata; what waits for it is tried again at once."""
    changed = stores_service.change_store(
        caller, store_id, api_key=_secret(body.api_key), endpoint_url=body.endpoint_url, metadata=body.metadata
    )
    return _shown(changed)


@router.delete(
    "/vector-stores/{store_id}",
    status_code=202,
    summary="Delete a vector store",
    response_model=DeletedAnswer,
    responses={**http.example({"store_id": 4, "state": "deleting"}, status=202), **http.problems(404, 409)},
)
def delete_store(caller: http.Caller, store_id: Id) -> dict[str, Any]:
    """Nobody sees or searches it from now on; its documents, files and vectors are removed everywhere, soon after."""
    stores_service.delete_store(caller, store_id)
    return {"store_id": store_id, "state": "deleting"}


@router.post(
    "/vector-stores/{store_id}/check",
    summary="Check a vector store",
    response_model=CheckAnswer,
    responses={**http.example(_CHECKED), **http.problems(404)},
)
def post_check(
    caller: http.Caller, store_id: Id, body: Annotated[CheckBody | None, Body(examples=[{"mend": True}])] = None
) -> dict[str, Any]:
    """Compares what a store holds with what belongs in it; `mend` has the difference put right."""
    return asdict(stores_check_service.check(caller, store_id, mend=body is not None and body.mend))
