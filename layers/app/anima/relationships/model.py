"""Affinity: points between 0 and 100 that a turn moves, that a flood cannot, and that absence lowers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

HIGHEST = 100.0
_TURN = 2.0
"""Points that the best possible turn gives at no affinity; it is half as much at 50."""
_MEETING = 0.15
"""Share of that which a turn gives by itself, without feeling."""
_LOSS = 2.0
"""An unkind turn takes this many times what an equally kind one gives."""
_RATING = 1.5
"""Points that the best rating gives, and the worst takes, before damping."""
_FATIGUE = 0.9
"""Each turn of the recent past leaves this share of what the next can give."""
_RECENT_HOURS = 12.0
"""Time in which the weight of a turn of the past falls to 1/e."""
_FADING_DAYS = 30.0
"""Time in which absence takes what lies above the floor of the level to 1/e."""
_FELT = 0.2
"""From here on a turn counts as positive, or negative."""


@dataclass(frozen=True, slots=True)
class Affinity:
    """What is kept of a person, an avatar and its personality; points are those of the last interaction."""

    affinity_points: float
    current_level: str
    total_messages: int
    positive_interactions: int
    negative_interactions: int
    recent_interactions: float
    last_interaction: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Points as they are now, and the level that holds them."""

    points: float
    level: str


def moved(
    points: float,
    *,
    sentiment: float = 0.0,
    effort: float = 0.0,
    rating: int | None = None,
    recent: float = 0.0,
) -> float:
    """The points after a turn or a rating, in 0-100.

    `sentiment` is in -1..1, `effort` in 0..1, `rating` in 1..5. Gains are damped near 100 and losses near 0,
    and gains shrink with `recent`, the weight of turns of the last hours: all turns of one moment together
    give at most ten times the first, and no pace, kept up for days, gives more than eight first turns a day.
    """
    gain, loss = _push(sentiment, effort, rating)
    points += gain * _FATIGUE**recent * (1.0 - points / HIGHEST)
    points -= loss * (0.25 + 0.75 * points / HIGHEST)
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


def faded(points: float, floor: float, days: float) -> float:
    """The points after absence: exponential approach to the floor of the level, free of charge for a day."""
    absent = max(0.0, days - 1.0)
    return floor + (points - floor) * math.exp(-absent / _FADING_DAYS) if points > floor else points


def effort(text: str) -> float:
    """How much somebody put into a message, 0-1, by its different words."""
    return 1.0 - math.exp(-len(set(text.casefold().split())) / 15.0)


def verdict(sentiment: float) -> int:
    """1 for a turn that counts as positive, -1 for a negative one, else 0."""
    return 1 if sentiment >= _FELT else -1 if sentiment <= -_FELT else 0
