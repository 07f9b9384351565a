"""Sessions and messages, as they are read."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
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

    `state` is that of the request that a user's message made: pending, completed, failed, interrupted. `branch` says
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
class TurnContext:
    """Where a turn stands: its session, the avatar (none: nobody), and the branch so far, oldest first."""

    session: Session
    avatar: Partner | None
    history: list[Past]
    fresh: bool

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
