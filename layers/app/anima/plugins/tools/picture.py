"""Pictures as a plugin: made by the model of images that is configured, stored as media."""

from __future__ import annotations

from typing import Any

from anima.plugins.builtin import TOOLS
from anima.plugins.plugin import Context, Plugin, Result, Tool, ToolFailed
from anima.vendors import images


def _run(arguments: dict[str, Any], context: Context) -> Result:
    house = context.house
    if house is None:
        raise ToolFailed("This is run by the house alone.")
    configured = images.configured()
    if configured is None:
        raise ToolFailed("No model of images is configured.", "not-configured")
    size = arguments.get("size", "1024x1024")
    made = images.make(*configured, arguments["description"], size=size, deadline=house.until)
    return Result("The picture was made, and the person sees it.", media=[made.data])


_SPEC = TOOLS["picture"][0]
PLUGIN = Plugin("picture", "1", [Tool(_SPEC.name, _SPEC.description, _SPEC.parameters, _run)])
