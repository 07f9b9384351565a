"""Tools, calls and their results, as the room hands them around."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Approval = Literal["never", "ask"]
Kind = Literal["builtin", "package", "mcp"]
State = Literal["waiting", "approved", "denied", "running", "done", "failed"]

MAX_NAME_CHARS = 64
MAX_TEXT_CHARS = 8_000
"""The longest text that a call answers; what is more is cut and said so."""
MAX_ARGUMENTS_BYTES = 32_768
MAX_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool of a plugin, as its maker or its server describes it.

    `approval`: whether each call is asked about; `outside`: whether what it is called with leaves this machine, or may.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    approval: Approval = "never"
    timeout: float = 10.0
    outside: bool = False


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool that an avatar may use; `name` is the one that a model calls it by, `tool` its own in its plugin.

    `digest` (SHA-256) stands for its name, description and schema: an approval once for all holds for that alone.
    `outside`: what it is called with leaves this machine, or may.
    """

    plugin_id: int
    plugin: str
    tool: str
    name: str
    description: str
    parameters: Mapping[str, Any]
    approval: Approval
    timeout: float
    digest: str
    outside: bool = False


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What came of a call: `text` is bounded and plain, and data; `hits` are the passages it is made of
    (`knowledge.search_model.Hit`), `media` ids of what was stored. `error` is a slug, or None.
    """

    ok: bool
    text: str
    error: str | None = None
    media: tuple[int, ...] = ()
    latency_ms: float = 0.0
    invocation_id: int | None = None
    hits: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class WaitingCall:
    """A call that waits for an approval, or got one."""

    invocation_id: int
    plugin: str
    name: str
    arguments: dict[str, Any]
    state: State


@dataclass(frozen=True, slots=True)
class DecidedCall:
    """A call about which somebody decided; `result` once it was made, `tool` while it is one that may be used."""

    invocation_id: int
    state: State
    avatar_id: uuid.UUID | None
    session_id: int | None
    request_id: int | None
    tool: OfferedTool | None
    arguments: dict[str, Any]
    result: ToolResult | None


@dataclass(frozen=True, slots=True)
class Plugin:
    """A row of the catalogue, as its readers see it: no secret is in it, but whether there is one."""

    plugin_id: int
    shared: bool
    name: str
    version: str
    kind: Kind
    enabled: bool
    config: dict[str, Any]
    has_secret: bool
    private_allowed: bool
    tools: list[dict[str, Any]]
    checked_at: datetime | None
    reason: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Invocation:
    """A call in the log; nothing of a private session is there."""

    invocation_id: int
    avatar_id: uuid.UUID | None
    session_id: int | None
    request_id: int | None
    plugin_id: int | None
    plugin: str
    tool: str
    state: State
    request: dict[str, Any]
    response: dict[str, Any] | None
    error: str | None
    latency_ms: float | None
    invoked_at: datetime
    decided_at: datetime | None
