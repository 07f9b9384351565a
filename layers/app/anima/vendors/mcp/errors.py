"""Why a server of tools could not be used."""

from __future__ import annotations

from anima.kernel.errors import BadInput, Conflict, Unavailable


class Unreached(Unavailable):
    """The tools of {host} cannot be reached: {reason}."""

    slug = "tools-unreached"
    quoted = ("host", "reason")


class WrongServer(BadInput):
    """{host} is no server of tools that can be used: {reason}."""

    slug = "tools-unusable"
    quoted = ("host", "reason")


class ToolsChanged(Conflict):
    """The tool {tool} is not there any more as it was."""

    slug = "tools-changed"
    quoted = ("tool",)
