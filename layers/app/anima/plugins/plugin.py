"""What a plugin is made of: its tools, each a function of its arguments. A package names its `Plugin` by an entry point
of the group `anima.plugins`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from anima.plugins.model import Approval

if TYPE_CHECKING:
    from anima.kernel import db


class ToolFailed(Exception):
    """A tool says why it cannot: the message goes to the model, `error` is a slug for the log."""

    def __init__(self, message: str, error: str = "failed") -> None:
        super().__init__(message)
        self.error = error


@dataclass(frozen=True, slots=True)
class Context:
    """What a call knows besides its arguments: the plugin's configuration, and the seconds it has.

    `house` is there for what is built in alone; a package runs in a process of its own, without it.
    """

    config: Mapping[str, Any]
    seconds: float
    house: House | None = None


@dataclass(frozen=True, slots=True)
class House:
    """For whom a built-in tool acts; `cited` is how many passages the turn has numbered, `until` a moment of
    time.monotonic(). Of a `private` session nothing is written.
    """

    principal: db.Principal
    cited: int
    until: float
    private: bool


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool answers: a text, and perhaps files (at most a megabyte each)."""

    text: str
    media: Sequence[bytes] = ()
    hits: Sequence[Any] = ()


Run = Callable[[dict[str, Any], Context], "Result | str"]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: what a model is told of it, the JSON schema of its arguments, and what it does.

    `run` raises ToolFailed where it cannot. It is called with arguments that fit the schema, and ended after `timeout`
    seconds (60 at most). Say `outside=False` of a tool that sends nothing of its arguments to other machines.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    run: Run
    approval: Approval = "never"
    timeout: float = 10.0
    outside: bool = True


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin: a name (small letters, digits, - and _), a version, and its tools."""

    name: str
    version: str
    tools: Sequence[Tool]
    description: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """JSON schema of its configuration."""

    def tool(self, name: str) -> Tool:
        """One of its tools. Raises KeyError."""
        return {one.name: one for one in self.tools}[name]
