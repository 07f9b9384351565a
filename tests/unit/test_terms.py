"""Terms: tokens, stop words, stems, languages."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anima.kernel import terms as t


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Hello, World!", ["hello", "world"]),
        ("Où est l'Œuvre déjà vue ?", ["ou", "est", "l", "oeuvre", "deja", "vue"]),
        ("Straße ﬁle x_y 3.14 don't", ["strasse", "file", "x", "y", "3", "14", "don", "t"]),
        ("東京タワー 1F", ["東京", "京タ", "タワ", "ワー", "1f"]),
        ("naïve NAÏVE nai\u0308ve", ["naive"] * 3),
        ("?! …", []),
    ],
)
def test_tokens_are_words_without_case_and_accents(text: str, tokens: list[str]) -> None:
    assert t.tokenise(text) == tokens


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Hello, I am Diego and I hate olives", "en"),
        ("What is the capital?", "en"),
        ("Où est la bibliothèque ?", "fr"),
        ("J'aime les olives", "fr"),
        ("Diego olives", None),
        ("", None),
    ],
)
def test_the_language_is_told_by_function_words(text: str, language: str | None) -> None:
    assert t.language_of(text) == language


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("She was running to the boats", "runs boat"),
        ("Les décisions sont prises", "la decision est prise"),
        ("decided", "deciding"),
    ],
)
def test_forms_of_a_word_have_one_stem(one: str, other: str) -> None:
    assert set(t.terms(one)) == set(t.terms(other, t.language_of(one)))


def test_stop_words_are_left_out_of_their_own_language_only() -> None:
    assert t.terms("The car is on the road") == ["car", "road"]
    assert t.terms("Il part car il est tard") == ["part", "tard"]
    assert t.counts("The boats, the boat and a lake") == {"boat": 2, "lake": 1}


def test_a_question_of_unclear_language_is_stemmed_in_both() -> None:
    question = t.Question.of("running Diego", [1.0])
    assert (question.language, question.vector) == (None, [1.0])
    stems = dict(zip(question.terms, question.words, strict=True))
    assert stems == {"run": 0, "running": 0, "diego": 1}
    assert t.Question.of("What are the decisions?", []).terms == ["decis"]


@pytest.mark.parametrize("text", ["running boats", "Les décisions du conseil", "Diego olives", "What did Ines decide?"])
def test_a_question_finds_the_text_that_it_quotes(text: str) -> None:
    assert set(t.terms(text)) <= set(t.question_terms(text))


@given(st.text())
def test_any_text_has_terms_that_an_index_takes(text: str) -> None:
    found = t.terms(text)
    assert all(0 < len(term.encode()) <= 512 and "\x00" not in term for term in found)
    assert sum(t.counts(text).values()) == len(found)
    assert set(t.question_terms(text).values()) <= set(range(len(t.tokenise(text))))


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert t.tokenise(" ".join(t.tokenise(text))) == t.tokenise(text)


def test_stems_are_the_same_in_all_threads() -> None:
    words = [f"{stem}{end}" for stem in ("decid", "freez", "walk", "organis") for end in ("e", "ing", "ed", "es")]
    alone = [t.terms(word, "en") for word in words]
    t._term.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda _: [t.terms(word, "en") for word in words], range(50)))
    assert all(found == alone for found in together)
