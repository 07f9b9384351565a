"""How recall ranks: each part of relevance by its closed form, and what each does to the order."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anima.kernel.terms import Question
from anima.memory.model import Asked, Candidate, Memory, without, without_names
from anima.memory.ranking import attended, attention, bm25, coverage, nearness, rank, similarity, told, worth
from anima.memory.service import _asked as asked_by
from anima.memory.word_forms import with_forms
from fixtures.candidates import NOW, candidate

counts = st.floats(0, 1_000)


def order(*candidates: Candidate, asked: Asked | None = None) -> list[str]:
    return [memory.id for memory in rank(candidates, asked or Asked(), NOW, 20)]


def only(one: Candidate, asked: Asked | None = None) -> Memory:
    return rank([one], asked or Asked(), NOW, 1)[0]


@given(st.floats(1, 1e6), st.floats(0, 1))
def test_what_a_word_is_worth_is_the_formula(n: float, share: float) -> None:
    df = n * share
    assert worth(n, df) == pytest.approx(math.log(1 + (n - df + 0.5) / (df + 0.5)), rel=1e-9)
    assert worth(n, df) > 0


@given(st.floats(0.5, 50), st.floats(0.01, 15), st.floats(1, 500), st.floats(1, 500))
def test_bm25_is_the_formula_and_never_more_than_its_bound(tf: float, idf: float, length: float, mean: float) -> None:
    expected = idf * tf * 2.2 / (tf + 1.2 * (1 - 0.75 + 0.75 * length / mean))
    assert bm25(tf, idf, length, mean) == pytest.approx(expected, rel=1e-9)
    assert bm25(tf, idf, length, mean) <= 2.2 * idf
    assert bm25(tf + 1, idf, length, mean) >= bm25(tf, idf, length, mean)


@given(st.floats(-400, 400))
def test_nearness_falls_by_e_for_each_week_outside_a_span(days: float) -> None:
    span = (NOW, NOW + timedelta(days=10))
    outside = max(-days, days - 10, 0)
    assert nearness(NOW + timedelta(days=days), span) == pytest.approx(math.exp(-outside / 7), rel=1e-6)


@given(st.floats(-1, 0), st.floats(0, 10))
def test_attention_weighs_by_the_exponential_of_the_score(difference: float, gain: float) -> None:
    assert attention(difference, gain) == pytest.approx(math.exp(10 * gain * difference))


@given(st.lists(st.floats(0, 1), max_size=8), st.floats(0, 5), st.integers(-5, 100))
def test_attention_lets_through_the_best_as_long_as_they_fit(scores: list[float], gain: float, budget: int) -> None:
    memories = [replace(only(candidate(str(score))), score=score) for score in sorted(scores, reverse=True)]
    kept = attended(memories, gain, [10] * len(memories), budget)
    assert kept == memories[: len(kept)]
    assert len(kept) == 0 if not memories else 1 <= len(kept) <= max(1, budget // 10)
    sharper = attended(memories, gain + 1, [10] * len(memories), budget)
    assert len(sharper) <= len(kept)


@given(st.floats(-1, 1), st.floats(0, 1))
def test_similarity_is_what_lies_above_the_background(cosine: float, background: float) -> None:
    assert similarity(cosine, background) >= 0
    assert (similarity(cosine, background) > 0) == (cosine - background > 0)
    assert similarity(None, background) == 0


@given(st.lists(st.tuples(st.floats(-1, 1), st.integers(0, 4), st.booleans()), min_size=1, max_size=20))
def test_scores_lie_where_they_are_said_to(rows: list[tuple[float, int, bool]]) -> None:
    given_by = [
        candidate(str(number), cosine=cosine, holds=range(words), message_id=number + 1, own=own)
        for number, (cosine, words, own) in enumerate(rows)
    ]
    for memory in rank(given_by, Asked(frozenset(), "user", 0.1), NOW, 50):
        assert 0 <= memory.score <= 1
        assert all(0 <= memory.scores[name] <= 1 for name in ("similarity", "coverage", "relevance", "importance"))
        assert 0 <= memory.strength <= 1


def test_the_parts_of_relevance_add_up() -> None:
    one = candidate("We met in June.", holds=(1, 2), message_id=5, before_id=None)
    scores = only(one, Asked(personal=True, wants=frozenset({"time"}))).scores
    names = ("meaning", "wording", "session", "speaker", "answer", "opening", "substance")
    assert scores["relevance"] == pytest.approx(sum(scores[name] for name in names) / 4, abs=1e-3)
    assert (scores["meaning"], scores["wording"], scores["speaker"], scores["answer"]) == (1, 0.85, 0.4, 0.2)


def test_relevance_leads_over_strength_and_importance() -> None:
    old = candidate("old", kind="episode", cosine=0.8, holds=(1, 2), importance=0.1, made_at=NOW - timedelta(days=20))
    fresh = candidate("fresh", kind="episode", cosine=0.2, holds=(1,), importance=1.0)
    assert order(fresh, old) == ["old", "fresh"]


def test_of_equal_relevance_the_stronger_leads() -> None:
    faded = candidate("faded", kind="episode", made_at=NOW - timedelta(days=20))
    assert order(faded, candidate("fresh", kind="episode")) == ["fresh", "faded"]


def test_a_fact_that_is_asked_for_comes_first_and_says_why() -> None:
    fact = candidate("I live in Oslo.", kind="fact", key="home", value="Oslo", cosine=0.3)
    said = candidate("I saw a house today.", cosine=0.5, message_id=3)
    first = rank([said, fact], Asked(frozenset({"home"})), NOW, 5)[0]
    assert (first.kind, first.key, first.text, first.scores["asked"]) == (
        "fact",
        "home",
        "The user lives in Oslo.",
        1.0,
    )


def test_an_answer_is_found_by_the_question_before_it() -> None:
    question = candidate("Where did you buy the lamp?", message_id=1, before_id=None, holds=(1, 2), cosine=0.9)
    answer = candidate("At the flea market in Ghent.", message_id=2, before_id=1, cosine=0.35)
    other = candidate("I like markets a lot.", message_id=9, before_id=8, session_id=2, cosine=0.45)
    assert order(question, answer, other).index(answer.id) < order(question, answer, other).index(other.id)
    scores = {memory.id: memory.scores for memory in rank([question, answer], Asked(), NOW, 2)}
    assert scores[answer.id]["led_to"] > 0
    alone = replace(answer, before_id=None)
    assert order(alone, other)[0] == other.id


def test_words_count_where_the_line_beside_holds_them() -> None:
    before = candidate("The wedding was lovely.", message_id=1, holds=(1,), cosine=0.2)
    here = candidate("Ana sang there.", message_id=2, before_id=1, holds=(2,), cosine=0.2)
    apart = candidate("Ben sang, too.", message_id=7, before_id=6, session_id=2, holds=(2,), cosine=0.2)
    windows = {memory.id: memory.scores["window"] for memory in rank([before, here, apart], Asked(), NOW, 3)}
    assert windows[here.id] > windows[apart.id]


def test_whom_the_question_names_is_heard_first() -> None:
    ana = candidate("I paint.", speaker="Ana", own=False, message_id=1)
    ben = candidate("I paint, too.", speaker="Ben", own=False, message_id=2)
    assert order(ana, ben, asked=Asked(tokens=frozenset({"what", "does", "ben", "paint"})))[0] == ben.id
    both = rank([ana, ben], Asked(tokens=frozenset({"ana", "ben"})), NOW, 2)
    assert all("speaker" not in memory.scores for memory in both)


def test_the_time_that_is_asked_for_comes_first() -> None:
    spring = candidate("I planted tulips.", message_id=1, made_at=datetime(2025, 4, 2, tzinfo=NOW.tzinfo))
    autumn = candidate("I planted bulbs.", message_id=2, made_at=datetime(2025, 10, 2, tzinfo=NOW.tzinfo))
    asked = asked_by(Question.of("What did I plant in April 2025?", [1.0]), NOW)
    assert order(autumn, spring, asked=asked)[0] == spring.id


def test_a_question_is_no_answer_and_an_echo_little() -> None:
    asked = candidate("What is my bicycle painted?", message_id=1, cosine=0.99, holds=(1, 2))
    said = candidate("My bicycle is turquoise.", message_id=2, cosine=0.8, holds=(1,), session_id=2)
    echo = candidate("Turquoise is a fine paint for a bicycle.", speaker="assistant", own=False, message_id=3,
                     before_id=2, cosine=0.9, holds=(1, 2), session_id=2)  # fmt: skip
    assert order(asked, said, echo)[0] == said.id
    assert order(said, echo, asked=Asked(speaker="assistant"))[0] == echo.id


def test_what_was_said_twice_is_recalled_once_and_no_more_than_asked_for() -> None:
    said = [
        candidate("I like rain.", id="1", message_id=1),
        candidate("i  like rain.", id="2", message_id=2),
        candidate("Snow.", id="3", cosine=0.1, message_id=3),
    ]
    assert order(*said) == ["1", "3"]
    assert len(rank(said, Asked(), NOW, 1)) == 1
    assert rank([], Asked(), NOW, 5) == []


def test_a_fact_stands_for_the_line_that_it_was_taken_from() -> None:
    line = candidate("I live in Oslo.", id="7", message_id=7, cosine=0.6)
    fact = candidate("I live in Oslo", id="f", kind="fact", key="home", value="Oslo", message_id=7, cosine=0.6)
    asked = Asked(frozenset({"home"}))
    assert order(line, fact, asked=asked) == ["f"]
    longer = replace(line, text="I live in Oslo, and on Sunday we sail to the islands with Ana and her dog.")
    assert order(longer, fact, asked=asked) == ["f", "7"]


def test_a_fact_tells_until_when_it_held() -> None:
    fact = candidate("I live in Lyon", kind="fact", key="home", value="Lyon",
                     true_from=datetime(2019, 5, 1, tzinfo=NOW.tzinfo))  # fmt: skip
    assert told(fact) == "The user lives in Lyon."
    assert told(fact, dated=True) == "The user lives in Lyon. (since May 2019)"
    past = replace(fact, is_active=False, true_until=datetime(2024, 3, 9, tzinfo=NOW.tzinfo))
    assert told(past) == "The user lives in Lyon. That was so until March 2024, and is no longer."
    assert told(replace(past, true_until=None)).endswith("That was so earlier, and is no longer.")


@given(st.integers(0, 6))
def test_coverage_is_the_share_of_what_the_words_are_worth(words: int) -> None:
    each = worth(100, 5)
    one = candidate("a", holds=range(words), total=6 * each)
    assert coverage(one) == pytest.approx(words / 6)


def test_irregular_forms_ask_for_each_other() -> None:
    found, words, weights = with_forms(["go", "pari"], [0, 3])
    assert dict(zip(found, zip(words, weights, strict=True), strict=True)) == {
        "go": (0, 1.0), "pari": (3, 1.0), "went": (0, 0.8), "gone": (0, 0.8),
    }  # fmt: skip
    assert with_forms(["child"], [1])[0] == ["child", "children"]


@pytest.mark.parametrize(
    ("text", "wants"),
    [
        ("When did we meet?", {"time"}),
        ("And since when do I live here?", {"time"}),
        ("Who sang at the wedding?", {"name"}),
        ("Où habite ma sœur ?", {"name"}),
        ("Depuis quand est-ce que je cours ?", {"time"}),
        ("What did I eat?", set()),
        ("I wonder whether you remember", set()),
    ],
)
def test_the_sort_of_answer_is_told_by_how_a_question_begins(text: str, wants: set[str]) -> None:
    assert asked_by(Question.of(text, [1.0]), NOW).wants == wants


def test_names_say_nothing_about_what_is_asked() -> None:
    assert without_names("What did Luna's friend Diego eat?", ["Luna", "Diego Ruiz"]) == "What did friend eat?"
    assert without_names("Luna", ["Luna"]) == "Luna"
    assert without_names("What?", []) == "What?"
    assert without(["luna", "hate", "hat"], [0, 1, 1], {"luna"}) == (["hate", "hat"], [1, 1])


def test_of_two_lines_that_fit_alike_the_one_that_says_more_leads() -> None:
    short = candidate("Rain again!", id="1", message_id=1)
    long = candidate("It rained again all week in the valley where we rented the hut.", id="2", message_id=2)
    assert order(short, long) == ["2", "1"]
    repeated = replace(long, id="3", message_id=3, text="rain " * 75)
    endless = replace(long, id="4", message_id=4, text="rain " * 5_000)
    assert only(repeated).scores["substance"] == only(endless).scores["substance"]
