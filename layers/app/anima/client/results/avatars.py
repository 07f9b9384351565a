"""What avatars, their versions, cards, states, affinities and snapshots answer with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Avatar:
    """An avatar."""

    avatar_id: UUID
    name: str
    bio: str
    personality_name: str
    personality: Mapping[str, Any]
    model: str | None
    visibility: str
    switches: Mapping[str, bool]
    egress: Mapping[str, str | tuple[str, ...]]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class AvatarVersion:
    """A version; `restored_from` is the one that it brought back."""

    version: int
    personality_name: str
    restored_from: int | None
    created_at: datetime
    is_present: bool


@dataclass(frozen=True, slots=True)
class WholeAvatarVersion:
    """A version with its personality."""

    version: int
    personality_name: str
    restored_from: int | None
    created_at: datetime
    is_present: bool
    personality: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VersionChange:
    """A difference: at a path something was added, removed or changed."""

    path: str
    kind: str
    before: Any
    after: Any
    told: str


@dataclass(frozen=True, slots=True)
class VersionDifference:
    """What changed from one version to another."""

    before: int
    after: int
    changes: tuple[VersionChange, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """What a card says of itself."""

    format: str
    container: str
    name: str
    creator: str
    character_version: str
    tags: tuple[str, ...]
    notes: str
    greetings: int
    lore_entries: int
    picture: bool


@dataclass(frozen=True, slots=True)
class CardBrought:
    """The avatar that was made of a card; null where it was only looked at."""

    avatar: Avatar | None
    personality: Mapping[str, Any]
    card: Card
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LorebookPut:
    """A lorebook that was taken in."""

    entries: int
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AvatarState:
    """What an avatar feels now."""

    mood: str
    intensity: float
    valence: float
    arousal: float
    emotions: Mapping[str, float]
    attention: float
    concentrations: Mapping[str, float]
    as_of: datetime


@dataclass(frozen=True, slots=True)
class StatePoint:
    """What a turn made of what an avatar felt."""

    id: UUID
    at: datetime
    valence: float
    arousal: float
    mood: str
    intensity: float
    sentiment: float
    concentrations: Mapping[str, float]
    session_id: int | None
    message_id: int | None
    cause: str


@dataclass(frozen=True, slots=True)
class NextLevel:
    """The level that comes next."""

    level: str
    from_: float


@dataclass(frozen=True, slots=True)
class LevelEntered:
    """A level that was entered."""

    level: str
    points: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Affinity:
    """How close an avatar is to you, with its present personality."""

    avatar_id: UUID
    personality_name: str
    affinity: float
    level: str
    total_messages: int
    positive_interactions: int
    negative_interactions: int
    last_interaction: datetime | None
    next_level: NextLevel | None = None
    history: tuple[LevelEntered, ...] = ()


@dataclass(frozen=True, slots=True)
class SnapshotTally:
    """What came of a part: how many rows it has, how many were new, and how many changed what was there."""

    rows: int
    added: int
    changed: int


@dataclass(frozen=True, slots=True)
class SnapshotTaken:
    """What came of a snapshot."""

    avatar_id: UUID | None
    name: str
    created: bool
    dry_run: bool
    made_at: datetime
    signed_by: str
    own: bool
    parts: Mapping[str, SnapshotTally]
    notes: tuple[str, ...]
