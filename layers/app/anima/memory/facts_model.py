"""Facts and episodes: what is found in a message, and how what is held of a person is shown."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

CONFIDENCE = {True: 0.9, False: 0.5}
"""Of what was plainly said, and of what a model proposed."""

Origin = Literal["said", "proposed", "corrected", "consolidated", "imported"]


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact as it is shown, with where it comes from.

    It was true from `true_from` until `true_until`, as far as that is known, and it was known from `learned_at` until
    `ended_at` (none: it still is). `settled_at`: when its owner corrected or confirmed it.
    """

    id: uuid.UUID
    avatar_id: uuid.UUID
    session_id: int | None
    category: str
    key: str
    value: Any
    confidence: float
    status: str
    evidence: str
    source_message_id: int | None
    first_mentioned: datetime
    last_updated: datetime
    mention_count: int
    tags: list[str]
    context: str
    is_active: bool
    superseded_by: uuid.UUID | None
    true_from: datetime | None
    true_until: datetime | None
    learned_at: datetime
    ended_at: datetime | None
    pinned: bool
    origin: str
    settled_at: datetime | None
    entity_id: uuid.UUID | None
    entity_name: str | None


@dataclass(frozen=True, slots=True)
class Mention:
    """A message that spoke of a fact, with its words and its date; `gone`: it said that it holds no more."""

    fact_id: uuid.UUID
    message_id: int
    session_id: int
    date: datetime
    evidence: str
    gone: bool


@dataclass(frozen=True, slots=True)
class Episode:
    """An episode as it is shown, with where it comes from."""

    id: uuid.UUID
    avatar_id: uuid.UUID
    session_id: int | None
    type: str
    title: str
    summary: str
    importance: float
    sentiment: str
    tags: list[str]
    context_messages: list[int]
    timestamp: datetime
    times_recalled: int
    last_recalled: datetime | None
    forget_at: datetime | None
    pinned: bool
    related_facts: list[uuid.UUID]
    related_episodes: list[uuid.UUID]
    origin: str


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody or something that a message names; `relation` is what they are to the speaker ("sister")."""

    name: str
    kind: str
    relation: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Something that a message says of its speaker. `gone`: that it holds no more. `changed`: that it is new.

    `true_from` and `true_until` are when it held, as far as the message tells; `about` is whom it is about.
    """

    key: str
    category: str
    value: Any
    evidence: str
    confirmed: bool
    gone: bool = False
    changed: bool = False
    true_from: datetime | None = None
    true_until: datetime | None = None
    about: Named | None = None

    @property
    def is_open(self) -> bool:
        """Whether it says that something is over without saying which fact: "I don't live there any more"."""
        return self.gone and not self.category


@dataclass(frozen=True, slots=True)
class Moment:
    """An episode found in a message; importance 0-10."""

    type: str
    title: str
    summary: str
    importance: float
    sentiment: str


def folded(text: object) -> str:
    """A text for comparison: letters and blanks aside."""
    return " ".join(str(text).casefold().split())


def same(one: Any, other: Any) -> bool:
    """Whether two values say the same, letters and blanks aside."""
    return folded(one) == folded(other)
