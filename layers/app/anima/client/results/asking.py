"""What an enriched question and a review answer with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class AskCitation:
    """Where a statement comes from: a chunk of a document, lines of a file, or a passage of another service."""

    marker: int
    kind: Literal["document", "repository", "outside"]
    title: str
    quote: str
    location: Mapping[str, Any]
    document_id: int | None
    chunk_id: int | None
    source_uri: str | None
    repository: str | None
    path: str | None


@dataclass(frozen=True, slots=True)
class Reference:
    """A place in a repository; lines count from 1, both are part of it."""

    repository: str
    path: str
    line_start: int
    line_end: int
    excerpt: str
    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class Enrichment:
    """How the enrichment went; unavailable: it failed or was late, and cost nothing but itself."""

    status: Literal["ok", "empty", "unavailable", "disabled"]
    milliseconds: float
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AskAnswer:
    """An answer; each statement that rests on a source has its mark."""

    request_id: int
    response_id: int
    session_id: int | None
    content: str
    grounds: Literal["sources", "session", "general", "nothing"]
    citations: tuple[AskCitation, ...]
    references: tuple[Reference, ...]
    enrichment: Enrichment
    model: Mapping[str, Any] | None
    usage: Mapping[str, Any]
    timings: Mapping[str, float]
    created_at: datetime
    safety: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class FocusArea:
    """What is looked at, and why."""

    name: Literal["correctness", "security", "compliance", "performance", "style", "tests"]
    title: str
    description: str
    questions: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class ReviewFinding:
    """Something that was found; its quotation stands in those lines."""

    focus_area: Literal["correctness", "security", "compliance", "performance", "style", "tests"]
    severity: Literal["info", "low", "medium", "high"]
    path: str
    line_start: int
    line_end: int
    quote: str
    message: str
    by: Literal["rule", "model"]


@dataclass(frozen=True, slots=True)
class Review:
    """A review; `document_id` is where it was written, `refused` how many findings of the model named nothing."""

    request_id: int
    response_id: int
    title: str
    focus_areas: tuple[FocusArea, ...]
    findings: tuple[ReviewFinding, ...]
    summary: str
    refused: int
    references: tuple[Reference, ...]
    enrichment: Enrichment
    document_id: int | None
    warnings: tuple[str, ...]
    model: Mapping[str, Any] | None
    usage: Mapping[str, Any]
    timings: Mapping[str, float]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ReviewContext:
    """The enrichment alone."""

    status: Literal["ok", "empty", "unavailable", "disabled"]
    milliseconds: float
    warnings: tuple[str, ...]
    focus_areas: tuple[FocusArea, ...]
    references: tuple[Reference, ...]
