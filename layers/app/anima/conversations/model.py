"""Sessions and messages, as they are read."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation of a person, with an avatar if one takes part."""

    session_id: int
    avatar_id: uuid.UUID | None
    avatar_name: str | None
    title: str | None
    private: bool
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the history, with what came of it.

    `state` is that of the request that a user's message made: pending, waiting (for its person to approve a call),
    completed, failed, interrupted. `branch` says
    which of how many it is that stand in its place: index (from 1), of, and the ids of all, oldest first.
    """

    message_id: int
    parent_message_id: int | None
    role: str
    content: str
    created_at: datetime
    avatar_id: uuid.UUID | None
    media_refs: list[dict[str, Any]]
    response_id: int | None
    citations: int
    state: str | None
    branch: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Partner:
    """The avatar of a session, as a turn needs it."""

    avatar_id: uuid.UUID
    name: str
    personality_name: str
    personality: dict[str, Any]
    model: str | None
    switches: dict[str, Any]
    egress: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Past:
    """A message of the branch that a turn goes on from."""

    message_id: int
    parent_message_id: int | None
    role: str
    content: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A file that comes with the message of a turn; `told` is what a document made of it begins with, where one is."""

    media_id: int
    media_type: str
    mime_type: str
    size_bytes: int
    storage_uri: str
    name: str | None
    told: str | None


@dataclass(frozen=True, slots=True)
class TurnContext:
    """Where a turn stands: its session, the avatar (none: nobody), the branch so far, oldest first, and the files that
    come with the message.
    """

    session: Session
    avatar: Partner | None
    history: list[Past]
    fresh: bool
    media: list[Enclosed] = field(default_factory=list)

    @property
    def parent_message_id(self) -> int | None:
        """What the new message follows."""
        return self.history[-1].message_id if self.history else None


@dataclass(frozen=True, slots=True)
class Added:
    """A message that was just added, and how many media were tied to it."""

    message_id: int
    created_at: datetime
    media: int
