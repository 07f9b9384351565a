"""Snapshots of an avatar: what one says of itself, how it is to be taken in, and what came of it. Pure."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

FORMAT = "anima-snapshot"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Options:
    """How a snapshot is to be taken in.

    `into`: an avatar that it is merged into; not given: the one that came from it, else a new one (called `name`).
    `dry_run`: only say what would happen. `trust`: fingerprints of other installations whose snapshots are good.
    """

    into: uuid.UUID | None = None
    name: str | None = None
    dry_run: bool = False
    trust: frozenset[str] = frozenset()


@dataclass(slots=True)
class Tally:
    """What came of a part: how many rows it has, how many were new, and how many changed what was there."""

    rows: int = 0
    added: int = 0
    changed: int = 0


@dataclass(frozen=True, slots=True)
class Head:
    """What a snapshot says of itself, once all of it was checked. `parts`: rows by part."""

    version: int
    made_at: datetime
    avatar_id: uuid.UUID
    fingerprint: str
    content_sha256: str
    parts: dict[str, int]
    forgotten: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a snapshot. `avatar_id` is null where it would be new, but was only tried."""

    avatar_id: uuid.UUID | None
    name: str
    created: bool
    dry_run: bool
    made_at: datetime
    signed_by: str
    own: bool
    parts: dict[str, Tally] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a part as it stands in the file, and what of it was read."""

    text: str
    value: dict[str, Any]
