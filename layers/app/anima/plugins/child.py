"""What runs in the process of `running_apart`: limits first, then the plugin that its entry point names.

A package is code that whoever runs the place has installed: it may use files and the network. It gets no secrets of
the house, and what it takes of memory and processor is bounded.
"""

from __future__ import annotations

import base64
import json
import os
import resource
import signal
import sys
from dataclasses import asdict
from importlib.metadata import entry_points
from typing import Any

from anima.plugins.builtin import GROUP
from anima.plugins.model import MAX_TEXT_CHARS, ToolSpec
from anima.plugins.plugin import Context, Plugin, Result, ToolFailed

_MEMORY = 1 << 30
_MEDIA_BYTES = 1_000_000
_TEXT_CHARS = 5 * MAX_TEXT_CHARS
_MAX_MEDIA = 4


class _Unfit(Exception):
    """What the entry point names is no plugin; the message says why."""


def main() -> None:
    """Does what standard input asks for, and writes one line of JSON; what a plugin prints goes nowhere."""
    asked = json.load(sys.stdin)
    out = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for place in (0, 1, 2):
        os.dup2(nowhere, place)
    _limit(asked.get("seconds", 20.0))
    try:
        plugin = load(asked["plugin"])
        told = described(plugin) if asked["do"] == "describe" else _run(plugin, asked)
    except ToolFailed as error:
        told = {"error": error.error, "text": str(error)}
    except _Unfit as error:
        told = {"error": "failed", "text": str(error)}
    except MemoryError:
        told = {"error": "too-large", "text": "It took too much memory."}
    except Exception as error:
        told = {"error": "failed", "text": f"The tool failed: {type(error).__name__}."}
    with os.fdopen(out, "wb") as pipe:
        pipe.write(b"\n" + json.dumps(told).encode() + b"\n")
    os._exit(0)  # threads of a plugin must not keep it


def load(name: str) -> Plugin:
    """The plugin that an installed package names so. Raises _Unfit."""
    found = [one for one in entry_points(group=GROUP) if one.name == name]
    if not found:
        raise _Unfit(f"no installed package names a plugin {name}")
    plugin = found[0].load()
    if not isinstance(plugin, Plugin) or not plugin.tools:
        raise _Unfit(f"{found[0].value} is no Plugin with tools")
    return plugin


def described(plugin: Plugin) -> dict[str, Any]:
    """What a plugin says of itself, as JSON."""
    tools = [
        asdict(ToolSpec(one.name, one.description, dict(one.parameters), one.approval, one.timeout, one.outside))
        for one in plugin.tools
    ]
    said = {"version": plugin.version, "description": plugin.description, "settings": dict(plugin.settings)}
    return {"name": plugin.name, **said, "tools": tools}


def _run(plugin: Plugin, asked: dict[str, Any]) -> dict[str, Any]:
    config = {**asked["config"], **({"secret": asked["secret"]} if asked["secret"] else {})}
    answered = plugin.tool(asked["tool"]).run(asked["arguments"], Context(config, asked["seconds"]))
    result = answered if isinstance(answered, Result) else Result(str(answered))
    media = [bytes(one) for one in list(result.media)[:_MAX_MEDIA]]
    if any(len(one) > _MEDIA_BYTES for one in media):
        raise ToolFailed(f"a file is larger than {_MEDIA_BYTES} bytes", "too-large")
    text = result.text[:_TEXT_CHARS]  # what is more is cut anyway
    return {"text": text, "media": [base64.b64encode(one).decode() for one in media]}


def _limit(seconds: float) -> None:
    cpu = max(int(seconds) + 1, 1)
    wanted = {resource.RLIMIT_CPU: cpu, resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: 128}
    if sys.platform == "linux":
        wanted[resource.RLIMIT_AS] = _MEMORY
    for which, limit in wanted.items():
        try:
            resource.setrlimit(which, (limit, limit))
        except (ValueError, OSError):
            continue
    signal.alarm(cpu + 1)  # whatever became of the house, this does not go on


if __name__ == "__main__":
    main()
