"""What vector stores answer with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """How a store is. `waiting`: vectors that its engine has not got, or not forgotten, yet."""

    condition: Literal["ready", "waiting", "failing"]
    waiting: int
    last_error: str | None
    failed_at: datetime | None
    retry_at: datetime | None
    reached_at: datetime | None


@dataclass(frozen=True, slots=True)
class VectorStore:
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
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StoreCheck:
    """What a store should hold, and what it does."""

    store_id: int
    store_name: str
    provider: str
    reachable: bool
    problem: str | None
    expected: int
    found: int
    waiting: int
    missing: int
    extra: int
    other_model: int
    mended: bool


@dataclass(frozen=True, slots=True)
class StoreDeleted:
    """A store that nobody sees any more; what it held is being removed."""

    store_id: int
    state: Literal["deleting"] = "deleting"


@dataclass(frozen=True, slots=True)
class StorePublished:
    """A shared store: everybody's searches of its purpose find what is in it."""

    store_id: int
    store_name: str
    purpose: str
    documents: int
    chunks: int
