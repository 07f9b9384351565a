"""What a personality is made of, as parsed from its JSON file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_PLACES = re.compile(r"\{\{\s*(char|user)\s*\}\}", re.IGNORECASE)


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
    emojis: str | None = None


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
class TriggerRule:
    """What else brings a mood about: words (casefolded), something that happens (`when`), or the end of a mood."""

    words: tuple[str, ...] = ()
    when: str | None = None
    mood: str | None = None
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class MoodKind:
    """A mood that somebody can be in; `decay` is the rate per hour at which its intensity falls.

    `triggers` are plain words, each of weight 1; `rules` are the triggers that say more.
    """

    name: str
    triggers: tuple[str, ...] = ()
    rules: tuple[TriggerRule, ...] = ()
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
    """How replies are drawn: temperature and top_p (none: the model's own), most tokens of a reply, how long it is."""

    temperature: float | None = None
    max_reply_tokens: int | None = None
    verbosity: str = "moderate"
    top_p: float | None = None


@dataclass(frozen=True, slots=True)
class Manner:
    """What a personality states of its conduct: none where its traits say it. Mimicry and proactivity are 0-1."""

    max_sentences: int | None = None
    questions: str | None = None
    mimicry: float = 0.5
    proactivity: float = 0.5


@dataclass(frozen=True, slots=True)
class Emotions:
    """What somebody feels: valence (-1 to 1), arousal (0-1), and emotions by name with their strength (0-1)."""

    valence: float = 0.0
    arousal: float = 0.0
    words: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class StyleProfile:
    """How a person writes: words and emojis per message, and shares (0-1) of formality, of messages with an
    exclamation mark, and of those wholly in lower case; `address` is tu or vous, `rhythm` quick, steady or slow.
    None where nothing is known of it.
    """

    words: float | None = None
    formality: float | None = None
    emoji: float | None = None
    exclamation: float | None = None
    lower_case: float | None = None
    language: str | None = None
    phrases: tuple[str, ...] = ()
    address: str | None = None
    rhythm: str | None = None


@dataclass(frozen=True, slots=True)
class MemoryWeights:
    """How much a memory counts for being emotional, recent, important, or about people; 1 is the middle."""

    emotional: float = 1.0
    recent: float = 1.0
    importance: float = 1.0
    people: float = 1.0


@dataclass(frozen=True, slots=True)
class Conduct:
    """What code sets and keeps in a reply, whatever the model does: at most so many sentences (none: any number)
    and questions, how many emojis and exclamation marks (none, few, many), how it is drawn, what it remembers.

    `asks_back`: a reply without a question gets one of `asks` now and then. `openings` are words that may begin
    a reply, in a share of replies of `opening_share` (0-1). `lower_case`: as the person writes.
    """

    max_sentences: int | None = 6
    max_questions: int = 1
    emojis: str = "none"
    exclamations: str = "few"
    temperature: float | None = None
    top_p: float | None = None
    max_reply_tokens: int | None = None
    asks_back: bool = False
    asks: tuple[str, ...] = ()
    openings: tuple[str, ...] = ()
    opening_share: float = 0.0
    lower_case: bool = False
    memory: MemoryWeights = MemoryWeights()


@dataclass(frozen=True, slots=True)
class LoreEntry:
    """A piece of background; one of its keys, and of its secondary keys if it has any, calls it up."""

    content: str
    keys: tuple[str, ...] = ()
    secondary_keys: tuple[str, ...] = ()
    constant: bool = False
    order: int = 0
    position: str = "after_char"
    case_sensitive: bool = False
    enabled: bool = True
    priority: int = 0
    name: str = ""
    use_regex: bool = False


@dataclass(frozen=True, slots=True)
class Lorebook:
    """Background by its keys: how many messages are looked at, and how many tokens it may take."""

    entries: tuple[LoreEntry, ...] = ()
    scan_depth: int = 4
    token_budget: int = 400
    recursive: bool = False


@dataclass(frozen=True, slots=True)
class Example:
    """A turn that shows how somebody talks."""

    user: str
    reply: str


@dataclass(frozen=True, slots=True)
class Personality:
    """A whole personality. `levels` are ordered; none: the relationship has no levels. The first of `greetings` is
    its own; `directions` are what the author of an imported card asks for.
    """

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
    manner: Manner = Manner()
    scenario: str = ""
    greetings: tuple[str, ...] = ()
    directions: str = ""
    lorebook: Lorebook = Lorebook()


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


def named(text: str, char: str, user: str) -> str:
    """A text with {{char}} and {{user}}, as cards write them, put to names."""
    if "{{" not in text:
        return text
    return _PLACES.sub(lambda found: char if found[1].casefold() == "char" else user, text)
