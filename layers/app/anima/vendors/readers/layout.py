"""Where text stands on a page decides in which order it is read: columns, lines, paragraphs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

_GAP_OF_COLUMNS = 1.0
_WIDTH_OF_COLUMNS = 8.0
_GAP_OF_PARAGRAPHS = 0.8
_RATIO_OF_SIZES = 1.45
_MOST_BANDS = 20


@dataclass(frozen=True, slots=True)
class Line:
    """A piece of text in one line, and its box in pixels from the top left."""

    text: str
    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        """From top to bottom, at least one pixel."""
        return max(1.0, self.bottom - self.top)


def paragraphs(lines: Sequence[Line]) -> list[str]:
    """The paragraphs of a page in reading order."""
    return [text for column in _columns(list(lines)) for text in _paragraphs(column)]


def _columns(lines: list[Line]) -> list[list[Line]]:
    """Cuts a page recursively at white space: first into bands from top to bottom, then into columns.

    The order of the XY cut (Nagy and Seth, 1984). Only columns of running text are cut apart: the cells of a table
    are narrow, and its rows are to stay together.
    """
    if len(lines) < 4:
        return [lines]
    if cut := _cut_between_columns(lines):
        left = [line for line in lines if line.right <= cut]
        right = [line for line in lines if line.right > cut]
        return [*_columns(left), *_columns(right)]
    for upper, lower in _bands(lines):
        if _cut_between_columns(upper) or _cut_between_columns(lower):
            return [*_columns(upper), *_columns(lower)]
    return [lines]


def _bands(lines: list[Line]) -> list[tuple[list[Line], list[Line]]]:
    """Ways to part the lines by a horizontal one that crosses none; the widest gaps first."""
    ordered = sorted(lines, key=lambda line: line.top)
    gaps: list[tuple[float, int]] = []
    bottom = ordered[0].bottom
    for index, line in enumerate(ordered[1:], 1):
        if line.top >= bottom:
            gaps.append((bottom - line.top, index))
        bottom = max(bottom, line.bottom)
    return [(ordered[:index], ordered[index:]) for _, index in sorted(gaps)[:_MOST_BANDS]]


def _cut_between_columns(lines: list[Line]) -> float | None:
    """Where a vertical strip of white parts the lines into two columns of running text, if one does."""
    size = median(line.height for line in lines)
    ordered = sorted(lines, key=lambda line: line.left)
    right = ordered[0].right
    for index, line in enumerate(ordered[1:], 1):
        if line.left - right > _GAP_OF_COLUMNS * size and _runs(ordered[:index]) and _runs(ordered[index:]):
            return right
        right = max(right, line.right)
    return None


def _runs(lines: list[Line]) -> bool:
    """Whether these lines look like running text rather than the cells of a table."""
    return len(lines) > 1 and median((line.right - line.left) / line.height for line in lines) >= _WIDTH_OF_COLUMNS


def _paragraphs(lines: list[Line]) -> list[str]:
    found: list[str] = []
    before: Line | None = None
    for line in _rows(lines):
        if before is not None and _goes_on(before, line):
            found[-1] = _joined(found[-1], line.text)
        else:
            found.append(line.text)
        before = line
    return found


def _rows(lines: list[Line]) -> list[Line]:
    """Pieces that stand beside each other as one line, from left to right; lines from top to bottom."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda each: (each.top + each.bottom) / 2):
        middle = (line.top + line.bottom) / 2
        if rows and rows[-1][0].top < middle < rows[-1][0].bottom:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [_row(sorted(row, key=lambda each: each.left)) for row in rows]


def _row(pieces: list[Line]) -> Line:
    text = " ".join(piece.text.strip() for piece in pieces)
    bottom = max(piece.bottom for piece in pieces)
    return Line(text, pieces[0].left, min(piece.top for piece in pieces), pieces[-1].right, bottom)


def _goes_on(before: Line, line: Line) -> bool:
    """Whether a line belongs to the paragraph of the one before: near below it, and of its size."""
    sizes = sorted((before.height, line.height))
    return line.top - before.bottom < _GAP_OF_PARAGRAPHS * sizes[0] and sizes[1] < _RATIO_OF_SIZES * sizes[0]


def _joined(text: str, more: str) -> str:
    """The next line behind the text so far; a word that was parted at the end of the line becomes whole."""
    if text.endswith("-") and len(text) > 1 and text[-2].isalpha() and more[:1].islower():
        return text[:-1] + more
    return f"{text} {more}"
