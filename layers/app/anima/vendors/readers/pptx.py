"""Slides: the title of each as its heading, the texts and tables on it, and its notes."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from anima.vendors.readers import archive, pictures
from anima.vendors.readers.errors import TooMuch
from anima.vendors.readers.model import BLOCK_CHARS, Block, Item, Limits, Place, Progress
from anima.vendors.readers.package import Relation, main_part, read_part, relations
from anima.vendors.readers.xml import Event

_HEADING_CHARS = 500
_TITLES = {"title", "ctrTitle"}
# The number of the slide, its date and footer say nothing of it.
_UNREAD = {"sldNum", "dt", "ftr", "hdr"}
_PICTURE_BYTES = 32 << 20


def read(path: Path, limits: Limits) -> Iterator[Item]:
    """The slides in their order. Raises Unreadable, TooMuch."""
    with archive.opened(path, limits) as zipped:
        main = main_part(zipped)
        parts = relations(zipped, main)
        slides = [
            parts[event.attributes["r:id"]].part
            for event in read_part(zipped, main)
            if event.kind == "start" and event.name == "sldId" and event.attributes.get("r:id") in parts
        ]
        if len(slides) > limits.pages:
            raise TooMuch(reason=f"{len(slides)} slides; {limits.pages} are read")
        for number, slide in enumerate(slides, 1):
            yield from _slide(zipped, slide, number)
            yield Progress(number, len(slides), "slides")


def _slide(zipped: zipfile.ZipFile, part: str, number: int) -> Iterator[Item]:
    place = Place(slide=number)
    shown = _Shapes()
    shown.gather(read_part(zipped, part))
    parts = relations(zipped, part)
    for relation in parts.values():
        if relation.kind == "diagramData":
            shown.gather(read_part(zipped, relation.part, optional=True))
    heading = (shown.title,) if shown.title else ()
    if shown.title:
        yield Block(shown.title, heading, place, "heading")
    for text in shown.texts:
        yield from _blocks(text, heading, place)
    if not shown.title and not shown.texts:
        yield from _pictures(zipped, parts, number)
    for relation in parts.values():
        if relation.kind == "notesSlide":
            notes = _Shapes()
            notes.gather(read_part(zipped, relation.part, optional=True))
            for text in notes.texts:
                yield from _blocks(text, (*heading, "Notes"), place)


def _blocks(text: str, heading: tuple[str, ...], place: Place) -> Iterator[Block]:
    for start in range(0, len(text), BLOCK_CHARS):
        yield Block(text[start : start + BLOCK_CHARS], heading, place, joint="" if start else "\n\n")


def _pictures(zipped: zipfile.ZipFile, parts: dict[str, Relation], number: int) -> Iterator[Item]:
    """What a slide shows that is nothing but pictures."""
    names = [relation.part for relation in parts.values() if relation.kind == "image"]
    small = [name for name in names if name in zipped.NameToInfo and zipped.getinfo(name).file_size <= _PICTURE_BYTES]
    images = (_bytes(zipped, name) for name in small)
    if names:
        yield from pictures.read(images, f"slide {number}", Place(slide=number))


def _bytes(zipped: zipfile.ZipFile, name: str) -> bytes:
    with archive.part(zipped, name) as stream:
        return stream.read()


@dataclass(slots=True)
class _Shapes:
    """The texts of a slide: its title, and for every other shape its paragraphs, for every table its rows."""

    title: str = ""
    texts: list[str] = field(default_factory=list)
    place: str = ""  # the frame of the layout that the shape fills
    paragraphs: list[str] = field(default_factory=list)
    line: list[str] = field(default_factory=list)
    cells: list[str] | None = None
    in_text: bool = False

    def gather(self, coming: Iterator[Event]) -> None:
        for event in coming:
            if event.kind == "text":
                if self.in_text:
                    self.line.append(event.name)
            elif event.kind == "start":
                self._start(event)
            else:
                self._end(event.name)
        self._shape()

    def _start(self, event: Event) -> None:
        if event.name == "sp":
            self._shape()
            self.place = ""
        elif event.name == "ph":
            self.place = event.attributes.get("type", "body")
        elif event.name == "t":
            self.in_text = True
        elif event.name == "br":
            self.line.append("\n")
        elif event.name == "tr":
            self._shape()
            self.cells = []

    def _end(self, name: str) -> None:
        if name == "t":
            self.in_text = False
        elif name == "p":
            if text := "".join(self.line).strip():
                self.paragraphs.append(text)
            self.line.clear()
        elif name == "tc" and self.cells is not None:
            self.cells.append(" ".join(" ".join(self.paragraphs).split()))
            self.paragraphs.clear()
        elif name == "tr" and self.cells is not None:
            self.paragraphs = [text] if (text := " | ".join(self.cells).strip(" |")) else []
            self.cells = None
            self._shape()
        elif name in ("sp", "pt"):
            self._shape()
            self.place = ""

    def _shape(self) -> None:
        text, self.paragraphs = "\n".join(self.paragraphs), []
        if not text or self.place in _UNREAD:
            return
        if self.place in _TITLES and not self.title:
            self.title = " ".join(text.split())[:_HEADING_CHARS]
        else:
            self.texts.append(text)
