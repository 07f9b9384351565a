"""The mood of a session: what brings it about, how it fades, and how it follows upon another. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

CALM = 0.5
"""Intensity of the mood that one comes back to."""
FAINT = 0.15
"""A mood that is fainter than this is over."""
MOST_HISTORY = 20
BEHIND = timedelta(minutes=5)
"""So much later than now a mood may have been entered: two servers' clocks, two turns at once. More is a clock that was
set back; then the mood fades from now on."""


@dataclass(frozen=True, slots=True)
class SessionMood:
    """The mood of a session. It fades from the last entry of the history ({mood, intensity, at})."""

    current_mood: str
    mood_intensity: float
    mood_started_at: datetime
    mood_history: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Trigger:
    """A mood with what brings it about: words (casefolded), or what a message means; by weight."""

    mood: str
    words: tuple[str, ...] = ()
    when: str | None = None
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Course:
    """How moods go: rates per hour by which they fade (1 where none is named), what follows upon them, and at last."""

    default: str
    decays: Mapping[str, float]
    follows: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Strike:
    """What a message does to the mood: the one it brings about, and how strongly (0-1)."""

    mood: str
    strength: float


def settled(mood: str, at: datetime) -> SessionMood:
    """A mood that nothing has stirred yet."""
    return SessionMood(mood, CALM, at, [])


def faded(kept: SessionMood, at: datetime, course: Course) -> SessionMood:
    """The mood after time has passed: exponential decay; once faint, what follows upon it, and at last the default."""
    if kept.current_mood == course.default or not kept.mood_history:
        return kept
    mood, history, started = kept.current_mood, kept.mood_history, kept.mood_started_at
    intensity, since = float(history[-1]["intensity"]), datetime.fromisoformat(history[-1]["at"])
    if since > at + BEHIND:
        return SessionMood(mood, intensity, min(started, at), _entered(history, mood, intensity, at))
    for _ in range(len(course.follows) + 1):
        rate = course.decays.get(mood, 1.0)
        now = intensity * math.exp(-rate * max(0.0, (at - since).total_seconds()) / 3600.0)
        if now >= FAINT:
            return SessionMood(mood, now, started, history)
        since += timedelta(hours=min(1e6, max(0.0, math.log(intensity / FAINT)) / max(rate, 1e-9)))
        mood, intensity, started = course.follows.get(mood, course.default), CALM, since
        history = _entered(history, mood, intensity, since)
        if mood == course.default:
            break
    return SessionMood(mood, intensity, started, history)


def struck(text: str, kinds: Collection[str], triggers: Sequence[Trigger]) -> Strike | None:
    """The strongest of what a message brings about; none where nothing does.

    Each mood's triggers add up: of weight w in all, they are of strength 1 - 1/2^w.
    """
    weights: dict[str, float] = {}
    for trigger in triggers:
        hits = _hits(text, trigger.words) + (trigger.when is not None and trigger.when in kinds)
        if hits:
            weights[trigger.mood] = weights.get(trigger.mood, 0.0) + hits * trigger.weight
    mood, weight = max(weights.items(), key=lambda one: one[1], default=("", 0.0))
    return Strike(mood, 1.0 - 0.5**weight) if weight > 0 else None


def stirred(now: SessionMood, strike: Strike | None, at: datetime) -> SessionMood:
    """The mood after something was said: it adds to its own mood, or takes the place of a weaker one.

    One that is weaker than the present mood only weakens that.
    """
    if strike is None:
        return now
    before = 0.0 if not now.mood_history else now.mood_intensity
    if strike.mood == now.current_mood:
        mood, intensity, started = strike.mood, 1.0 - (1.0 - before) * (1.0 - strike.strength), now.mood_started_at
    elif strike.strength >= before:
        mood, intensity, started = strike.mood, strike.strength, at
    else:
        mood, intensity, started = now.current_mood, before - strike.strength / 2.0, now.mood_started_at
    return SessionMood(mood, intensity, started, _entered(now.mood_history, mood, intensity, at))


def _entered(history: list[dict[str, Any]], mood: str, intensity: float, at: datetime) -> list[dict[str, Any]]:
    entry = {"mood": mood, "intensity": round(intensity, 4), "at": at.isoformat()}
    return [*history[-(MOST_HISTORY - 1) :], entry]


def _hits(text: str, words: tuple[str, ...]) -> int:
    return len(_pattern(words).findall(text.casefold().replace("’", "'"))) if words else 0


@lru_cache(maxsize=512)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Whole words in any case; a final * stands for any ending."""
    forms = (re.escape(word.rstrip("*")) + (r"\w*" if word.endswith("*") else "") for word in words)
    return re.compile(r"(?<!\w)(?:" + "|".join(forms) + r")(?!\w)")
