"""Chunks: they cover the text, stay within limits, say where they stand, and are the same every time."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anima.knowledge import chunker
from anima.knowledge.chunker import Chunk
from anima.knowledge.parsers import Parsed, Section, markdown, plain
from fixtures.models import HashingEmbedder

count = HashingEmbedder().count_tokens
WORDS = st.sampled_from(
    ["lake", "boat.", "The", "e.g.", "Dr.", "#", "-", "\n", "\n\n", "ok?", "«Non!»", "東京。", "x" * 700]
)
TEXTS = st.one_of(st.text(), st.lists(WORDS, max_size=400).map(" ".join))


def cut(text: str) -> list[Chunk]:
    return chunker.chunks(markdown.read(text), count)


@given(TEXTS)
@settings(max_examples=150, deadline=None)
def test_chunks_cover_the_text_within_their_limits(text: str) -> None:
    text = text.replace("\r", "\n")
    chunks = cut(text)
    covered = [False] * len(text)
    for number, chunk in enumerate(chunks):
        start, end = chunk.location["char_start"], chunk.location["char_end"]
        assert chunk.index == number
        assert chunk.text == text[start:end]
        assert chunk.text == chunk.text.strip() != ""
        assert chunk.token_count <= chunker.MAX_TOKENS
        assert end - start <= chunker.MAX_CHARS
        assert chunk.location["line_start"] == text.count("\n", 0, start) + 1
        assert chunk.location["line_end"] == text.count("\n", 0, end) + 1
        covered[start:end] = [True] * (end - start)
    assert all(done or character.isspace() for done, character in zip(covered, text, strict=True))
    ends = [chunk.location["char_end"] for chunk in chunks]
    assert ends == sorted(set(ends))
    assert cut(text) == chunks


def test_a_long_paragraph_is_cut_between_sentences_and_repeats_one() -> None:
    sentences = [f"This is sentence number {number} of a long paragraph." for number in range(60)]
    chunks = cut(" ".join(sentences))
    assert len(chunks) > 2
    for before, after in pairwise(chunks):
        assert before.text.endswith(".")
        last = before.text.rsplit(". ", 1)[-1]
        assert after.text.startswith(last)


def test_a_paragraph_is_kept_whole_where_it_can_be() -> None:
    paragraph = "One sentence of the paragraph stands here. " * 14
    chunks = cut("\n\n".join([paragraph.strip()] * 4))
    assert [chunk.text for chunk in chunks] == [paragraph.strip()] * 4


@pytest.mark.parametrize("text", ["It is e.g. This one.", "Ask Dr. Who about it.", "Built by J. Smith."])
def test_an_abbreviation_ends_no_sentence(text: str) -> None:
    assert list(chunker._split(text, 0, len(text))) == [(0, len(text))]


def test_headings_are_named_and_indexed_with_the_title() -> None:
    text = "# Guide\n\n## Install\n\nRun it.\n\n## Use\n\nAsk it.\n"
    first, second = chunker.chunks(markdown.read(text), count, "Manual")
    assert (first.location["heading"], second.location["heading"]) == ("Guide > Install", "Guide > Use")
    assert first.indexed == "Manual > Guide > Install\n# Guide\n\n## Install\n\nRun it."
    assert second.text == "## Use\n\nAsk it."


def test_pages_are_not_mixed() -> None:
    parsed = Parsed("First page.\n\nSecond page.", [Section(0, 11, page=1), Section(13, 25, page=2)])
    chunks = chunker.chunks(parsed, count)
    assert [(chunk.text, chunk.location["page"]) for chunk in chunks] == [("First page.", 1), ("Second page.", 2)]
    assert "line_start" not in chunks[0].location


@pytest.mark.parametrize("unit", [".", "!?", " .", "[", "<", "a: ", "\n", "\n ", "# ", "> ", "*a ", '."', "x", "- a\n"])
def test_no_text_takes_long(unit: str) -> None:
    """A regular expression that backtracks would take hours for this."""
    text = unit * (120_000 // len(unit))
    assert len(cut(text)) <= len(text)
    assert len(chunker.chunks(plain.read(text), count)) <= len(text)
