"""Chunks: they cover the text, stay within limits, say where they stand, and are the same every time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anima.knowledge import chunker
from anima.knowledge.chunker import Chunk
from anima.vendors import readers
from anima.vendors.readers import Block, Place
from fixtures import files
from fixtures.models import HashingEmbedder

count = HashingEmbedder().count_tokens
WORDS = st.sampled_from(
    ["lake", "boat.", "The", "e.g.", "Dr.", "#", "-", "\n", "\n\n", "ok?", "«Non!»", "東京。", "x" * 700, "\n```\n"]
)
TEXTS = st.one_of(st.text(st.characters(exclude_categories=["Cs", "Cc"])), st.lists(WORDS, max_size=100).map(" ".join))
NAMES = st.sampled_from(["a.md", "a.txt", "a.py"])
PLACES = st.builds(Place, page=st.none() | st.integers(1, 3), sheet=st.none() | st.sampled_from(["one", "two"]))
HEADINGS = st.lists(st.sampled_from(["Lake", "Boats", "A heading that is somewhat longer"]), max_size=3).map(tuple)
KINDS = st.sampled_from(["text", "heading", "code"])
BLOCKS = st.lists(
    st.builds(Block, TEXTS, HEADINGS, PLACES, KINDS, st.sampled_from(["", " ", "\n", "\n\n"])), max_size=8
)


def blocks_of(folder: Path, data: bytes, name: str = "a.md") -> list[Block]:
    path = folder / "file"
    path.write_bytes(data)
    items = readers.read(path, readers.medium_of(path, name=name))
    return [item for item in items if isinstance(item, Block)]


def cut(blocks: Sequence[Block], title: str = "") -> list[Chunk]:
    return list(chunker.chunks(blocks, count, title))


def within_limits(chunks: Sequence[Chunk], text: str) -> None:
    """Chunks are pieces of the text in their order, none too large, and nothing but white space is in no chunk."""
    covered = [False] * len(text)
    for number, chunk in enumerate(chunks):
        start, end = chunk.location["char_start"], chunk.location["char_end"]
        assert chunk.index == number
        assert chunk.text == text[start:end]
        assert chunk.text == chunk.text.rstrip() != ""
        assert chunk.token_count <= chunker.MAX_TOKENS
        assert end - start <= chunker.MAX_CHARS
        covered[start:end] = [True] * (end - start)
    assert all(done or character.isspace() for done, character in zip(covered, text, strict=True))
    ends = [chunk.location["char_end"] for chunk in chunks]
    assert ends == sorted(set(ends))


@given(TEXTS, NAMES)
@settings(max_examples=150, deadline=None)
def test_chunks_of_a_text_cover_it_and_know_their_lines(
    tmp_path_factory: pytest.TempPathFactory, text: str, name: str
) -> None:
    blocks = blocks_of(tmp_path_factory.getbasetemp(), text.encode(), name)
    chunks = cut(blocks)
    text = readers.decoding.decode(text.encode())
    within_limits(chunks, text)
    for chunk in chunks:
        assert chunk.location["line_start"] == text.count("\n", 0, chunk.location["char_start"]) + 1
        assert chunk.location["line_end"] == text.count("\n", 0, chunk.location["char_end"]) + 1
    assert cut(blocks) == chunks


@given(BLOCKS)
@settings(max_examples=150, deadline=None)
def test_chunks_of_any_blocks_cover_them_and_mix_neither_pages_nor_headings(blocks: list[Block]) -> None:
    text = "".join((block.joint if number else "") + block.text for number, block in enumerate(blocks))
    chunks = cut(blocks)
    within_limits(chunks, text)
    ends = list(accumulate(len(block.text) + len(block.joint) * (number > 0) for number, block in enumerate(blocks)))
    for chunk in chunks:
        start, end = chunk.location["char_start"], chunk.location["char_end"]
        inside = [
            block
            for block, stop in zip(blocks, ends, strict=True)
            if block.text[max(0, start - stop + len(block.text)) : max(0, end - stop + len(block.text))].strip()
        ]
        assert len({(block.place.page, block.place.sheet) for block in inside}) == 1
        assert len({block.heading for block in inside if block.kind != "heading"}) <= 1
    assert cut(blocks) == chunks


def test_blocks_are_taken_as_they_come() -> None:
    """A document without end gives chunks before its end."""

    def endless() -> Iterator[Block]:
        number = 0
        while True:
            number += 1
            yield Block(f"Sentence {number} tells of the lake. " * 40)

    chunks = chunker.chunks(endless(), count)
    assert [next(chunks).index for _ in range(50)] == list(range(50))


def test_a_long_paragraph_is_cut_between_sentences_and_repeats_one() -> None:
    sentences = [f"This is sentence number {number} of a long paragraph." for number in range(60)]
    chunks = cut([Block(" ".join(sentences))])
    assert len(chunks) > 2
    for before, after in pairwise(chunks):
        assert before.text.endswith(".")
        last = before.text.rsplit(". ", 1)[-1]
        assert after.text.startswith(last)


def test_a_paragraph_is_kept_whole_where_it_can_be() -> None:
    paragraph = ("One sentence of the paragraph stands here. " * 14).strip()
    assert [chunk.text for chunk in cut([Block(paragraph)] * 4)] == [paragraph] * 4


def test_small_neighbours_are_packed_together() -> None:
    rows = [
        Block(f"name: Ines {number}", ("Keepers",), Place(sheet="Keepers", row=number), joint="\n")
        for number in range(1, 91)
    ]
    chunks = cut(rows)
    assert len(chunks) < 5
    assert (chunks[0].location["row_start"], chunks[-1].location["row_end"]) == (1, 90)
    for before, after in pairwise(chunks):
        assert after.location["row_start"] == before.location["row_end"] + 1


@pytest.mark.parametrize(
    "text", ["It is e.g. This one.", "Ask Dr. Who about it.", "Built by J. Smith.", "Demandez à Mme. Roy."]
)
def test_an_abbreviation_ends_no_sentence(text: str) -> None:
    assert list(chunker._split(text, 0, len(text))) == [(0, len(text))]


def test_french_sentences_are_told_apart() -> None:
    text = "« Où est le phare ? » Il est là-bas ! À l'est… Écoutez."
    assert [text[start:end] for start, end in chunker._split(text, 0, len(text))] == [
        "« Où est le phare ? »",
        "Il est là-bas !",
        "À l'est…",
        "Écoutez.",
    ]


def test_headings_are_named_and_indexed_with_the_title(tmp_path: Path) -> None:
    text = b"# Guide\n\n## Install\n\nRun it.\n\n## Use\n\nAsk it.\n"
    first, second = cut(blocks_of(tmp_path, text), "Manual")
    assert (first.location["heading"], second.location["heading"]) == ("Guide > Install", "Guide > Use")
    assert first.indexed == "Manual > Guide > Install\n# Guide\n\n## Install\n\nRun it."
    assert second.text == "## Use\n\nAsk it."


def test_two_parts_below_headings_of_the_same_name_are_two_chunks(tmp_path: Path) -> None:
    chunks = cut(blocks_of(tmp_path, b"# A\n\n## Example\n\none\n\n## Example\n\ntwo\n"))
    assert [chunk.text for chunk in chunks] == ["# A\n\n## Example\n\none", "## Example\n\ntwo"]


def test_code_is_cut_at_lines_and_keeps_its_indentation(tmp_path: Path) -> None:
    lines = [f"    total = total + compute(number_{number}, other={number})  # Step. Next" for number in range(60)]
    source = "def sum_up(total):\n" + "\n".join(lines) + "\n    return total\n"
    chunks = cut(blocks_of(tmp_path, source.encode(), "a.py"))
    assert len(chunks) > 2
    assert "\n".join(chunk.text for chunk in chunks) + "\n" == source
    assert {chunk.location["heading"] for chunk in chunks} == {"sum_up"}


@pytest.mark.parametrize(
    ("data", "name", "found", "location"),
    [
        (files.text(), "a.txt", "Ines", {"line_start": 1, "line_end": 3}),
        (files.markdown(), "a.md", "keeper", {"heading": "Guide > Use", "line_start": 7, "line_end": 9}),
        (files.html(), "a.html", "Monday", {"heading": f"{files.TITLE} > Visit"}),
        (files.source(), "a.py", "angle", {"heading": "Lamp > turn", "line_start": 11, "line_end": 12}),
        (files.csv(), "a.csv", "Nantes", {"row_start": 1, "row_end": 3}),
        (files.dialogue(), "a.txt", "fog", {"line_start": 1, "line_end": 5, "speaker": "Ines, Bo"}),
        (files.pdf("One.", "Two.", outline={2: "Next"}), "a.pdf", "Two", {"page": 2, "heading": "Next"}),
        (files.docx(), "a.docx", "Monday", {"heading": f"{files.TITLE} > Visits"}),
        (files.pptx(), "a.pptx", "Monday", {"slide": 2, "heading": "Visits"}),
        (files.xlsx(), "a.xlsx", "Bo", {"sheet": "Keepers", "row_start": 1, "row_end": 4, "heading": "Keepers"}),
        (files.epub(), "a.epub", "bare", {"heading": "The rock"}),
    ],
)
def test_a_passage_is_found_again_in_its_file(
    tmp_path: Path, data: bytes, name: str, found: str, location: dict[str, object]
) -> None:
    (chunk,) = [chunk for chunk in cut(blocks_of(tmp_path, data, name)) if found in chunk.text]
    assert chunk.location | location == chunk.location
    assert chunk.location.keys() - location.keys() <= {"char_start", "char_end"}


def test_a_talk_goes_on_with_what_was_said_last(tmp_path: Path) -> None:
    said = [f"{'Ines' if n % 2 else 'Bo'}: This is the thing that is said as number {n} of all." for n in range(60)]
    chunks = cut(blocks_of(tmp_path, "\n".join(said).encode(), "a.txt"))
    assert len(chunks) > 2
    for before, after in pairwise(chunks):
        assert before.text.split("\n")[-1] == after.text.split("\n")[0]


def test_an_utterance_has_its_seconds() -> None:
    said = [Block(f"Part {n}.", place=Place(second=2.0 * n, second_end=2.0 * n + 1.5), joint=" ") for n in range(3)]
    (chunk,) = cut(said)
    assert chunk.text == "Part 0. Part 1. Part 2."
    assert (chunk.location["second_start"], chunk.location["second_end"]) == (0.0, 5.5)


@pytest.mark.parametrize("unit", [".", "!?", " .", "[", "<", "a: ", "\n", "\n ", "# ", "> ", "*a ", '."', "x", "- a\n"])
@pytest.mark.parametrize("name", ["a.md", "a.txt"])
def test_no_text_takes_long(tmp_path: Path, unit: str, name: str) -> None:
    """A regular expression that backtracks would take hours for this."""
    text = unit * (60_000 // len(unit))
    assert len(cut(blocks_of(tmp_path, text.encode(), name))) <= len(text)
    assert len(cut([Block(text)])) <= len(text)
