"""How memories fade: the closed form and the moment of forgetting."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anima.memory.model import FORGOTTEN_BELOW, boosts, forget_at, strength, strength_of
from fixtures.candidates import NOW, candidate

importances = st.floats(0, 1)
recalls = st.integers(0, 10_000)
days = st.floats(0, 3650)


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
    exactly = NOW + timedelta(days=math.log(10) * boosts(importance, times) / 0.1)
    assert abs(moment - exactly) <= timedelta(microseconds=1)  # times hold no more


def test_facts_sayings_and_what_is_pinned_do_not_fade() -> None:
    old = NOW - timedelta(days=900)
    assert strength_of(candidate("a", made_at=old), NOW) == 1.0
    assert strength_of(candidate("a", kind="fact", made_at=old), NOW) == 1.0
    episode = candidate("a", kind="episode", made_at=old)
    assert strength_of(episode, NOW) < 1e-6
    assert strength_of(replace(episode, pinned=True), NOW) == 1.0
    assert strength_of(replace(episode, last_recalled=NOW), NOW) == 1.0
