"""The calculator as a plugin."""

from __future__ import annotations

from typing import Any

from anima.plugins.builtin import TOOLS
from anima.plugins.expressions import NotCalculated, calculate
from anima.plugins.plugin import Context, Plugin, Tool, ToolFailed


def _run(arguments: dict[str, Any], _context: Context) -> str:
    expression = arguments["expression"]
    try:
        return f"{expression.strip()} = {calculate(expression)}"
    except NotCalculated as error:
        raise ToolFailed(error.detail) from None


_SPEC = TOOLS["calculator"][0]
PLUGIN = Plugin("calculator", "1", [Tool(_SPEC.name, _SPEC.description, _SPEC.parameters, _run)])
