"""What turns, sessions, messages and files answer with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from anima.client.results.tools import ToolCall


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a statement of an answer comes from."""

    marker: int
    document_id: int
    chunk_id: int
    title: str
    source_uri: str | None
    location: Mapping[str, Any]
    quote: str


@dataclass(frozen=True, slots=True)
class Egress:
    """What the model that answered was not to see."""

    kept_local: tuple[str, ...]
    left_out: int
    barred: tuple[str, ...]
    model: str | None


@dataclass(frozen=True, slots=True)
class SafetyNotice:
    """What was done so that nobody comes to harm."""

    kind: str
    careful: bool
    resources: tuple[Mapping[str, Any], ...]
    emergency: str | None
    country: str | None
    replaced: str | None
    break_: bool
    disclosed: bool
    minor: bool


@dataclass(frozen=True, slots=True)
class MadeMedium:
    """A file that a tool made."""

    media_id: int
    media_type: str
    mime_type: str
    url: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a turn; where `finish` is "approval" it waits for `decide_tool_call`, and is no response yet."""

    session_id: int | None
    message_id: int | None
    parent_message_id: int | None
    response_id: int | None
    request_id: int
    role: str
    content: str
    finish: str
    media_refs: tuple[MadeMedium, ...]
    citations: tuple[Citation, ...]
    memories: tuple[Mapping[str, Any], ...]
    affect: Mapping[str, Any]
    model: Mapping[str, Any]
    usage: Mapping[str, Any]
    timings: Mapping[str, float]
    created_at: datetime
    egress: Egress | None = None
    safety: SafetyNotice | None = None
    tools: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """A session."""

    session_id: int
    avatar_id: UUID | None
    avatar_name: str | None
    title: str | None
    private: bool
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class MediaRef:
    """A file that came with a message."""

    media_id: int
    media_type: str
    mime_type: str


@dataclass(frozen=True, slots=True)
class Branch:
    """Which of the messages that stand in one place this is."""

    index: int
    of: int
    siblings: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A message; `state` says what became of the request that a user's message made."""

    message_id: int
    parent_message_id: int | None
    role: str
    content: str
    created_at: datetime
    avatar_id: UUID | None
    media_refs: tuple[MediaRef, ...]
    response_id: int | None
    citations: int
    state: str | None
    branch: Branch


@dataclass(frozen=True, slots=True)
class Medium:
    """A stored file."""

    media_id: int
    media_type: str
    mime_type: str
    size_bytes: int
    checksum_sha256: str
    name: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """A request as it was sent to a model."""

    request_id: int
    session_id: int | None
    message_id: int | None
    response_id: int | None
    retrieval_ids: tuple[int, ...]
    purpose: str
    state: str
    provider: str | None
    model_name: str | None
    prompt_json: Any
    parameters: Mapping[str, Any]
    token_estimate: int | None
    error: Mapping[str, Any] | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class LoggedResponse(Answer):
    """An answer as it was given, with its feedback."""

    feedback: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Feedback:
    """Feedback that was kept."""

    feedback_id: int
    response_id: int
    rating: int
    comment: str | None
    created_at: datetime
