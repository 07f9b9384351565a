"""What an avatar feels in a turn: its state as of now, what is said appraised, and what that makes of both. Pure.

Where the personality has mood rules they say the mood of a session; else it is named by valence and arousal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from anima.emotions import drives, model
from anima.emotions.appraisal import NOTHING, Appraisal, appraise
from anima.emotions.model import Course, SessionMood, Strike, Trigger
from anima.kernel.terms import Language
from anima.neuromodulation.model import Profile
from anima.personality.model import Emotions, Mood, Personality

MOST_CHARS = 4000
"""So much of a message is appraised."""
_MOVED = 0.12
"""A turn that means less than this brings no mood about."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a session's mood and of an avatar's state; none where nothing was felt yet."""

    mood: SessionMood | None = None
    concentrations: Sequence[float] | None = None
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Feeling:
    """What is felt after a turn, and what was before it (valence, arousal, mood). `attention` is 1 at rest."""

    mood: SessionMood
    emotions: Emotions
    attention: float
    acetylcholine: float
    concentrations: dict[str, float]
    appraisal: Appraisal
    before: tuple[float, float, str]
    at: datetime
    drives: list[float] = field(default_factory=list)
    baselines: list[float] = field(default_factory=list)
    strike: Strike | None = None
    seen: dict[str, Any] | None = None

    @property
    def valence(self) -> float:
        """-1 to 1."""
        return self.emotions.valence

    @property
    def arousal(self) -> float:
        """0 to 1."""
        return self.emotions.arousal


def felt(
    kept: Kept,
    personality: Personality,
    text: str,
    *,
    at: datetime,
    language: Language | None = None,
    before: Sequence[str] = (),
) -> Feeling:
    """What is felt after a message at a time; without text, what is felt at that time."""
    profile = drives.resting(personality.big_five)
    rested = drives.after(profile, *_since(kept, profile, at))
    told = appraise(text[:MOST_CHARS], language, before) if text.strip() else NOTHING
    pushed = drives.drives(told, profile, rested) if text.strip() else [0.0] * len(rested)
    now = drives.moved(profile, rested, pushed)
    calm = model.settled(personality.default_mood, at)
    was = model.faded(kept.mood or calm, at, course(personality))
    strike = _strike(personality, text, told, profile, now) if text.strip() else None
    away = drives.deviations(profile, rested)
    return Feeling(
        mood=model.stirred(was, strike, at),
        emotions=emotions_of(profile, now),
        attention=drives.attention(profile, now),
        acetylcholine=drives.replay(profile, now),
        concentrations=dict(zip(drives.NAMES, now, strict=True)),
        appraisal=told,
        before=(drives.valence(away), drives.arousal(away), was.current_mood),
        at=at,
        drives=pushed,
        baselines=drives.baselines(profile),
        strike=strike,
        seen=kept.mood.mood_history[-1] if kept.mood and kept.mood.mood_history else None,
    )


def still(personality: Personality, at: datetime) -> Feeling:
    """What is felt where moods are switched off: nothing."""
    return felt(Kept(), personality, "", at=at)


def as_mood(mood: SessionMood) -> Mood:
    """The mood as a prompt is compiled for it."""
    return Mood(mood.current_mood, round(mood.mood_intensity, 3))


def shown(feeling: Feeling) -> dict[str, Any]:
    """What an answer shows of it."""
    valence, arousal, mood = feeling.before
    return {
        "mood": feeling.mood.current_mood,
        "intensity": round(feeling.mood.mood_intensity, 3),
        "valence": round(feeling.valence, 3),
        "arousal": round(feeling.arousal, 3),
        "emotions": dict(feeling.emotions.words),
        "attention": round(feeling.attention, 3),
        "concentrations": {name: round(level, 3) for name, level in feeling.concentrations.items()},
        "before": {"mood": mood, "valence": round(valence, 3), "arousal": round(arousal, 3)},
    }


@lru_cache(maxsize=256)
def course(personality: Personality) -> Course:
    """How the moods of a personality go."""
    follows = {rule.mood: kind.name for kind in personality.moods for rule in kind.rules if rule.mood is not None}
    return Course(personality.default_mood, {kind.name: kind.decay for kind in personality.moods}, follows)


@lru_cache(maxsize=256)
def triggers(personality: Personality) -> tuple[Trigger, ...]:
    """What brings the moods of a personality about, by its own rules."""
    found = [Trigger(kind.name, kind.triggers) for kind in personality.moods if kind.triggers]
    for kind in personality.moods:
        found += [
            Trigger(kind.name, rule.words, rule.when, rule.weight) for rule in kind.rules if rule.words or rule.when
        ]
    return tuple(found)


def named(valence: float, arousal: float, default: str = "calm") -> str:
    """A mood by where valence and arousal lie (Russell's circumplex, J. Pers. Soc. Psychol. 39, 1980)."""
    if abs(valence) < _MOVED:
        return "alert" if arousal >= 0.55 else default
    if valence > 0:
        return "excited" if arousal >= 0.5 else "cheerful" if arousal >= 0.35 else "content"
    return "upset" if arousal >= 0.5 else "uneasy" if arousal >= 0.35 else "sad"


def _strike(
    personality: Personality, text: str, told: Appraisal, profile: Profile, now: Sequence[float]
) -> Strike | None:
    if personality.moods:
        return model.struck(text, told.kinds, triggers(personality))
    if abs(told.moving) < _MOVED and not told.kinds:
        return None
    return strike_by_state(personality, profile, now)


def strike_by_state(personality: Personality, profile: Profile, now: Sequence[float]) -> Strike | None:
    """The mood that concentrations bring about where the personality has no rules; none near rest."""
    away = drives.deviations(profile, now)
    valence, arousal = drives.valence(away), drives.arousal(away)
    mood = named(valence, arousal, personality.default_mood)
    if mood == personality.default_mood:
        return None
    return Strike(mood, min(1.0, abs(valence) + max(0.0, arousal - drives.REST)))


def _since(kept: Kept, profile: Profile, at: datetime) -> tuple[Sequence[float], float]:
    """Concentrations as they were kept, and seconds since; of one of another make, those of rest."""
    known = kept.concentrations
    if known is None or kept.as_of is None or len(known) != len(drives.NAMES):
        return drives.baselines(profile), 0.0
    return known, max(0.0, (at - kept.as_of).total_seconds())


def emotions_of(profile: Profile, now: Sequence[float]) -> Emotions:
    """Valence, arousal and emotions by concentrations."""
    away = drives.deviations(profile, now)
    return Emotions(round(drives.valence(away), 4), round(drives.arousal(away), 4), drives.emotions(away))
