"""Source code: a block for each function or class that stands at the left edge or directly in a class.

No grammar is needed: the lines at which definitions begin are told by the language's words, what belongs to them by
indentation, so that a file of any length is read line by line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from anima.vendors.readers.decoding import Line, lines
from anima.vendors.readers.model import Block, Item
from anima.vendors.readers.passage import Passage
from anima.vendors.readers.plain import with_progress

_VISIBLE = (
    r"(?:(?:export|default|public|private|protected|internal|static|final|abstract|sealed|open|override|async"
    r"|pub(?:\([a-z]{1,9}\))?|unsafe|extern|inline|virtual|partial|data|case|const|suspend|local)\s+){0,6}"
)
_NAME = r"(?P<name>[A-Za-z_$][\w$]{0,100})"
_DEFINED = {
    "python": re.compile(rf"(?:async\s+)?(?P<what>def|class)\s+{_NAME}"),
    "ruby": re.compile(r"(?P<what>def|class|module)\s+(?P<name>[\w.:?!]{1,100})"),
    "sql": re.compile(
        r"create\s+(?:or\s+replace\s+)?(?:unique\s+)?(?P<what>table|view|function|procedure|trigger|index|type)\s+"
        r"(?:if\s+not\s+exists\s+)?(?P<name>[\w.\"]{1,100})",
        re.I,
    ),
    "shell": re.compile(rf"(?:(?P<what>function)\s+)?{_NAME}\s*\(\)"),
    "go": re.compile(rf"(?P<what>func|type)\s+(?:\([^()]{{0,100}}\)\s*)?{_NAME}"),
    "elixir": re.compile(r"(?P<what>defmodule|defp?|defmacro)\s+(?P<name>[\w.?!]{1,100})"),
    "css": re.compile(r"(?P<name>[.#@a-zA-Z][^{};]{0,100}?)\s*\{"),
}
_BRACED = re.compile(
    rf"{_VISIBLE}(?:(?P<what>class|interface|trait|impl|struct|enum|object|record|namespace|module|mod|fn|func"
    rf"|function|fun|def|type|union|macro_rules!|protocol|extension|sub|package)\b\s*\*?\s*(?:<[^<>]{{0,60}}>\s*)?{_NAME}?"
    r"|(?:const|let|var)\s+(?P<bound>[A-Za-z_$][\w$]{0,100})\s*=\s*(?:async\s*)?(?:function\b|\([^()]{0,200}\)\s*=>|[\w$]+\s*=>))"
)
# A function of C, C++, Java or C#: type, name and arguments, and a brace or nothing at the end of the line.
_TYPED = re.compile(
    r"(?!(?:if|for|while|switch|return|else|catch|do|new|throw|delete|case|typedef|using|import)\b)"
    r"(?:[\w:<>,\[\]*&~]{1,80}\s+){1,6}[*&]{0,3}(?P<name>[\w:~]{1,100})\s*\([^;{}=]{0,400}\)?[^;={}]{0,80}\{?\s*$"
)
_BY_TYPE = {"c", "cpp", "java", "csharp", "dart"}
_PLAIN = {"json", "yaml", "toml", "ini", "xml", "tex", "make", "docker"}
_HOLDERS = {"class", "interface", "trait", "impl", "struct", "object", "record", "namespace", "module", "mod"}
_HOLDERS |= {"enum", "protocol", "extension", "defmodule"}
# What stands before a definition and belongs to it: decorators, annotations, comments.
_BEFORE = re.compile(r"(?:@|#\[|//|/\*|\*|#(?!include|define|if|endif|pragma)|--)")
_BEFORE_LINES = 40
_CONTINUING = {"end", "fi", "done", "esac", "public:", "private:", "protected:"}


def read(path: Path, language: str) -> Iterator[Item]:
    """The pieces of a source file, each below the names of its class and function."""
    yield from with_progress(path, _Source(language).blocks(lines(path)))


@dataclass(slots=True)
class _Source:
    """The block being gathered, the definitions that are open, and lines that may belong to what follows."""

    language: str
    passage: Passage = field(default_factory=lambda: Passage(kind="code"))
    open: list[tuple[int, str, bool]] = field(default_factory=list)
    before: list[Line] = field(default_factory=list)

    def blocks(self, coming: Iterator[Line]) -> Iterator[Block]:
        starts = True
        for line in coming:
            if not starts:
                yield from self._let_go()
                yield from self.passage.add(line)
            elif self.language in _PLAIN:
                yield from self._paragraph(line)
            else:
                yield from self._line(line)
            starts = line.ends
        yield from self._let_go()
        yield from self.passage.end()

    def _paragraph(self, line: Line) -> Iterator[Block]:
        if not line.text.strip():
            yield from self.passage.end()
        yield from self.passage.add(line)

    def _line(self, line: Line) -> Iterator[Block]:
        code = line.text.strip()
        indent = _indent(line.text)
        if not code:
            yield from self._let_go()
            yield from self.passage.add(line)
            return
        if self._is_outside(indent) and _BEFORE.match(code) and len(self.before) < _BEFORE_LINES:
            self.before.append(line)
            return
        found = self._defined(code) if self._is_outside(indent) else None
        if found is not None:
            yield from self._opens(indent, *found)
        yield from self._let_go()
        if found is None and self.open and indent <= self.open[-1][0] and not _continues(code):
            yield from self.passage.end()
            self._close(indent)
        yield from self.passage.add(line)

    def _is_outside(self, indent: int) -> bool:
        """Whether a line stands at the left edge or directly in a class, not within a function."""
        return all(each_indent >= indent or holds for each_indent, _, holds in self.open)

    def _defined(self, code: str) -> tuple[str, bool] | None:
        """The name that a line defines, and whether it is a class or the like, which holds others."""
        found = _DEFINED.get(self.language, _BRACED).match(code)
        if found is None and self.language in _BY_TYPE:
            found = _TYPED.match(code)
        if found is None:
            return None
        groups = found.groupdict()
        name = groups.get("name") or groups.get("bound") or groups.get("what") or ""
        return name, groups.get("what") in _HOLDERS

    def _opens(self, indent: int, name: str, holds: bool) -> Iterator[Block]:
        yield from self.passage.end()
        self._close(indent)
        self.open.append((indent, name, holds))
        self.passage.heading = tuple(each for _, each, _ in self.open)

    def _close(self, indent: int) -> None:
        self.open = [each for each in self.open if each[0] < indent]
        self.passage.heading = tuple(each for _, each, _ in self.open)

    def _let_go(self) -> Iterator[Block]:
        held, self.before = self.before, []
        for line in held:
            yield from self.passage.add(line)


def _indent(text: str) -> int:
    return len(text.expandtabs(4)) - len(text.expandtabs(4).lstrip())


def _continues(code: str) -> bool:
    """Whether a line at the edge belongs to what is open: a brace, an `end`, the lower end of a signature, a label."""
    if code[0] in "{})]#":
        return True
    return code.split(";")[0].strip() in _CONTINUING
