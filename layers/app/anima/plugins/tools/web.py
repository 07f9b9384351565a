"""The web as a plugin: the text of a page that somebody names, and of what a search engine answers."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from anima.plugins.builtin import TOOLS
from anima.plugins.plugin import Context, Plugin, Result, Tool, ToolFailed
from anima.vendors import readers, web

MAX_BYTES = 4_000_000
_KEPT_CHARS = 12_000
_KINDS = frozenset({"text", "markdown", "html", "source", "pdf", "docx", "csv", "epub"})
_LIMITS = readers.Limits(
    expanded_bytes=64 << 20, parts=500, pages=60, rows=20_000, tree_bytes=16 << 20, memory_bytes=1 << 30, cpu_seconds=15
)


def _read(arguments: dict[str, Any], context: Context) -> Result:
    return Result(_text(arguments["url"], context))


def _search(arguments: dict[str, Any], context: Context) -> Result:
    template = str(context.config.get("search_url") or "")
    if "{query}" not in template:
        raise ToolFailed("No search engine is configured.", "not-configured")
    return Result(_text(template.replace("{query}", quote(arguments["query"], safe="")), context))


def _text(url: str, context: Context) -> str:
    """The beginning of what stands at an address, from public addresses only."""
    until = time.monotonic() + context.seconds
    with tempfile.TemporaryDirectory(prefix="anima-web-") as folder:
        path = Path(folder, "page")
        fetched = web.fetch(url, path, max_bytes=MAX_BYTES, seconds=min(context.seconds, web.SECONDS))
        medium = readers.medium_of(path, name=fetched.name)
        if medium.kind not in _KINDS:
            raise ToolFailed(f"It is {medium.described}, and no text.", "not-text")
        told = "".join(_pieces(path, medium, fetched.media_type, until)).strip()
    return f"{fetched.url}\n\n{told}" if told else f"{fetched.url}\n\nThere is no text on it."


def _pieces(path: Path, medium: readers.Medium, declared: str | None, until: float) -> Iterator[str]:
    left = _KEPT_CHARS
    for item in readers.read_apart(path, medium, declared=declared, limits=_LIMITS):
        if isinstance(item, readers.Block):
            yield item.joint + item.text
            left -= len(item.text)
        if left <= 0 or time.monotonic() > until:
            return


_READ, _FIND = TOOLS["web"]
PLUGIN = Plugin(
    "web",
    "1",
    [
        Tool(_READ.name, _READ.description, _READ.parameters, _read),
        Tool(_FIND.name, _FIND.description, _FIND.parameters, _search),
    ],
    settings={
        "type": "object",
        "properties": {
            "search_url": {
                "type": "string",
                "maxLength": 2000,
                "pattern": "^https?://.*\\{query\\}",
                "description": "A search engine's address, with {query} where the words go",
            }
        },
        "additionalProperties": False,
    },
)
