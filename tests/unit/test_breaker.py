"""A circuit breaker opens, lets one try, heals, and forgets; and what a call costs."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anima.gateway.breaker import FAILURES, PAUSE_SECONDS, WINDOW_SECONDS, Breaker
from anima.gateway.spend_model import Price, ends
from anima.vendors.llm.calls import Usage

AT = "http://one/v1"


class Time:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def failing(breaker: Breaker, times: int = FAILURES, at: str = AT) -> None:
    for _ in range(times):
        breaker.failed(at)


def test_it_opens_when_enough_failed_and_only_for_that_endpoint() -> None:
    breaker = Breaker(Time())
    failing(breaker, FAILURES - 1)
    assert breaker.wait(AT) == 0
    failing(breaker, 1)
    assert breaker.wait(AT) == PAUSE_SECONDS
    assert breaker.wait("http://another/v1") == 0


def test_an_answer_between_failures_and_failures_long_ago_count_for_nothing() -> None:
    now = Time()
    breaker = Breaker(now)
    failing(breaker, FAILURES - 1)
    breaker.answered(AT)
    failing(breaker, FAILURES - 1)
    now.now += WINDOW_SECONDS + 1
    failing(breaker, FAILURES - 1)
    assert breaker.wait(AT) == 0


def test_after_the_pause_one_call_tries_and_the_others_wait_for_what_it_finds() -> None:
    now = Time()
    breaker = Breaker(now)
    failing(breaker)
    now.now += PAUSE_SECONDS
    assert breaker.wait(AT) == 0
    assert breaker.wait(AT) > 0
    breaker.answered(AT)
    assert [breaker.wait(AT) for _ in range(3)] == [0, 0, 0]


def test_a_try_that_fails_closes_it_for_longer_and_one_that_never_comes_back_blocks_nobody() -> None:
    now = Time()
    breaker = Breaker(now)
    failing(breaker)
    now.now += PAUSE_SECONDS
    assert breaker.wait(AT) == 0
    failing(breaker, 1)
    assert breaker.wait(AT) == 2 * PAUSE_SECONDS
    now.now += 2 * PAUSE_SECONDS
    assert breaker.wait(AT) == 0  # this one is killed and says nothing
    now.now += 2 * PAUSE_SECONDS
    assert breaker.wait(AT) == 0


def test_a_call_costs_what_its_price_list_says() -> None:
    price = Price(Decimal("0.15"), Decimal("0.60"), Decimal("0.075"))
    assert price.of(Usage(1_000_000, 1_000_000, 0)) == Decimal("0.750000")
    assert price.of(Usage(1_000_000, 0, 400_000)) == Decimal("0.120000")
    assert Price(Decimal(1), Decimal(1)).of(Usage(10, 0, 10)) == Decimal("0.000010")


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_what_was_cached_never_costs_more(prompt: int, completion: int, cached: int) -> None:
    price = Price(Decimal("0.3"), Decimal("1.2"), Decimal("0.1"))
    assert 0 <= price.of(Usage(prompt, completion, cached)) <= price.of(Usage(prompt, completion, 0))


@pytest.mark.parametrize(
    ("period", "at", "until"),
    [
        ("day", datetime(2026, 12, 31, 23, 59, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        ("month", datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        ("month", datetime(2028, 2, 29, 12, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)),
    ],
)
def test_a_period_ends_at_midnight_utc(period: str, at: datetime, until: datetime) -> None:
    assert ends(period, at) == until
