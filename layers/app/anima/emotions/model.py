"""The mood of a session: how words bring it about, how it fades, and how it follows upon another. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

CALM = 0.5
"""Intensity of the mood that one comes back to."""
FAINT = 0.15
"""A mood that is fainter than this is over."""
MOST_HISTORY = 20


@dataclass(frozen=True, slots=True)
class SessionMood:
    """The mood of a session. It fades from the last entry of the history ({mood, intensity, at})."""

    current_mood: str
    mood_intensity: float
    mood_started_at: datetime
    mood_history: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Trigger:
    """A mood, with the words that bring it about (casefolded)."""

    mood: str
    words: tuple[str, ...]


def settled(mood: str, at: datetime) -> SessionMood:
    """A mood that nothing has stirred yet."""
    return SessionMood(mood, CALM, at, [])


def faded(kept: SessionMood, at: datetime, decay: float, default: str) -> SessionMood:
    """The mood after time has passed: exponential decay; once faint, the default mood."""
    if kept.current_mood == default or not kept.mood_history:
        return kept
    last = kept.mood_history[-1]
    hours = max(0.0, (at - datetime.fromisoformat(last["at"])).total_seconds() / 3600.0)
    intensity = last["intensity"] * math.exp(-decay * hours)
    if intensity < FAINT:
        return SessionMood(default, CALM, at, _entered(kept.mood_history, default, CALM, at))
    return SessionMood(kept.current_mood, intensity, kept.mood_started_at, kept.mood_history)


def stirred(now: SessionMood, text: str, triggers: Sequence[Trigger], at: datetime) -> SessionMood:
    """The mood after something was said: the strongest trigger adds to its own mood, or takes its place.

    A trigger weaker than the present mood only weakens that. Without a trigger nothing changes.
    """
    strengths = [(1.0 - 0.5 ** _hits(text, trigger.words), trigger.mood) for trigger in triggers]
    strength, mood = max(strengths, key=lambda one: one[0], default=(0.0, ""))
    if strength == 0.0:
        return now
    before = 0.0 if not now.mood_history else now.mood_intensity
    if mood == now.current_mood:
        intensity, started = 1.0 - (1.0 - before) * (1.0 - strength), now.mood_started_at
    elif strength >= before:
        intensity, started = strength, at
    else:
        mood, intensity, started = now.current_mood, before - strength / 2.0, now.mood_started_at
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
