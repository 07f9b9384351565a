"""What is said to an engine that holds vectors, and what it answers."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Metric = Literal["cosine", "l2", "inner_product"]

_IDS = uuid.UUID("8a0c2f7e-9f0b-5d0c-8f51-5f6a0e5c7b11")


@dataclass(frozen=True, slots=True)
class Space:
    """Where the vectors of one store and one model lie: a collection, class or index of its engine.

    `mark` is like no other's, in this deployment or another. `own`: we made it, and may drop it as a whole.
    """

    name: str
    mark: str
    dimension: int
    metric: Metric = "cosine"
    own: bool = True

    def tenant(self, owner_id: int) -> str:
        """What every point of an owner carries, and every call asks for."""
        return f"{self.mark}-{owner_id}"

    def point_id(self, owner_id: int, external_id: str) -> str:
        """The same point has the same id, however often it is written (UUID version 5)."""
        return str(uuid.uuid5(_IDS, f"{self.tenant(owner_id)}/{external_id}"))


@dataclass(frozen=True, slots=True)
class Point:
    """A vector of length 1, and whose it is."""

    external_id: str
    vector: Sequence[float]
    owner_id: int
    document_id: int


@dataclass(frozen=True, slots=True)
class Found:
    """What is near, by its cosine with what was asked (vectors have length 1, so every metric gives it)."""

    external_id: str
    similarity: float


@dataclass(frozen=True, slots=True)
class IdPage:
    """External ids of an owner; `cursor` leads to those that follow, if any do."""

    external_ids: list[str]
    cursor: str | None


class VectorStore(Protocol):
    """One space of an engine. Writes are idempotent; may be called by several threads at once.

    Raises StoreUnavailable, StoreRefused, StoreMismatch, StoreFault.
    """

    batch: int
    """How many points or ids one call takes."""

    def check(self) -> None:
        """Whether the engine answers, takes the key, and holds nothing under this name that does not fit."""

    def ensure(self) -> None:
        """Makes the space, if it is not there."""

    def upsert(self, points: Sequence[Point]) -> None:
        """Writes points; what was there by the same ids is replaced."""

    def delete(self, owner_id: int, external_ids: Sequence[str]) -> None:
        """Removes points; nothing happens to those that are not there."""

    def search(
        self, vector: Sequence[float], top_k: int, owner_id: int, document_ids: Sequence[int] | None = None
    ) -> list[Found]:
        """The nearest points of an owner, best first; of these documents only, where some are named."""

    def ids(self, owner_id: int, cursor: str | None = None) -> IdPage:
        """What the space holds of an owner, page by page."""

    def drop(self, owner_id: int) -> None:
        """Removes all of an owner, and the space where it is ours."""

    def close(self) -> None:
        """Lets go of connections and files."""


def similarity_of_squared_distance(distance: float) -> float:
    """The cosine of vectors of length 1 from the square of their distance: |a - b|^2 = 2 - 2 cos."""
    return 1.0 - distance / 2.0
