"""Searches as they are asked for over HTTP, their results, and their log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from anima.knowledge.search_model import Hit, Mode, Within


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What is looked for, where, how, and in which documents only.

    `modulators` are values of what a store's bindings name ("theta"). `explain` asks for the plan as well.
    """

    query: str
    purposes: tuple[str, ...] = ("context",)
    top_k: int = 10
    mode: Mode = "hybrid"
    within: Within = field(default_factory=Within)
    modulators: Mapping[str, float] = field(default_factory=dict)
    explain: bool = False


@dataclass(frozen=True, slots=True)
class SearchedStore:
    """A store that a search looks into: one's own, or one that is shared."""

    store_id: int
    store_name: str
    purpose: str
    provider: str
    embedding_model: str
    shared: bool
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What was found, best first, and how long it took (milliseconds).

    `best_below` is the score of the best passage where none was good enough. `plan` are lines, where it was asked for.
    """

    retrieval_id: int
    hits: list[Hit]
    timings: dict[str, float]
    warnings: list[str]
    floor: float
    best_below: float | None = None
    plan: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The log of a search; `distances` are cosine distances in the order of `result_ids` (1 where none was taken)."""

    retrieval_id: int
    request_id: int | None
    store_id: int | None
    purposes: list[str]
    query_text: str | None
    mode: str
    top_k: int
    floor: float | None
    result_ids: list[int]
    distances: list[float]
    status: str
    latency_ms: float | None
    warnings: list[str]
    retrieved_at: datetime


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A line of what the database says about how it looks for the nearest."""

    line: str
