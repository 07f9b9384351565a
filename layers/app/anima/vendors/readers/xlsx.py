"""Spreadsheets: the rows of every sheet, their cells named by the heads of the columns; read as the file unpacks."""

from __future__ import annotations

import re
import tempfile
import zipfile
from array import array
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from anima.vendors.readers import archive
from anima.vendors.readers.errors import TooMuch
from anima.vendors.readers.model import Item, Limits, Place, Progress
from anima.vendors.readers.package import main_part, read_part, related, relations
from anima.vendors.readers.table import PROGRESS_ROWS, Table
from anima.vendors.readers.xml import Event

_COLUMNS = 16_384
_CELL_CHARS = 32_767  # what a cell may hold
_STRINGS_IN_MEMORY = 8 << 20
# ECMA-376 part 1, 18.8.30: the formats of numbers that are dates or times, and percentages.
_DATES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
_PERCENTS = {9, 10}
_LITERAL = re.compile(r'"[^"]*"|\[[^\[\]]*\]|\\.|_.|\*.')
_EPOCH = datetime(1899, 12, 30)
_EPOCH_1904 = datetime(1904, 1, 1)


def read(path: Path, limits: Limits) -> Iterator[Item]:
    """The rows of all sheets. Raises Unreadable, TooMuch."""
    with archive.opened(path, limits) as zipped:
        main = main_part(zipped)
        parts = relations(zipped, main)
        sheets: list[tuple[str, str]] = []
        epoch = _EPOCH
        for event in read_part(zipped, main):
            given = event.attributes
            if event.kind == "start" and event.name == "sheet" and given.get("r:id") in parts:
                sheets.append((given.get("name", ""), parts[given["r:id"]].part))
            elif event.kind == "start" and event.name == "workbookPr" and given.get("date1904") in ("1", "true"):
                epoch = _EPOCH_1904
        formats = list(_formats(zipped, related(parts, "styles")))
        with closing(_Strings()) as strings:
            strings.gather(read_part(zipped, related(parts, "sharedStrings"), optional=True))
            cells = _Cells(strings, formats, epoch)
            yield from _sheets(zipped, sheets, cells, limits)


def _sheets(
    zipped: zipfile.ZipFile, sheets: Sequence[tuple[str, str]], cells: _Cells, limits: Limits
) -> Iterator[Item]:
    done = 0
    for name, part in sheets:
        table = Table(Place(sheet=name), (name,))
        for number, row in cells.rows(read_part(zipped, part, optional=True)):
            yield from table.add(number, row)
            done += 1
            if done % PROGRESS_ROWS == 0:
                yield Progress(done, None, "rows")
            if done > limits.rows:
                raise TooMuch(reason=f"a spreadsheet of more than {limits.rows} rows")
        yield from table.end()
    yield Progress(done, done, "rows")


def _formats(zipped: zipfile.ZipFile, part: str | None) -> Iterator[str]:
    """What the number of a cell is, for each style: `date`, `percent` or nothing."""
    codes: dict[int, str] = {}
    in_cells = False
    for event in read_part(zipped, part, optional=True):
        if event.name == "cellXfs":
            in_cells = event.kind == "start"
        elif event.kind != "start":
            continue
        elif event.name == "numFmt":
            codes[_number(event.attributes.get("numFmtId"))] = event.attributes.get("formatCode", "")
        elif event.name == "xf" and in_cells:
            number = _number(event.attributes.get("numFmtId"))
            yield _kind(number, codes.get(number, ""))


def _kind(number: int, code: str) -> str:
    plain = _LITERAL.sub("", code.partition(";")[0]).lower()
    if number in _DATES or (any(mark in plain for mark in "ymdhs") and "general" not in plain):
        return "date"
    return "percent" if number in _PERCENTS or "%" in plain else ""


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else 0


class _Strings:
    """The texts that cells share: on disk once they are many, in memory only where each begins."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_STRINGS_IN_MEMORY)  # noqa: SIM115 - closed by close
        self._starts = array("Q", [0])

    def gather(self, coming: Iterator[Event]) -> None:
        """Takes all of them; how they are pronounced, which Japanese sheets say, is no part of them."""
        texts: list[str] = []
        in_text, spoken = False, 0
        for event in coming:
            if event.kind == "text":
                if in_text and not spoken:
                    texts.append(event.name)
            elif event.name == "rPh":
                spoken += 1 if event.kind == "start" else -1
            elif event.name == "t":
                in_text = event.kind == "start"
            elif event.name == "si" and event.kind == "end":
                data = "".join(texts)[:_CELL_CHARS].encode(errors="replace")
                self._file.write(data)
                self._starts.append(self._starts[-1] + len(data))
                texts.clear()

    def text(self, index: int) -> str:
        """A text by its number; nothing for one that is not there."""
        if not 0 <= index < len(self._starts) - 1:
            return ""
        self._file.seek(self._starts[index])
        return self._file.read(self._starts[index + 1] - self._starts[index]).decode(errors="replace")

    def close(self) -> None:
        """Lets go of the file."""
        self._file.close()


@dataclass(slots=True)
class _Cells:
    """Reads the cells of a sheet as a person sees them."""

    strings: _Strings
    formats: Sequence[str]
    epoch: datetime
    row: dict[int, str] = field(default_factory=dict)
    number: int = 0
    column: int = 0
    kind: str = ""
    style: int = 0
    texts: list[str] = field(default_factory=list)
    in_value: bool = False

    def rows(self, coming: Iterator[Event]) -> Iterator[tuple[int, list[str]]]:
        """The rows that are not empty, with their numbers in the sheet."""
        self.number = 0
        for event in coming:
            if event.kind == "text":
                if self.in_value:
                    self.texts.append(event.name)
            elif event.kind == "start":
                self._start(event)
            elif event.name == "row":
                if self.row:
                    yield self.number, [self.row.get(at, "") for at in range(1, max(self.row) + 1)]
            else:
                self._end(event.name)

    def _start(self, event: Event) -> None:
        given = event.attributes
        if event.name == "row":
            self.number = _number(given.get("r")) or self.number + 1
            self.row, self.column = {}, 0
        elif event.name == "c":
            self.column = _column(given.get("r", "")) or self.column + 1
            self.kind, self.style = given.get("t", "n"), _number(given.get("s"))
            self.texts.clear()
        elif event.name in ("v", "t"):
            self.in_value = True

    def _end(self, name: str) -> None:
        if name in ("v", "t"):
            self.in_value = False
        elif name == "c" and self.texts and self.column <= _COLUMNS:
            text = " ".join(self._shown("".join(self.texts)).split())
            if text:
                self.row[self.column] = text

    def _shown(self, value: str) -> str:
        if self.kind == "s":
            return self.strings.text(_number(value))
        if self.kind == "b":
            return "TRUE" if value == "1" else "FALSE"
        if self.kind != "n":
            return value[:_CELL_CHARS]
        try:
            number = float(value)
        except ValueError:
            return value[:_CELL_CHARS]
        kind = self.formats[self.style] if self.style < len(self.formats) else ""
        return _date(number, self.epoch) if kind == "date" else _figure(number, percent=kind == "percent")


def _column(reference: str) -> int:
    """The number of a column, from 1, of a reference such as `AB12`."""
    number = 0
    for letter in reference[:4]:
        if not "A" <= letter <= "Z":
            break
        number = number * 26 + ord(letter) - 64
    return number


def _date(days: float, epoch: datetime) -> str:
    """Days since the epoch of the sheet as a date, a time where they are less than one, or both."""
    try:
        moment = epoch + timedelta(seconds=round(days * 86_400))
    except (OverflowError, ValueError):
        return _figure(days)
    if 0 <= days < 1:
        return f"{moment:%H:%M:%S}".removesuffix(":00")
    if moment.hour or moment.minute or moment.second:
        return f"{moment:%Y-%m-%d %H:%M:%S}".removesuffix(":00")
    return f"{moment:%Y-%m-%d}"


def _figure(number: float, *, percent: bool = False) -> str:
    if percent:
        return f"{number * 100:.10g}%"
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else f"{number:.15g}"
