"""Readers of documents: the kind by content, the text, its headings and pages."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.pdfgen.canvas import Canvas

from anima.kernel.errors import AnimaError
from anima.knowledge import parsers
from anima.knowledge.errors import EmptyDocument, UnknownMedium, Unreadable
from anima.knowledge.parsers import content


def archive() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as zipped:
        zipped.writestr("word/document.xml", "<w/>")
    return made.getvalue()


def pdf(*pages: str) -> bytes:
    made = io.BytesIO()
    canvas = Canvas(made)
    for page in pages:
        canvas.drawString(72, 720, page)
        canvas.showPage()
    canvas.save()
    return made.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"Just a sentence.", "text"),
        (b"# Title\n\nText", "markdown"),
        (b"Title\n=====\n\nText", "markdown"),
        (b"See [this](https://example.org).", "markdown"),
        (b"- one\n- two\n", "markdown"),
        (b"| a | b |\n|---|---|\n", "markdown"),
        (b"<!DOCTYPE html><html><body>x</body></html>", "html"),
        (b"\n<!-- hi --><html lang='en'>x</html>", "html"),
        (b"<p>A paragraph.</p>", "html"),
        (b"a < b and c > d", "text"),
        (b"<config><a>1</a></config>", "text"),
        ("é à ü".encode("cp1252"), "text"),
        ("hello".encode("utf-16"), "text"),
        (pdf("A page."), "pdf"),
        (b"\x89PNG\r\n\x1a\n", None),
        (b"GIF89a", None),
        (archive(), None),
        (bytes(range(256)), None),
        (b"text\x00with NUL", None),
    ],
)
def test_the_kind_is_told_by_the_content(data: bytes, kind: str | None) -> None:
    assert content.kind(data) == kind


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\xef\xbb\xbfone\r\ntwo\rthree", "one\ntwo\nthree"),
        ("déjà".encode("utf-16"), "déjà"),
        ("déjà vu".encode("cp1252"), "déjà vu"),
        (b'<meta charset="iso-8859-1">\xe9', '<meta charset="iso-8859-1">é'),
        (b'<meta charset="no-such-thing">\xc3\xa9', '<meta charset="no-such-thing">é'),
    ],
)
def test_the_text_is_decoded_by_what_the_bytes_say(data: bytes, text: str) -> None:
    assert content.decode(data) == text


def test_markdown_keeps_its_source_and_knows_the_headings_above() -> None:
    source = "Intro\n\n# One *two*\n\n## Three\n\ntext\n\n```\n# no heading\n```\n\nFour\n====\n\nend\n\n# Last\n"
    parsed = parsers.parse(source.encode())
    assert parsed.text == source
    assert [section.heading for section in parsed.sections] == [(), ("One two", "Three"), ("Four",), ("Last",)]
    assert "".join(source[section.start : section.end] for section in parsed.sections) == source


def test_html_is_what_a_reader_reads() -> None:
    page = """<!doctype html><html><head><title>The  lake</title><style>p{}</style><script>var x = "no";</script></head>
    <body><nav>Home | About</nav><h1>Lake</h1><p>It is <b>deep</b>
    and cold&nbsp;&amp; blue.</p><h2>Boats</h2><ul><li>red</li><li>green</li></ul>
    <table><tr><td>a</td><td>b</td></tr></table><noscript>no</noscript></body></html>"""
    parsed = parsers.parse(page.encode())
    assert parsed.text.split("\n\n")[:-1] == ["Lake", "It is deep and cold & blue.", "Boats", "red", "green", "a b"]
    assert [section.heading for section in parsed.sections] == [("The lake", "Lake"), ("The lake", "Lake", "Boats")]
    first = parsed.sections[0]
    assert parsed.text[first.start : first.end] == "Lake\n\nIt is deep and cold & blue.\n\n"
    assert not parsed.has_lines


def test_a_pdf_has_a_section_for_each_page_with_text() -> None:
    parsed = parsers.parse(pdf("First page.", "", "Third page."))
    found = [(section.page, parsed.text[section.start : section.end].strip()) for section in parsed.sections]
    assert found == [(1, "First page."), (3, "Third page.")]


@pytest.mark.parametrize(
    ("data", "declared", "error"),
    [
        (b"no pdf", "pdf", Unreadable),
        (b"%PDF-1.4 and then nothing", None, Unreadable),
        (pdf("x")[:500], None, Unreadable),
        (pdf(""), None, UnknownMedium),
        (b"\xff\xd8\xff\xe0", None, UnknownMedium),
        (b"   \n", None, EmptyDocument),
        (b"<html><script>x</script></html>", None, EmptyDocument),
        (b"<html>" + b"<span>" * 6_000 + b"x", None, Unreadable),
    ],
)
def test_what_cannot_be_read_is_a_typed_error(data: bytes, declared: str | None, error: type[AnimaError]) -> None:
    with pytest.raises(error):
        parsers.parse(data, declared)


@given(st.one_of(st.binary(max_size=2_000), st.binary(max_size=500).map(lambda tail: b"%PDF-1.7\n" + tail)))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        parsed = parsers.parse(data)
    except AnimaError:
        return
    assert "\x00" not in parsed.text
    parsed.text.encode()
    bounds = [bound for section in parsed.sections for bound in (section.start, section.end)]
    assert bounds == sorted(bounds)
    assert bounds[-1] <= len(parsed.text)


@given(st.text(alphabet="<>/ahpdivscript!-# \n\"='&;"))
@settings(max_examples=200, deadline=None)
def test_any_html_is_read_or_refused(inside: str) -> None:
    try:
        parsed = parsers.parse(f"<html><p>{inside}</p>text".encode())
    except AnimaError:
        return
    assert parsed.text.strip()
