"""Files that are made to do harm, damaged or locked: each ends with a reason, in bounded time and memory."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader, PdfWriter

from anima.kernel.errors import AnimaError
from anima.vendors import readers
from anima.vendors.readers import Block, Limits, TooMuch, UnknownMedium, Unread, Unreadable, medium_of
from anima.vendors.readers.content import Medium
from fixtures import files


def read(
    folder: Path, data: bytes, *, name: str = "", declared: str = "", limits: Limits | None = None
) -> list[object]:
    path = folder / "file"
    path.write_bytes(data)
    medium = medium_of(path, name=name or None, declared=declared or None)
    return list(readers.read(path, medium, declared=declared or None, limits=limits))


def nested() -> bytes:
    return b"<html>" + b"<span>" * 6_000 + b"x"


def without_part() -> bytes:
    """A Word file whose main part is missing."""
    made = BytesIO()
    with zipfile.ZipFile(BytesIO(files.docx())) as whole, zipfile.ZipFile(made, "w") as less:
        for name in whole.namelist():
            if name != "word/document.xml":
                less.writestr(name, whole.read(name))
    return made.getvalue()


def spoilt_part() -> bytes:
    """A Word file of which a stored byte is another than its checksum says."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as zipped, zipfile.ZipFile(BytesIO(files.docx())) as whole:
        for name in whole.namelist():
            zipped.writestr(name, whole.read(name))
    return made.getvalue().replace(b"Keepers", b"Beepers")


def zip_that_lies() -> bytes:
    """A Word file whose bomb of a main part says that it is small: what it says is all that is unpacked."""
    data = bytearray(files.word(b"<document>" + b" " * (40 << 20) + b"</document>"))
    entry = data.rfind(b"word/document.xml") - 46
    data[entry + 24 : entry + 28] = struct.pack("<I", 100)
    return bytes(data)


def locked_pdf() -> bytes:
    writer = PdfWriter(clone_from=PdfReader(BytesIO(files.pdf("A secret."))))
    writer.encrypt("sesame", algorithm="RC4-128")
    made = BytesIO()
    writer.write(made)
    return made.getvalue()


@pytest.mark.parametrize(
    ("data", "error", "reason"),
    [
        (lambda: b"%PDF-1.4 and then nothing", Unreadable, "damaged"),
        (lambda: files.pdf("x")[:500], Unreadable, "damaged"),
        (lambda: files.pdf("x", password="sesame"), Unreadable, "password"),
        (locked_pdf, Unreadable, "password"),
        (files.locked_office, Unreadable, "password"),
        (lambda: files.docx()[:5_000], Unreadable, "damaged"),
        (without_part, Unreadable, "missing"),
        (spoilt_part, Unreadable, "damaged"),
        (lambda: files.word("<document><p>"), Unreadable, "damaged"),
        (lambda: files.word(b"\xff\xfe" + bytes(100)), Unreadable, "damaged"),
        (files.zip_bomb, TooMuch, "times its size"),
        (files.entity_bomb, Unreadable, "entities"),
        (files.swarm, TooMuch, "parts"),
        (lambda: files.epub(protected=True), Unreadable, "protected"),
        (nested, Unreadable, "nested"),
        (lambda: files.archive({"more.zip": files.zip_bomb(1)}), UnknownMedium, "a zip archive"),
        (lambda: bytes(range(256)) * 4, UnknownMedium, "binary"),
        (lambda: b"\x1f\x8b\x08" + bytes(100), UnknownMedium, "gzip"),
        (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), UnknownMedium, "before 2007"),
    ],
)
def test_what_cannot_be_read_says_why(
    tmp_path: Path, data: Callable[[], bytes], error: type[AnimaError], reason: str
) -> None:
    with pytest.raises(error, match=reason):
        read(tmp_path, data(), name="letter.docx")


def test_a_part_unpacks_to_no_more_than_it_says(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="damaged"):
        read(tmp_path, zip_that_lies())


def test_what_is_said_to_be_a_pdf_must_be_one(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="is none"):
        read(tmp_path, b"no pdf", declared="pdf")


@pytest.mark.parametrize(
    ("data", "limits", "reason"),
    [
        (files.csv(), Limits(rows=2), "rows"),
        (files.xlsx(), Limits(rows=2), "rows"),
        (files.pdf("a", "b", "c"), Limits(pages=2), "pages"),
        (files.pptx(), Limits(pages=1), "slides"),
        (files.html(), Limits(tree_bytes=100), "bytes"),
        (files.epub(), Limits(tree_bytes=100), "chapter"),
        (files.docx(), Limits(expanded_bytes=1_000), "unpacks"),
    ],
)
def test_limits_are_kept(tmp_path: Path, data: bytes, limits: Limits, reason: str) -> None:
    name = "data.csv" if data == files.csv() else ""
    with pytest.raises(TooMuch, match=reason):
        read(tmp_path, data, name=name, limits=limits)


@pytest.mark.parametrize(
    ("unit", "name"),
    [
        *((unit, "a.md") for unit in ("#", "# ", "- ", "> ", "`", "~~~\n", "=\n", "a\n", "|", "[", "\n \n")),
        *((unit, "a.js") for unit in ("export ", "a ", "(", "f(", "{\n", "// a\n", "a = ", "class a\n", "@a ")),
        *((unit, "a.c") for unit in ("int ", "a(", "int a(", "* ", "a:", "a<")),
        *((unit, "a.sql") for unit in ("create ", "create table ")),
        *((unit, "a.csv") for unit in (",", '"', '",', "a;b\n", '"\n')),
        *((unit, "a.html") for unit in ("<p>", "<!--", "&", "<td>", "< a")),
        *((unit, "a.txt") for unit in ("a:", "a: ", "[1] ", "a b ", "1/", ".", "\x0b", "A: b\n")),
    ],
)
def test_no_text_takes_long(tmp_path: Path, unit: str, name: str) -> None:
    """A pattern that backtracks would take hours for this."""
    text = unit * (200_000 // len(unit))
    items = read(tmp_path, text.encode(), name=name)
    blocks = [item for item in items if isinstance(item, Block)]
    assert sum(len(block.text) for block in blocks) <= 3 * len(text)


def test_a_line_that_never_ends_comes_in_pieces_that_end_at_words(tmp_path: Path) -> None:
    text = "lighthouse " * 60_000
    blocks = [item for item in read(tmp_path, text.encode()) if isinstance(item, Block)]
    assert len(blocks) > 50
    assert {word for block in blocks for word in block.text.split()} == {"lighthouse"}
    assert sum(len(block.text.split()) for block in blocks) == 60_000


def test_a_page_of_a_pdf_that_is_damaged_is_named_and_the_others_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pypdf import PageObject

    extract = PageObject.extract_text

    def failing(self: PageObject) -> str:
        text = extract(self)
        if "second" in text:
            raise KeyError("/Font")
        return text

    monkeypatch.setattr(PageObject, "extract_text", failing)
    items = read(tmp_path, files.pdf("the first", "the second", "the third"))
    assert [item for item in items if isinstance(item, Unread)] == [Unread("page 2", "it is damaged")]
    assert [item.place.page for item in items if isinstance(item, Block)] == [1, 3]


def test_a_medium_without_a_reader_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(UnknownMedium, match="a gzip archive"):
        list(readers.read(tmp_path / "file", Medium(None, "application/gzip", None, "a gzip archive")))
