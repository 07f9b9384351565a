"""Gathers lines of a text file to blocks that are exact pieces of it, none longer than a block may be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from anima.vendors.readers.decoding import Line
from anima.vendors.readers.model import BLOCK_CHARS, Block, BlockKind, Place

_JOINT_CHARS = 200


@dataclass(slots=True)
class Passage:
    """The lines since the last block, and the white space between the two.

    `heading`, `kind` and `speaker` are those of the block that comes next.
    """

    heading: tuple[str, ...] = ()
    kind: BlockKind = "text"
    speaker: str | None = None
    _parts: list[str] = field(default_factory=list)
    _size: int = 0
    _start: int = 0
    _line: int = 1
    _gap: str = ""

    def add(self, line: Line) -> Iterator[Block]:
        """Takes a line; gives blocks as soon as they are full. Blank lines before a block are none of it."""
        text = line.text + "\n" if line.ends else line.text
        if not self._parts:
            if not line.text.strip():
                self._widen(text)
                return
            self._start, self._line = line.offset, line.number
        self._parts.append(text)
        self._size += len(text)
        while self._size > BLOCK_CHARS:
            whole = "".join(self._parts)
            at = _cut_at(whole)
            yield from self._block(whole[:at])
            rest = whole[at:].lstrip(" ") if self.kind == "text" else whole[at:]
            self._widen(whole[at : len(whole) - len(rest)])
            self._line += whole.count("\n", 0, at)
            self._start += len(whole) - len(rest)
            self._parts, self._size = [rest] if rest else [], len(rest)

    def end(self) -> Iterator[Block]:
        """The block of the lines so far, if there are any."""
        if self._parts:
            yield from self._block("".join(self._parts))
            self._parts, self._size = [], 0

    @property
    def is_empty(self) -> bool:
        """Whether no line has come since the last block."""
        return not self._parts

    def _block(self, text: str) -> Iterator[Block]:
        kept = text.rstrip()
        if not kept.strip():
            self._widen(text)
            return
        place = Place(line=self._line, line_end=self._line + kept.count("\n"), speaker=self.speaker)
        yield Block(kept, self.heading, place, self.kind, self._gap, self._start)
        self._gap = ""
        self._widen(text[len(kept) :])

    def _widen(self, space: str) -> None:
        if len(self._gap) < _JOINT_CHARS:
            self._gap = (self._gap + space)[:_JOINT_CHARS]


def _cut_at(text: str) -> int:
    """Where a text that is too long for a block is cut: after a line, else a word, in its later half."""
    half = BLOCK_CHARS // 2
    for mark in ("\n", " "):
        at = text.rfind(mark, half, BLOCK_CHARS)
        if at >= 0:
            return at + 1
    return BLOCK_CHARS
