"""What is recalled, and how memories fade: pure, from the formulas of forgetting."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

Kind = Literal["fact", "episode", "message"]

BASE_DECAY = 0.1
"""Of a memory's strength, per day."""
FORGOTTEN_BELOW = 0.1
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that may answer a question, with what it was found by.

    `words`, `weights`, `tfs` and `dfs` belong together: which word of the question stands in it, what it counts for,
    how often it stands there, and in how many of the `n` messages; those have `average` terms each. `before_id` is the
    message right before it in its session; `total` is what all words of the question are worth together.
    """

    kind: Kind
    id: str
    text: str
    key: str
    value: Any
    category: str
    confirmed: bool
    is_active: bool
    importance: float
    made_at: datetime
    true_from: datetime | None
    true_until: datetime | None
    last_recalled: datetime | None
    times_recalled: int
    pinned: bool
    message_id: int | None
    session_id: int | None
    speaker: str
    turn_id: str | None
    own: bool
    before_id: int | None
    cosine: float | None
    words: list[int] | None
    weights: list[float] | None
    tfs: list[float] | None
    dfs: list[float] | None
    length: float | None
    n: float
    average: float
    total: float
    entity: bool


@dataclass(frozen=True, slots=True)
class Source:
    """Where a memory comes from: the message, its session, when and by whom it was said, its id in a transcript."""

    message_id: int | None
    session_id: int | None
    date: datetime
    speaker: str
    turn_id: str | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """A memory that was recalled; `scores` say why (`ranking` says what each is). `key` is that of a fact."""

    kind: Kind | Literal["hint"]
    id: str
    text: str
    score: float
    scores: dict[str, float]
    strength: float
    confirmed: bool
    source: Source
    key: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question is after: keys of facts, whose words (a role), who is named, when, and what sort of answer.

    `background` is how similar the question is to sentences that have nothing to do with it: an embedder that
    knows a language little finds all its sentences alike. `personal`: the person asks about themselves.
    """

    keys: frozenset[str] = frozenset()
    speaker: str | None = None
    background: float = 0.0
    tokens: frozenset[str] = frozenset()
    personal: bool = False
    when: tuple[datetime, datetime] | None = None
    wants: frozenset[str] = field(default_factory=frozenset)


def boosts(importance: float, times_recalled: int) -> float:
    """1 + importance boost + recall boost (formulas: Forgetting); importance 0-1."""
    return 1.0 + 0.5 * importance + 0.2 * math.log(times_recalled + 1)


def strength(age: timedelta, importance: float, times_recalled: int) -> float:
    """exp(-decay * days / boosts): strength of a memory `age` after its last recall, 0-1."""
    days = max(0.0, age / _DAY)
    return math.exp(-BASE_DECAY * days / boosts(importance, times_recalled))


def forget_at(last: datetime, importance: float, times_recalled: int) -> datetime:
    """When the strength falls below a tenth: last + ln(10) * boosts / decay days."""
    days = -math.log(FORGOTTEN_BELOW) * boosts(importance, times_recalled) / BASE_DECAY
    return last + days * _DAY


def strength_of(candidate: Candidate, at: datetime) -> float:
    """The strength at a moment; facts and what was said do not fade, nor does what is pinned."""
    if candidate.kind != "episode" or candidate.pinned:
        return 1.0
    last = candidate.last_recalled or candidate.made_at
    return strength(at - last, candidate.importance, candidate.times_recalled)


def root(key: str) -> str:
    """The kind of fact behind a key: "dislikes:olives" is one of the dislikes."""
    return key.partition(":")[0]


def without_names(text: str, names: Sequence[str]) -> str:
    """A question without the names of those who talk; as it was where nothing else is left."""
    parts = [re.escape(part) for name in names for part in name.split() if len(part) > 1]
    if not parts:
        return text
    rest = re.sub(rf"\b(?:{'|'.join(parts)})(?:['’]s)?\b", " ", text, flags=re.IGNORECASE)
    return " ".join(rest.split()) if re.search(r"\w{3}", rest) else text


def without(terms: Sequence[str], words: Sequence[int], dropped: Collection[str]) -> tuple[list[str], list[int]]:
    """The terms of a question, and the words they stand for, without those of `dropped`."""
    names = {word for term, word in zip(terms, words, strict=True) if term in dropped}
    kept = [(term, word) for term, word in zip(terms, words, strict=True) if word not in names]
    return [term for term, _ in kept], [word for _, word in kept]
