"""What users, keys, style and safety answer with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Tokens:
    """Give the access token as bearer; exchange the refresh token, once, when it has expired."""

    access_token: str
    refresh_token: str
    expires_in: int
    token_type: Literal["bearer"] = "bearer"  # noqa: S105


@dataclass(frozen=True, slots=True)
class User:
    """A user."""

    user_id: int
    username: str
    email: str | None
    full_name: str | None
    roles: tuple[str, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SignInLink:
    """A one-time link: whoever opens it sets a password and is signed in."""

    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is visible of a key."""

    api_key_id: int
    name: str
    prefix: str
    created_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key just made."""

    api_key_id: int
    name: str
    prefix: str
    created_at: datetime
    key: str
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AccountClosed:
    """The account is closed; what was kept of it is being erased."""

    state: Literal["erasing"] = "erasing"


@dataclass(frozen=True, slots=True)
class StyleTrait:
    """A trait: what counts, what is measured of it (null: not known), and what you have corrected it to."""

    value: str | None
    measured: str | None
    corrected: str | None


@dataclass(frozen=True, slots=True)
class Style:
    """How you write. No words of yours are kept, but greetings and the like."""

    enabled: bool
    messages: int
    settled: bool
    traits: Mapping[str, StyleTrait]
    measures: Mapping[str, float | int | str | None]
    phrases: tuple[str, ...]
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class PersonalSafety:
    """What holds for you."""

    age: Literal["unknown", "minor", "adult"]
    age_by: Literal["statement", "person", "admin"] | None
    country: str | None
    breaks: bool


@dataclass(frozen=True, slots=True)
class HelpLine:
    """A line that helps; `source`, `checked` and `how` say where its number was read."""

    name: str
    phone: str
    text: str
    url: str
    hours: str
    source: str
    checked: str
    how: str


@dataclass(frozen=True, slots=True)
class HelpLines:
    """Help in a country; `country` is null where only the international directories are known."""

    checked: str
    country: str | None
    emergency: str
    lines: tuple[HelpLine, ...]
    international: tuple[HelpLine, ...]
    countries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SafetyCount:
    """How often something happened."""

    month: str
    kind: str
    country: str | None
    count: int


@dataclass(frozen=True, slots=True)
class SafetyReport:
    """Counts of a year; they hold no words and no users."""

    year: int
    total: Mapping[str, int]
    items: tuple[SafetyCount, ...]
