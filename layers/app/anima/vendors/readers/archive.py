"""Archives: Office files and books are zip files of XML. They are opened with a guard against what swells or swarms."""

from __future__ import annotations

import io
import lzma
import mmap
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from anima.vendors.readers.errors import TooMuch, Unreadable
from anima.vendors.readers.model import Limits

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_END = b"PK\x05\x06"
_END_BYTES = 22 + 65_535  # the record and its longest comment
_ENTRY_BYTES = 46  # the least that an entry takes in the directory
_SMALL = 32 << 20  # below it a part may be packed as well as it likes
_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, OSError, RuntimeError, ValueError),
)
_MAIN_PARTS = (
    (b"wordprocessingml.document.main+xml", "docx"),
    (b"wordprocessingml.template.main+xml", "docx"),
    (b"ms-word.document.macroEnabled.main+xml", "docx"),
    (b"presentationml.presentation.main+xml", "pptx"),
    (b"presentationml.slideshow.main+xml", "pptx"),
    (b"ms-powerpoint.presentation.macroEnabled.main+xml", "pptx"),
    (b"spreadsheetml.sheet.main+xml", "xlsx"),
    (b"ms-excel.sheet.macroEnabled.main+xml", "xlsx"),
    (b"ms-excel.sheet.binary.macroEnabled.main", "xlsb"),
)


@contextmanager
def opened(source: Path | BinaryIO, limits: Limits) -> Iterator[zipfile.ZipFile]:
    """An archive whose parts together are within the limits. Raises Unreadable, TooMuch."""
    try:
        zipped = zipfile.ZipFile(_checked(source, limits))
    except _DAMAGED as error:
        raise Unreadable(reason="the file is damaged") from error
    with zipped:
        _check(zipped.infolist(), limits)
        yield zipped


@contextmanager
def part(zipped: zipfile.ZipFile, name: str) -> Iterator[IO[bytes]]:
    """A part, to be read as it unpacks; what is wrong with it is Unreadable. KeyError for one that is not there."""
    info = zipped.getinfo(name)
    if info.flag_bits & 1:
        raise Unreadable(reason="the file asks for a password")
    try:
        with zipped.open(info) as stream:
            yield stream
    except _DAMAGED as error:
        raise Unreadable(reason=f"its part {name} is damaged") from error


def package_of(source: Path | bytes | None, head: bytes, suffix: str) -> str:
    """What a zip file is: docx, pptx, xlsx, xlsb, epub, opendocument or zip.

    Where its directory cannot be read (`source` is None, or it is damaged), the beginning and the name tell.
    """
    if source is not None:
        try:
            with opened(source if isinstance(source, Path) else io.BytesIO(source), Limits()) as zipped:
                return _package(zipped)
        except Unreadable:
            pass
    if b"application/epub+zip" in head[:100]:
        return "epub"
    for folder, kind in ((b"word/", "docx"), (b"ppt/", "pptx"), (b"xl/", "xlsx")):
        if folder in head or (suffix == kind and b"[Content_Types].xml" in head):
            return kind
    return "zip"


def is_encrypted_office(source: Path | bytes) -> bool:
    """Whether an OLE file holds an Office file behind a password."""
    mark = "EncryptedPackage".encode("utf-16-le")
    if isinstance(source, bytes):
        return mark in source
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        return whole.find(mark) >= 0


def _package(zipped: zipfile.ZipFile) -> str:
    if (declared := _beginning(zipped, "mimetype")).startswith(b"application/"):
        if declared.strip() == b"application/epub+zip":
            return "epub"
        if b"opendocument" in declared:
            return "opendocument"
    types = _beginning(zipped, "[Content_Types].xml")
    for mark, kind in _MAIN_PARTS:
        if mark in types:
            return kind
    return "epub" if "META-INF/container.xml" in zipped.namelist() else "zip"


def _beginning(zipped: zipfile.ZipFile, name: str) -> bytes:
    try:
        with part(zipped, name) as stream:
            return stream.read(1 << 20)
    except KeyError:
        return b""


def _checked(source: Path | BinaryIO, limits: Limits) -> BinaryIO | Path:
    """Looks at the size of the directory before it is read: reading it takes memory for every entry."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            _check_directory(file, limits)
    else:
        _check_directory(source, limits)
    return source


def _check_directory(file: BinaryIO, limits: Limits) -> None:
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _END_BYTES))
    tail = file.read()
    file.seek(0)
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + 22:
        raise zipfile.BadZipFile("no directory")
    _, _, _, entries, length, _, _ = struct.unpack("<4H2LH", tail[at + 4 : at + 22])
    if length // _ENTRY_BYTES > limits.parts * 8 or entries > limits.parts:
        raise TooMuch(reason=f"an archive of more than {limits.parts} parts")


def _check(parts: list[zipfile.ZipInfo], limits: Limits) -> None:
    """A part never unpacks to more than its entry says: the reader of archives stops there."""
    if len(parts) > limits.parts:
        raise TooMuch(reason=f"an archive of more than {limits.parts} parts")
    if sum(each.file_size for each in parts) > limits.expanded_bytes:
        raise TooMuch(reason=f"an archive that unpacks to more than {limits.expanded_bytes >> 20} MB")
    for each in parts:
        if each.file_size > _SMALL and each.file_size > limits.ratio * max(1, each.compress_size):
            raise TooMuch(
                reason=f"a part that unpacks to {each.file_size // max(1, each.compress_size)} times its size"
            )
