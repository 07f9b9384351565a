"""Expressions of time, English and French: which words, and which span."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anima.memory.time_expressions import expressions

AT = datetime(2026, 11, 21, 15, tzinfo=UTC)  # a Saturday


@pytest.mark.parametrize(
    ("text", "words", "since", "until"),
    [
        ("What did I do last spring?", "last spring", "2026-03-01", "2026-06-01"),
        ("We met in March 2023.", "March 2023", "2023-03-01", "2023-04-01"),
        ("It was yesterday", "yesterday", "2026-11-20", "2026-11-21"),
        ("on 13 March, 2023", "13 March, 2023", "2023-03-13", "2023-03-14"),
        ("on October 13th, 2023", "October 13th, 2023", "2023-10-13", "2023-10-14"),
        ("early in May", "May", "2026-05-01", "2026-06-01"),
        ("the end of 2021", "end of 2021", "2021-09-01T08", "2022-01-01"),
        ("since 2019", "2019", "2019-01-01", "2020-01-01"),
        ("in the summer of 2022", "summer of 2022", "2022-06-01", "2022-09-01"),
        ("last Friday", "last Friday", "2026-11-20", "2026-11-21"),
        ("next week", "next week", "2026-11-23", "2026-11-30"),
        ("two days ago", "two days ago", "2026-11-19", "2026-11-20"),
        ("in three days", "in three days", "2026-11-24", "2026-11-25"),
        ("2023-03-13", "2023-03-13", "2023-03-13", "2023-03-14"),
        ("le 13/03/2023", "13/03/2023", "2023-03-13", "2023-03-14"),
        ("on May 5", "May 5", "2026-05-05", "2026-05-06"),
        ("on December 24", "December 24", "2025-12-24", "2025-12-25"),
        ("l’été dernier", "été dernier", "2026-06-01", "2026-09-01"),
        ("la semaine dernière", "semaine dernière", "2026-11-09", "2026-11-16"),
        ("le mois dernier", "mois dernier", "2026-10-01", "2026-11-01"),
        ("l'année dernière", "année dernière", "2025-01-01", "2026-01-01"),
        ("vendredi prochain", "vendredi prochain", "2026-11-27", "2026-11-28"),
        ("avant-hier", "avant-hier", "2026-11-19", "2026-11-20"),
        ("en mars", "mars", "2026-03-01", "2026-04-01"),
        ("le 3 février 2020", "3 février 2020", "2020-02-03", "2020-02-04"),
        ("cet hiver", "cet hiver", "2025-12-01", "2026-03-01"),
        ("au printemps 2021", "printemps 2021", "2021-03-01", "2021-06-01"),
    ],
)
def test_words_mean_a_span(text: str, words: str, since: str, until: str) -> None:
    (found,) = expressions(text, AT)
    assert text[found.start : found.end] == words
    assert (found.since, found.until) == tuple(
        datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (since, until)
    )


@pytest.mark.parametrize(("text", "days"), [("two years ago", 730), ("il y a deux ans", 730), ("a week ago", 7)])
def test_long_ago_is_a_span_around_that_moment(text: str, days: int) -> None:
    (found,) = expressions(text, AT)
    assert found.since < AT - timedelta(days=days) < found.until < AT


def test_the_last_weeks_end_now() -> None:
    for text in ("over the past three weeks", "ces trois dernières semaines"):
        (found,) = expressions(text, AT)
        assert (found.since, found.until) == (AT - timedelta(days=21), AT)


@pytest.mark.parametrize(
    "text", ["I may march on.", "He will fall in love.", "call 555-2019", "un mars au chocolat", "32/13/2020", ""]
)
def test_what_is_no_time_is_none(text: str) -> None:
    assert expressions(text, AT) == []


def test_several_times_come_in_their_order() -> None:
    text = "From March 2019 until last year I lived in Lyon, il y a deux ans à Paris."
    assert [text[one.start : one.end] for one in expressions(text, AT)] == [
        "March 2019",
        "last year",
        "il y a deux ans",
    ]


@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from("in last 2023 may 31 hier il y a 999 ans ago 9999 the".split())).map(" ".join)
)
def test_any_text_is_read_and_spans_have_an_extent(text: str) -> None:
    last = 0
    for one in expressions(text, AT):
        assert last <= one.start < one.end <= len(text)
        assert one.since < one.until
        last = one.end
