"""Rules of the catalogue: what is everybody's is an admin's matter, a server of tools of one's own everybody's own."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from anima.kernel import audit, auth, clock, db, pages, secrets
from anima.kernel.errors import AnimaError, BadInput, Conflict, FieldError, Forbidden, NotFound, Unauthenticated
from anima.plugins import arguments, builtin, catalogue_repo, offers, packages, running_mcp
from anima.plugins.model import Kind, Plugin, ToolSpec
from anima.plugins.packages import Installed
from anima.vendors import mcp

_OPERATOR = db.Principal(user_id=None, login="admin")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_LOOK_SECONDS = 20.0


class PluginNotFound(NotFound):
    """There is no plugin {plugin_id} for you."""

    slug = "plugin-not-found"


class NameTaken(Conflict):
    """There is a plugin named {name} already; take another name."""

    slug = "plugin-name-taken"


class NoTools(BadInput):
    """{name} has no tool that can be used: {reason}."""

    slug = "no-tools"
    quoted = ("reason",)


@dataclass(frozen=True, slots=True)
class NewPlugin:
    """A plugin to be entered: a server of tools (`url`), or an installed package by its name.

    `shared`: everybody's, which only an admin may say; so may only they let it lie in a private network.
    """

    name: str
    kind: Kind
    url: str | None = None
    token: str | None = None
    shared: bool = False
    allow_private: bool = False
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to change of a plugin; None: as it is. `refresh`: look at its tools again."""

    enabled: bool | None = None
    config: Mapping[str, Any] | None = None
    token: str | None = None
    refresh: bool = False


def list_plugins(principal: db.Principal, limit: int, cursor: str | None) -> pages.Page[Plugin]:
    """The catalogue as somebody sees it. Raises BadInput for a cursor that is none."""
    after = row_number(cursor) or 0
    with db.transaction(principal) as tx:
        found = catalogue_repo.plugins(tx, principal.user_id, after, limit + 1)
    return pages.page(found.all(), limit, lambda one: [one.plugin_id])


def row_number(cursor: str | None) -> int | None:
    """The number of a row in a cursor; None without one. Raises BadInput for what is no cursor of ours."""
    position = pages.decode(cursor, 1)
    if position is None:
        return None
    number = position[0]
    if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 2**63:
        return number
    raise BadInput(reason="unknown cursor", fields=[FieldError("cursor", "take it from next_cursor of a page")])


def installed(principal: db.Principal) -> list[Installed]:
    """Plugins of packages that are installed, whether entered or not. Raises Forbidden."""
    auth.require(principal, "admin")
    return packages.installed()


def get(principal: db.Principal, plugin_id: int) -> Plugin:
    """One plugin. Raises PluginNotFound."""
    with db.transaction(principal) as tx:
        found = catalogue_repo.plugin(tx, principal.user_id, plugin_id)
    if (plugin := found.first()) is None:
        raise PluginNotFound(what="plugin", id=plugin_id, plugin_id=plugin_id)
    return plugin


def add(principal: db.Principal, new: NewPlugin) -> Plugin:
    """Enters a plugin, with the tools that it has now.

    Raises Forbidden, NameTaken, BadInput, BadPackage, NoTools, and what looking at a server raises.
    """
    _check(principal, new)
    with db.transaction(principal) as tx:
        taken = catalogue_repo.by_name(tx, principal.user_id, new.name)
    if taken.all():
        raise NameTaken(name=new.name, fields=[FieldError("name", "a name that is not taken")])
    version, tools, config = _looked_at(new)
    writer = _writer(principal, new.shared)
    with db.transaction(writer) as tx:
        if new.shared:
            audit.note(tx, principal, "plugin.add", subject=new.name, detail={"kind": new.kind, "url": new.url or ""})
        entered = catalogue_repo.add(
            tx,
            writer.user_id,
            name=new.name,
            version=version,
            kind=new.kind,
            config=config,
            secret=secrets.encrypt(new.token) if new.token else None,
            private_allowed=new.allow_private,
            tools=tools,
            at=clock.now(),
        )
    if (made := entered.first()) is None:
        raise NameTaken(name=new.name, fields=[FieldError("name", "a name that is not taken")])
    return get(principal, made.plugin_id)


def patch(principal: db.Principal, plugin_id: int, changes: Changes) -> Plugin:
    """Changes a plugin of one's own, or as an admin one that is everybody's.

    Raises PluginNotFound, Forbidden, BadInput.
    """
    plugin = get(principal, plugin_id)
    writer = _writer(principal, plugin.shared)
    config = None if changes.config is None else _checked_config(plugin, changes.config)
    secret = secrets.encrypt(changes.token) if changes.token else None
    with db.transaction(writer) as tx:
        if plugin.shared:
            told = {"enabled": changes.enabled, "config": sorted(changes.config or ()), "refresh": changes.refresh}
            audit.note(tx, principal, "plugin.change", subject=plugin.name, detail=told)
        catalogue_repo.change(tx, writer.user_id, plugin_id, changes.enabled, config, secret)
    if not changes.refresh and not (changes.token and plugin.kind == "mcp"):
        return get(principal, plugin_id)
    return refresh(principal, plugin_id)


def refresh(principal: db.Principal, plugin_id: int) -> Plugin:
    """Looks at a plugin's tools again; those that changed have to be approved anew. Why it could not stays with it."""
    plugin = get(principal, plugin_id)
    writer = _writer(principal, plugin.shared)
    tools: list[dict[str, Any]] | None = None
    version = reason = None
    try:
        if plugin.kind == "mcp":
            tools = _served(plugin.name, _server(principal, plugin))
        elif plugin.kind == "package":
            described = packages.look(plugin.name)
            tools, version = described.tools, described.version
    except AnimaError as error:
        reason = error.detail[:500]
    with db.transaction(writer) as tx:
        at = clock.now()
        catalogue_repo.looked(tx, writer.user_id, plugin_id, tools=tools, version=version, reason=reason, at=at)
    return get(principal, plugin_id)


def remove(principal: db.Principal, plugin_id: int) -> None:
    """Removes a plugin with all that was permitted of it; the log stays. Raises PluginNotFound, Forbidden, BadInput."""
    plugin = get(principal, plugin_id)
    if plugin.kind == "builtin":
        raise BadInput(reason="what is built in can be switched off, and stays")
    writer = _writer(principal, plugin.shared)
    with db.transaction(writer) as tx:
        if plugin.shared:
            audit.note(tx, principal, "plugin.remove", subject=plugin.name, detail={})
        catalogue_repo.remove(tx, writer.user_id, plugin_id)


def tools_of(plugin: Plugin) -> tuple[ToolSpec, ...]:
    """The tools of a plugin: of what is built in from its code, else as they were when it was looked at."""
    return offers.specs(plugin.kind, plugin.name, plugin.tools)


def _check(principal: db.Principal, new: NewPlugin) -> None:
    if principal.user_id is None:
        raise Unauthenticated(reason="this is for users")
    if (new.shared or new.allow_private or new.kind == "package") and "admin" not in principal.roles:
        raise Forbidden(reason="what is everybody's, packages and private networks are an admin's matter")
    wrong = []
    if not _NAME.fullmatch(new.name) or new.name in builtin.TOOLS:
        wrong.append(
            FieldError("name", "1 to 40 small letters, digits, - and _, a letter first; not that of a built-in")
        )
    if new.kind == "package" and not new.shared:
        wrong.append(FieldError("shared", "true: an installed package is everybody's"))
    if new.allow_private and not new.shared:
        wrong.append(FieldError("shared", "true, for what may lie in a private network"))
    if new.kind == "mcp" and not new.url:
        wrong.append(FieldError("url", "the address of the server"))
    if new.kind == "builtin" or (new.kind == "mcp" and new.config):
        wrong.append(FieldError("kind", "mcp, without config, or package"))
    if wrong:
        raise BadInput(reason="; ".join(f"{one.path}: {one.message}" for one in wrong), fields=wrong)


def _writer(principal: db.Principal, shared: bool) -> db.Principal:
    """Who writes: the person their own rows, the operators' login those of everybody. Raises Forbidden."""
    if not shared:
        return principal
    if "admin" not in principal.roles:
        raise Forbidden(reason="what is everybody's is an admin's matter")
    return _OPERATOR


def _looked_at(new: NewPlugin) -> tuple[str, list[dict[str, Any]], dict[str, Any]]:
    """The version, the tools and the configuration of a plugin that is to be entered."""
    if new.kind == "package":
        described = packages.look(new.name)
        return described.version, described.tools, _fits(new.config, described.settings)
    server = mcp.Server(new.url or "", new.token, new.allow_private)
    return "", _served(new.name, server), {"url": new.url}


def _server(principal: db.Principal, plugin: Plugin) -> mcp.Server:
    with db.transaction(principal) as tx:
        kept = catalogue_repo.secret(tx, principal.user_id, plugin.plugin_id)
    secret = kept.one().secret
    token = secrets.decrypt(secret) if secret else None
    return mcp.Server(str(plugin.config.get("url", "")), token, plugin.private_allowed)


def _served(name: str, server: mcp.Server) -> list[dict[str, Any]]:
    """The tools of a server as it describes them now; those that cannot be taken in are left out. Raises NoTools."""
    tools: dict[str, dict[str, Any]] = {}
    refused = ""
    for one in mcp.tools(server, until=time.monotonic() + _LOOK_SECONDS):
        try:
            spec = running_mcp.spec(one)
        except AnimaError as error:
            refused = error.detail
            continue
        tools.setdefault(spec.name, asdict(spec))
    if not tools:
        raise NoTools(name=name, reason=refused or "it names none")
    return list(tools.values())


def _checked_config(plugin: Plugin, config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration, if it fits what the plugin takes. Raises BadInput."""
    if plugin.kind == "mcp":
        raise BadInput(reason="a server of tools has no settings; add it anew for another address")
    if plugin.kind == "package":
        return _fits(config, packages.look(plugin.name).settings)
    return _fits(config, builtin.load(builtin.place(plugin.name)).settings)


def _fits(config: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return arguments.read(config, schema or {"type": "object", "additionalProperties": False})
    except arguments.BadArguments as error:
        reason = str(error.values["reason"])
        raise BadInput(reason=f"config: {reason}", fields=[FieldError("config", reason)]) from None
