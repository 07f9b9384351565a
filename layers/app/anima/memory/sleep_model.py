"""What sleep makes of episodes: which say the same, which belong together, and what one is made of them. Pure.

Nothing is invented: what is made of several episodes is told in the words that the person chose for them, the title of
the one that mattered most first; it keeps the messages, the facts and the importance of all.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

Step = Literal["forget", "fold", "merge", "promote", "refresh"]

STEPS: tuple[Step, ...] = ("forget", "fold", "merge", "promote", "refresh")
"""What a sleep does, in this order: what has faded is not dreamt of."""

LEAST_REPLAYED, MOST_REPLAYED = 20, 200
SAME = 0.95
"""Cosine from which two episodes of a kind say the same."""
ALIKE, ALIKE_AND_RELATED = 0.8, 0.6
"""Cosine from which they belong together; less is enough for two that are about the same fact, person or place."""
SAME_WITHIN = timedelta(days=7)
TOGETHER_WITHIN = timedelta(days=30)
MOST_PARTS = 8
_MOST_CHARS = 600
_LEAST_CHARS = 120


@dataclass(frozen=True, slots=True)
class Lived:
    """An episode as sleep sees it. `parts` are what it was made of, `entities` whom and what its messages name."""

    id: uuid.UUID
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
    pinned: bool
    origin: str
    related_facts: list[uuid.UUID]
    related_episodes: list[uuid.UUID]
    parts: list[dict[str, Any]]
    entities: list[uuid.UUID]

    @property
    def fixed(self) -> bool:
        """Whether its owner decided how it reads: it may take in others, and is never taken in."""
        return self.pinned or self.origin == "corrected"


Cosines = Mapping[tuple[uuid.UUID, uuid.UUID], float]
"""How near episodes are in meaning, by their ids, the smaller first; pairs that are not near are left out."""
_Fit = Callable[[Lived, Lived, float], bool]


@dataclass(frozen=True, slots=True)
class Told:
    """What is written of several episodes that became one."""

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
    related_facts: list[uuid.UUID]
    related_episodes: list[uuid.UUID]
    parts: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sleep:
    """How the sleep of an avatar stands. `at_work`: somebody is at it now."""

    avatar_id: uuid.UUID
    turns: int
    turn_at: datetime | None
    asked_at: datetime | None
    state: str
    run_id: uuid.UUID | None
    holder: uuid.UUID | None
    lease_until: datetime | None
    resumes: int
    step: str | None
    acetylcholine: float
    most_seconds: float
    most_tokens: int
    seconds: float
    tokens: int
    steps: dict[str, Any]
    reason: str | None
    begun_at: datetime | None
    ended_at: datetime | None
    at_work: bool
    handled: bool


def replayed(acetylcholine: float) -> int:
    """How many episodes are replayed in a sleep: 20 · 10^a, so 20 at a = 0, 63 at 0.5 (the baseline) and 200 at 1.

    Each tenth more of acetylcholine replays a quarter more. Raises ValueError outside of 0-1.
    """
    if not 0.0 <= acetylcholine <= 1.0:
        raise ValueError("acetylcholine is from 0 to 1")
    return round(math.exp(math.log(LEAST_REPLAYED) + acetylcholine * math.log(MOST_REPLAYED / LEAST_REPLAYED)))


def duplicates(lived: Sequence[Lived], near: Cosines) -> list[list[Lived]]:
    """Groups that say the same within a week, the one that stays first."""
    return _groups(lived, near, _says_the_same, sum(map(_size, lived)))


def together(lived: Sequence[Lived], near: Cosines) -> list[list[Lived]]:
    """Groups that belong together, the one that mattered most first; of at most eight parts each."""
    free = [each for each in lived if not each.fixed]
    return _groups(free, near, _belong, MOST_PARTS)


def one_of(group: Sequence[Lived]) -> Told:
    """The episode that a group that belongs together becomes: told in the words of its parts, in the order of time."""
    parts = sorted((part for each in group for part in (each.parts or [_part(each)])), key=_place)
    best = min(parts, key=lambda part: (-part["importance"], part["timestamp"]))
    return _union(group, best["title"], best["sentiment"], parts)


def folded(group: Sequence[Lived]) -> Told:
    """The first of a group that says the same, with all that is known by the others."""
    first = group[0]
    told = _union(group, first.title, first.sentiment, first.parts)
    told.related_episodes[:] = [each for each in told.related_episodes if each != first.id]
    return _kept(told, first)


def _groups(lived: Sequence[Lived], near: Cosines, fit: _Fit, most: int) -> list[list[Lived]]:
    """Each group around one that stands before the others; all of it fits that one, so that no chain runs on."""
    left = sorted(lived, key=lambda each: (not each.fixed, -each.importance, each.timestamp, each.id.int))
    found = []
    while left:
        first, rest, left = left[0], left[1:], []
        group, size = [first], _size(first)
        for each in rest:
            if not each.fixed and size + _size(each) <= most and fit(first, each, _cosine(first, each, near)):
                group.append(each)
                size += _size(each)
            else:
                left.append(each)
        if len(group) > 1:
            found.append(group)
    return found


def _cosine(one: Lived, other: Lived, near: Cosines) -> float:
    return near.get((min(one.id, other.id), max(one.id, other.id)), 0.0)


def _size(lived: Lived) -> int:
    return max(1, len(lived.parts))


def _says_the_same(one: Lived, other: Lived, cosine: float) -> bool:
    if one.type != other.type or abs(one.timestamp - other.timestamp) > SAME_WITHIN:
        return False
    return _folded(one) == _folded(other) or cosine >= SAME


def _belong(one: Lived, other: Lived, cosine: float) -> bool:
    if one.type != other.type or abs(one.timestamp - other.timestamp) > TOGETHER_WITHIN:
        return False
    related = set(one.related_facts) & set(other.related_facts) or set(one.entities) & set(other.entities)
    return cosine >= (ALIKE_AND_RELATED if related else ALIKE)


def _folded(lived: Lived) -> tuple[str, str]:
    title, summary = (" ".join(text.casefold().split()) for text in (lived.title, lived.summary))
    return title, summary


def _part(lived: Lived) -> dict[str, Any]:
    """An episode as a part of another. `said` is what stands of it in the summary."""
    return {
        "said": lived.summary,
        "title": lived.title,
        "message_ids": list(lived.context_messages),
        "timestamp": lived.timestamp.isoformat(),
        "importance": lived.importance,
        "sentiment": lived.sentiment,
    }


def _place(part: dict[str, Any]) -> tuple[str, str]:
    return part["timestamp"], part["title"]


def _union(group: Sequence[Lived], title: str, sentiment: str, parts: Sequence[dict[str, Any]]) -> Told:
    first, ids = group[0], {each.id for each in group}
    latest = max(each.timestamp for each in group)
    recalled = [each.last_recalled for each in group if each.last_recalled is not None]
    cut = [{**part, "said": shortened(part["said"], part["title"], len(parts))} for part in parts]
    return Told(
        session_id=first.session_id,
        type=first.type,
        title=title,
        summary=". ".join(part["said"] for part in cut),
        importance=max(each.importance for each in group),
        sentiment=sentiment,
        tags=sorted({tag for each in group for tag in each.tags}),
        context_messages=sorted({message for each in group for message in each.context_messages}),
        timestamp=latest,
        times_recalled=sum(each.times_recalled for each in group),
        last_recalled=max(*recalled, latest) if recalled else None,
        related_facts=_sorted({fact for each in group for fact in each.related_facts}),
        related_episodes=_sorted({other for each in group for other in each.related_episodes} - ids),
        parts=cut,
    )


def _kept(told: Told, first: Lived) -> Told:
    """The first as it reads, and as important as its owner made it where they did; with what the others add."""
    return Told(
        session_id=first.session_id,
        type=first.type,
        title=first.title,
        summary=first.summary,
        importance=first.importance if first.fixed else told.importance,
        sentiment=first.sentiment,
        tags=told.tags,
        context_messages=told.context_messages,
        timestamp=told.timestamp,
        times_recalled=told.times_recalled,
        last_recalled=told.last_recalled,
        related_facts=told.related_facts,
        related_episodes=told.related_episodes,
        parts=first.parts,
    )


def shortened(said: str, title: str, parts: int) -> str:
    """Whole clauses of what was said, as many as fit its share of a summary: the one that tells it stays."""
    share = max(_LEAST_CHARS, _MOST_CHARS // max(parts, 1))
    if len(said) <= share:
        return said
    clauses = said.split(". ")
    at = next((place for place, clause in enumerate(clauses) if clause.strip() == title.strip()), None)
    if at is None:
        return title
    chosen = {at}
    for place in sorted(range(len(clauses)), key=lambda place: abs(place - at)):
        if len(". ".join(clauses[each] for each in sorted({*chosen, place}))) <= share:
            chosen.add(place)
    return ". ".join(clauses[place] for place in sorted(chosen))


def _sorted(ids: set[uuid.UUID]) -> list[uuid.UUID]:
    return sorted(ids, key=lambda each: each.int)
