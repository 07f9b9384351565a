"""The lines of the input: read one by one, each checked; a line that is at fault is told, and never ends the job.

A line is a JSON object with an `id` (a text, or a whole number) and one of `prompt`, `messages` or `text`; whatever
else it holds is left alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from .table import key_of

MOST_ID = 512
_ROLES = ("system", "developer", "user", "assistant", "tool")
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a line: a stable word, and a sentence."""

    slug: str
    reason: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line by its number in the file, from 1. `content` is a text or messages; `digest` stands for it."""

    number: int
    id: str | int | None
    kind: str
    content: Any
    digest: bytes
    n_bytes: int
    fault: Fault | None = None

    @property
    def messages(self) -> list[dict[str, Any]]:
        """As a chat is asked."""
        return self.content if self.kind == "messages" else [{"role": "user", "content": self.content}]


def measured(path: Path) -> tuple[str, int, int]:
    """The sha256 of a file, how many lines of it hold anything, and the number of the last. No line is in memory."""
    whole, filled, last, open_line = hashlib.sha256(), 0, 1, False
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            whole.update(piece)
            first, *rest = piece.split(b"\n")
            open_line = open_line or bool(first.strip())
            last += len(rest)
            for part in rest:
                filled += open_line
                open_line = bool(part.strip())
    return whole.hexdigest(), filled + open_line, last


def read(path: Path, longest: int) -> Iterator[Line]:
    """Every line that holds anything; at most `longest` bytes of one are in memory."""
    with path.open("rb") as file:
        for number, raw in _raw(file, longest):
            if raw is None:
                yield _faulty(number, "line-too-long", f"it has more than {longest} bytes")
            elif raw.strip():
                yield _line(number, raw)


def _raw(file: BinaryIO, longest: int) -> Iterator[tuple[int, bytes | None]]:
    number = 0
    while raw := file.readline(longest + 1):
        number += 1
        if raw.endswith(b"\n") or len(raw) <= longest:
            yield number, raw
            continue
        while (more := file.readline(_PIECE)) and not more.endswith(b"\n"):
            pass
        yield number, None


def _line(number: int, raw: bytes) -> Line:
    try:
        given = json.loads(raw.decode("utf-8-sig" if number == 1 else "utf-8"))
    except UnicodeDecodeError:
        return _faulty(number, "bad-line", "it is not UTF-8")
    except (ValueError, RecursionError):
        return _faulty(number, "bad-line", "it is not JSON")
    if not isinstance(given, dict):
        return _faulty(number, "bad-line", "it is no JSON object")
    known = given.get("id")
    if not _is_id(known):
        return _faulty(number, "no-id", f"its id is no text of 1 to {MOST_ID} characters, nor a whole number")
    kinds = [name for name in ("prompt", "messages", "text") if given.get(name) is not None]
    if len(kinds) != 1:
        return _faulty(number, "bad-line", "it has none or several of prompt, messages and text", known)
    kind, content = kinds[0], given[kinds[0]]
    if (wrong := _wrong(kind, content)) is not None:
        return _faulty(number, "bad-line", wrong, known)
    said = json.dumps([kind == "messages", content], sort_keys=True).encode()
    return Line(number, known, kind, content, key_of(said), len(raw))


def _is_id(value: Any) -> bool:
    if isinstance(value, str):
        return 1 <= len(value) <= MOST_ID
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _wrong(kind: str, content: Any) -> str | None:
    if kind != "messages":
        return None if isinstance(content, str) and content else f"its {kind} is no text"
    if not isinstance(content, list) or not content:
        return "its messages are no list with something in it"
    if any(not isinstance(one, dict) or one.get("role") not in _ROLES for one in content):
        return f"a message has a role of {', '.join(_ROLES)}"
    return None


def _faulty(number: int, slug: str, reason: str, known: str | int | None = None) -> Line:
    return Line(number, known, "", None, b"", 0, Fault(slug, reason))
