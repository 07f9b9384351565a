"""HTTP of plugins: the catalogue, servers of tools that people add, and the log of calls."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from anima.kernel import http
from anima.plugins import catalogue_service as service
from anima.plugins import permissions_service as permissions
from anima.plugins.catalogue_service import Changes, NewPlugin
from anima.plugins.model import Approval, Invocation, Kind, Plugin, State
from anima.plugins.packages import Installed
from anima.plugins.permissions_service import Permitted, Wish

router = APIRouter(tags=["plugins"])

_TOOL: dict[str, Any] = {
    "name": "get_forecast",
    "description": "The weather of the next days at a place.",
    "parameters": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
}
_PLUGIN: dict[str, Any] = {
    "plugin_id": 12,
    "shared": False,
    "name": "weather",
    "version": "",
    "kind": "mcp",
    "enabled": True,
    "config": {"url": "https://weather.example.org/mcp"},
    "has_secret": True,
    "private_allowed": False,
    "tools": [_TOOL],
    "checked_at": "2026-01-31T12:00:00Z",
    "reason": None,
    "created_at": "2026-01-31T12:00:00Z",
}
_NEW: dict[str, Any] = {"name": "weather", "kind": "mcp", "url": "https://weather.example.org/mcp", "token": "secret"}
_PERMITTED: dict[str, Any] = {
    "plugin_id": 12,
    "name": "weather",
    "kind": "mcp",
    "description": "",
    "enabled": True,
    "tools": [{**_TOOL, "enabled": True, "approval": "ask", "always": False}],
}
_INVOCATION: dict[str, Any] = {
    "invocation_id": 7,
    "avatar_id": "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f",
    "session_id": 3,
    "request_id": 5,
    "plugin_id": 1,
    "plugin": "calculator",
    "tool": "calculate",
    "state": "done",
    "request": {"expression": "12 * 7"},
    "response": {"text": "12 * 7 = 84", "media": []},
    "error": None,
    "latency_ms": 1.4,
    "invoked_at": "2026-01-31T12:00:00Z",
    "decided_at": None,
}


class ToolOut(BaseModel):
    """A tool, as a model is told of it; what servers say of their tools is their own."""

    name: str
    description: str
    parameters: dict[str, Any] = Field(description="JSON schema of its arguments")


class PluginOut(BaseModel):
    """A plugin. `shared`: everybody's; `reason`: why its tools could not be looked at last."""

    plugin_id: int
    shared: bool
    name: str
    version: str
    kind: Kind
    enabled: bool
    config: dict[str, Any]
    has_secret: bool
    private_allowed: bool
    tools: list[ToolOut]
    checked_at: datetime | None
    reason: str | None
    created_at: datetime


class InstalledOut(BaseModel):
    """A plugin that an installed package brings."""

    name: str
    package: str
    version: str


class PluginIn(http.Body):
    """A plugin to be entered: a server of tools, or an installed package (which an admin may, for everybody)."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_NEW]})

    name: Annotated[str, Field(min_length=1, max_length=40)]
    kind: Literal["mcp", "package"] = "mcp"
    url: Annotated[str, Field(max_length=2000)] | None = None
    token: Annotated[str, Field(min_length=1, max_length=4000, pattern=r"^[\x21-\x7e]+$")] | None = Field(
        None, description="Sent as `Authorization: Bearer …`; kept encrypted, and never shown"
    )
    shared: bool = Field(False, description="Everybody's; for admins")
    allow_private: bool = Field(False, description="Whether it may lie in a private network; for admins")
    config: dict[str, Any] = Field(default_factory=dict)


class PluginPatch(http.Body):
    """What is to change; what is left out stays. `refresh`: look at its tools again."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"enabled": False}]})

    enabled: bool | None = None
    config: dict[str, Any] | None = None
    token: Annotated[str, Field(min_length=1, max_length=4000, pattern=r"^[\x21-\x7e]+$")] | None = None
    refresh: bool = False


class PermittedToolOut(ToolOut):
    """A tool of a plugin of an avatar. `approval`: whether each call is asked about; `always`: allowed once for all."""

    enabled: bool
    approval: Approval
    always: bool


class PermittedOut(BaseModel):
    """A plugin, and what an avatar may use of it."""

    plugin_id: int
    name: str
    kind: Kind
    description: str
    enabled: bool
    tools: list[PermittedToolOut]


class PermittedList(BaseModel):
    """All plugins that there are for a person, with what an avatar may use."""

    items: list[PermittedOut]


class ToolWish(http.Body):
    """Whether an avatar may use a tool, and whether it is allowed once for all, as it is now."""

    enabled: bool | None = None
    always: bool | None = None


class WishIn(http.Body):
    """What an avatar is to be permitted of a plugin; what is left out stays."""

    plugin_id: Annotated[int, Field(ge=1, lt=2**63)]
    enabled: bool | None = None
    tools: Annotated[dict[str, ToolWish], Field(max_length=64)] = Field(default_factory=dict)


class WishesIn(http.Body):
    """What an avatar is to be permitted; plugins that are not named stay as they are."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"items": [{"plugin_id": 12, "enabled": True}]}]},
    )

    items: Annotated[list[WishIn], Field(max_length=200)]


class InvocationOut(BaseModel):
    """A call of a tool. Nothing of a private session is there."""

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


RowId = Annotated[int, Path(gt=0, le=2**63 - 1)]


@router.get(
    "/plugins",
    summary="The catalogue of plugins",
    response_model=http.Items[PluginOut],
    responses={**http.example({"items": [_PLUGIN], "next_cursor": None}), **http.problems()},
)
def list_plugins(caller: http.Caller, limit: http.PageLimit = 50, cursor: http.PageCursor = None) -> dict[str, Any]:
    """What is built in, what the place offers to everybody, and servers of tools of one's own."""
    page = service.list_plugins(caller, limit, cursor)
    return {"items": [_shown(one) for one in page.items], "next_cursor": page.next_cursor}


@router.post(
    "/plugins",
    summary="Add a plugin",
    status_code=201,
    response_model=PluginOut,
    responses={**http.example(_PLUGIN, 201), **http.problems(403, 409)},
)
def add_plugin(caller: http.Caller, body: PluginIn) -> dict[str, Any]:
    """A server of tools that speaks MCP over HTTP is asked for its tools first. No avatar may use any of them yet."""
    return _shown(service.add(caller, NewPlugin(**body.model_dump())))


@router.get(
    "/plugins/installed",
    summary="Plugins of installed packages",
    response_model=list[InstalledOut],
    responses={
        **http.example([{"name": "dice", "package": "anima-dice", "version": "1.0"}]),
        **http.problems(403),
    },
)
def installed(caller: http.AdminCaller) -> list[Installed]:
    """Whether they are in the catalogue or not; POST /plugins with kind `package` enters one."""
    return service.installed(caller)


@router.get(
    "/plugins/invocations",
    summary="Calls of all tools",
    response_model=http.Items[InvocationOut],
    responses={**http.example({"items": [_INVOCATION], "next_cursor": None}), **http.problems()},
)
def list_all_invocations(
    caller: http.Caller,
    avatar_id: Annotated[uuid.UUID | None, Query(description="Only this avatar's")] = None,
    state: Annotated[State | None, Query(description="Only calls in this state")] = None,
    limit: http.PageLimit = 50,
    cursor: http.PageCursor = None,
) -> dict[str, Any]:
    """One's own, the newest first, with their arguments, results and latency in milliseconds."""
    return _page(permissions.invocations(caller, limit, cursor, avatar_id=avatar_id, state=state))


@router.get(
    "/plugins/{plugin_id}",
    summary="A plugin",
    response_model=PluginOut,
    responses={**http.example(_PLUGIN), **http.problems(404)},
)
def get_plugin(caller: http.Caller, plugin_id: RowId) -> dict[str, Any]:
    """With its tools as they were when they were last looked at."""
    return _shown(service.get(caller, plugin_id))


@router.patch(
    "/plugins/{plugin_id}",
    summary="Change a plugin, or look at its tools again",
    response_model=PluginOut,
    responses={**http.example({**_PLUGIN, "enabled": False}), **http.problems(403, 404)},
)
def patch_plugin(caller: http.Caller, plugin_id: RowId, body: PluginPatch) -> dict[str, Any]:
    """One's own; as an admin what is everybody's. A tool that has changed has to be approved anew."""
    return _shown(service.patch(caller, plugin_id, Changes(**body.model_dump())))


@router.delete(
    "/plugins/{plugin_id}",
    summary="Remove a plugin",
    status_code=204,
    responses=http.problems(403, 404),
)
def delete_plugin(caller: http.Caller, plugin_id: RowId) -> Response:
    """With all that avatars were permitted of it; the log of its calls stays."""
    service.remove(caller, plugin_id)
    return Response(status_code=204)


@router.get(
    "/plugins/{plugin_id}/invocations",
    summary="Calls of a plugin's tools",
    response_model=http.Items[InvocationOut],
    responses={**http.example({"items": [_INVOCATION], "next_cursor": None}), **http.problems(404)},
)
def list_invocations(
    caller: http.Caller,
    plugin_id: RowId,
    state: Annotated[State | None, Query(description="Only calls in this state")] = None,
    limit: http.PageLimit = 50,
    cursor: http.PageCursor = None,
) -> dict[str, Any]:
    """One's own, the newest first, with their arguments, results and latency in milliseconds."""
    service.get(caller, plugin_id)
    return _page(permissions.invocations(caller, limit, cursor, plugin_id=plugin_id, state=state))


@router.get(
    "/avatars/{avatar_id}/plugins",
    summary="What an avatar may use",
    response_model=PermittedList,
    responses={**http.example({"items": [_PERMITTED]}), **http.problems(404)},
)
def avatar_plugins(caller: http.Caller, avatar_id: uuid.UUID) -> dict[str, list[Permitted]]:
    """Every plugin that there is for its person: whether it may use it, and which calls are asked about."""
    return {"items": permissions.of_avatar(caller, avatar_id)}


@router.put(
    "/avatars/{avatar_id}/plugins",
    summary="Say what an avatar may use",
    response_model=PermittedList,
    responses={**http.example({"items": [_PERMITTED]}), **http.problems(404)},
)
def put_avatar_plugins(caller: http.Caller, avatar_id: uuid.UUID, body: WishesIn) -> dict[str, list[Permitted]]:
    """All of it or nothing. A tool that is allowed once for all is asked about again when it changes."""
    wishes = [
        Wish(one.plugin_id, one.enabled, {name: said.model_dump(exclude_none=True) for name, said in one.tools.items()})
        for one in body.items
    ]
    return {"items": permissions.permit(caller, avatar_id, wishes)}


def _page(page: Any) -> dict[str, list[Invocation]]:
    return {"items": page.items, "next_cursor": page.next_cursor}


def _shown(plugin: Plugin) -> dict[str, Any]:
    """A plugin as it is told: what is built in has its tools from the code."""
    tools = [
        {"name": one.name, "description": one.description, "parameters": dict(one.parameters)}
        for one in service.tools_of(plugin)
    ]
    names = (
        *("plugin_id", "shared", "name", "version", "kind", "enabled", "config", "has_secret", "private_allowed"),
        *("checked_at", "reason", "created_at"),
    )
    return {**{name: getattr(plugin, name) for name in names}, "tools": tools}
