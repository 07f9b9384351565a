"""What moves an affinity: turns and ratings, what a flood and copies cannot, and when a level may be left. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from anima.relationships.model import HIGHEST

_TURN = 2.0
"""Points that the best possible turn gives at no affinity; it is half as much at 50."""
_MEETING = 0.15
"""Share of that which a turn gives by itself, without feeling."""
_LOSS = 2.0
"""An unkind turn takes this many times what an equally kind one gives."""
_RATING = 1.5
"""Points that the best rating gives, and the worst takes, before damping."""
_FATIGUE = 0.85
"""Each turn of the recent past leaves this share of what the next can give."""
_RECENT_HOURS = 12.0
"""Time in which the weight of a turn of the past falls to 1/e."""
_FELT = 0.2
"""From here on a turn counts as positive, or negative."""
HELD = timedelta(hours=20)
"""A level is left upwards no sooner than so long after it was reached: nobody is a friend of theirs by the evening."""
_BELOW = 0.01
"""So far below the next level the points stop until then."""
_ALIKE = 0.5
"""Of two messages' words that are in both, from which the second counts as said before."""
_LONGEST_HISTORY = 50


@dataclass(frozen=True, slots=True)
class Counted:
    """A rating that has moved an affinity, and by how many points."""

    rating: int
    points: float


@dataclass(frozen=True, slots=True)
class Push:
    """What is done to an affinity: how much is undone first, what moves the points then, and what is counted."""

    to: Callable[[float, float], float]
    messages: int = 0
    positive: int = 0
    negative: int = 0
    undone: Counted | None = None


def moved(
    points: float,
    *,
    sentiment: float = 0.0,
    effort: float = 0.0,
    rating: int | None = None,
    recent: float = 0.0,
    fresh: float = 1.0,
) -> float:
    """The points after a turn or a rating, in 0-100.

    `sentiment` is in -1..1, `effort` and `fresh` (what was not said before) in 0..1, `rating` in 1..5. Gains are damped
    near 100 and losses near 0, and gains shrink with `recent`, the weight of turns of the last hours: all turns of one
    moment together give less than seven times the first, and no pace, kept up for days, more than five a day.
    """
    gain, loss = _push(sentiment, effort, rating)
    points += gain * fresh * _FATIGUE**recent * (1.0 - points / HIGHEST)
    points -= loss * (0.25 + 0.75 * points / HIGHEST)
    return within(points)


def within(points: float) -> float:
    """Points between none and the most that there are."""
    return min(HIGHEST, max(0.0, points))


def _push(sentiment: float, effort: float, rating: int | None) -> tuple[float, float]:
    if rating is not None:
        share = (rating - 3) / 2
        return max(0.0, share) * _RATING, max(0.0, -share) * _RATING
    kindness = max(0.0, sentiment)
    warmth = _MEETING + (1.0 - _MEETING) * kindness
    gain = 0.0 if sentiment < -_FELT else _TURN * warmth * (0.5 + 0.5 * effort)
    return gain, _TURN * _LOSS * max(0.0, -sentiment)


def recent_now(recent: float, since_hours: float) -> float:
    """The weight of past turns after so many hours (exponential decay)."""
    return recent * math.exp(-max(0.0, since_hours) / _RECENT_HOURS)


def held_below(points: float, ceiling: float) -> float:
    """The points while the next level, which begins at `ceiling`, may not be entered yet."""
    return points if points < ceiling else max(0.0, ceiling - _BELOW)


def may_rise(history: Sequence[dict[str, Any]], level: str, at: datetime) -> bool:
    """Whether a level was held for long enough to be left upwards; one that was never entered was always there."""
    if not history:
        return True
    last = history[-1]
    return bool(last["level"] == level and at - datetime.fromisoformat(last["at"]) >= HELD)


def entered(history: Sequence[dict[str, Any]], level: str, points: float, at: datetime) -> list[dict[str, Any]]:
    """The history with the level that holds the points now; a time that is still to come was that of a wrong clock."""
    kept = list(history)
    if kept and datetime.fromisoformat(kept[-1]["at"]) > at:
        kept[-1] = {**kept[-1], "at": at.isoformat()}
    if not kept or kept[-1]["level"] != level:
        kept.append({"level": level, "points": round(points, 2), "at": at.isoformat()})
    return kept[-_LONGEST_HISTORY:]


def freshness(text: str, earlier: Iterable[str]) -> float:
    """How much of a message was not said before, 0-1: 1 / (1 + sum of how alike each earlier one is).

    Alike is the share of words in both of all words of the two (Jaccard 1912), from a half (0) to all (1): the n-th
    copy of a sentence gives 1/n, so that n copies together give about ln n + 0.58 times the first.
    """
    words = _words(text)
    alike = (_jaccard(words, _words(other)) for other in earlier)
    return 1.0 / (1.0 + sum(max(0.0, (each - _ALIKE) / (1.0 - _ALIKE)) for each in alike))


def _words(text: str) -> frozenset[str]:
    """The words of a text without marks and case; where it has none, its marks."""
    lowered = text.casefold()
    bare = "".join(character if character.isalnum() else " " for character in lowered).split()
    return frozenset(bare or lowered.split())


def _jaccard(one: Collection[str], other: Collection[str]) -> float:
    both = len(frozenset(one) & frozenset(other))
    return both / (len(one) + len(other) - both) if both else 0.0


def effort(text: str) -> float:
    """How much somebody put into a message, 0-1, by its different words."""
    return 1.0 - math.exp(-len(set(text.casefold().split())) / 15.0)


def verdict(sentiment: float) -> int:
    """1 for a turn that counts as positive, -1 for a negative one, else 0."""
    return 1 if sentiment >= _FELT else -1 if sentiment <= -_FELT else 0
