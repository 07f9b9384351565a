"""Extractive summaries: the sentences that say most of a text, in English and in French, and nothing else."""

from __future__ import annotations

import pytest

from anima.kernel.terms import terms
from anima.knowledge import extractive
from anima.knowledge.extractive import choose, in_order, sentences, split

ENGLISH = [
    "# Herons of the northern lakes\n\nGrey herons of the northern lakes breed in colonies on tall trees. "
    "Dr. Ames counted 312 pairs of herons at the lakes in 2019, e.g. at Lake Orin.",
    "Dr. Ames counted 312 pairs of herons at the lakes in 2019, e.g. at Lake Orin. The weather was fine on most days. "
    "Herons left three lakes when the water level fell by a metre.",
    "| year | pairs |\n| 2018 | 290 |\n\nThe author thanks the ferryman for coffee. "
    "Falling water levels are the main threat to the herons of the northern lakes.",
]
FRENCH = [
    "Le port de Brume ferme ses écluses chaque hiver. Les écluses du port sont anciennes et demandent un entretien "
    "régulier.",
    "M. Lenoir habite près du phare. Le port prévoit de remplacer les écluses avant l'hiver prochain. "
    "Un chat dort sur le quai.",
]


def of(texts: list[str]) -> list[extractive.Sentence]:
    return sentences(enumerate(texts, 100))


def test_sentences_end_where_they_end() -> None:
    assert split("Dr. Ames left at 3.5 hours. Was it J. Smith? Yes, it was him!") == [
        "Dr. Ames left at 3.5 hours.",
        "Was it J. Smith?",
        "Yes, it was him!",
    ]


def test_what_is_no_prose_is_left_out() -> None:
    texts = [one.text for one in of(ENGLISH)]
    assert not any("|" in text or "2018" in text or text.startswith("#") for text in texts)


def test_examples_of_code_and_headings_before_prose_are_left_out() -> None:
    text = (
        "## How to begin\nYou need nothing but Python.\n\n    tool fetch every model now\n    tool start and wait\n"
        "\n```sh\ntool search where it all begins\n```\nThen it starts by itself.\n"
        "\n    A quotation, set in, is still told.\n"
    )
    assert split(text) == [
        "You need nothing but Python.",
        "Then it starts by itself.",
        "A quotation, set in, is still told.",
    ]


def test_lines_that_were_broken_by_a_page_are_one_sentence() -> None:
    assert split("The lake freezes\nin January of\nmost years.") == ["The lake freezes in January of most years."]


def test_what_chunks_share_comes_once_and_knows_its_chunk() -> None:
    found = of(ENGLISH)
    assert len({one.text for one in found}) == len(found)
    assert next(one.chunk_id for one in found if "312 pairs" in one.text) == 100
    assert [one.order for one in found] == list(range(len(found)))


def test_an_english_text_is_told_by_what_it_is_about() -> None:
    chosen = choose(of(ENGLISH), 2, title="Herons of the northern lakes")
    assert {one.text for one in chosen} == {
        "Grey herons of the northern lakes breed in colonies on tall trees.",
        "Falling water levels are the main threat to the herons of the northern lakes.",
    }
    assert in_order(chosen)[0].text.startswith("Grey herons")


def test_a_french_text_is_told_by_what_it_is_about() -> None:
    told = " ".join(one.text for one in in_order(choose(of(FRENCH), 2)))
    assert "écluses" in told
    assert "remplacer" in told or "hiver" in told
    assert "chat" not in told
    assert "Lenoir" not in told


def test_what_is_asked_for_comes_first() -> None:
    asked = terms("Who was thanked, and for coffee?", "en")
    assert choose(of(ENGLISH), 1, asked=asked)[0].text == "The author thanks the ferryman for coffee."
    chat = choose(of(FRENCH), 1, asked=terms("Où dort le chat ?", "fr"))
    assert chat[0].text == "Un chat dort sur le quai."


def test_what_nothing_answers_gets_what_is_central() -> None:
    assert choose(of(ENGLISH), 1, asked=["volcano"]) == choose(of(ENGLISH), 1)


def test_a_sentence_is_not_told_twice() -> None:
    texts = ["Herons need deep water. Herons need the deep water! Water is cold in winter here."]
    chosen = choose(of(texts), 3)
    assert len(chosen) == 2


@pytest.mark.parametrize("texts", [[], [""], ["...\n\n---\n\n| a | b |"], ["12 34 56 78 90"]])
def test_a_text_without_sentences_has_none(texts: list[str]) -> None:
    assert choose(of(texts), 3) == []


def test_a_long_text_takes_linear_time_to_split() -> None:
    assert len(split("a" * 200_000 + "." * 50_000 + " " * 50_000)) <= 1
    assert split("Dr. " * 20_000) == [("Dr. " * 20_000).strip()]
