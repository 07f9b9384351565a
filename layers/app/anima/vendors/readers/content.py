"""What a file is, told by its bytes. Its name decides only between kinds that the bytes allow."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, TypeAlias

from anima.vendors.readers import archive, decoding
from anima.vendors.readers.languages import language_of

Kind: TypeAlias = Literal[
    "text",
    "markdown",
    "html",
    "source",
    "pdf",
    "docx",
    "pptx",
    "xlsx",
    "csv",
    "epub",
    "image",
    "audio",
    "video",
    "locked",
]
MediaType: TypeAlias = Literal["image", "audio", "video", "text", "pdf"]

HEAD_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Medium:
    """What a file is. `kind` names its reader (None: there is none), `media_type` what it is to a person.

    `described` is for people; `language` that of source code. Kind `locked` asks for a password.
    """

    kind: Kind | None
    mime_type: str
    media_type: MediaType | None
    described: str
    language: str | None = None


_TOPS: dict[str, MediaType] = {"image": "image", "audio": "audio", "video": "video"}


def _of(kind: Kind | None, mime_type: str, described: str = "") -> Medium:
    top = mime_type.split("/")[0]
    media: MediaType | None = None
    if kind is not None:
        media = _TOPS.get(top, "pdf" if kind == "pdf" else "text")
    return Medium(kind, mime_type, media, described or mime_type)


_BINARY = _of(None, "application/octet-stream", "this binary file")
_PDF = _of("pdf", "application/pdf", "a PDF")
_LOCKED = _of("locked", "application/x-ole-storage", "the Office file")
_MAGIC: tuple[tuple[int, bytes, Medium], ...] = (
    (0, b"\x89PNG\r\n", _of("image", "image/png")),
    (0, b"\xff\xd8\xff", _of("image", "image/jpeg")),
    (0, b"GIF8", _of("image", "image/gif")),
    (0, b"II*\x00", _of("image", "image/tiff")),
    (0, b"MM\x00*", _of("image", "image/tiff")),
    (8, b"WEBP", _of("image", "image/webp")),
    (8, b"WAVE", _of("audio", "audio/wav")),
    (8, b"AVI ", _of("video", "video/x-msvideo")),
    (8, b"AIFF", _of("audio", "audio/aiff")),
    (8, b"AIFC", _of("audio", "audio/aiff")),
    (0, b"ID3", _of("audio", "audio/mpeg")),
    (0, b"fLaC", _of("audio", "audio/flac")),
    (0, b"#!AMR", _of("audio", "audio/amr")),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", _of("video", "video/x-ms-wmv")),
    (0, b"FLV\x01", _of("video", "video/x-flv")),
    (0, b"\x00\x00\x01\xba", _of("video", "video/mpeg")),
    (0, b"\x1f\x8b", _of(None, "application/gzip", "a gzip archive")),
    (0, b"7z\xbc\xaf\x27\x1c", _of(None, "application/x-7z-compressed", "a 7z archive")),
    (0, b"Rar!\x1a\x07", _of(None, "application/vnd.rar", "a rar archive")),
    (0, b"BZh", _of(None, "application/x-bzip2", "a bzip2 archive")),
    (0, b"\xfd7zXZ\x00", _of(None, "application/x-xz", "an xz archive")),
    (257, b"ustar", _of(None, "application/x-tar", "a tar archive")),
    (0, b"\x7fELF", _of(None, "application/x-executable", "a program")),
    (0, b"MZ", _of(None, "application/x-msdownload", "a program")),
    (0, b"SQLite format 3", _of(None, "application/vnd.sqlite3", "a database")),
    (0, b"{\\rtf", _of(None, "application/rtf", "an RTF file")),
)
_RIFF = (b"RIFF", b"FORM")  # what stands before the names at 8
_BRANDS: dict[bytes, Medium] = {
    b"M4A ": _of("audio", "audio/mp4"),
    b"M4B ": _of("audio", "audio/mp4"),
    b"qt  ": _of("video", "video/quicktime"),
    b"heic": _of("image", "image/heic"),
    b"heix": _of("image", "image/heic"),
    b"mif1": _of("image", "image/heif"),
    b"avif": _of("image", "image/avif"),
}
_OFFICE = "application/vnd.openxmlformats-officedocument"
_PACKAGES: dict[str, Medium] = {
    "docx": _of("docx", f"{_OFFICE}.wordprocessingml.document", "a Word file"),
    "pptx": _of("pptx", f"{_OFFICE}.presentationml.presentation", "slides"),
    "xlsx": _of("xlsx", f"{_OFFICE}.spreadsheetml.sheet", "a spreadsheet"),
    "epub": _of("epub", "application/epub+zip", "an EPUB book"),
    "opendocument": _of(None, "application/vnd.oasis.opendocument", "an OpenDocument file"),
    "xlsb": _of(None, "application/vnd.ms-excel.sheet.binary.macroenabled.12", "a binary Excel file"),
    "zip": _of(None, "application/zip", "a zip archive"),
}
_TEXTS: dict[str, Medium] = {
    "text": _of("text", "text/plain", "a text"),
    "markdown": _of("markdown", "text/markdown", "a Markdown file"),
    "html": _of("html", "text/html", "a web page"),
    "csv": _of("csv", "text/csv", "a table"),
}
_SUFFIXES = {"md": "markdown", "markdown": "markdown", "txt": "text", "text": "text", "csv": "csv", "tsv": "csv"}
_SUFFIXES |= {"html": "html", "htm": "html", "xhtml": "html"}

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


def medium_of(
    source: Path | bytes, size: int | None = None, name: str | None = None, declared: str | None = None
) -> Medium:
    """What a file is: a path, or its bytes; the first 64 KB of them do, but tell less of archives.

    `size` is that of the whole where `source` is only its beginning. `declared` (text, markdown, html, csv) is what
    its owner says, and decides before the name, between what the bytes allow.
    """
    head = source[:HEAD_BYTES] if isinstance(source, bytes) else _head(source)
    whole = isinstance(source, Path) or size is None or size == len(source)
    if b"%PDF-" in head[:1024]:
        return _PDF
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _PACKAGES[archive.package_of(source if whole else None, head, _suffix(name))]
    if head.startswith(archive.OLE):
        return _ole(source)
    found = _magic(head)
    if found is not None:
        return found
    return _text(head, name, declared) if decoding.is_text(head) else _BINARY


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def _ole(source: Path | bytes) -> Medium:
    if archive.is_encrypted_office(source):
        return _LOCKED
    return _of(None, "application/x-ole-storage", "an Office file of before 2007 (save it as DOCX, PPTX or XLSX)")


def _magic(head: bytes) -> Medium | None:
    for at, mark, medium in _MAGIC:
        if head.startswith(mark, at) and (at != 8 or head.startswith(_RIFF)):
            return medium
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], _of("video", "video/mp4"))
    if head.startswith(b"OggS"):
        return _of("video", "video/ogg") if b"theora" in head[:512] else _of("audio", "audio/ogg")
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return _of("video", "video/webm" if b"webm" in head[:128] else "video/x-matroska")
    if head.startswith(b"BM") and head[6:10] == bytes(4):
        return _of("image", "image/bmp")
    return _raw_sound(head)


def _raw_sound(head: bytes) -> Medium | None:
    """MPEG audio or ADTS without a container: a frame header of eleven set bits and no reserved value."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0 or head.startswith((b"\xff\xfe", b"\xff\xff")):
        return None
    if head[1] & 0xF6 == 0xF0:
        return _of("audio", "audio/aac")
    layered = head[1] & 0x06 != 0 and head[1] & 0x18 != 0x08
    return _of("audio", "audio/mpeg") if layered and head[2] & 0xF0 != 0xF0 and head[2] & 0x0C != 0x0C else None


def _suffix(name: str | None) -> str:
    return PurePosixPath((name or "").replace("\\", "/").lower()).suffix[1:]


def _text(head: bytes, name: str | None, declared: str | None) -> Medium:
    text = decoding.decode(head)
    language = language_of(name, text[:200])
    if language is not None and declared not in _TEXTS:
        mime = "application/json" if language == "json" else f"text/x-{language}"
        return Medium("source", mime, "text", f"source code ({language})", language)
    if _HTML.match(text):
        return _TEXTS["html"]
    said = declared if declared in ("text", "markdown", "csv") else _SUFFIXES.get(_suffix(name))
    if said is not None:
        return _TEXTS[said]
    if _MARKDOWN.search(text):
        return _TEXTS["markdown"]
    return _TEXTS["csv" if _is_table(text) else "text"]


def _is_table(text: str) -> bool:
    """Whether every line has the same number of separators, and there are lines and columns enough to say so."""
    rows = text.split("\n")[:-1][:50]
    for mark in ("\t", ";", ","):
        counts = {row.count(mark) for row in rows}
        if len(rows) >= 4 and len(counts) == 1 and counts.pop() >= 2:
            return mark != "," or not any(", " in row for row in rows)
    return False
