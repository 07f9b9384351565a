"""A question put to documents and repositories, and its answer, as data."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Kind = Literal["document", "repository", "outside"]


@dataclass(frozen=True, slots=True)
class AskRequest:
    """What is asked, of whom, in which session, and where to look. `repositories` none: all that are configured."""

    question: str
    avatar_id: uuid.UUID | None = None
    session_id: int | None = None
    focus: tuple[str, ...] = ()
    repositories: tuple[str, ...] | None = None
    purpose: str = "context"
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Something that is put before the model under a number, and where it stands."""

    marker: int
    kind: Kind
    title: str
    text: str
    location: dict[str, Any] = field(default_factory=dict)
    document_id: int | None = None
    chunk_id: int | None = None
    source_uri: str | None = None
    repository: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class AskCitation:
    """Where a statement of an answer comes from: document and chunk, or repository and path; `location` the place."""

    marker: int
    kind: Kind
    title: str
    quote: str
    location: dict[str, Any]
    document_id: int | None
    chunk_id: int | None
    source_uri: str | None
    repository: str | None
    path: str | None


@dataclass(frozen=True, slots=True)
class AskAnswer:
    """An answer. `grounds` says on what it rests: sources, session (what was said), general (knowledge), nothing."""

    request_id: int
    response_id: int
    session_id: int | None
    content: str
    grounds: str
    citations: list[AskCitation]
    references: list[dict[str, Any]]
    enrichment: dict[str, Any]
    model: dict[str, Any] | None
    usage: dict[str, Any]
    timings: dict[str, float]
    created_at: datetime
    safety: dict[str, Any] | None = None
