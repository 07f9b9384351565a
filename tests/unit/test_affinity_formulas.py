"""Affinity: where a turn, a rating, a flood and an absence take it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anima import personality as personalities
from anima.relationships import service
from anima.relationships.model import Affinity, faded
from anima.relationships.moves_model import effort, moved, recent_now, verdict

POINTS = st.floats(0, 100)
SENTIMENTS = st.floats(-1, 1)
SHARES = st.floats(0, 1)
LUNA = personalities.parse(personalities.load_ready("luna"))
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def flood(turns: int, hours_between: float, sentiment: float = 1.0) -> float:
    points = recent = 0.0
    for _ in range(turns):
        recent = recent_now(recent, hours_between)
        points = moved(points, sentiment=sentiment, effort=1.0, recent=recent)
        recent += 1.0
    return points


@given(POINTS, SENTIMENTS, SHARES, st.floats(0, 1000))
def test_a_turn_stays_in_the_range_and_moves_a_little(
    points: float, sentiment: float, share: float, recent: float
) -> None:
    after = moved(points, sentiment=sentiment, effort=share, recent=recent)
    assert 0 <= after <= 100
    assert abs(after - points) <= 4


@given(POINTS, st.integers(1, 5), st.floats(0, 1000))
def test_a_rating_moves_in_its_own_direction(points: float, rating: int, recent: float) -> None:
    after = moved(points, rating=rating, recent=recent)
    assert 0 <= after <= 100
    assert after >= points if rating >= 3 else after <= points
    assert after == points or rating != 3


@given(POINTS, SHARES, SENTIMENTS, SENTIMENTS)
def test_a_kinder_turn_never_gives_less(points: float, share: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    worse, better = (moved(points, sentiment=sentiment, effort=share) for sentiment in (low, high))
    assert worse <= better + 1e-9


def test_a_flood_gives_at_most_ten_first_turns() -> None:
    first = flood(1, 0)
    assert first == 2
    assert flood(10_000, 0) < 10 * first
    assert flood(10_000, 1 / 3600) < 12 * first


@pytest.mark.parametrize("per_day", [1, 10, 20, 100, 1000])
def test_no_pace_gives_more_than_eight_first_turns_a_day(per_day: int) -> None:
    days = 3
    assert flood(days * per_day, 24 / per_day) < (10 + 8 * days) * 2


def test_unkindness_counts_even_in_a_flood() -> None:
    kind = moved(50, sentiment=0.9, effort=1, recent=50)
    assert kind - 50 < 0.05
    assert 50 - moved(50, sentiment=-0.9, effort=1, recent=50) > 1


@given(POINTS, st.floats(0, 50), st.lists(st.floats(0, 500), min_size=2, max_size=5))
def test_absence_lowers_slowly_to_the_floor(above: float, floor: float, days: list[float]) -> None:
    points = min(100.0, floor + above)
    course = [faded(points, floor, day) for day in sorted(days)]
    assert all(before >= after - 1e-9 for before, after in pairwise(course))
    assert all(floor - 1e-9 <= value <= points for value in course)


def test_absence_never_costs_the_level() -> None:
    kept = Affinity(60.0, "friend", 40, 20, 0, 1.0, NOON)
    soon, later, much_later = (service.present(kept, LUNA, NOON + timedelta(days=days)) for days in (0.5, 30, 10_000))
    assert (soon.points, soon.level) == (60.0, "friend")
    assert 45 < later.points < 60
    assert (much_later.points, much_later.level) == (45.0, "friend")


def test_before_the_first_turn_one_is_a_stranger() -> None:
    assert service.present(None, LUNA, NOON) == service.Standing(0.0, "new acquaintance")


@given(st.text(max_size=300))
def test_effort_is_a_share(text: str) -> None:
    assert 0 <= effort(text) < 1


def test_repeating_oneself_is_no_effort() -> None:
    assert effort("hi " * 500) == effort("hi") < effort("I walked to the old harbour today")
    assert [verdict(value) for value in (-0.9, 0.0, 0.9)] == [-1, 0, 1]
