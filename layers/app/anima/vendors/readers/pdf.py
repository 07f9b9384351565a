"""PDF: the text of each page below the headings of the file's outline; pages that are pictures are read as such."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anima.vendors.readers.errors import TooMuch, Unreadable
from anima.vendors.readers.model import BLOCK_CHARS, Block, Item, Limits, Place, Progress, Unread
from anima.vendors.readers.scan import Scan

if TYPE_CHECKING:
    from pypdf import PdfReader

_PARAGRAPH_END = re.compile(r"\n[ \t]*+\n\s*+")
_CUT_WORD = re.compile(r"\u00ad\n?|(?<=[a-zà-öø-ÿ])-\n(?=[a-zà-öø-ÿ])")
_LINE = re.compile(r"[^\n]+")
_NUMBER_CHARS = 12  # of `Chapter 4` and the like
_OUTLINE_ENTRIES = 5_000
_OUTLINE_DEPTH = 6
_HEADING_CHARS = 200
_BLANK_BYTES = 256

Headings = Mapping[int, Sequence[tuple[str, ...]]]


def read(path: Path, limits: Limits) -> Iterator[Item]:
    """Blocks page by page. Raises Unreadable for a damaged file and one that asks for a password, TooMuch."""
    with path.open("rb") as file, Scan(path) as scan:
        reader, pages = _opened(file, limits)
        headings = _outline(reader)
        heading: tuple[str, ...] = ()
        is_empty = True
        for number in range(1, pages + 1):
            begun = headings.get(number, ())
            for item in _page(reader, number, [heading, *begun], scan):
                is_empty = False
                yield item
            heading = begun[-1] if begun else heading
            _forget(reader)
            yield Progress(number, pages, "pages")
        if is_empty:
            yield Unread("the PDF", "it is without text and pictures")


def _page(reader: PdfReader, number: int, headings: Sequence[tuple[str, ...]], scan: Scan) -> Iterator[Item]:
    """A page below the heading that it continues, the first of these, and those that begin on it."""
    text = _text(reader, number)
    if text is None:
        yield Unread(f"page {number}", "it is damaged")
    elif text.strip():
        yield from _blocks(text, number, headings)
    elif not _is_blank(reader, number):
        yield from scan.read_page(number, headings[min(1, len(headings) - 1)])


def _opened(file: Any, limits: Limits) -> tuple[PdfReader, int]:
    from pypdf import PasswordType, PdfReader

    try:
        reader = PdfReader(file)
        locked = reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED
        pages = 0 if locked else len(reader.pages)
    except MemoryError:
        raise
    except Exception as error:  # whatever a damaged file makes the reader do
        raise Unreadable(reason="the PDF is damaged") from error
    if locked:
        raise Unreadable(reason="the PDF asks for a password")
    if pages > limits.pages:
        raise TooMuch(reason=f"a PDF of {pages} pages; {limits.pages} are read")
    if pages == 0:
        raise Unreadable(reason="the PDF has no pages")
    return reader, pages


def _text(reader: PdfReader, number: int) -> str | None:
    """The text of a page, words that a line's end cuts made whole; None where it is damaged."""
    try:
        text = reader.pages[number - 1].extract_text()
    except MemoryError:
        raise
    except Exception:  # whatever a damaged file makes the reader do
        return None
    return _CUT_WORD.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _forget(reader: PdfReader) -> None:
    """Lets go of the objects of a page that was read; what the next one shares with it is read again."""
    reader.resolved_objects.clear()


def _blocks(text: str, page: int, headings: Sequence[tuple[str, ...]]) -> Iterator[Block]:
    """The paragraphs of a page, cut where headings stand in it."""
    place = Place(page=page)
    for heading, title, part in _parts(text, headings):
        if title:
            yield Block(title, heading, place, "heading")
        for paragraph in _PARAGRAPH_END.split(part.strip()) if part.strip() else ():
            for at in range(0, len(paragraph), BLOCK_CHARS):
                yield Block(paragraph[at : at + BLOCK_CHARS], heading, place, joint="" if at else "\n\n")


def _parts(text: str, headings: Sequence[tuple[str, ...]]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """A page's text by heading: the path, the line that is the heading, and what follows it.

    A heading whose line is not found begins where the one before it does; so the first that begins on the page, at
    its top.
    """
    heading, title, start, at = headings[0], "", 0, 0
    for following in headings[1:]:
        line = _line_of(text, following[-1], at)
        if line is None:
            if not text[start:at].strip() and not title:
                heading = following
            continue
        if title or text[start : line[0]].strip():
            yield heading, title, text[start : line[0]]
        heading, title = following, text[line[0] : line[1]].strip()
        start = at = line[1]
    yield heading, title, text[start:]


def _line_of(text: str, title: str, start: int) -> tuple[int, int] | None:
    """Where the line stands that is this heading, after its number perhaps."""
    wanted = _folded(title)
    for found in _LINE.finditer(text, start):
        line = _folded(found.group())
        if wanted and line.endswith(wanted) and len(line) <= len(wanted) + _NUMBER_CHARS:
            return found.span()
    return None


def _folded(text: str) -> str:
    return "".join(text.split()).casefold()


def _outline(reader: PdfReader) -> Headings:
    """The paths of the headings that begin on each page."""
    found: dict[int, list[tuple[str, ...]]] = {}
    try:
        for page, path in islice(_entries(reader, reader.outline, ()), _OUTLINE_ENTRIES):
            found.setdefault(page, []).append(path)
    except MemoryError:
        raise
    except Exception:  # a damaged outline costs the headings, not the text
        return {}
    return found


def _entries(reader: PdfReader, outline: Any, above: tuple[str, ...]) -> Iterator[tuple[int, tuple[str, ...]]]:
    path = above
    for entry in outline:
        if isinstance(entry, list):
            if len(path) < _OUTLINE_DEPTH:
                yield from _entries(reader, entry, path)
            continue
        title = " ".join(str(entry.title or "").split())[:_HEADING_CHARS]
        path = (*above, title) if title else above
        page = reader.get_destination_page_number(entry)
        if page is not None and page >= 0 and title:
            yield page + 1, path


def _is_blank(reader: PdfReader, number: int) -> bool:
    """Whether a page without text holds nothing else either: no picture, and no drawing to speak of."""
    page = reader.pages[number - 1]
    try:
        if "/XObject" in (page.get("/Resources") or {}):
            return False
        contents = page.get_contents()
        return contents is None or len(contents.get_data()) < _BLANK_BYTES
    except MemoryError:
        raise
    except Exception:  # whatever a damaged file makes the reader do
        return False
