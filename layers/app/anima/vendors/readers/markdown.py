"""Markdown: the source as it is, block by block; each knows the path of headings above it.

Follows CommonMark 0.31 for what opens and closes headings and fences, line by line, so that no file is too long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from anima.vendors.readers.decoding import Line, lines
from anima.vendors.readers.model import Block, Item
from anima.vendors.readers.passage import Passage
from anima.vendors.readers.plain import with_progress

_FRONT_LINES = 100
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*))?$")
_CLOSING = re.compile(r"(?:^|[ \t])#+$")
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
# What cannot be the text of a heading that is underlined: a list item, a quote, a table row, a rule, code.
_NO_TEXT = re.compile(r" {0,3}(?:[-*+][ \t]|\d{1,9}[.)][ \t]|>|\|)| {4}|\t")


def read(path: Path) -> Iterator[Item]:
    """The paragraphs, lists, tables and fences of a Markdown file, and its headings."""
    yield from with_progress(path, _Source().blocks(lines(path)))


def _front(head: Sequence[Line]) -> int:
    """How many lines at the top are front matter, as publishers use it: what stands between two lines of dashes."""
    if head and head[0].text.rstrip() == "---":
        for number, line in enumerate(head[1:], 2):
            if line.text.rstrip() in ("---", "..."):
                return number
            if not line.text.strip():
                break
    return 0


@dataclass(slots=True)
class _Source:
    """Where the reader is: the block being gathered, the headings above it, the fence that is open."""

    passage: Passage = field(default_factory=Passage)
    path: list[tuple[int, str]] = field(default_factory=list)
    fence: str = ""
    paragraph: list[Line] = field(default_factory=list)

    def blocks(self, coming: Iterator[Line]) -> Iterator[Block]:
        head = list(islice(coming, _FRONT_LINES))
        front, starts = _front(head), True
        for number, line in enumerate(chain(head, coming)):
            if number < front:
                yield from self.passage.add(line)
            elif starts:
                if number == front:
                    yield from self.passage.end()
                yield from self._line(line)
            else:
                yield from self._let_go()
                yield from self.passage.add(line)
            starts = line.ends
        yield from self._let_go()
        yield from self.passage.end()

    def _line(self, line: Line) -> Iterator[Block]:
        if self.fence:
            yield from self._in_fence(line)
        elif opened := _FENCE.match(line.text):
            yield from self._end("code")
            self.fence = opened[1]
            yield from self.passage.add(line)
        elif (atx := _ATX.match(line.text.rstrip())) and line.ends:
            yield from self._end("text")
            yield from self._heading(len(atx[1]), _CLOSING.sub("", (atx[2] or "").rstrip()), [line])
        elif self.paragraph and (under := _SETEXT.match(line.text)):
            held = [*self.paragraph, line]
            self.paragraph = []
            title = " ".join(each.text.strip() for each in held[:-1])
            yield from self._end("text")
            yield from self._heading(1 if under[1][0] == "=" else 2, title, held)
        else:
            yield from self._text(line)

    def _in_fence(self, line: Line) -> Iterator[Block]:
        yield from self.passage.add(line)
        mark = line.text.strip()
        if mark.startswith(self.fence) and not mark.strip(self.fence[0]) and line.text[:4].strip():
            self.fence = ""
            yield from self._end("text")

    def _text(self, line: Line) -> Iterator[Block]:
        """A line of a paragraph waits as long as an underline may still make a heading of it."""
        if not line.text.strip():
            yield from self._end("text")
            yield from self.passage.add(line)
        elif self.passage.is_empty and len(self.paragraph) < 3 and not _NO_TEXT.match(line.text) and line.ends:
            self.paragraph.append(line)
        else:
            yield from self._let_go()
            yield from self.passage.add(line)

    def _let_go(self) -> Iterator[Block]:
        held, self.paragraph = self.paragraph, []
        for line in held:
            yield from self.passage.add(line)

    def _end(self, following: str) -> Iterator[Block]:
        """Ends the block so far; the next one is text or code."""
        yield from self._let_go()
        yield from self.passage.end()
        self.passage.kind = "code" if following == "code" else "text"

    def _heading(self, level: int, title: str, held: list[Line]) -> Iterator[Block]:
        title = title.replace("*", "").replace("`", "").strip()[:500]
        self.path = [*(each for each in self.path if each[0] < level), (level, title)]
        self.passage.heading = tuple(each for _, each in self.path)
        self.passage.kind = "heading"
        for line in held:
            yield from self.passage.add(line)
        yield from self.passage.end()
        self.passage.kind = "text"
