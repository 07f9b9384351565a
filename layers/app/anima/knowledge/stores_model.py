"""Vector stores as the room hands them around."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

HERE = "pgvector"
"""The provider whose vectors lie in this database."""
ALWAYS = ("context", "findings", "analysis")
"""Purposes that somebody always has a store for."""

Condition = Literal["ready", "waiting", "failing", "deleting"]


@dataclass(frozen=True, slots=True)
class Store:
    """A vector store, how much is in it, and how it is.

    `waiting`: vectors that its engine has not got yet, or has not forgotten yet. `last_error` is what the last call of
    its engine said that failed; gone with the next good one.
    """

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
    waiting: int
    last_error: str | None
    failed_at: datetime | None
    retry_at: datetime | None
    reached_at: datetime | None
    created_at: datetime
    metadata: dict[str, Any]

    @property
    def health(self) -> dict[str, Any]:
        """As the API shows it."""
        condition: Condition = "failing" if self.last_error else "waiting" if self.waiting else "ready"
        return {
            "condition": condition,
            "waiting": self.waiting,
            "last_error": self.last_error,
            "failed_at": self.failed_at,
            "retry_at": self.retry_at,
            "reached_at": self.reached_at,
        }


@dataclass(frozen=True, slots=True)
class NewStore:
    """A vector store to be made. `space` names a collection, class or index that its engine has already."""

    store_name: str
    purpose: str
    provider: str = HERE
    dimension: int | None = None
    metric: str = "cosine"
    endpoint_url: str | None = None
    api_key: str | None = None
    embedding_model: str | None = None
    space: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OutsideStore:
    """A store on another engine, and all that it takes to ask it. `api_key` is encrypted, unless it came by SQL.

    `moving_model`: its vectors are being made anew by that one, which then takes the place of `embedding_model`.
    """

    store_id: int
    store_name: str
    provider: str
    endpoint_url: str | None
    api_key: bytes | None
    embedding_model: str
    dimension: int
    metric: str
    purpose: str
    metadata: dict[str, Any]
    moving_model: str | None
    moving_dimension: int | None

    def dimension_of(self, model: str) -> int:
        """How long the vectors of a model are."""
        return self.moving_dimension or self.dimension if model == self.moving_model else self.dimension

    @property
    def space_name(self) -> str | None:
        """The space that was there before us, if the store is to lie in one."""
        named = self.metadata.get("space")
        return named if isinstance(named, str) and named else None


@dataclass(frozen=True, slots=True)
class StoreChecked:
    """What a store should hold, and what it does.

    `missing`: chunks whose vector its engine has not. `extra`: vectors of no chunk. `other_model`: vectors of another
    model than the store's. `mended`: what was found is being put right.
    """

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
