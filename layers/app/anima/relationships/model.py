"""Affinity: points between 0 and 100, and how absence lowers them. Pure; `moves_model` says what moves them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

HIGHEST = 100.0
_FADING_DAYS = 30.0
"""Time in which absence takes what lies above the floor of the level to 1/e."""
_BACK = timedelta(hours=1)
"""A clock that is so far behind the last interaction was wrong then, or is wrong now."""


@dataclass(frozen=True, slots=True)
class Affinity:
    """What is kept of a person, an avatar and its personality; points are those of the last interaction.

    `absence_took` are the points that the last long absence took; `level_history` has {level, points, at} of each
    level that was entered, the newest last.
    """

    affinity_points: float
    current_level: str
    total_messages: int
    positive_interactions: int
    negative_interactions: int
    recent_interactions: float
    last_interaction: datetime | None
    absence_took: float = 0.0
    level_history: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Standing:
    """Points as they are now, and the level that holds them."""

    points: float
    level: str


def faded(points: float, floor: float, days: float) -> float:
    """The points after absence: exponential approach to the floor of the level, free of charge for a day."""
    absent = max(0.0, days - 1.0)
    return floor + (points - floor) * math.exp(-absent / _FADING_DAYS) if points > floor else points


def went_back(last: datetime | None, at: datetime) -> bool:
    """Whether the clock stands before what has happened already."""
    return last is not None and last - at > _BACK
