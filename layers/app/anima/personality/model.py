"""What a personality is made of, as parsed from its JSON file."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Persona:
    """Who somebody is, whoever they talk with."""

    name: str
    description: str = ""
    language: str = "English"
    tone: str = ""
    style: str = ""
    expertise: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    emojis: str = "none"


@dataclass(frozen=True, slots=True)
class Modifiers:
    """What a level or a mood changes: things to do, tone, length, and an offset of the temperature."""

    instructions: tuple[str, ...] = ()
    tone: str | None = None
    verbosity: str | None = None
    temperature: float = 0.0


@dataclass(frozen=True, slots=True)
class Level:
    """A level of relationship; it begins at `low` points of affinity (0-100)."""

    name: str
    low: float
    high: float
    modifiers: Modifiers = Modifiers()


@dataclass(frozen=True, slots=True)
class MoodKind:
    """A mood that somebody can be in; `decay` is the rate per hour at which its intensity falls."""

    name: str
    triggers: tuple[str, ...] = ()
    modifiers: Modifiers = Modifiers()
    decay: float = 1.0


@dataclass(frozen=True, slots=True)
class Mood:
    """The mood that somebody is in, with its intensity (0-1)."""

    name: str
    intensity: float


@dataclass(frozen=True, slots=True)
class BigFive:
    """The five traits, each 0-1; 0.5 says nothing."""

    openness: float = 0.5
    conscientiousness: float = 0.5
    extraversion: float = 0.5
    agreeableness: float = 0.5
    neuroticism: float = 0.5


@dataclass(frozen=True, slots=True)
class Sampling:
    """How replies are drawn: temperature (none: the model's own), most tokens of a reply, how long it is."""

    temperature: float | None = None
    max_reply_tokens: int | None = None
    verbosity: str = "moderate"


@dataclass(frozen=True, slots=True)
class Example:
    """A turn that shows how somebody talks."""

    user: str
    reply: str


@dataclass(frozen=True, slots=True)
class Personality:
    """A whole personality. `levels` are ordered; none: the relationship has no levels."""

    persona: Persona
    levels: tuple[Level, ...] = ()
    moods: tuple[MoodKind, ...] = ()
    default_mood: str = "calm"
    big_five: BigFive = field(default_factory=BigFive)
    humour_style: str | None = None
    love_language: str | None = None
    attachment_style: str | None = None
    interests: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    sampling: Sampling = Sampling()
    examples: tuple[Example, ...] = ()


NO_LEVEL = Level("plain", 0.0, 100.0)
"""The level of a personality without levels."""

PLAIN = Personality(
    Persona("Anima", "You are an AI assistant: helpful, honest and plain.", tone="friendly", style="clear")
)
"""Whom one talks with where no avatar takes part, and where an avatar's personality is switched off."""


def level_for(personality: Personality, affinity: float) -> Level:
    """The level that holds an affinity (0-100): the last that begins at or below it."""
    reached = [level for level in personality.levels if level.low <= affinity]
    return reached[-1] if reached else (personality.levels[0] if personality.levels else NO_LEVEL)


def mood_kind(personality: Personality, name: str) -> MoodKind:
    """The mood of this name; one without effect where the personality does not know it."""
    return next((mood for mood in personality.moods if mood.name == name), MoodKind(name))
