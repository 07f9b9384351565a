"""Python programs of models as a plugin: run in the sandbox, with what they wrote as the answer."""

from __future__ import annotations

from typing import Any

from anima.plugins.builtin import TOOLS
from anima.plugins.plugin import Context, Plugin, Result, Tool, ToolFailed
from anima.vendors import sandbox

_ENDS = {
    "time": "It was ended: it took too long.",
    "memory": "It was ended: it took too much memory.",
    "output": "It was ended: it wrote too much.",
    "signal": "It was ended by the system.",
    "itself": "It ended with an error.",
}
_SHOWN = 6_000


def _run(arguments: dict[str, Any], context: Context) -> Result:
    house = context.house
    if house is None:
        raise ToolFailed("This is run by the house alone.")
    config = context.config
    limits = sandbox.Limits(
        cpu_seconds=int(config.get("cpu_seconds", 5)), memory_bytes=int(config.get("memory_mb", 256)) << 20
    )
    isolation: sandbox.Isolation = "elsewhere" if config.get("isolation") == "elsewhere" else "kernel"
    ran = sandbox.run(arguments["code"], until=house.until - 0.2, limits=limits, isolation=isolation)
    if ran.ok:
        return Result(ran.output or "It ended, and wrote nothing.")
    told = f"{_shortened(ran.output)}\n{_ENDS[ran.ended_by]}".strip()
    raise ToolFailed(told, "failed" if ran.ended_by == "itself" else {"time": "timeout"}.get(ran.ended_by, "too-large"))


def _shortened(output: str) -> str:
    """The beginning and the end of what was written: an error stands at the end."""
    if len(output) <= _SHOWN:
        return output
    return f"{output[: _SHOWN // 2]}\n[...]\n{output[-_SHOWN // 2 :]}"


_SPEC = TOOLS["code"][0]
PLUGIN = Plugin(
    "code",
    "1",
    [Tool(_SPEC.name, _SPEC.description, _SPEC.parameters, _run, outside=False)],
    settings={
        "type": "object",
        "properties": {
            "cpu_seconds": {"type": "integer", "minimum": 1, "maximum": 15},
            "memory_mb": {"type": "integer", "minimum": 16, "maximum": 2048},
            "isolation": {
                "enum": ["kernel", "elsewhere"],
                "description": "elsewhere: the whole server runs in a container of its own; limits alone are set here",
            },
        },
        "additionalProperties": False,
    },
)
