"""What is built in, as the catalogue knows it: its tools, and where the code is that is loaded when one is called.

Pure: a turn that offers these tools loads nothing of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from anima.plugins.model import ToolSpec

GROUP = "anima.plugins"
"""The entry points under which installed packages name their plugins."""


def _object(required: str, **properties: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an object; `required` are the first words of its properties that must be there."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": required.split(),
        "additionalProperties": False,
    }


_CALCULATE = ToolSpec(
    "calculate",
    "Calculates an arithmetic expression exactly: + - * / // ^ % ! and sqrt, round, log, ln, exp, sin, cos, tan, min, "
    "max, sum, mean, pi, e. Example: (12.5 + 3) * 4^2.",
    _object("expression", expression={"type": "string", "minLength": 1, "maxLength": 1000}),
    timeout=3.0,
)
_SEARCH = ToolSpec(
    "search_documents",
    "Searches the documents of the person whom you talk with. Answers numbered passages; cite them as [n].",
    _object(
        "query",
        query={"type": "string", "minLength": 1, "maxLength": 1000, "description": "What to look for, in words"},
        count={"type": "integer", "minimum": 1, "maximum": 10, "description": "How many passages at most"},
    ),
    timeout=10.0,
)
_READ = ToolSpec(
    "read_page",
    "Reads the text of a page of the public web.",
    _object("url", url={"type": "string", "minLength": 8, "maxLength": 2000, "description": "http:// or https://"}),
    timeout=25.0,
    outside=True,
)
_FIND = ToolSpec(
    "search_web",
    "Searches the public web, and answers what the search engine says, as text.",
    _object("query", query={"type": "string", "minLength": 1, "maxLength": 400}),
    timeout=25.0,
    outside=True,
)
_PYTHON = ToolSpec(
    "run_python",
    "Runs a short Python program and answers what it printed, and the value of its last line. It has part of the "
    "standard library, no files, no network, and some seconds.",
    _object("code", code={"type": "string", "minLength": 1, "maxLength": 20_000}),
    approval="ask",
    timeout=20.0,
)
_PICTURE = ToolSpec(
    "make_picture",
    "Makes a picture from a description and shows it to the person.",
    _object(
        "description",
        description={"type": "string", "minLength": 1, "maxLength": 4000},
        size={"type": "string", "enum": ["1024x1024", "1024x1536", "1536x1024"]},
    ),
    timeout=60.0,
    outside=True,
)

TOOLS: dict[str, tuple[ToolSpec, ...]] = {
    "calculator": (_CALCULATE,),
    "search": (_SEARCH,),
    "web": (_READ, _FIND),
    "code": (_PYTHON,),
    "picture": (_PICTURE,),
}
"""The tools of each built-in plugin."""

DEFAULT_ON = ("calculator", "search")
"""What a new avatar may use before anybody says so."""

DESCRIPTIONS: dict[str, str] = {
    "calculator": "Arithmetic that is right",
    "search": "Searches the person's own documents",
    "web": "Reads pages of the public web, and searches it where a search engine is configured",
    "code": "Runs short Python programs in a process of their own, without files and network",
    "picture": "Makes pictures, where a model of images is configured",
}

RUNNERS = {
    "builtin": "anima.plugins.running_here:run",
    "package": "anima.plugins.running_apart:run",
    "mcp": "anima.plugins.running_mcp:run",
}
"""How a tool of each kind is run: loaded when one is."""


def place(name: str) -> str:
    """Where the code of a built-in plugin is, as an entry point says it."""
    return f"anima.plugins.tools.{name}:PLUGIN"


def load(place: str) -> Any:
    """What an entry point names. Raises ImportError, AttributeError."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
