"""What a runner answers about a call, and how a foreign text becomes plain data within its bounds. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anima.kernel import db
from anima.plugins.model import MAX_TEXT_CHARS

# Control characters, lone surrogates, and what turns the direction of a text: nothing of it is meant to be read.
_UNREADABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Job:
    """A call as a runner gets it: of which plugin and tool, its arguments that fit, for whom, until when.

    `until` is a moment of time.monotonic(); `digest` that of the tool as it was offered.
    """

    principal: db.Principal
    plugin_id: int
    plugin: str
    tool: str
    digest: str
    arguments: dict[str, Any]
    config: Mapping[str, Any]
    secret: str | None
    private_allowed: bool
    cited: int
    until: float
    private: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it; `error` is a slug, and the text then says why."""

    text: str
    error: str | None = None
    media: Sequence[bytes] = ()
    hits: Sequence[Any] = ()


def plain(text: str, limit: int = MAX_TEXT_CHARS) -> str:
    """A text without what cannot be read, cut at its limit; a cut is said."""
    readable = _UNREADABLE.sub("", text[: 4 * limit].replace("\r\n", "\n").replace("\r", "\n"))
    left_out = max(len(readable) - limit, 0) + max(len(text) - 4 * limit, 0)
    return f"{readable[:limit]}\n[{left_out} more characters are left out]" if left_out else readable
