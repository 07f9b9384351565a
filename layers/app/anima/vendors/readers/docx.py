"""Word files: paragraphs, list items, table rows and notes, below their headings; read as the file unpacks."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from anima.vendors.readers import archive
from anima.vendors.readers.model import BLOCK_CHARS, Block, Item, Limits, Place, Progress
from anima.vendors.readers.package import main_part, read_part, related, relations
from anima.vendors.readers.table import Table
from anima.vendors.readers.xml import Event

_HEADING_NAME = re.compile(r"heading (\d)")
_HEADING_CHARS = 500
_BASED_ON = 10
_PROGRESS_BLOCKS = 500
_MARKS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


def read(path: Path, limits: Limits) -> Iterator[Item]:
    """The body of the document. Raises Unreadable, TooMuch."""
    with archive.opened(path, limits) as zipped:
        main = main_part(zipped)
        parts = relations(zipped, main)
        body = _Body(_levels(zipped, related(parts, "styles")))
        for kind in ("footnotes", "endnotes"):
            body.notes |= {(kind[:-1], key): text for key, text in _notes(zipped, related(parts, kind))}
        total = zipped.getinfo(main).file_size if main in zipped.NameToInfo else 0
        for number, block in enumerate(body.blocks(read_part(zipped, main)), 1):
            yield block
            if number % _PROGRESS_BLOCKS == 0:
                yield Progress(min(body.characters, total), total, "bytes")
        yield Progress(total, total, "bytes")


def _levels(zipped: zipfile.ZipFile, part: str | None) -> dict[str, int]:
    """The level of heading, from 1, of each paragraph style that is one; a title's is 0."""
    own: dict[str, int] = {}
    based: dict[str, str] = {}
    style = ""
    for event in read_part(zipped, part, optional=True):
        value = event.attributes.get("val", "")
        if event.kind != "start":
            continue
        if event.name == "style":
            style = event.attributes.get("styleId", "")
        elif event.name == "basedOn":
            based[style] = value
        elif event.name == "name" and style:
            found = _HEADING_NAME.fullmatch(value.lower())
            if found or value.lower() == "title":
                own[style] = int(found[1]) if found else 0
        elif event.name == "outlineLvl" and value.isdecimal() and int(value) < 9:
            own.setdefault(style, int(value) + 1)
    return own | {style: level for style in based if (level := _inherited(style, own, based)) is not None}


def _inherited(style: str, own: dict[str, int], based: dict[str, str]) -> int | None:
    for _ in range(_BASED_ON):
        if style in own:
            return own[style]
        style = based.get(style, "")
    return None


def _notes(zipped: zipfile.ZipFile, part: str | None) -> Iterator[tuple[str, str]]:
    """The texts of foot- or endnotes by their ids; lines between notes are none."""
    key = ""
    texts: list[str] = []
    for event in read_part(zipped, part, optional=True):
        if event.kind == "start" and event.name in ("footnote", "endnote"):
            key, texts = event.attributes.get("id", ""), []
        elif event.kind == "end" and event.name in ("footnote", "endnote"):
            if text := " ".join("".join(texts).split()):
                yield key, text[:BLOCK_CHARS]
        elif event.kind == "start" and event.name == "t":
            texts.append("")
        elif event.kind == "text" and texts:
            texts[-1] += event.name
        elif event.kind == "end" and event.name == "p":
            texts.append(" ")


@dataclass(slots=True)
class _Paragraph:
    """A paragraph that is open."""

    parts: list[str] = field(default_factory=list)
    level: int | None = None
    is_item: bool = False
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Grid:
    """A table that is open: the cells of its row so far."""

    rows: Table
    cells: list[str] = field(default_factory=list)
    number: int = 0


@dataclass(slots=True)
class _Body:
    """Where the reader is: what is open, and the headings above it."""

    levels: dict[str, int]
    notes: dict[tuple[str, str], str] = field(default_factory=dict)
    path: list[tuple[int, str]] = field(default_factory=list)
    open: list[_Paragraph] = field(default_factory=list)
    grid: _Grid | None = None
    depth: int = 0  # of tables within tables: the inner ones are text of a cell
    in_text: bool = False
    after_item: bool = False
    characters: int = 0

    @property
    def heading(self) -> tuple[str, ...]:
        return tuple(title for _, title in self.path)

    def blocks(self, coming: Iterator[Event]) -> Iterator[Block]:
        for event in coming:
            if event.kind == "text":
                if self.in_text and self.open:
                    self.open[-1].parts.append(event.name)
                    self.characters += len(event.name)
            elif event.kind == "start":
                self._start(event)
            else:
                yield from self._end(event.name)

    def _start(self, event: Event) -> None:
        name, value = event.name, event.attributes.get("val", "")
        if name == "p":
            self.open.append(_Paragraph())
        elif name == "t":
            self.in_text = True
        elif name == "tbl":
            self.depth += 1
            if self.depth == 1:
                self.grid = _Grid(Table(Place(), self.heading, numbered=False))
        elif name == "tc" and self.grid is not None and self.depth == 1:
            self.grid.cells.append("")
        elif self.open:
            self._property(self.open[-1], name, value, event)

    def _property(self, paragraph: _Paragraph, name: str, value: str, event: Event) -> None:
        if name in _MARKS:
            paragraph.parts.append(_MARKS[name])
        elif name == "pStyle":
            paragraph.level = self.levels.get(value)
            paragraph.is_item = paragraph.is_item or value.startswith("List")
        elif name == "outlineLvl" and value.isdecimal() and int(value) < 9:
            paragraph.level = int(value) + 1
        elif name == "numPr":
            paragraph.is_item = True
        elif name in ("footnoteReference", "endnoteReference"):
            note = self.notes.get((name.removesuffix("Reference"), event.attributes.get("id", "")))
            if note:
                paragraph.notes.append(note)

    def _end(self, name: str) -> Iterator[Block]:
        if name == "t":
            self.in_text = False
        elif name == "p" and self.open:
            yield from self._paragraph(self.open.pop())
        elif name == "tbl":
            self.depth -= 1
            if self.depth == 0 and self.grid is not None:
                yield from self.grid.rows.end()
                self.grid = None
        elif name == "tr" and self.grid is not None and self.depth == 1:
            self.grid.number += 1
            cells, self.grid.cells = [" ".join(cell.split()) for cell in self.grid.cells], []
            if any(cells):
                yield from self.grid.rows.add(self.grid.number, cells)

    def _paragraph(self, paragraph: _Paragraph) -> Iterator[Block]:
        text = "".join(paragraph.parts).strip()
        if self.grid is not None:
            if self.grid.cells:
                self.grid.cells[-1] += "\n" + "\n".join([text, *paragraph.notes])
            return
        if text and paragraph.level is not None:
            title = " ".join(text.split())[:_HEADING_CHARS]
            self.path = [*(each for each in self.path if each[0] < paragraph.level), (paragraph.level, title)]
            yield Block(title, self.heading, kind="heading")
        elif text:
            yield from self._text(f"- {text}" if paragraph.is_item else text, paragraph.is_item)
        for note in paragraph.notes:
            yield Block(f"Note: {note}", self.heading, joint="\n")

    def _text(self, text: str, is_item: bool) -> Iterator[Block]:
        joint = "\n" if is_item and self.after_item else "\n\n"
        for start in range(0, len(text), BLOCK_CHARS):
            yield Block(text[start : start + BLOCK_CHARS], self.heading, joint="" if start else joint)
        self.after_item = is_item
