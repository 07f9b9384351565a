"""Reads JSON and remembers where everything stands, so that an error can be shown at its line and column.

Stricter than Python's own reader: a key that is there twice is told, NaN and Infinity are no JSON, and nesting has an
end. It reads what is to be checked by a person; what is stored is read by the usual one.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined]
from typing import Any

DEEPEST = 40
"""So deep may objects and lists be in each other."""

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?(?![0-9A-Za-z_.+])")
_WORD = re.compile(r"-?[\w.+-]+")
_LITERALS = {"true": True, "false": False, "null": None}
_LONGEST_WHOLE = 300
_UNCLOSED = "a text without closing quotes on its line (a new line within it is written as \\n)"
WHOLE = "(the whole)"
"""The path of a document itself."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a text, and where: a path, and line and column, both from 1, a column being a character."""

    path: str
    message: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.path}: {self.message}"


@dataclass(slots=True)
class Document:
    """A JSON text that was read: its value, where each key and each value begins, and which keys are there twice."""

    text: str
    value: Any = None
    keys: dict[str, int] = field(default_factory=dict)
    values: dict[str, int] = field(default_factory=dict)
    doubled: list[Problem] = field(default_factory=list)
    _lines: list[int] = field(default_factory=list)

    def problem(self, path: str, message: str, offset: int) -> Problem:
        """A problem at an offset of the text."""
        if not self._lines:
            self._lines = [0, *(found.end() for found in re.finditer(r"\r\n|\n|\r", self.text))]
        line = bisect_right(self._lines, offset)
        return Problem(path or WHOLE, message, line, offset - self._lines[line - 1] + 1)

    def place(self, path: str, *, key: bool = False) -> int:
        """Where what a path names begins (its key, if asked); if it is not there, what should hold it."""
        if key and path in self.keys:
            return self.keys[path]
        while path not in self.values and path:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.values.get(path, 0)


class NotJson(Exception):
    """The text is no JSON; where, and why."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


def inside(path: str, name: object) -> str:
    """The path of a key within a path; what is too long of it is cut."""
    return f"{path}.{str(name)[:100]}" if path else str(name)[:100]


def read(text: str) -> Document:
    """The document in a text. Raises NotJson."""
    document = Document(text)
    reader = _Reader(document)
    document.value, end = reader.value(reader.after_space(int(text.startswith("\ufeff"))), "", 0)
    end = reader.after_space(end)
    if end < len(text):
        raise reader.failure("", f"nothing more is expected here, but there is {reader.shown(end)}", end)
    return document


class _Reader:
    """Goes through a text once; each method takes where to begin and answers a value and where it ends."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.text = document.text

    def value(self, at: int, path: str, depth: int) -> tuple[Any, int]:
        """Any value."""
        self.document.values.setdefault(path, at)
        first = self.text[at : at + 1]
        if depth >= DEEPEST and first in ("{", "["):
            raise self.failure(path, f"nested deeper than {DEEPEST}", at)
        if first == "{":
            return self.object(at, path, depth)
        if first == "[":
            return self.array(at, path, depth)
        return self.string(at, path) if first == '"' else self.plain(at, path)

    def object(self, at: int, path: str, depth: int) -> tuple[dict[str, Any], int]:
        """An object; of keys that are there twice the last counts."""
        found: dict[str, Any] = {}
        end = self.after_space(at + 1)
        if self.text[end : end + 1] == "}":
            return found, end + 1
        while True:
            name, inner, end = self.key(end, path, found)
            found[name], end = self.value(end, inner, depth + 1)
            end, more = self.closed(end, "}", "object", at, path)
            if not more:
                return found, end

    def key(self, at: int, path: str, found: dict[str, Any]) -> tuple[str, str, int]:
        """A key and the colon behind it: its name, its path, and where its value begins."""
        if self.text[at : at + 1] != '"':
            raise self.failure(path, f"a key in double quotes is expected, not {self.shown(at)}", at)
        name, end = self.string(at, path)
        inner = inside(path, name)
        if name in found:
            self.document.doubled.append(self.document.problem(inner, "is there twice", at))
        self.document.keys[inner] = at
        end = self.after_space(end)
        if self.text[end : end + 1] != ":":
            raise self.failure(inner, f"a colon is expected behind the key, not {self.shown(end)}", end)
        return name, inner, self.after_space(end + 1)

    def array(self, at: int, path: str, depth: int) -> tuple[list[Any], int]:
        """A list."""
        found: list[Any] = []
        end = self.after_space(at + 1)
        if self.text[end : end + 1] == "]":
            return found, end + 1
        while True:
            each, end = self.value(end, f"{path}[{len(found)}]", depth + 1)
            found.append(each)
            end, more = self.closed(end, "]", "list", at, path)
            if not more:
                return found, end

    def closed(self, at: int, mark: str, kind: str, begun: int, path: str) -> tuple[int, bool]:
        """Where it goes on behind a value of an object or a list, and whether there is another one."""
        at = self.after_space(at)
        found = self.text[at : at + 1]
        if found == ",":
            after = self.after_space(at + 1)
            if self.text[after : after + 1] == mark:
                raise self.failure(path, "a comma with nothing behind it", at)
            return after, True
        if found != mark:
            line = self.document.problem(path, "", begun).line
            raise self.failure(path, f"a comma or {mark} is expected ({kind} of line {line}), not {self.shown(at)}", at)
        return at + 1, False

    def string(self, at: int, path: str) -> tuple[str, int]:
        """A text."""
        try:
            text, end = scanstring(self.text, at + 1, True)
        except JSONDecodeError as error:
            unclosed = error.msg.startswith("Unterminated") or self.text[error.pos] in "\r\n"
            said = _UNCLOSED if unclosed else f"not in a text: {error.msg.lower()}"
            raise self.failure(path, said, at if unclosed else error.pos) from None
        return text, end

    def plain(self, at: int, path: str) -> tuple[Any, int]:
        """A number, true, false or null."""
        if number := _NUMBER.match(self.text, at):
            digits = number[0]
            whole = number[1] is None and number[2] is None and len(digits) < _LONGEST_WHOLE
            return int(digits) if whole else float(digits), number.end()
        word = _WORD.match(self.text, at)
        if word and word[0] in _LITERALS:
            return _LITERALS[word[0]], word.end()
        raise self.failure(path, f"a value is expected, not {self.shown(at)}", at)

    def after_space(self, at: int) -> int:
        """The next character that is no white space."""
        space = _SPACE.match(self.text, at)
        return space.end() if space else at

    def shown(self, at: int) -> str:
        """What stands at a place, for a message; with a hint where people often go wrong."""
        if at >= len(self.text):
            return "the end of the text"
        if self.text.startswith(("//", "/*", "#"), at):
            return "a comment (JSON has none)"
        if self.text[at] == "'":
            return "a single quote (JSON takes double ones)"
        word = _WORD.match(self.text, at)
        return word[0][:40] if word else self.text[at]

    def failure(self, path: str, message: str, at: int) -> NotJson:
        """An error at a place."""
        return NotJson(self.document.problem(path, message, at))
