"""Plugins of installed packages: which are there, and what each says of itself, asked in a process of its own."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from importlib.metadata import entry_points
from typing import Any

from anima.kernel.errors import BadInput
from anima.plugins import schemas
from anima.plugins.builtin import GROUP, TOOLS
from anima.plugins.model import MAX_TIMEOUT_SECONDS, ToolSpec
from anima.plugins.running_apart import NotDescribed, describe

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_MAX_TOOLS = 32


class BadPackage(BadInput):
    """The installed plugin {name} cannot be used: {reason}."""

    slug = "bad-package"
    quoted = ("reason",)


@dataclass(frozen=True, slots=True)
class Installed:
    """An entry point that a package brings: the plugin's name, the package and its version."""

    name: str
    package: str
    version: str


@dataclass(frozen=True, slots=True)
class Described:
    """What a plugin says of itself."""

    version: str
    description: str
    tools: list[dict[str, Any]]
    settings: dict[str, Any]


def installed() -> list[Installed]:
    """What there is, by name; nothing of it is loaded."""
    found = [
        Installed(one.name, one.dist.name if one.dist else "", one.dist.version if one.dist else "")
        for one in entry_points(group=GROUP)
        if _NAME.fullmatch(one.name) and one.name not in TOOLS
    ]
    return sorted(found, key=lambda one: one.name)


def look(name: str) -> Described:
    """What an installed plugin says of itself, checked. Raises BadPackage."""
    if name not in {one.name for one in installed()}:
        raise BadPackage(name=name, reason="no installed package brings it")
    try:
        told = describe(name)
        tools = [asdict(_spec(one)) for one in told["tools"][:_MAX_TOOLS]]
    except (NotDescribed, schemas.BadTool) as error:
        raise BadPackage(name=name, reason=str(error)) from None
    except (KeyError, TypeError, ValueError):
        raise BadPackage(name=name, reason="it does not say what its tools are") from None
    if not tools or len({one["name"] for one in tools}) < len(tools):
        raise BadPackage(name=name, reason="its tools have no names of their own")
    return Described(str(told["version"])[:50], str(told["description"])[:500], tools, dict(told["settings"]))


def _spec(told: dict[str, Any]) -> ToolSpec:
    spec = ToolSpec(**told)
    if not _TOOL_NAME.fullmatch(spec.name) or spec.approval not in ("never", "ask"):
        raise ValueError
    schema = schemas.cleaned(spec.parameters)
    seconds = min(max(float(spec.timeout), 0.1), MAX_TIMEOUT_SECONDS)
    text = schemas.description(spec.description)
    return ToolSpec(spec.name, text, schema, spec.approval, seconds, bool(spec.outside))
