"""Facts and episodes: what is found, what is held, and how the one changes the other."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from anima.kernel import ids

CONFIDENCE = {True: 0.9, False: 0.5}
"""Of what was plainly said, and of what a model proposed."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact as it is shown, with where it comes from."""

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


@dataclass(frozen=True, slots=True)
class Found:
    """Something that a message says of its speaker. `gone`: that it holds no more. `changed`: that it is new."""

    key: str
    category: str
    value: Any
    evidence: str
    confirmed: bool
    gone: bool = False
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """An episode found in a message; importance 0-10."""

    type: str
    title: str
    summary: str
    importance: float
    sentiment: str


@dataclass(frozen=True, slots=True)
class Held:
    """A fact that holds, as far as a new one is compared with it."""

    id: uuid.UUID
    key: str
    value: Any
    status: str
    source_message_id: int | None


@dataclass(frozen=True, slots=True)
class Again:
    """A fact that was said again."""

    id: uuid.UUID
    confirmed: bool


@dataclass(slots=True)
class Changes:
    """What a message does to the facts held: new ones, ones said again, ones that end and by what."""

    new: list[tuple[uuid.UUID, Found]] = field(default_factory=list)
    again: list[Again] = field(default_factory=list)
    ended: list[uuid.UUID] = field(default_factory=list)
    superseded: list[tuple[uuid.UUID, uuid.UUID]] = field(default_factory=list)
    outvoted: int = 0


def same(one: Any, other: Any) -> bool:
    """Whether two values say the same, letters and blanks aside."""
    return " ".join(str(one).casefold().split()) == " ".join(str(other).casefold().split())


def merge(held: Sequence[Held], found: Sequence[tuple[Found, Sequence[str]]], message_id: int) -> Changes:
    """What follows from what was found (each with the keys that cannot hold beside it) for what is held.

    The same value again counts as a mention, and confirms what another message had only suggested. Another value
    supersedes; but a guess does not outvote what was plainly said, unless the person speaks of a change.
    """
    by_key = {each.key: each for each in held}
    changes = Changes()
    for each, rivals in found:
        before = by_key.get(each.key)
        if each.gone:
            if before is not None and (":" in each.key or same(before.value, each.value)):
                changes.ended.append(before.id)
            continue
        if before is not None and (":" in each.key or same(before.value, each.value)):
            told_twice = before.source_message_id != message_id
            changes.again.append(Again(before.id, each.confirmed or told_twice))
            continue
        opposed = [by_key[key] for key in (each.key, *rivals) if key in by_key]
        if not each.confirmed and not each.changed and any(old.status == "confirmed" for old in opposed):
            changes.outvoted += 1
            continue
        new_id = ids.uuid7()
        changes.new.append((new_id, each))
        changes.superseded.extend((old.id, new_id) for old in opposed)
    return changes
