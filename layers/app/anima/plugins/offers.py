"""Which tools an avatar is offered, under which names: from rows of the catalogue and what is permitted. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anima.plugins import builtin
from anima.plugins.model import MAX_NAME_CHARS, MAX_TIMEOUT_SECONDS, Approval, Kind, OfferedTool, ToolSpec

_UNFIT = re.compile(r"[^a-zA-Z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Enabled:
    """A plugin that an avatar may use: `permissions` by tool: whether it is enabled, allowed once for all, and for
    which digest.
    """

    plugin_id: int
    name: str
    kind: Kind
    config: dict[str, Any]
    tools: list[dict[str, Any]]
    permissions: dict[str, dict[str, Any]]


def offered(plugins: Iterable[Enabled], *, without: Sequence[str] = ()) -> list[OfferedTool]:
    """The tools of these plugins, each under a name of its own; not those named in `without`."""
    found: list[OfferedTool] = []
    taken: set[str] = set()
    for plugin in plugins:
        for spec in specs(plugin.kind, plugin.name, plugin.tools):
            permission = plugin.permissions.get(spec.name, {})
            if permission.get("enabled") is False or (plugin.kind == "builtin" and spec.name in without):
                continue
            if spec.name == "search_web" and plugin.kind == "builtin" and not plugin.config.get("search_url"):
                continue
            tool = _offer(plugin, spec, permission, taken)
            taken.add(tool.name)
            found.append(tool)
    return found


def specs(kind: Kind, name: str, tools: Sequence[Mapping[str, Any]]) -> tuple[ToolSpec, ...]:
    """The tools of a row of the catalogue."""
    if kind == "builtin":
        return builtin.TOOLS.get(name, ())
    return tuple(ToolSpec(**one) for one in tools)


def digest(plugin_id: int, spec: ToolSpec) -> str:
    """What stands for a tool: one character of its description or schema more, and it is another."""
    said = [plugin_id, spec.name, spec.description, spec.parameters]
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def approval(kind: Kind, spec: ToolSpec, permission: Mapping[str, Any], mark: str) -> Approval:
    """Whether a call is asked about: what says so, and every tool of a server, until it is allowed once for all."""
    if kind != "mcp" and spec.approval == "never":
        return "never"
    return "never" if permission.get("always") and permission.get("digest") == mark else "ask"


def _offer(plugin: Enabled, spec: ToolSpec, permission: Mapping[str, Any], taken: set[str]) -> OfferedTool:
    mark = digest(plugin.plugin_id, spec)
    own = f"{plugin.name}__{spec.name}" if plugin.kind == "mcp" else spec.name
    return OfferedTool(
        plugin.plugin_id,
        plugin.name,
        spec.name,
        _free(_fit(own), mark, taken),
        spec.description,
        spec.parameters,
        approval(plugin.kind, spec, permission, mark),
        min(float(spec.timeout), MAX_TIMEOUT_SECONDS),
        mark,
        plugin.kind == "mcp" or spec.outside,
    )


def _fit(name: str) -> str:
    """A name as all protocols take it."""
    return _UNFIT.sub("_", name).strip("_")[:MAX_NAME_CHARS] or "tool"


def _free(name: str, mark: str, taken: set[str]) -> str:
    return name if name not in taken else f"{name[: MAX_NAME_CHARS - 9]}_{mark[:8]}"
