"""An avatar, and what can be changed of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

VISIBILITIES = ("private", "friends", "public")
SWITCHES = ("facts", "episodes", "semantic_recall", "levels", "moods", "curiosity", "hints", "style")
"""What can be switched off; what is not named is on."""
CATEGORIES = (
    *("personal_info", "location", "work", "education", "family", "relationships", "preferences", "health"),
    *("interests", "plans", "experiences", "pets", "possessions", "finance", "intimate", "beliefs"),
)
"""Of what is remembered, for each of which egress says who may read it."""
LOCAL, ANYBODY = "local", "any"
Rule = str | list[str]
"""Who may read a category: `local` (only a model on this machine), `any`, or the names of providers (and `local`)."""
MAX_NAME_CHARS = 100
MAX_BIO_CHARS = 4000


@dataclass(frozen=True, slots=True)
class Avatar:
    """Somebody to talk with."""

    avatar_id: uuid.UUID
    owner_id: int
    name: str
    bio: str
    personality_name: str
    personality: dict[str, Any]
    model: str | None
    visibility: str
    switches: dict[str, bool]
    egress: dict[str, Rule]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class NewAvatar:
    """An avatar to be made; the personality is the name of a ready one, or JSON."""

    name: str
    personality: str | Mapping[str, Any] = "luna"
    bio: str = ""
    model: str | None = None
    visibility: str = "private"
    switches: Mapping[str, bool] = field(default_factory=dict)
    egress: Mapping[str, Rule] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Changes:
    """What to change of an avatar: what is None stays. `model` counts only where `change_model` is set."""

    name: str | None = None
    bio: str | None = None
    personality: str | Mapping[str, Any] | None = None
    visibility: str | None = None
    switches: Mapping[str, bool] = field(default_factory=dict)
    model: str | None = None
    change_model: bool = False
    egress: Mapping[str, Rule] = field(default_factory=dict)
