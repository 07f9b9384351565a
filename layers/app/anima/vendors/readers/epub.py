"""Books: the chapters of an EPUB in the order of its spine, each a page of HTML, below their titles."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import unquote

from anima.vendors.readers import archive, html
from anima.vendors.readers.decoding import decode
from anima.vendors.readers.errors import TooMuch, Unreadable
from anima.vendors.readers.model import Block, Item, Limits, Progress
from anima.vendors.readers.package import read_part

_PAGES = {"application/xhtml+xml", "text/html", "application/x-dtbook+xml"}
_HEADING_CHARS = 500


@dataclass(slots=True)
class _Book:
    """What the package file says: the parts by id with their kinds, the order of reading, the table of contents."""

    parts: dict[str, tuple[str, str]] = field(default_factory=dict)
    spine: list[str] = field(default_factory=list)
    contents: str | None = None


def read(path: Path, limits: Limits) -> Iterator[Item]:
    """The chapters. Raises Unreadable (damaged, protected against copying), TooMuch."""
    with archive.opened(path, limits) as zipped:
        book = _book(zipped)
        locked = _locked(zipped)
        titles = _contents(zipped, book.contents)
        chapters = [name for key in book.spine if (name := _page(book, key)) is not None]
        for number, name in enumerate(chapters, 1):
            if name in locked:
                raise Unreadable(reason="the book is protected against copying")
            yield from _chapter(zipped, name, titles.get(name), limits)
            yield Progress(number, len(chapters), "chapters")


def _page(book: _Book, key: str) -> str | None:
    name, kind = book.parts.get(key, ("", ""))
    return name if kind in _PAGES else None


def _chapter(zipped: zipfile.ZipFile, name: str, title: str | None, limits: Limits) -> Iterator[Block]:
    if name not in zipped.NameToInfo:
        raise Unreadable(reason=f"the file is damaged: its part {name} is missing")
    size = zipped.getinfo(name).file_size
    if size > limits.tree_bytes:
        raise TooMuch(reason=f"a chapter of {size} bytes; {limits.tree_bytes} are read")
    with archive.part(zipped, name) as stream:
        text = decode(stream.read())
    for block in html.blocks(text, (title,) if title else ()):
        once = tuple(each for at, each in enumerate(block.heading) if at == 0 or each != block.heading[at - 1])
        yield replace(block, heading=once)


def _book(zipped: zipfile.ZipFile) -> _Book:
    root = next(
        (
            event.attributes.get("full-path", "")
            for event in read_part(zipped, "META-INF/container.xml")
            if event.kind == "start" and event.name == "rootfile"
        ),
        None,
    )
    book = _Book()
    folder = posixpath.dirname(root or "")
    for event in read_part(zipped, root):
        given = event.attributes
        if event.kind == "start" and event.name == "item":
            name = _joined(folder, given.get("href", ""))
            book.parts[given.get("id", "")] = (name, given.get("media-type", ""))
            if "nav" in given.get("properties", "").split() or given.get("media-type") == "application/x-dtbncx+xml":
                book.contents = book.contents or name
        elif event.kind == "start" and event.name == "itemref":
            book.spine.append(given.get("idref", ""))
    return book


def _contents(zipped: zipfile.ZipFile, part: str | None) -> dict[str, str]:
    """The titles of chapters by file; a table of contents that is damaged costs them, not the book."""
    found: dict[str, str] = {}
    try:
        for name, title in _titles(zipped, part):
            found[name] = title
    except Unreadable:
        pass
    return found


def _titles(zipped: zipfile.ZipFile, part: str | None) -> Iterator[tuple[str, str]]:
    """The titles of chapters that the table of contents (NCX or nav) names, the first for each file."""
    folder = posixpath.dirname(part or "")
    label: list[str] = []
    target, in_label = "", False
    told: set[str] = set()
    for event in read_part(zipped, part, optional=True):
        if event.kind == "text" and in_label:
            label.append(event.name)
        elif event.kind == "start" and event.name in ("navLabel", "a"):
            label, in_label, target = [], True, event.attributes.get("href", "")
        elif event.kind == "end" and event.name in ("navLabel", "a"):
            in_label = False
        elif event.kind == "start" and event.name == "content":
            target = event.attributes.get("src", "")
        if event.kind == "text" or not target or in_label:
            continue
        name, title = _joined(folder, target), " ".join("".join(label).split())[:_HEADING_CHARS]
        target = ""
        if title and name not in told:
            told.add(name)
            yield name, title


def _locked(zipped: zipfile.ZipFile) -> set[str]:
    """The parts that are encrypted; fonts often are, and do not matter."""
    return {
        unquote(event.attributes.get("URI", ""))
        for event in read_part(zipped, "META-INF/encryption.xml", optional=True)
        if event.kind == "start" and event.name == "CipherReference"
    }


def _joined(folder: str, target: str) -> str:
    return posixpath.normpath(posixpath.join(folder, unquote(target.partition("#")[0])))
