"""How memories fade (closed form, moment of forgetting) and how they are ranked."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anima.memory.model import (
    FORGOTTEN_BELOW,
    Asked,
    Candidate,
    boosts,
    forget_at,
    rank,
    similarity,
    strength,
    strength_of,
    without,
    without_names,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
importances = st.floats(0, 1)
recalls = st.integers(0, 10_000)
days = st.floats(0, 3650)


def candidate(text: str, **other: object) -> Candidate:
    given_by = {
        "kind": "message",
        "id": text,
        "text": text,
        "key": "",
        "value": None,
        "confirmed": True,
        "importance": 0.5,
        "made_at": NOW,
        "last_recalled": None,
        "times_recalled": 0,
        "pinned": False,
        "message_id": 1,
        "session_id": 1,
        "speaker": "user",
        "cosine": 0.5,
        "words": 0.0,
        "coverage": 0.0,
    }
    return Candidate(**{**given_by, **other})  # type: ignore[arg-type]


@given(days, importances, recalls)
def test_strength_is_the_formula(age: float, importance: float, times: int) -> None:
    expected = math.exp(-0.1 * age / (1 + 0.5 * importance + 0.2 * math.log(times + 1)))
    assert strength(timedelta(days=age), importance, times) == pytest.approx(expected, rel=1e-6)


@given(importances, recalls)
def test_it_begins_whole_and_is_never_more(importance: float, times: int) -> None:
    assert strength(timedelta(0), importance, times) == 1.0
    assert strength(timedelta(days=-3), importance, times) == 1.0


@given(days, days, importances, recalls)
def test_it_only_falls(one: float, other: float, importance: float, times: int) -> None:
    early, late = sorted((timedelta(days=one), timedelta(days=other)))
    assert strength(late, importance, times) <= strength(early, importance, times)


@given(days, importances, recalls)
def test_what_matters_and_what_is_recalled_fades_more_slowly(age: float, importance: float, times: int) -> None:
    gone = timedelta(days=age)
    assert strength(gone, importance, times + 1) >= strength(gone, importance, times)
    assert strength(gone, 1.0, times) >= strength(gone, importance, times)


@given(importances, recalls)
def test_the_moment_of_forgetting_is_where_a_tenth_is_left(importance: float, times: int) -> None:
    moment = forget_at(NOW, importance, times)
    assert strength(moment - NOW, importance, times) == pytest.approx(FORGOTTEN_BELOW, rel=1e-6)
    assert moment == NOW + timedelta(days=math.log(10) * boosts(importance, times) / 0.1)


def test_facts_sayings_and_what_is_pinned_do_not_fade() -> None:
    old = NOW - timedelta(days=900)
    assert strength_of(candidate("a", made_at=old), NOW) == 1.0
    assert strength_of(candidate("a", kind="fact", made_at=old), NOW) == 1.0
    episode = candidate("a", kind="episode", made_at=old)
    assert strength_of(episode, NOW) < 1e-6
    assert strength_of(replace(episode, pinned=True), NOW) == 1.0
    assert strength_of(replace(episode, last_recalled=NOW), NOW) == 1.0


def test_relevance_leads_over_strength_and_importance() -> None:
    old = candidate("old", kind="episode", cosine=0.8, words=3.0, importance=0.1, made_at=NOW - timedelta(days=20))
    fresh = candidate("fresh", kind="episode", cosine=0.2, words=0.5, importance=1.0)
    assert [memory.id for memory in rank([fresh, old], Asked(), NOW, 5)] == ["old", "fresh"]


def test_of_equal_relevance_the_stronger_leads() -> None:
    faded = candidate("faded", kind="episode", made_at=NOW - timedelta(days=20))
    fresh = candidate("fresh", kind="episode")
    assert [memory.id for memory in rank([faded, fresh], Asked(), NOW, 5)] == ["fresh", "faded"]


def test_a_fact_that_is_asked_for_comes_first_and_says_why() -> None:
    fact = candidate("The user lives in Oslo.", kind="fact", key="home", cosine=0.3)
    said = candidate("I saw a house today.", cosine=0.5)
    first = rank([said, fact], Asked(frozenset({"home"})), NOW, 5)[0]
    assert (first.kind, first.scores["asked"]) == ("fact", 1.0)
    assert set(first.scores) == {
        *("cosine", "similarity", "words", "coverage", "relevance", "strength", "importance", "asked")
    }


def test_what_was_said_twice_is_recalled_once_and_no_more_than_asked_for() -> None:
    said = [
        candidate("I like rain.", id="1"),
        candidate("i  like rain.", id="2"),
        candidate("Snow.", id="3", cosine=0.1),
    ]
    assert [memory.id for memory in rank(said, Asked(), NOW, 5)] == ["1", "3"]
    assert len(rank(said, Asked(), NOW, 1)) == 1
    assert rank([], Asked(), NOW, 5) == []


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(0, 50), st.floats(0, 1)), min_size=1, max_size=20))
def test_scores_lie_between_0_and_1(rows: list[tuple[float, float, float]]) -> None:
    given_by = [
        candidate(str(number), cosine=cosine, words=words, coverage=coverage)
        for number, (cosine, words, coverage) in enumerate(rows)
    ]
    for memory in rank(given_by, Asked(frozenset(), "user", 0.1), NOW, 50):
        assert -1 <= memory.score <= 1
        assert 0 <= memory.scores["similarity"] <= 1
        assert 0 <= memory.strength <= 1


@given(st.floats(-1, 1), st.floats(0, 1))
def test_similarity_is_what_lies_above_the_background(cosine: float, background: float) -> None:
    assert similarity(cosine, background) >= 0
    assert (similarity(cosine, background) > 0) == (cosine - background > 0)
    assert similarity(None, background) == 0


def test_names_say_nothing_about_what_is_asked() -> None:
    assert without_names("What did Luna's friend Diego eat?", ["Luna", "Diego Ruiz"]) == "What did friend eat?"
    assert without_names("Luna", ["Luna"]) == "Luna"
    assert without_names("What?", []) == "What?"
    assert without(["luna", "hate", "hat"], [0, 1, 1], {"luna"}) == (["hate", "hat"], [1, 1])
