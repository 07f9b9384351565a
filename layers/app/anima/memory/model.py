"""How memories fade and how they are ranked: pure functions over the candidates that the database found."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

Kind = Literal["fact", "episode", "message"]

BASE_DECAY = 0.1
"""Of a memory's strength, per day."""
FORGOTTEN_BELOW = 0.1
_DAY = timedelta(days=1)

# Relevance leads: weighted like relevance, recency and importance bury what was asked for.
_RELEVANCE, _STRENGTH, _IMPORTANCE = 0.84, 0.08, 0.08
# Among few candidates the least similar one is not therefore worthless.
_LEAST_SPAN = 0.5
_ASKED = 0.3
_SPEAKER = 0.15
_IMPORTANCE_OF_SAYING = {"user": 0.5, "assistant": 0.3}
# A question that was put before resembles the one that is put now more than any answer does.
_WORTH_OF_QUESTION, _WORTH_OF_ASSISTANT, _WORTH_OF_THE_OTHER = 0.5, 0.8, 0.7


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that may answer a question, with what it was found by."""

    kind: Kind
    id: str
    text: str
    key: str
    value: Any
    confirmed: bool
    importance: float
    made_at: datetime
    last_recalled: datetime | None
    times_recalled: int
    pinned: bool
    message_id: int | None
    session_id: int | None
    speaker: str
    cosine: float | None
    words: float
    coverage: float


@dataclass(frozen=True, slots=True)
class Source:
    """Where a memory comes from: the message, its session, when and by whom it was said."""

    message_id: int | None
    session_id: int | None
    date: datetime
    speaker: str


@dataclass(frozen=True, slots=True)
class Memory:
    """A memory that was recalled; `scores` say why, each 0-1 but for `words` (BM25) and `cosine` (from -1)."""

    kind: Kind
    id: str
    text: str
    score: float
    scores: dict[str, float]
    strength: float
    confirmed: bool
    source: Source


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question is after: keys of facts, and whose words.

    `background` is how similar the question is to sentences that have nothing to do with it: an embedder that
    knows a language little finds all its sentences alike.
    """

    keys: frozenset[str] = frozenset()
    speaker: str | None = None
    background: float = 0.0


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


def rank(candidates: Sequence[Candidate], asked: Asked, at: datetime, top_k: int) -> list[Memory]:
    """The `top_k` best of the candidates, best first.

    Relevance is the mean of similarity and words, each scaled over the candidates (min-max fusion).
    """
    cosines = [candidate.cosine for candidate in candidates if candidate.cosine is not None]
    low, high = min(cosines, default=0.0), max(cosines, default=0.0)
    most = max((candidate.words for candidate in candidates), default=0.0)
    ranked = [_memory(each, worth(each, asked) * _relevance(each, low, high, most), asked, at) for each in candidates]
    ranked.sort(key=lambda memory: (-memory.score, memory.kind, memory.id))
    return _without_twins(ranked)[:top_k]


def similarity(cosine: float | None, background: float) -> float:
    """The cosine above what any sentence has, 0-1."""
    return max(0.0, ((cosine or 0.0) - background) / (1.0 - min(background, 0.99)))


def worth(candidate: Candidate, asked: Asked) -> float:
    """How much of an answer a thing said can be: mere questions little, the assistant's words less than a person's."""
    if candidate.kind != "message" or candidate.speaker == asked.speaker:
        return 1.0
    text = candidate.text.rstrip()
    if text.endswith("?") and not any(mark in text for mark in ".!\n"):
        return _WORTH_OF_QUESTION
    if asked.speaker is not None:
        return _WORTH_OF_THE_OTHER
    return _WORTH_OF_ASSISTANT if candidate.speaker == "assistant" else 1.0


def _relevance(candidate: Candidate, low: float, high: float, most: float) -> float:
    near = 0.0
    if candidate.cosine is not None:
        near = 1.0 - (high - candidate.cosine) / max(high - low, _LEAST_SPAN)
    return 0.5 * near + 0.5 * (candidate.words / most if most > 0 else 0.0)


def _memory(candidate: Candidate, relevance: float, asked: Asked, at: datetime) -> Memory:
    is_asked = candidate.kind == "fact" and root(candidate.key) in asked.keys
    held = strength_of(candidate, at)
    weight = _IMPORTANCE_OF_SAYING.get(candidate.speaker, 0.5) if candidate.kind == "message" else candidate.importance
    score = _RELEVANCE * relevance + _STRENGTH * held + _IMPORTANCE * weight
    score += _ASKED * is_asked + _SPEAKER * (candidate.kind == "message" and candidate.speaker == asked.speaker)
    scores = {
        "cosine": candidate.cosine or 0.0,
        "similarity": similarity(candidate.cosine, asked.background),
        "words": candidate.words,
        "coverage": candidate.coverage,
        "relevance": relevance,
        "strength": held,
        "importance": weight,
        "asked": float(is_asked),
    }
    source = Source(candidate.message_id, candidate.session_id, candidate.made_at, candidate.speaker)
    rounded = {name: round(number, 4) for name, number in scores.items()}
    return Memory(
        candidate.kind,
        candidate.id,
        candidate.text,
        round(score / (1 + _ASKED), 4),
        rounded,
        round(held, 4),
        candidate.confirmed,
        source,
    )


def _without_twins(ranked: Sequence[Memory]) -> list[Memory]:
    """Drops what was said again in the same words: the better one of each stays."""
    seen: set[tuple[str, str]] = set()
    kept = []
    for memory in ranked:
        saying = (memory.source.speaker, " ".join(memory.text.casefold().split()))
        if saying not in seen:
            seen.add(saying)
            kept.append(memory)
    return kept


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
