"""PDF: the text of each page."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from anima.knowledge.errors import Unreadable
from anima.knowledge.parsers import Parsed, Section

if TYPE_CHECKING:
    from pypdf import PdfReader

_MAX_PAGES = 20_000


def read(data: bytes) -> Parsed:
    """One section a page. Raises Unreadable for a damaged file and one that asks for a password."""
    reader = _opened(data)
    texts: list[str] = []
    sections: list[Section] = []
    start = 0
    for number, text in enumerate(_pages(reader), 1):
        sections.append(Section(start, start + len(text), page=number))
        texts.append(text)
        start += len(text) + 2
    return Parsed("\n\n".join(texts), sections)


def _opened(data: bytes) -> PdfReader:
    from pypdf import PasswordType, PdfReader

    try:
        reader = PdfReader(io.BytesIO(data))
        locked = reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED
        pages = 0 if locked else len(reader.pages)
    except Exception as error:  # whatever a damaged file makes the reader do
        raise Unreadable(reason="the PDF is damaged") from error
    if locked:
        raise Unreadable(reason="the PDF asks for a password")
    if not 0 < pages <= _MAX_PAGES:
        raise Unreadable(reason=f"the PDF has {pages} pages; 1 to {_MAX_PAGES} are read")
    return reader


def _pages(reader: PdfReader) -> list[str]:
    texts = []
    for number, page in enumerate(reader.pages, 1):
        try:
            text = page.extract_text()
        except Exception as error:  # whatever a damaged file makes the reader do
            raise Unreadable(reason=f"page {number} of the PDF is damaged") from error
        texts.append(text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", ""))
    return texts
