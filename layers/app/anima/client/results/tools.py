"""What tools and their uses answer with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool within a turn."""

    invocation_id: int | None
    plugin: str
    name: str
    arguments: Any
    state: str
    text: str
    error: str | None
    media: tuple[int, ...]
    latency_ms: float


@dataclass(frozen=True, slots=True)
class WaitingTool:
    """A call that waits for an approval, with the turn that it is part of."""

    invocation_id: int
    plugin: str
    name: str
    arguments: Any
    session_id: int | None
    message_id: int | None
    request_id: int
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class PluginTool:
    """A tool, as a model is told of it; what servers say of their tools is their own."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin. `shared`: everybody's; `reason`: why its tools could not be looked at last."""

    plugin_id: int
    shared: bool
    name: str
    version: str
    kind: Literal["builtin", "package", "mcp"]
    enabled: bool
    config: Mapping[str, Any]
    has_secret: bool
    private_allowed: bool
    tools: tuple[PluginTool, ...]
    checked_at: datetime | None
    reason: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class InstalledPackage:
    """A plugin that an installed package brings."""

    name: str
    package: str
    version: str


@dataclass(frozen=True, slots=True)
class Invocation:
    """A call of a tool. Nothing of a private session is there."""

    invocation_id: int
    avatar_id: UUID | None
    session_id: int | None
    request_id: int | None
    plugin_id: int | None
    plugin: str
    tool: str
    state: Literal["waiting", "approved", "denied", "running", "done", "failed"]
    request: Mapping[str, Any]
    response: Mapping[str, Any] | None
    error: str | None
    latency_ms: float | None
    invoked_at: datetime
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class PermittedTool:
    """A tool of a plugin of an avatar. `approval`: whether each call is asked about; `always`: allowed once for all."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    enabled: bool
    approval: Literal["never", "ask"]
    always: bool


@dataclass(frozen=True, slots=True)
class PermittedPlugin:
    """A plugin, and what an avatar may use of it."""

    plugin_id: int
    name: str
    kind: Literal["builtin", "package", "mcp"]
    description: str
    enabled: bool
    tools: tuple[PermittedTool, ...]


@dataclass(frozen=True, slots=True)
class PermittedList:
    """What an avatar may use, as it is now."""

    items: tuple[PermittedPlugin, ...]
