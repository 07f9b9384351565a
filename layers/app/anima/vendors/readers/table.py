"""Tables: a block for each row, its cells named by the heads of their columns where the first row holds such."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

from anima.vendors.readers import decoding
from anima.vendors.readers.errors import TooMuch
from anima.vendors.readers.model import BLOCK_CHARS, Block, Item, Limits, Place, Progress, Unread

PROGRESS_ROWS = 5_000
_LINE_CHARS = 100_000
_FIELD_CHARS = 1 << 17  # where quotes do not close, no more rows than that are lost
_UNREAD_TOLD = 100
_SAMPLE_LINES = 50
_HEAD_CHARS = 100
_NUMBER = re.compile(r"[-+]?[\d\s.,%€$£:/-]+")

Row = tuple[int, Sequence[str]]


def read(path: Path, limits: Limits) -> Iterator[Item]:
    """The rows of a file of separated values. Raises TooMuch for more rows than a table may have."""
    lines = _lines(path)
    sample = list(islice(lines, _SAMPLE_LINES))
    separator = _separator(sample)
    csv.field_size_limit(_FIELD_CHARS)
    records = _records(csv.reader(chain(sample, lines), delimiter=separator, skipinitialspace=True))
    total, told, number = path.stat().st_size, 0, 0
    spent = 0
    for item in _blocks(records):
        yield item
        if isinstance(item, Block) and item.place.row is not None:
            number = item.place.row
            spent += len(item.text)
            if number > limits.rows:
                raise TooMuch(reason=f"a table of more than {limits.rows} rows")
            if number - told >= PROGRESS_ROWS:
                told = number
                yield Progress(min(spent, total), total, "bytes")
    yield Progress(total, total, "bytes")


def _blocks(records: Iterable[Row | Unread]) -> Iterator[Block | Unread]:
    table = Table(Place(), ())
    for each in records:
        if isinstance(each, Unread):
            yield each
        else:
            yield from table.add(*each)
    yield from table.end()


@dataclass(slots=True)
class Table:
    """A table whose rows come one after another; the first waits for the second, which tells whether it names columns.

    Blocks carry the number of their row where `numbered`.
    """

    place: Place
    heading: tuple[str, ...]
    numbered: bool = True
    _first: Row | None = None
    _heads: Sequence[str] | None = None
    _begun: bool = False
    _told: bool = False

    def add(self, number: int, cells: Sequence[str]) -> Iterator[Block]:
        """Takes a row that is not empty."""
        if not self._begun and self._first is None:
            self._first = (number, cells)
            return
        if self._first is not None:
            self._heads = self._first[1] if _are_heads(self._first[1], cells) else None
            yield from self.end()
        yield from self._block(number, _joined(cells) if self._heads is None else _named(self._heads, cells))

    def end(self) -> Iterator[Block]:
        """A row that still waits."""
        if self._first is not None:
            (number, cells), self._first, self._begun = self._first, None, True
            yield from self._block(number, _joined(cells))

    def _block(self, number: int, text: str) -> Iterator[Block]:
        joint = "\n" if self._told else "\n\n"
        at = replace(self.place, row=number) if self.numbered else self.place
        for start in range(0, len(text), BLOCK_CHARS):
            yield Block(text[start : start + BLOCK_CHARS], self.heading, at, joint="" if start else joint)
        self._told = True


def _joined(cells: Sequence[str]) -> str:
    return " | ".join(cells).strip(" |")


def _named(heads: Sequence[str], cells: Sequence[str]) -> str:
    """Each filled cell below the head of its column: `Name: Ines; Place: Nantes`."""
    named = [f"{head}: {cell}" if head else cell for head, cell in zip(heads, cells, strict=False) if cell]
    return "; ".join([*named, *(cell for cell in cells[len(heads) :] if cell)])


def _are_heads(first: Sequence[str], second: Sequence[str]) -> bool:
    """Whether a row names columns: short different words above another row, not numbers."""
    given = [cell for cell in first if cell]
    if len(given) < 2 or len(given) < 0.5 * max(len(first), len(second)) or len(set(given)) < len(given):
        return False
    return not any(len(cell) > _HEAD_CHARS or _NUMBER.fullmatch(cell) for cell in given)


def _lines(path: Path) -> Iterator[str]:
    """The lines of the file with their ends; one that never ends comes in pieces."""
    held: list[str] = []
    size = 0
    for line in decoding.lines(path):
        held.append(line.text)
        size += len(line.text)
        if line.ends or size >= _LINE_CHARS:
            yield "".join(held) + ("\n" if line.ends else "")
            held, size = [], 0


def _records(reader: Iterator[list[str]]) -> Iterator[Row | Unread]:
    number, left = 0, _UNREAD_TOLD
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            left -= 1
            if left >= 0:
                yield Unread(f"row {number}", "its quotes do not close")
            continue
        if any(cell.strip() for cell in cells):
            yield number, [" ".join(cell.split()) for cell in cells]


def _separator(sample: Sequence[str]) -> str:
    """The mark that cuts the most lines into the same number of cells."""

    def fit(mark: str) -> tuple[float, int]:
        try:
            lengths = Counter(len(cells) for cells in csv.reader(sample, delimiter=mark) if cells)
        except csv.Error:
            return 0.0, 0
        lengths.pop(1, None)
        if not lengths:
            return 0.0, 0
        width, count = lengths.most_common(1)[0]
        return count / len(sample), width

    return max(",;\t|", key=fit)
