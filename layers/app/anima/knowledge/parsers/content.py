"""What a document is, told by its bytes; and the text in them."""

from __future__ import annotations

import codecs
import re

KINDS = ("text", "markdown", "html", "pdf")

_MAGIC = (
    (b"\x89PNG\r\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"PK\x03\x04", "a zip archive (Office documents are such)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"RIFF", "audio or video (RIFF)"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"SQLite format 3", "a database"),
)
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_HEAD = 65_536
_TAG = r"html|head|body|div|p|h[1-6]|article|section|main|table|ul|ol|span|title|meta"
_HTML = re.compile(
    rf"\s*+(<\?xml[^>]*+>\s*+)?(<!--(?:(?!-->).)*+-->\s*+)*+<(!doctype\s+html|({_TAG})\b[^<>]*+>)", re.I | re.S
)
# A heading, a fence, a heading with its line below, a link, a list, a table. Bounded: no text may take long.
_MARKDOWN = re.compile(
    r"^#{1,6} \S|^(```|~~~)|^[^\n]++\n(={3,}|-{3,})[ \t]*+$|\[[^\[\]\n]{1,200}\]\([^()\s]{1,500}\)"
    r"|^ {0,3}[-*+] \S.*+\n {0,3}[-*+] \S|^\|.*\|$",
    re.M,
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_CHARSET = re.compile(rb"<meta[^>]+charset=[\"']?([A-Za-z0-9_-]+)", re.I)


def kind(data: bytes, declared: str | None = None) -> str | None:
    """text, markdown, html or pdf; None for anything else.

    Text that could be either plain or Markdown is what it is declared to be.
    """
    if b"%PDF-" in data[:1024]:
        return "pdf"
    if _magic(data) or not _is_text(data):
        return None
    head = decode(data[:_HEAD])
    if _HTML.match(head):
        return "html"
    if declared in ("text", "markdown"):
        return declared
    return "markdown" if _MARKDOWN.search(head) else "text"


def medium(data: bytes) -> str:
    """The name of what the bytes are, as far as one can tell."""
    return _magic(data) or "this binary file"


def _magic(data: bytes) -> str | None:
    return next((name for start, name in _MAGIC if data.startswith(start)), None)


def _is_text(data: bytes) -> bool:
    head = data[:_HEAD]
    if any(head.startswith(bom) for bom, _ in _BOMS[1:]):
        return True
    if b"\x00" in head:
        return False
    return len(_CONTROL.findall(head.decode("latin-1"))) <= len(head) // 100


def decode(data: bytes) -> str:
    r"""The text: by its byte order mark, the charset that HTML names, UTF-8, else Windows-1252.

    Line ends become `\n`; NUL, which the database does not take, goes.
    """
    return _decoded(data).replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")


def _decoded(data: bytes) -> str:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data[len(bom) :].decode(encoding, errors="replace")
    named = _CHARSET.search(data[:2048])
    for encoding in (named.group(1).decode() if named else "utf-8", "utf-8"):
        try:
            return data.decode(encoding)
        except LookupError:
            continue
        except UnicodeDecodeError as error:
            if encoding.lower().replace("-", "") == "utf8" and error.start >= len(data) - 3:
                return data[: error.start].decode(encoding)
    return data.decode("cp1252", errors="replace")
