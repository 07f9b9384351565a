"""Readers: the kind of a file by its content, and of each kind the text with its headings and places."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anima.vendors import readers
from anima.vendors.readers import Block, Item, Place, Progress, Unread, decoding, image, medium_of
from anima.vendors.readers.media import MediaUnavailable
from anima.vendors.readers.model import BLOCK_CHARS
from fixtures import files

# Of a block: its text, its headings, and its place.
Told = tuple[str, tuple[str, ...], dict[str, object]]


def read(folder: Path, data: bytes, name: str | None = None, declared: str | None = None) -> list[Item]:
    """What the reader gives for these bytes, told by a name or by what is said of them."""
    path = folder / "file"
    path.write_bytes(data)
    return list(readers.read(path, medium_of(path, name=name, declared=declared), declared=declared))


def told(items: list[Item]) -> list[Told]:
    blocks = [item for item in items if isinstance(item, Block)]
    return [(block.text, block.heading, given_places(block.place)) for block in blocks]


def given_places(place: Place) -> dict[str, object]:
    values = {each.name: getattr(place, each.name) for each in fields(place)}
    return {name: value for name, value in values.items() if value is not None}


PLAIN = [
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
    (b"a;b;c\n1;2;3\n4;5;6\n7;8;9\n", "csv"),
    (b"One, two, three.\nFour, five, six.\nSeven, eight, nine.\nTen, eleven, twelve.\n", "text"),
    (b"#!/usr/bin/env python3\nprint(1)\n", "source"),
    ("é à ü".encode("cp1252"), "text"),
    ("hello".encode("utf-16"), "text"),
    ("hello there".encode("utf-16-le"), "text"),
    (files.pdf("A page."), "pdf"),
    (files.docx(), "docx"),
    (files.pptx(), "pptx"),
    (files.xlsx(), "xlsx"),
    (files.epub(), "epub"),
    (files.locked_office(), "locked"),
    (b"\x89PNG\r\n\x1a\n", "image"),
    (b"GIF89a", "image"),
    (b"RIFF....WEBPVP8 ", "image"),
    (b"RIFF....WAVEfmt ", "audio"),
    (b"\xff\xfb\x90\x64" + bytes(20), "audio"),
    (b"....ftypM4A ....", "audio"),
    (b"....ftypisom....", "video"),
    (b"\x1a\x45\xdf\xa3....webm", "video"),
    (files.archive({"a.txt": "a"}), None),
    (b"MZ\x90\x00", None),
    (b"\x1f\x8b\x08", None),
    (bytes(range(256)), None),
    (b"text\x00with NUL", None),
]


@pytest.mark.parametrize(("data", "kind"), PLAIN)
def test_the_kind_is_told_by_the_content(data: bytes, kind: str | None) -> None:
    assert medium_of(data).kind == kind


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (b"# Title\n\ntext", "notes.txt", "text"),
        (b"plain words", "notes.md", "markdown"),
        (b"plain words", "page.html", "html"),
        (b"a,b\n1,2\n", "data.csv", "csv"),
        (b"x = 1\n", "a.py", "source"),
        (b"{}", "a.json", "source"),
        (b"all:\n\techo\n", "Makefile", "source"),
        (files.html(), "notes.txt", "html"),
        (files.pdf("A page."), "notes.txt", "pdf"),
        (files.docx(), "photo.png", "docx"),
        (b"\x89PNG\r\n\x1a\n", "letter.docx", "image"),
        (b"just words", "photo.png", "text"),
        (bytes(range(256)), "notes.txt", None),
        (files.docx()[:5_000], "cut.docx", "docx"),
    ],
)
def test_a_name_decides_only_between_what_the_bytes_allow(data: bytes, name: str, kind: str | None) -> None:
    assert medium_of(data, name=name).kind == kind


def test_a_medium_is_told_with_its_mime_and_what_it_is_to_a_person() -> None:
    assert (medium_of(files.docx()).media_type, medium_of(files.pdf("x")).media_type) == ("text", "pdf")
    assert medium_of(b"\x89PNG\r\n\x1a\n").mime_type == "image/png"
    assert medium_of(b"RIFF....WAVEfmt ").media_type == "audio"
    assert medium_of(b"x = 1", name="a.py").language == "python"
    assert medium_of(b"\x1f\x8b\x08").media_type is None
    assert medium_of(files.docx()[:2_000], size=50_000).kind == "docx"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\xef\xbb\xbfone\r\ntwo\rthree", "one\ntwo\nthree"),
        ("déjà".encode("utf-16"), "déjà"),
        ("déjà vu, encore".encode("utf-16-be"), "d\xe9j\xe0 vu, encore"),
        ("déjà vu".encode("cp1252"), "déjà vu"),
        ("œuvre à 5 €".encode("cp1252"), "œuvre à 5 €"),
        (b'<meta charset="iso-8859-1">\xe9', '<meta charset="iso-8859-1">é'),
        (b'<meta charset="no-such-thing">\xc3\xa9', '<meta charset="no-such-thing">é'),
        (b'<meta charset="rot13">abc', '<meta charset="rot13">abc'),
        (b"a\x00b", "ab"),
        ("à demi".encode() + b"\xc3", "à demi\ufffd"),
    ],
)
def test_the_text_is_decoded_by_what_the_bytes_say(data: bytes, text: str, tmp_path: Path) -> None:
    assert decoding.decode(data) == text
    (tmp_path / "file").write_bytes(data)
    assert "\n".join(line.text for line in decoding.lines(tmp_path / "file")) == text


@given(
    st.one_of(st.text(), st.lists(st.sampled_from(["a" * 3_999, "b" * 4_001, "\n", "\r\n", "\r", "é "])).map("".join))
)
@settings(max_examples=150, deadline=None)
def test_lines_are_those_of_the_text_with_their_places(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "lines.txt"
    path.write_bytes(text.encode())
    whole = decoding.decode(text.encode())
    found = list(decoding.lines(path))
    assert "".join(line.text + "\n" * line.ends for line in found).removesuffix("\n") == whole.removesuffix("\n")
    for line in found:
        assert whole[line.offset : line.offset + len(line.text)] == line.text
        assert whole.count("\n", 0, line.offset) + 1 == line.number


def test_a_text_has_paragraphs_with_lines(tmp_path: Path) -> None:
    first, second = told(read(tmp_path, files.text()))
    assert first == ("The keeper of the lighthouse is called Ines.", (), {"line": 1, "line_end": 1})
    assert second == (files.FRENCH, (), {"line": 3, "line_end": 3})


def test_a_dialogue_keeps_who_speaks(tmp_path: Path) -> None:
    said = [(text, place["speaker"], place["line"]) for text, _, place in told(read(tmp_path, files.dialogue()))]
    assert said[:2] == [("Ines: Is the lamp lit?", "Ines", 1), ("Bo: It has been since six.", "Bo", 2)]
    chat = b"[12:01] Ines Roy: hello\n[12:02] Bo: hi\nand more\n\n[12:03] Ines Roy: so\n[12:04] Bo: yes\n"
    speakers = [(place["speaker"], place["line"]) for _, _, place in told(read(tmp_path, chat))]
    assert speakers == [("Ines Roy", 1), ("Bo", 2), ("Ines Roy", 5), ("Bo", 6)]


def test_prose_with_colons_is_no_dialogue(tmp_path: Path) -> None:
    prose = (
        b"Note: one thing.\nThe rest of it goes on for a line.\nAnd another line of it.\nTip: two.\nMore of it here.\n"
    )
    assert [place for _, _, place in told(read(tmp_path, prose))] == [{"line": 1, "line_end": 5}]


def test_markdown_keeps_its_source_and_knows_the_headings_above(tmp_path: Path) -> None:
    source = (
        "Intro\n\n# One *two*\n\n## Three\n\ntext\n\n```\n# no heading\n\nx\n```\n\nFour\nand more\n====\n\nend\n\n"
        "- item\n---\n\n~~~ sh\n```\n# no\n~~~\n\n# Last #\n"
    )
    items = [item for item in read(tmp_path, source.encode()) if isinstance(item, Block)]
    paths = [(item.text, item.heading) for item in items if item.kind == "heading"]
    assert paths == [
        ("# One *two*", ("One two",)),
        ("## Three", ("One two", "Three")),
        ("Four\nand more\n====", ("Four and more",)),
        ("# Last #", ("Last",)),
    ]
    assert [item.text for item in items if item.kind == "code"] == [
        "```\n# no heading\n\nx\n```",
        "~~~ sh\n```\n# no\n~~~",
    ]
    for item in items:
        assert item.offset is not None
        assert source[item.offset :].startswith(item.text)
        assert item.place.line == source.count("\n", 0, item.offset) + 1
    assert "".join(item.joint + item.text for item in items) + "\n" == source


def test_markdown_may_begin_with_what_its_publisher_needs(tmp_path: Path) -> None:
    items = told(read(tmp_path, b"---\ntitle: Lake\n---\n# One\n\ntext\n", "a.md"))
    assert items[0] == ("---\ntitle: Lake\n---", (), {"line": 1, "line_end": 3})
    assert [heading for _, heading, _ in items[1:]] == [("One",), ("One",)]
    rule = told(read(tmp_path, b"---\n\nFour\n---\n\ntext\n", "a.md"))
    assert rule[-1] == ("text", ("Four",), {"line": 6, "line_end": 6})


def test_html_is_what_a_reader_reads(tmp_path: Path) -> None:
    page = """<!doctype html><html><head><title>The  lake</title><style>p{}</style><script>var x = "no";</script></head>
    <body><nav>Home | About</nav><h1>Lake</h1><p>It is <b>deep</b>
    and cold&nbsp;&amp; blue.</p><h2>Boats</h2><ul><li>red</li><li>green</li></ul><pre>a
  b</pre><table><tr><td><p>a</p></td><td>b</td></tr></table><noscript>no</noscript></body></html>"""
    lake, boats = ("The lake", "Lake"), ("The lake", "Lake", "Boats")
    assert told(read(tmp_path, page.encode())) == [
        ("Lake", lake, {}),
        ("It is deep and cold & blue.", lake, {}),
        ("Boats", boats, {}),
        ("red", boats, {}),
        ("green", boats, {}),
        ("a\n  b", boats, {}),
        ("a | b", boats, {}),
    ]


def test_source_code_is_read_by_function_and_class(tmp_path: Path) -> None:
    assert told(read(tmp_path, files.source(), "lamp.py")) == [
        ("import math", (), {"line": 1, "line_end": 1}),
        ("def area(radius):\n    return math.pi * radius**2", ("area",), {"line": 4, "line_end": 5}),
        ('class Lamp:\n    """A lamp that turns."""', ("Lamp",), {"line": 8, "line_end": 9}),
        (
            "    def turn(self, degrees):\n        self.angle += degrees",
            ("Lamp", "turn"),
            {"line": 11, "line_end": 12},
        ),
    ]


LANGUAGES = {
    "a.js": (
        "const x = 1;\n// doubles\nfunction twice(a) {\n  return 2 * a;\n}\n\nexport class A {\n  b() {}\n}\n",
        ["twice", "A"],
    ),
    "a.ts": ("export const f = async (x: number) => {\n  return x;\n};\nenum E { A }\n", ["f", "E"]),
    "a.go": (
        "package main\n\nfunc (s *S) Run() error {\n\treturn nil\n}\n\ntype S struct {\n\tA int\n}\n",
        ["Run", "S"],
    ),
    "a.rs": (
        "pub fn run(x: u8) -> u8 {\n    x\n}\n\nimpl Lamp {\n    fn on(&self) {}\n}\n",
        ["run", "Lamp", "Lamp > on"],
    ),
    "a.cpp": (
        "class Lamp {\npublic:\n    void turn(int d) {\n#ifdef FAST\n        d *= 2;\n#endif\n    }\n};\n",
        ["Lamp", "Lamp > turn"],
    ),
    "a.c": ("#include <x.h>\n\nstatic int add(int a, int b)\n{\n    return a + b;\n}\n", ["add"]),
    "A.java": (
        "public class A {\n    private int n;\n\n    public int get() {\n        return n;\n    }\n}\n",
        ["A", "A > get"],
    ),
    "a.sql": (
        "create table lamps (\n  id int\n);\n\ncreate or replace function f() returns int as $$ $$;\n",
        ["lamps", "f"],
    ),
    "a.rb": ("class Lamp\n  def turn\n    1\n  end\nend\n", ["Lamp", "Lamp > turn"]),
}


@pytest.mark.parametrize("name", LANGUAGES)
def test_definitions_of_other_languages_are_found(tmp_path: Path, name: str) -> None:
    source, headings = LANGUAGES[name]
    blocks = told(read(tmp_path, source.encode(), name))
    found = [" > ".join(heading) for _, heading, _ in blocks if heading]
    assert [*dict.fromkeys(found)] == headings
    lines = [line for text, _, _ in blocks for line in text.split("\n") if line]
    assert lines == [line for line in source.split("\n") if line.strip()]


def test_a_table_names_its_cells(tmp_path: Path) -> None:
    assert told(read(tmp_path, files.csv(), "keepers.csv")) == [
        ("name | city", (), {"row": 1}),
        ("name: Ines; city: Nantes", (), {"row": 2}),
        ("name: Bo; city: Brest", (), {"row": 3}),
    ]


@pytest.mark.parametrize(
    ("data", "texts"),
    [
        (b'a,b\n"x, y","two\nlines"\n', ["a | b", "a: x, y; b: two lines"]),
        (b"1,2\n3,4\n", ["1 | 2", "3 | 4"]),
        (b"a\tb\n1\t2\n\n", ["a | b", "a: 1; b: 2"]),
        (b"only one row,here\n", ["only one row | here"]),
        (b"a,b\n1,2,3\n", ["a | b", "a: 1; b: 2; 3"]),
        ("ville;été\nBrest;1\n".encode("cp1252"), ["ville | été", "ville: Brest; été: 1"]),
    ],
)
def test_separated_values_come_in_many_ways(tmp_path: Path, data: bytes, texts: list[str]) -> None:
    assert [text for text, _, _ in told(read(tmp_path, data, "a.csv"))] == texts


def test_a_row_whose_quotes_do_not_close_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    items = read(tmp_path, b'a,b\n1,2\n"open,' + b"x" * 300_000 + b"\n3,4\n", "a.csv")
    assert [item.what for item in items if isinstance(item, Unread)] == ["row 3"]
    assert {"a: 1; b: 2", "a: 3; b: 4"} <= {text for text, _, _ in told(items)}


def test_json_is_read_as_it_stands(tmp_path: Path) -> None:
    assert told(read(tmp_path, files.json(), "a.json")) == [
        ('{\n  "keeper": "Ines",\n  "lamps": 3\n}', (), {"line": 1, "line_end": 4})
    ]


def test_a_pdf_has_pages_below_the_headings_of_its_outline(tmp_path: Path) -> None:
    data = files.pdf("First page.", "", "The light-\nhouse stands.", outline={1: "Begin", 3: "End"})
    items = read(tmp_path, data)
    assert told(items) == [
        ("First page.", ("Begin",), {"page": 1}),
        ("The lighthouse stands.", ("End",), {"page": 3}),
    ]
    assert [item for item in items if isinstance(item, Progress)][-1] == Progress(3, 3, "pages")


def test_a_page_of_a_pdf_is_cut_where_headings_stand_in_it(tmp_path: Path) -> None:
    data = files.pdf("Begin\nOne.\n2. Go on\nTwo.", "Three.\nEnd\nFour.", outline={1: "Begin/Go on", 2: "End"})
    assert told(read(tmp_path, data)) == [
        ("Begin", ("Begin",), {"page": 1}),
        ("One.", ("Begin",), {"page": 1}),
        ("2. Go on", ("Go on",), {"page": 1}),
        ("Two.", ("Go on",), {"page": 1}),
        ("Three.", ("Go on",), {"page": 2}),
        ("End", ("End",), {"page": 2}),
        ("Four.", ("End",), {"page": 2}),
    ]


def test_a_pdf_of_empty_pages_says_so(tmp_path: Path) -> None:
    assert [item.what for item in read(tmp_path, files.pdf("", "")) if isinstance(item, Unread)] == ["the PDF"]


def test_a_word_file_has_headings_lists_and_tables(tmp_path: Path) -> None:
    title = files.TITLE
    assert told(read(tmp_path, files.docx())) == [
        (title, (title,), {}),
        ("History", (title, "History"), {}),
        (files.FRENCH, (title, "History"), {}),
        ("Keepers", (title, "History", "Keepers"), {}),
        ("- Ines, since 2001", (title, "History", "Keepers"), {}),
        ("- Bo, since 2019", (title, "History", "Keepers"), {}),
        ("Visits", (title, "Visits"), {}),
        ("Day | Hours", (title, "Visits"), {}),
        ("Day: Monday; Hours: 9 to 5", (title, "Visits"), {}),
    ]


def test_a_word_file_has_its_notes_where_they_are_called_and_each_text_once(tmp_path: Path) -> None:
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
    note = '<footnotes><footnote id="2"><p><r><t>Built of granite.</t></r></p></footnote></footnotes>'
    body = (
        '<document><body><p><r><t>The tower</t></r><r><footnoteReference id="2"/></r><r><tab/><t>stands.</t></r></p>'
        "<p><r><AlternateContent><Choice><t>once</t></Choice><Fallback><t>twice</t></Fallback></AlternateContent></r></p>"
        "<p><del><r><delText>gone</delText></r></del><ins><r><t>kept</t></r></ins></p>"
        "<tbl><tr><tc><p><r><t>a</t></r></p><tbl><tr><tc><p><r><t>in</t></r></p></tc></tr></tbl></tc>"
        "<tc><p><r><t>b</t></r></p></tc></tr></tbl></body></document>"
    )
    relations = f'<Relationships><Relationship Id="r1" Type="{kind}" Target="footnotes.xml"/></Relationships>'
    data = files.word(body, **{"word/_rels/document.xml.rels": relations, "word/footnotes.xml": note})
    texts = [text for text, _, _ in told(read(tmp_path, data))]
    assert texts == ["The tower\tstands.", "Note: Built of granite.", "once", "kept", "a in | b"]


def test_slides_have_titles_tables_and_notes(tmp_path: Path) -> None:
    items = read(tmp_path, files.pptx())
    assert told(items) == [
        (files.TITLE, (files.TITLE,), {"slide": 1}),
        (files.FRENCH, (files.TITLE,), {"slide": 1}),
        ("Say who built it.", (files.TITLE, "Notes"), {"slide": 1}),
        ("Visits", ("Visits",), {"slide": 2}),
        ("Day | Hours", ("Visits",), {"slide": 2}),
        ("Monday | 9 to 5", ("Visits",), {"slide": 2}),
    ]
    assert [item.done for item in items if isinstance(item, Progress)] == [1, 2]


def test_slides_that_are_pictures_are_read_as_such_or_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []

    def read_image(data: bytes, place: Place) -> list[Block]:
        seen.append(data)
        return [Block("The lamp", place=place)] if len(seen) == 1 else []

    monkeypatch.setattr(image, "read_image", read_image)
    items = read(tmp_path, files.pptx_of_pictures("one", "two"))
    assert told(items) == [("The lamp", (), {"slide": 1})]
    assert [item.what for item in items if isinstance(item, Unread)] == ["slide 2"]
    assert all(data.startswith(b"\x89PNG") for data in seen)
    monkeypatch.setattr(image, "read_image", refuse)
    items = read(tmp_path, files.pptx_of_pictures("one"))
    assert [item for item in items if isinstance(item, Unread)] == [
        Unread("slide 1", "it is a picture, and nothing here reads those")
    ]


def refuse(*_: object) -> list[Block]:
    raise MediaUnavailable(medium="images")


def test_a_spreadsheet_has_rows_with_their_heads_on_named_sheets(tmp_path: Path) -> None:
    keepers, visits = {"sheet": "Keepers"}, {"sheet": "Visits"}
    assert told(read(tmp_path, files.xlsx())) == [
        ("Name | Since | Share | Steps | Present", ("Keepers",), keepers | {"row": 1}),
        ("Name: Ines; Since: 2001-05-17; Share: 25%; Steps: 307; Present: TRUE", ("Keepers",), keepers | {"row": 2}),
        ("Name: Bo; Since: 2019-11-02; Share: 75%; Steps: 12.5; Present: FALSE", ("Keepers",), keepers | {"row": 4}),
        ("Day | Hours", ("Visits",), visits | {"row": 1}),
        ("Day: Monday; Hours: 9 to 5", ("Visits",), visits | {"row": 2}),
    ]


def test_a_book_has_chapters_in_the_order_of_its_spine(tmp_path: Path) -> None:
    items = read(tmp_path, files.epub({"The rock": "The rock is bare.", "La lampe": files.FRENCH}))
    assert told(items) == [("The rock is bare.", ("The rock",), {}), (files.FRENCH, ("La lampe",), {})]
    assert [item for item in items if isinstance(item, Progress)][-1] == Progress(2, 2, "chapters")


ITEMS = st.one_of(
    st.builds(
        Block,
        st.text(),
        st.lists(st.text()).map(tuple),
        st.builds(
            Place, page=st.none() | st.integers(), sheet=st.none() | st.text(), second=st.none() | st.floats(0, 9)
        ),
        st.sampled_from(["text", "heading", "code"]),
        st.sampled_from(["", "\n", "\n\n"]),
        st.none() | st.integers(0),
    ),
    st.builds(Progress, st.integers(0), st.none() | st.integers(0), st.just("pages")),
    st.builds(Unread, st.text(), st.text()),
)


@given(ITEMS)
def test_items_are_the_same_after_their_way_as_json(item: Item) -> None:
    line = readers.to_json(item)
    assert "\n" not in line
    assert readers.from_json(line) == item


@given(st.one_of(st.binary(max_size=2_000), st.binary(max_size=500).map(lambda tail: b"%PDF-1.7\n" + tail)))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    assert all(block.text.strip() for block in judge(tmp_path_factory.getbasetemp(), data, None))


@given(st.text(alphabet="<>/ahpdivscript!-# \n\"='&;"))
@settings(max_examples=150, deadline=None)
def test_any_html_is_read(tmp_path_factory: pytest.TempPathFactory, inside: str) -> None:
    data = f"<html><p>{inside}</p>text".encode()
    assert judge(tmp_path_factory.getbasetemp(), data, None)


@given(
    st.sampled_from([files.docx(), files.pptx(), files.xlsx(), files.epub(), files.pdf("A page.", outline={1: "One"})]),
    st.lists(st.tuples(st.integers(0), st.binary(min_size=1, max_size=8)), min_size=1, max_size=5),
)
@settings(max_examples=150, deadline=None)
def test_a_file_that_was_damaged_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, damage: list[tuple[int, bytes]]
) -> None:
    damaged = bytearray(data)
    for at, noise in damage:
        start = at % len(damaged)
        damaged[start : start + len(noise)] = noise
    assert all(block.text.strip() for block in judge(tmp_path_factory.getbasetemp(), bytes(damaged), None))


@given(st.text(alphabet="\"',;\t\n\r a1é|"), st.sampled_from(["a.csv", "a.py", "a.js", "a.md", "a.sql", "a.c"]))
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_as_whatever_its_name_says(
    tmp_path_factory: pytest.TempPathFactory, text: str, name: str
) -> None:
    words = {word for item in judge(tmp_path_factory.getbasetemp(), text.encode(), name) for word in item.text.split()}
    if not name.endswith(".csv"):
        assert set(decoding.decode(text.encode()).split()) <= words


def judge(folder: Path, data: bytes, name: str | None) -> list[Block]:
    """The blocks of a file that may be anything: each can be stored and lies in its place; or none, with a reason."""
    try:
        items = read(folder, data, name)
    except (readers.Unreadable, readers.UnknownMedium):
        return []
    blocks = [item for item in items if isinstance(item, Block)]
    for block in blocks:
        block.text.encode()
        assert block.text.strip()
        assert "\x00" not in block.text
        assert len(block.text) <= BLOCK_CHARS
    return blocks
