"""Text out of bytes: which encoding they are in, and their lines one by one, however long the file or a line is."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

LINE_CHARS = 4_000
"""A longer line comes in pieces."""

_PIECE = 1 << 16
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_CHARSET = re.compile(rb"<(?:meta|\?xml)\b[^>]{0,500}?(?:charset|encoding)=[\"']?([A-Za-z0-9_-]{1,40})", re.I)
# Encodings of text that a page may name: not those of Python that are something else, such as rot13.
_NAMED = re.compile(
    r"(utf-?8|us-ascii|iso-?8859-?\d+|latin-?\d+|windows-125\d|cp\d+|mac-?roman|koi8-[ru]|gb\w+|big5\w*"
    r"|shift[-_]?jis|euc[-_]\w+|iso-2022-\w+|tis-620)",
    re.I,
)


class Line(NamedTuple):
    """A line or a piece of one: its text, number from 1, first character in the file's text, and what ends it."""

    text: str
    number: int
    offset: int
    ends: bool


def decode(data: bytes) -> str:
    r"""The text of a whole: by its byte order mark, the charset that HTML names, UTF-8, else Windows-1252.

    Line ends become `\n`; NUL, which the database does not take, goes.
    """
    encoding, mark = _marked(data)
    encoding = encoding or _guessed(data[:2048], [data])
    text = data[mark:].decode(encoding, errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")


def is_text(head: bytes) -> bool:
    """Whether the first bytes of a file can be those of a text."""
    if _marked(head)[0] is not None:
        return True
    if b"\x00" in head:
        return False
    controls = sum(head.count(bytes([code])) for code in (*range(1, 9), *range(14, 27), 28, 29, 30, 31, 127))
    return controls <= len(head) // 100


def encoding_of(path: Path) -> tuple[str, int]:
    """The encoding of a file and the length of its byte order mark. Reads all of it where nothing names it."""
    with path.open("rb") as file:
        head = file.read(2048)
        encoding, mark = _marked(head)
        if encoding is not None:
            return encoding, mark
        file.seek(0)
        return _guessed(head, iter(lambda: file.read(1 << 20), b"")), 0


def lines(path: Path) -> Iterator[Line]:
    """The lines of a text file, in a memory that does not grow with it."""
    number, offset, held = 1, 0, ""
    for piece in _texts(path):
        parts = (held + piece).split("\n")
        held = parts.pop()
        for part in parts:
            yield from _cut(part, number, offset)
            number, offset = number + 1, offset + len(part) + 1
        while len(held) > LINE_CHARS:
            yield Line(held[:LINE_CHARS], number, offset, ends=False)
            held, offset = held[LINE_CHARS:], offset + LINE_CHARS
    if held:
        yield Line(held, number, offset, ends=True)


def _texts(path: Path) -> Iterator[str]:
    """The file's text in pieces, line ends as one character and without NUL."""
    encoding, mark = encoding_of(path)
    with path.open("rb") as file:
        file.seek(mark)
        decoder = codecs.getincrementaldecoder(encoding)("replace")
        returned = ""  # a carriage return at the end of a piece waits for what follows
        while data := file.read(_PIECE):
            text = returned + decoder.decode(data)
            returned = "\r" if text.endswith("\r") else ""
            yield text.removesuffix("\r").replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
        rest = (returned + decoder.decode(b"", final=True)).replace("\r\n", "\n").replace("\r", "\n")
        if rest:
            yield rest.replace("\x00", "")


def _cut(text: str, number: int, offset: int) -> Iterator[Line]:
    if len(text) <= LINE_CHARS:
        yield Line(text, number, offset, ends=True)
        return
    for at in range(0, len(text), LINE_CHARS):
        yield Line(text[at : at + LINE_CHARS], number, offset + at, at + LINE_CHARS >= len(text))


def _marked(head: bytes) -> tuple[str | None, int]:
    """The encoding that the first bytes show, and how many of them are its mark."""
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return encoding, len(bom)
    sample = head[:1024]
    if len(sample) >= 8 and len(sample) % 2 == 0 and b"\x00" in sample:
        for encoding, zeros, others in (
            ("utf-16-le", sample[1::2], sample[::2]),
            ("utf-16-be", sample[::2], sample[1::2]),
        ):
            if zeros.count(0) >= 0.9 * len(zeros) and 0 not in others and not any(code < 9 for code in others):
                return encoding, 0
    return None, 0


def _guessed(head: bytes, pieces: Iterator[bytes] | list[bytes]) -> str:
    named = _CHARSET.search(head)
    name = named.group(1).decode() if named else ""
    if _NAMED.fullmatch(name) and not name.lower().startswith("utf"):
        try:
            return codecs.lookup(name).name
        except LookupError:
            pass
    return "utf-8" if _is_utf8(pieces) else "cp1252"


def _is_utf8(pieces: Iterator[bytes] | list[bytes]) -> bool:
    """Whether all is UTF-8; a character that the end of the file cuts does not count."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for piece in pieces:
            decoder.decode(piece)
    except UnicodeDecodeError:
        return False
    return True
