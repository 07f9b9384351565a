"""What safety speaks of: the settings of a place, and the guard of a person. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

Kind = Literal["none", "concern", "crisis", "crisis_other", "minor_sexual", "ai_doubt"]
Age = Literal["unknown", "minor", "adult"]
Replaced = Literal["harm", "denied_ai", "sexual"]
COUNTED = ("crisis", "crisis_other", "minor_sexual", "ai_doubt", "minor_found", "break", "harm", "denied_ai", "sexual")
"""What is counted for the report of a year."""

GAP = timedelta(minutes=30)
"""A talk goes on while nobody is silent for longer."""

NOTED = timedelta(minutes=5)
"""The time of the last turn is written down no more often than this."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What admins set; everything is on until one of them turns it off."""

    crisis: bool = True
    disclosure: Literal["off", "doubt", "always"] = "doubt"
    minors: bool = True
    breaks: Literal["off", "minors", "everyone"] = "minors"
    break_minutes: int = 180
    output: bool = True

    @classmethod
    def of(cls, stored: dict[str, Any] | None) -> Settings:
        """Settings from what the database holds, `safety.<key>`: what is not there, or no value, is as it was."""
        given = {key.removeprefix("safety."): value for key, value in (stored or {}).items()}
        return cls(**{key: value for key, value in given.items() if key in KEYS and not wrong(key, value)})


@dataclass(frozen=True, slots=True)
class Key:
    """A setting that an admin may change: its values, and what it does."""

    values: tuple[object, ...]
    description: str
    least: int = 0
    most: int = 0


_SWITCH: tuple[object, ...] = (True, False)
KEYS: dict[str, Key] = {
    "crisis": Key(_SWITCH, "Messages that speak of suicide or self-harm are answered by the protocol"),
    "disclosure": Key(
        ("off", "doubt", "always"),
        "When an answer says that it comes from an AI: never, where that is doubted, or also when a talk begins and "
        "with every reminder of a break",
    ),
    "minors": Key(_SWITCH, "Who is under age is protected: nothing sexual, reminders of a break"),
    "breaks": Key(("off", "minors", "everyone"), "Who is reminded of a break"),
    "break_minutes": Key((), "After how many minutes of continued talk", 30, 180),
    "output": Key(
        _SWITCH, "What a model writes is held against harm, sexual content for minors, and claims to be human"
    ),
}


def wrong(key: str, value: object) -> str | None:
    """What is accepted where a value is not; nothing where it is. `key` is one of KEYS."""
    known = KEYS[key]
    if known.most:
        fits = type(value) is int and known.least <= value <= known.most
        return None if fits else f"a whole number from {known.least} to {known.most}"
    if any(type(value) is type(one) and value == one for one in known.values):
        return None
    return f"one of {', '.join(str(one).lower() for one in known.values)}"


@dataclass(frozen=True, slots=True)
class Row:
    """What is kept of a person, with the settings that hold; all of it may be missing."""

    settings: dict[str, Any] | None
    age: str | None
    age_by: str | None
    country: str | None
    breaks: bool | None
    talk_began_at: datetime | None
    last_turn_at: datetime | None
    reminded_at: datetime | None


@dataclass(frozen=True, slots=True)
class Guard:
    """Whom a turn is with, as far as it must be careful."""

    settings: Settings
    age: Age = "unknown"
    age_by: str | None = None
    country: str | None = None
    breaks: bool = False
    talk_began_at: datetime | None = None
    last_turn_at: datetime | None = None
    reminded_at: datetime | None = None

    @classmethod
    def of(cls, row: Row | None) -> Guard:
        """The guard from what the database holds."""
        if row is None:
            return cls(Settings())
        age: Age = "minor" if row.age == "minor" else "adult" if row.age == "adult" else "unknown"
        return cls(
            Settings.of(row.settings),
            age,
            row.age_by,
            row.country,
            bool(row.breaks),
            row.talk_began_at,
            row.last_turn_at,
            row.reminded_at,
        )

    def goes_on(self, at: datetime) -> bool:
        """Whether the talk is the one of the last turn; a clock that was set back begins a new one."""
        return self.last_turn_at is not None and self.last_turn_at <= at <= self.last_turn_at + GAP

    def began(self, at: datetime) -> datetime:
        """When the talk began that a turn at this time belongs to."""
        return self.talk_began_at if self.goes_on(at) and self.talk_began_at and self.talk_began_at <= at else at

    def break_due(self, at: datetime, minor: bool) -> bool:
        """Whether a break should be spoken of: after so long of a continued talk, and again after as long."""
        wanted = self.settings.breaks == "everyone" or self.breaks or (minor and self.settings.breaks != "off")
        since = self.began(at)
        if self.reminded_at is not None and since <= self.reminded_at <= at:
            since = self.reminded_at
        return wanted and at - since >= timedelta(minutes=self.settings.break_minutes)
