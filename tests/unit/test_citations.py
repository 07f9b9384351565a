"""Citations: a sentence of an answer finds the passage that it rests on, and no mark stands that was not offered."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from anima.chat.citations import Strainer, cite
from anima.chat.gate import is_of_document
from anima.chat.model import Passage, sentences

NOTICE = Passage(1, 11, 1, "contract.pdf", None, {"page": 4}, "Rent is due monthly. The notice period is three months.")
LEAVE = Passage(
    2, 12, 1, "contract.pdf", None, {"page": 5}, "Employees have 25 days of leave a year. Sundays are free."
)


def test_a_sentence_made_of_a_passage_cites_it_with_its_words() -> None:
    text, citations, _ = cite("The notice period is three months. Anything else?", [NOTICE, LEAVE])
    assert text == "The notice period is three months [1]. Anything else?"
    assert [(one.marker, one.chunk_id, one.location) for one in citations] == [(1, 11, {"page": 4})]
    assert citations[0].quote == "The notice period is three months."


def test_the_better_passage_is_cited() -> None:
    text, citations, _ = cite("You have 25 days of leave!", [NOTICE, LEAVE])
    assert text == "You have 25 days of leave [2]!"
    assert [one.marker for one in citations] == [2]


def test_two_sentences_may_cite_two_passages_in_order() -> None:
    text, citations, _ = cite("25 days of leave.\nThe notice period: three months.", [NOTICE, LEAVE])
    assert text == "25 days of leave [2].\nThe notice period: three months [1]."
    assert [one.marker for one in citations] == [1, 2]


@pytest.mark.parametrize("mark", ["[3]", "[12]", " [0]", "[999]"])
def test_marks_that_were_not_offered_are_stripped(mark: str) -> None:
    text, citations, _ = cite(f"Bananas are yellow{mark}.", [NOTICE])
    assert text == "Bananas are yellow."
    assert citations == []


def test_an_offered_mark_stays_only_where_the_passage_has_to_do_with_it() -> None:
    assert cite("Three of them, I think [1].", [NOTICE])[0] == "Three of them, I think [1]."
    assert cite("Bananas are yellow [1].", [NOTICE]) == ("Bananas are yellow.", [], 1)


def test_a_question_is_not_cited() -> None:
    assert cite("Is the notice period three months?", [NOTICE])[1] == []


def test_nothing_offered_nothing_cited() -> None:
    assert cite("The notice period is three months [1].", []) == ("The notice period is three months.", [], 1)


def test_code_is_left_alone() -> None:
    assert cite("Take `rows[0]` first.", [NOTICE])[0] == "Take `rows[0]` first."
    assert cite("``rows[0]`` is the notice period of three months [1].", [NOTICE])[1] == []


def test_a_sentence_with_code_in_it_is_cited_like_any_other() -> None:
    text, citations, _ = cite("The `notice[7]` period is three months.", [NOTICE])
    assert text == "The `notice[7]` period is three months [1]."
    assert [one.marker for one in citations] == [1]


@given(st.text(alphabet=st.sampled_from("ab. !?\n[]012`é"), max_size=80))
def test_sentences_are_the_text_again(text: str) -> None:
    assert "".join(sentences(text)) == text


@given(st.text(alphabet=st.sampled_from("ab. \n[]0129`"), max_size=60), st.data())
def test_a_stream_is_strained_the_same_however_it_is_cut(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    whole, pieces = Strainer({1, 2}), Strainer({1, 2})
    expected = whole.feed(text) + whole.rest()
    bounds = [0, *cuts, len(text)]
    got = "".join(pieces.feed(text[a:b]) for a, b in itertools.pairwise(bounds)) + pieces.rest()
    assert got == expected


@given(st.lists(st.text(alphabet=st.sampled_from("ab. \n[]0123456789"), max_size=20), max_size=6))
@example(["[[0]0]"])
@example(["[", "[0]", "0]"])
@example(["[2 ", "[0]]"])
def test_no_strange_mark_comes_through(pieces: list[str]) -> None:
    strainer = Strainer({1})
    shown = "".join(map(strainer.feed, pieces)) + strainer.rest()
    assert set(re.findall(r"\[(\d{1,3})\]", shown)) <= {"1", "01", "001"}


@pytest.mark.parametrize("row", [".", "?", " ", "\t", '."', "[", "[1", "a-", "`"])
def test_long_rows_of_one_thing_take_no_longer_than_they_are(row: str) -> None:
    """With quadratic patterns this would take minutes."""
    text = "I like" + row * 200_000 + "x"
    assert "".join(sentences(text)) == text
    assert cite(text, [])[0] == text
    strainer = Strainer({1})
    assert strainer.feed(text) + strainer.rest() == text
    assert not is_of_document(text)


def test_what_a_model_invented_is_counted_where_it_is_taken_out() -> None:
    said = "The notice period is three months [1][7]. Bananas are yellow [1]. `a[3]` is code. Fine [8]?"
    assert cite(said, [NOTICE, LEAVE]).invented == 3
    assert cite("The notice period is three months [1].", [NOTICE]).invented == 0
    strainer = Strainer({1})
    told = "".join([strainer.feed("One [1], two [2"), strainer.feed("] and `three[3]`."), strainer.rest()])
    assert (told, strainer.dropped) == ("One [1], two and `three[3]`.", 1)
