"""Gaps in what an avatar knows, as the room hands them around."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Kind = Literal["unknown", "unexplained", "contradiction"]
State = Literal["open", "researching", "answered", "asked", "dismissed"]

KINDS: tuple[Kind, ...] = ("unknown", "unexplained", "contradiction")
TURNS_BETWEEN = 6
"""Turns from one thing that an avatar brings up of itself to the next."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that an avatar does not know; with what answers it, where something was found."""

    gap_id: uuid.UUID
    avatar_id: uuid.UUID
    kind: Kind
    subject: str
    question: str
    score: float
    state: State
    mention_count: int
    looked_in: dict[str, str]
    document_id: int | None
    answer: str | None
    title: str | None
    source_uri: str | None
    message_id: int
    session_id: int
    created_at: datetime
    last_seen: datetime
    researched_at: datetime | None
    asked_at: datetime | None
    told_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewGap:
    """A gap that a turn left; `folded` is what two gaps about the same have in common.

    It goes with the fact or the entity that it is about.
    """

    kind: Kind
    subject: str
    question: str
    folded: str
    score: float
    language: str | None
    to_research: bool
    fact_id: uuid.UUID | None = None
    entity_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Mind:
    """How curious an avatar may be: whether at all, its searches a day (null: the usual number), and those of today."""

    is_on: bool
    searches_a_day: int | None
    searches: int


@dataclass(frozen=True, slots=True)
class Aside:
    """What an avatar may bring up of itself now: a finding (with the chunk that it is told in), or a gap to ask of."""

    gap_id: uuid.UUID
    kind: Kind
    question: str
    subject: str
    score: float
    document_id: int | None
    chunk_id: int | None
    answer: str | None
    title: str | None
    source_uri: str | None
    message_id: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found: the sentences that answer, where they stand, and how one gets there."""

    text: str
    title: str
    source_uri: str | None
    kind: str
    place: dict[str, Any]
