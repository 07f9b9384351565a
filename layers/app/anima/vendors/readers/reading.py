"""Reads a file of any kind: chooses the reader, and sees to it that every text can be stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from anima.vendors.readers import docx, epub, html, image, markdown, pdf, plain, pptx, source, table, xlsx
from anima.vendors.readers.content import Medium
from anima.vendors.readers.errors import TooMuch, UnknownMedium, Unreadable
from anima.vendors.readers.model import Block, Item, Limits

Reader: TypeAlias = Callable[[Path, Limits], Iterator[Item]]


def _sound(path: Path, limits: Limits) -> Iterator[Item]:
    """The reader of sound needs settings, which others start sooner without."""
    from anima.vendors.readers import sound

    return sound.read(path, limits)


_MEDIA = {"image", "audio", "video"}
_READERS: dict[str, Reader] = {
    "text": lambda path, _: plain.read(path),
    "markdown": lambda path, _: markdown.read(path),
    "html": html.read,
    "pdf": pdf.read,
    "docx": docx.read,
    "pptx": pptx.read,
    "xlsx": xlsx.read,
    "csv": table.read,
    "epub": epub.read,
    "image": image.read,
    "audio": _sound,
    "video": _sound,
}


def needs_media(medium: Medium) -> bool:
    """Whether its reader needs packages of the extra `media`; scanned pages and slides that are pictures do, too."""
    return medium.kind in _MEDIA


def read(path: Path, medium: Medium, *, declared: str | None = None, limits: Limits | None = None) -> Iterator[Item]:
    """What a file holds, in reading order; in bounded memory. `declared` is what its owner says that it is.

    Raises Unreadable (damaged, asks for a password), TooMuch, UnknownMedium; also after some items came.
    """
    if declared == "pdf" and medium.kind != "pdf":
        raise Unreadable(reason="it is said to be a PDF and is none")
    try:
        for item in _reader(medium)(path, limits or Limits()):
            yield _storable(item) if isinstance(item, Block) else item
    except MemoryError:
        raise TooMuch(reason="reading it takes more memory than it may") from None


def _reader(medium: Medium) -> Reader:
    if medium.kind == "locked":
        raise Unreadable(reason=f"{medium.described} asks for a password")
    if medium.kind == "source":
        return lambda path, _: source.read(path, medium.language or "")
    found = _READERS.get(medium.kind or "")
    if found is None:
        raise UnknownMedium(medium=medium.described)
    return found


def _storable(block: Block) -> Block:
    """Without what the database does not take: NUL and halves of characters."""
    if all(map(_is_storable, (block.text, *block.heading))):
        return block
    return replace(block, text=_mended(block.text), heading=tuple(map(_mended, block.heading)))


def _is_storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


def _mended(text: str) -> str:
    return text.replace("\x00", " ").encode(errors="replace").decode()
