"""What an enrichment finds: places in repositories, and passages of another service."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["ok", "empty", "unavailable", "disabled"]


@dataclass(frozen=True, slots=True)
class Reference:
    """A place in a repository; lines count from 1 and both are part of it, `score` is between 0 and 1."""

    repository: str
    path: str
    line_start: int
    line_end: int
    excerpt: str
    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class OutsidePassage:
    """A passage that another service found."""

    title: str
    source_uri: str | None
    location: dict[str, Any]
    text: str


@dataclass(frozen=True, slots=True)
class Enrichment:
    """What was found in `milliseconds`. unavailable: nothing, for something failed (`warnings` say what).

    `passages` are of the service of further passages, whatever the repositories hold.
    """

    status: Status
    references: list[Reference] = field(default_factory=list)
    milliseconds: float = 0.0
    warnings: list[str] = field(default_factory=list)
    passages: list[OutsidePassage] = field(default_factory=list)
