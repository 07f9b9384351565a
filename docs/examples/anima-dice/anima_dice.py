"""Dice for avatars: an example of a plugin, whole."""

from __future__ import annotations

import secrets
from typing import Any

from anima.plugins.plugin import Context, Plugin, Result, Tool, ToolFailed


def roll(arguments: dict[str, Any], context: Context) -> Result:
    """Rolls `count` dice. The arguments fit the schema below; `context.config` is what an admin configured."""
    sides = arguments.get("sides", context.config.get("sides", 6))
    if arguments["count"] * sides > 10_000:
        raise ToolFailed("These are more dice than anybody has.")
    rolled = [secrets.randbelow(sides) + 1 for _ in range(arguments["count"])]
    return Result(f"{' + '.join(map(str, rolled))} = {sum(rolled)}")


PLUGIN = Plugin(
    name="dice",
    version="1.0",
    description="Rolls dice",
    tools=[
        Tool(
            name="roll_dice",
            description="Rolls some dice and answers what they show, and their sum.",
            parameters={
                "type": "object",
                "properties": {
                    "count": {"type": "integer", "minimum": 1, "maximum": 100},
                    "sides": {"type": "integer", "minimum": 2, "maximum": 100},
                },
                "required": ["count"],
                "additionalProperties": False,
            },
            run=roll,
            timeout=5.0,
            outside=False,
        )
    ],
    settings={
        "type": "object",
        "properties": {"sides": {"type": "integer", "minimum": 2, "maximum": 100}},
        "additionalProperties": False,
    },
)
