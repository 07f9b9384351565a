"""Past conversations as they are brought, and how far their import is."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

MAX_ATTEMPTS = 3
"""Times that an import is tried that gets nowhere; one that gets on is tried for ever."""


@dataclass(frozen=True, slots=True)
class NewTranscript:
    """What somebody brings: a content with the name of its file, or an upload.

    `me`: what they are called there. `proposals`: how many of their most telling messages a model is asked about.
    """

    content: bytes | None = None
    upload: uuid.UUID | None = None
    name: str | None = None
    title: str | None = None
    me: Sequence[str] = ()
    proposals: int = 20


@dataclass(frozen=True, slots=True)
class Brought:
    """The answer to who brings it: the document that stands for it, and its state."""

    document_id: int
    state: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """An import as it is shown: whose export it was, how far it is, who speaks in it, and what was counted.

    `me` are the speakers that were recognised as the owner; where it was read and nobody was, `note` says so.
    """

    document_id: int
    avatar_id: uuid.UUID | None
    title: str
    state: str
    stage: str
    reason: str | None
    origin: str | None
    sessions: int
    messages: int
    speakers: list[dict[str, Any]]
    me: list[str] | None
    note: str | None
    counts: dict[str, Any]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """An import that a worker has taken; `claims` tells it from every other claim. `names`: what its owner is called.

    `avatar_id` is null where the avatar is gone by now.
    """

    document_id: int
    avatar_id: uuid.UUID | None
    avatar: str | None
    switches: dict[str, Any]
    model: str | None
    title: str
    name: str | None
    storage_uri: str | None
    content_sha256: str | None
    me: list[str]
    names: list[str]
    proposals: int
    created_at: datetime
    attempts: int
    claims: int


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session about to be written, with the first and the last date of what was said in it."""

    session_id: int
    conversation: bytes
    name: str
    title: str
    started_at: datetime
    ended_at: datetime
    turns: int


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message about to be written; `parent` is the one before it."""

    message_id: int
    session_id: int
    parent: int | None
    role: str
    own: bool
    content: str
    created_at: datetime
    metadata: dict[str, Any]
