"""Affinity against its closed forms: fading, fatigue, copies of the same words, levels held, clocks that jump."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anima import personality as personalities
from anima.relationships import service
from anima.relationships.model import Affinity, faded, went_back
from anima.relationships.moves_model import (
    HELD,
    effort,
    entered,
    freshness,
    held_below,
    may_rise,
    moved,
    recent_now,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LUNA = personalities.parse(personalities.load_ready("luna"))
POINTS = st.floats(0, 100)
DAYS = st.floats(1, 400)
KEPT = Affinity(44.0, "acquaintance", 40, 20, 0, 1.0, NOON, 0.0, [])


@given(POINTS, POINTS, DAYS, DAYS)
def test_absence_in_two_parts_takes_what_it_takes_at_once(
    points: float, floor: float, one: float, other: float
) -> None:
    """p(t) = floor + (p - floor) exp(-(t - 1) / 30): a course, not a sum of steps."""
    low, high = sorted((points, floor))
    at_once = faded(high, low, one + other - 1)
    in_parts = faded(faded(high, low, one), low, other)
    assert at_once == pytest.approx(in_parts, abs=1e-6)
    assert at_once == pytest.approx(low + (high - low) * math.exp(-(one + other - 2) / 30), abs=1e-6)


@given(st.floats(0, 100), st.floats(0, 200), st.floats(0, 200))
def test_the_weight_of_the_past_fades_alike_in_parts(recent: float, one: float, other: float) -> None:
    assert recent_now(recent_now(recent, one), other) == pytest.approx(recent * math.exp(-(one + other) / 12), abs=1e-9)


@given(st.integers(1, 200), st.floats(0.0, 1.0), st.floats(0.05, 1.0), st.floats(0.0, 1.0))
def test_turns_of_one_moment_have_a_closed_form(turns: int, kindness: float, share: float, fresh: float) -> None:
    """100 - p shrinks by the product of (1 - g f 0.85^k / 100), where g is what the first turn gives at 0."""
    first = moved(0.0, sentiment=kindness, effort=share, fresh=fresh)
    points = 0.0
    for recent in range(turns):
        points = moved(points, sentiment=kindness, effort=share, recent=float(recent), fresh=fresh)
    left = math.prod(1 - first * 0.85**k / 100 for k in range(turns))
    assert points == pytest.approx(100 * (1 - left), abs=1e-6)
    assert points <= first * (1 - 0.85**turns) / 0.15 + 1e-9


@given(st.integers(0, 60), st.text(alphabet="abcdef ", min_size=1, max_size=40).filter(str.strip))
def test_the_nth_copy_of_a_sentence_counts_for_one_nth(copies: int, text: str) -> None:
    assert freshness(text, [text] * copies) == pytest.approx(1 / (1 + copies))
    assert freshness(f"  {text.upper()}!!", [text] * copies) == pytest.approx(1 / (1 + copies))


def test_other_words_are_new_and_some_other_words_are_partly_new() -> None:
    kind = "I love talking with you, thank you for listening"
    assert freshness("We went to the old harbour today", [kind] * 40) == 1.0
    varied = freshness("I love talking with you, thank you for listening to me today", [kind] * 40)
    assert 1 / 41 < varied < 0.2
    assert freshness("", []) == freshness("👍", ["hello"]) == 1.0
    assert freshness("👍", ["👍"] * 3) == 0.25


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 48)), max_size=60))
def test_no_course_of_turns_leaves_the_range(turns: list[tuple[float, float, float]]) -> None:
    points = recent = 0.0
    for sentiment, share, hours in turns:
        recent = recent_now(recent, hours)
        points = moved(points, sentiment=sentiment, effort=share, recent=recent)
        recent += 1
        assert 0 <= points <= 100


@given(st.floats(0, 100), st.floats(1, 100))
def test_a_level_that_may_not_be_entered_yet_is_not(points: float, ceiling: float) -> None:
    held = held_below(points, ceiling)
    assert held < ceiling
    assert held == points or points >= ceiling


def test_a_level_is_left_upwards_only_after_it_was_held() -> None:
    history = entered([], "stranger", 0.0, NOON)
    assert not may_rise(history, "stranger", NOON + HELD - timedelta(seconds=1))
    assert may_rise(history, "stranger", NOON + HELD)
    assert not may_rise(history, "another", NOON + HELD)
    assert may_rise([], "stranger", NOON)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-500, 500)), max_size=80))
def test_the_history_is_in_order_and_bounded_whatever_the_clock_does(steps: list[tuple[str, int]]) -> None:
    history = []
    for level, hours in steps:
        history = entered(history, level, 1.0, NOON + timedelta(hours=hours))
    assert len(history) <= 50
    assert all(before["level"] != after["level"] for before, after in pairwise(history))
    assert not history or datetime.fromisoformat(history[-1]["at"]) <= NOON + timedelta(hours=500)


def test_a_clock_that_ran_ahead_and_was_set_right_holds_no_level_back() -> None:
    ahead = entered([], "stranger", 0.0, NOON + timedelta(days=365))
    assert not may_rise(ahead, "stranger", NOON)
    mended = entered(ahead, "stranger", 1.0, NOON)
    assert may_rise(mended, "stranger", NOON + HELD)


def test_what_an_absence_took_that_never_was_is_given_back() -> None:
    ahead = NOON + timedelta(days=365)
    far = service.points_at(KEPT, LUNA, ahead)
    assert far == pytest.approx(20.0, abs=0.01)
    jumped = replace(KEPT, affinity_points=far, last_interaction=ahead, absence_took=KEPT.affinity_points - far)
    assert service.points_at(jumped, LUNA, NOON + timedelta(minutes=5)) == pytest.approx(44.0)
    assert service.points_at(jumped, LUNA, ahead + timedelta(hours=2)) == far
    assert went_back(ahead, NOON)
    assert not went_back(NOON, NOON - timedelta(minutes=10))
    assert not went_back(None, NOON)


@given(st.floats(-3000, 0))
def test_a_clock_that_goes_back_takes_nothing(hours: float) -> None:
    assert service.points_at(KEPT, LUNA, NOON + timedelta(hours=hours)) == KEPT.affinity_points
    assert recent_now(KEPT.recent_interactions, hours) == KEPT.recent_interactions


def test_the_next_level() -> None:
    following = service.next_level(LUNA, 19.0)
    assert following is not None
    assert following.low == 20.0
    assert service.next_level(LUNA, 99.0) is None
    assert service.next_level(personalities.PLAIN, 0.0) is None


def test_effort_has_a_closed_form() -> None:
    """1 - exp(-n / 15) with n different words."""
    assert effort(" ".join(map(str, range(30)))) == pytest.approx(1 - math.exp(-2))
