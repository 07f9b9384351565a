"""Which gaps a turn leaves, which are the same, what fills one, and which may be brought up now."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from anima.curiosity import gaps, ranking
from anima.curiosity.model import Aside
from anima.kernel.terms import Question

HARBOUR = "When does the harbour of Brume open?"


def question(text: str) -> Question:
    return Question.of(text, [0.0])


def aside(text: str, score: float = 0.5, document_id: int | None = None, **more: Any) -> Aside:
    return Aside(uuid.uuid4(), "unknown", text, "", score, document_id, document_id, more.get("answer"), None, None)


@pytest.mark.parametrize(
    ("text", "answer", "gate", "is_one"),
    [
        (HARBOUR, "At six.", "unknown", True),
        (HARBOUR, "I don't know, sorry.", "open", True),
        (HARBOUR, "I’m not sure about that.", "open", True),
        (HARBOUR, "Je ne sais pas.", "open", True),
        (HARBOUR, "At six in the morning.", "open", False),
        (HARBOUR, "I don't know.", "known", False),
        (HARBOUR, "I don't know.", "talk", False),
        ("What is it?", "I don't know.", "unknown", False),
    ],
)
def test_what_is_asked_and_not_known_is_a_gap(text: str, answer: str, gate: str, is_one: bool) -> None:
    assert (gaps.of_question(text, answer, gate) is not None) is is_one


def test_the_gap_is_what_is_asked_and_not_what_was_told_before_it() -> None:
    gap = gaps.of_question(f"I was at the sea. It was cold! {HARBOUR}", "", "unknown")
    assert gap is not None
    assert gap.question == HARBOUR
    long = gaps.of_question(f"Why {'do the ships of the harbour leave ' * 40}?", "", "unknown")
    assert long is not None
    assert len(long.question) <= 200


@pytest.mark.parametrize(
    ("kind", "language", "asked", "looked_up"),
    [
        ("person", "en", "Who is Brume?", False),
        ("animal", "fr", "Qui est Brume ?", False),
        ("place", "en", "Where is Brume?", True),
        ("organisation", "fr", "Qu'est-ce que Brume ?", True),
        ("thing", None, "What is Brume?", True),
    ],
)
def test_who_is_named_is_asked_for_by_what_they_are(kind: str, language: Any, asked: str, looked_up: bool) -> None:
    gap = gaps.of_named("Brume", kind, 3, language)
    assert (gap.question, gap.to_research) == (asked, looked_up)
    assert gap.score > gaps.of_named("Brume", kind, 2, language).score


@pytest.mark.parametrize(
    ("after", "is_one"),
    [
        ("I live in Oslo", True),
        ("J'habite à Oslo", True),
        ("I moved to Oslo", False),
        ("I live in Oslo now", False),
        ("Actually I live in Oslo", False),
        ("Maintenant j'habite à Oslo", False),
    ],
)
def test_a_change_that_is_told_is_no_contradiction(after: str, is_one: bool) -> None:
    gap = gaps.of_contradiction("home", "Lisbon", "Oslo", ("I live in Lisbon", after))
    assert (gap is not None) is is_one
    if gap is not None:
        assert not gap.to_research


def test_the_same_question_in_other_words_is_the_same_gap() -> None:
    one = ranking.folded("unknown", HARBOUR)
    assert ranking.same(ranking.folded("unknown", "The harbour of Brume, when does it open?"), [one]) == one
    assert ranking.same(ranking.folded("unknown", "When does the bakery of Brume open?"), [one]) is None
    assert ranking.same(ranking.folded("unexplained", "harbour Brume open"), [one]) is None


def test_what_is_asked_in_vain_matters_most_and_more_each_time() -> None:
    assert ranking.score("unknown", 1) > ranking.score("contradiction", 1) > ranking.score("unexplained", 1)
    assert ranking.score("unknown", 2) > ranking.score("unknown", 1)
    assert ranking.score("unknown", 99) == 1.0


@pytest.mark.parametrize(
    ("title", "text", "similarity", "fills"),
    [
        ("Rules", "The harbour of Brume opens at six.", None, True),
        ("Brume", "The harbour opens at six.", None, True),
        ("Rules", "The harbour master is Karl.", 0.2, False),
        ("Rules", "The harbour of Brume is old.", 0.6, True),
        ("Farming", "Sheep are kept for their wool.", 0.9, False),
        ("Questions", HARBOUR, None, False),
    ],
)
def test_a_passage_fills_a_gap_that_it_is_about(title: str, text: str, similarity: float | None, fills: bool) -> None:
    assert ranking.answers(question(HARBOUR), title, text, similarity) is fills


def test_the_sentences_that_answer_are_told_in_order_and_no_more() -> None:
    told = ranking.excerpt(
        question(HARBOUR), "It is old. The harbour of Brume opens at six. " + "Sheep graze here. " * 50
    )
    assert "opens at six" in told
    assert len(told) <= 400
    assert ranking.excerpt(question(HARBOUR), "word " * 200) != ""


def test_what_has_to_do_with_what_was_said_fits_findings_first() -> None:
    found, wondered = aside(HARBOUR, 0.4, 7), aside("Why is the harbour of Brume closed?", 0.9)
    assert ranking.fitting([wondered, found], question("I walked along the harbour.")) == found
    assert ranking.fitting([wondered], question("I walked along the harbour.")) == wondered
    assert (
        ranking.fitting([wondered, found], question("My violin teacher praised the sonata yesterday evening.")) is None
    )


def test_to_small_talk_anything_fits() -> None:
    low, high = aside(HARBOUR, 0.4), aside("Why is the lighthouse red?", 0.9)
    assert ranking.fitting([low, high], question("Good morning!")) == high
    assert ranking.fitting([], question("Good morning!")) is None
