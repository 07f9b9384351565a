"""What sleep makes of episodes: how much is replayed, what is folded and merged; nothing is invented, nothing lost."""

from __future__ import annotations

import math
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anima.memory import recurring
from anima.memory.forgetting_model import BETWEEN, Looks, look
from anima.memory.model import forget_at
from anima.memory.recurring import Saying
from anima.memory.sleep_model import (
    MOST_PARTS,
    SAME_WITHIN,
    TOGETHER_WITHIN,
    Lived,
    duplicates,
    folded,
    one_of,
    replayed,
    shortened,
    together,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
Replayed = tuple[list[Lived], dict[tuple[uuid.UUID, uuid.UUID], float]]
WORDS = (
    "I won the race",
    "We moved to Lyon. I like it there",
    "My cat died",
    "I got the job. I start on Monday. At last",
)


def lived(text: str = WORDS[0], **other: Any) -> Lived:
    given_by: dict[str, Any] = {
        "id": uuid.uuid4(),
        "session_id": 1,
        "type": "milestone",
        "title": text.split(". ")[0],
        "summary": text,
        "importance": 5.0,
        "sentiment": "neutral",
        "tags": [],
        "context_messages": [1, 2],
        "timestamp": NOW,
        "times_recalled": 0,
        "last_recalled": None,
        "pinned": False,
        "origin": "said",
        "related_facts": [],
        "related_episodes": [],
        "parts": [],
        "entities": [],
    }
    return Lived(**{**given_by, **other})


@st.composite
def episodes(draw: st.DrawFn) -> Lived:
    at = NOW - timedelta(hours=draw(st.integers(0, 2000)))
    times = draw(st.integers(0, 9))
    return lived(
        draw(st.sampled_from(WORDS)),
        id=draw(st.uuids()),
        type=draw(st.sampled_from(["milestone", "loss"])),
        importance=draw(st.floats(0, 10)),
        context_messages=draw(st.lists(st.integers(1, 50), unique=True, max_size=4)),
        timestamp=at,
        times_recalled=times,
        last_recalled=at + timedelta(hours=draw(st.integers(0, 100))) if times else None,
        pinned=draw(st.booleans()),
        origin=draw(st.sampled_from(["said", "corrected", "imported"])),
        related_facts=draw(st.lists(st.uuids(), max_size=3)),
    )


@st.composite
def some_episodes(draw: st.DrawFn) -> Replayed:
    """Some episodes, and how near those are that are near each other."""
    found = draw(st.lists(episodes(), max_size=12, unique_by=lambda each: each.id))
    cosine = st.sampled_from([0.0, 0.7, 0.85, 0.96])
    ids = sorted(each.id for each in found)
    return found, {(one, other): draw(cosine) for at, one in enumerate(ids) for other in ids[at + 1 :]}


some = some_episodes()


def near(one: Lived, other: Lived, cosine: float) -> Replayed:
    """Two episodes that are so near."""
    return [one, other], {(min(one.id, other.id), max(one.id, other.id)): cosine}


@given(st.floats(0, 1), st.floats(0, 1))
def test_acetylcholine_sets_how_much_is_replayed(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 20 <= replayed(low) <= replayed(high) <= 200
    assert replayed(one) == pytest.approx(20 * 10**one, abs=0.51)


def test_its_ends_and_its_baseline() -> None:
    assert [replayed(level) for level in (0, 0.5, 1)] == [20, 63, 200]
    for wrong in (-0.01, 1.01, math.nan, math.inf):
        with pytest.raises(ValueError, match="from 0 to 1"):
            replayed(wrong)


@given(some)
def test_groups_share_nobody_and_what_an_owner_decided_is_never_taken_in(given_by: Replayed) -> None:
    for grouping, within in ((duplicates, SAME_WITHIN), (together, TOGETHER_WITHIN)):
        groups = grouping(*given_by)
        members = [each.id for group in groups for each in group]
        assert len(members) == len(set(members))
        for group in groups:
            assert len(group) > 1
            assert not any(each.fixed for each in group[1:])
            assert len({each.type for each in group}) == 1
            assert all(abs(each.timestamp - group[0].timestamp) <= within for each in group)
    assert all(len(group) <= MOST_PARTS and not group[0].fixed for group in together(*given_by))


@given(some)
def test_nothing_is_invented_and_nothing_lost(given_by: Replayed) -> None:
    for group in together(*given_by):
        told = one_of(group)
        own = {each.summary for each in group} | {each.title for each in group}
        assert all(any(part["said"] in said for said in own) for part in told.parts)
        assert told.summary == ". ".join(part["said"] for part in told.parts)
        assert told.title in {each.title for each in group}
        assert told.importance == max(each.importance for each in group)
        assert set(told.context_messages) == {message for each in group for message in each.context_messages}
        assert set(told.related_facts) == {fact for each in group for fact in each.related_facts}


@given(some)
def test_what_becomes_of_several_fades_no_sooner_than_any_of_them(given_by: Replayed) -> None:
    made = [(group, one_of(group)) for group in together(*given_by)]
    made += [(group, folded(group)) for group in duplicates(*given_by) if not group[0].fixed]
    for group, told in made:
        fades = forget_at(told.last_recalled or told.timestamp, told.importance / 10, told.times_recalled)
        for each in group:
            alone = forget_at(each.last_recalled or each.timestamp, each.importance / 10, each.times_recalled)
            assert fades >= alone - timedelta(milliseconds=1)


@given(some)
def test_folding_leaves_the_words_of_the_one_that_stays(given_by: Replayed) -> None:
    for group in duplicates(*given_by):
        told = folded(group)
        assert (told.title, told.summary) == (group[0].title, group[0].summary)
        assert set(told.context_messages) >= set(group[0].context_messages)


def test_less_likeness_is_enough_for_what_is_about_the_same() -> None:
    fact, person = uuid.uuid4(), uuid.uuid4()
    one, other = lived(), lived(WORDS[1])
    assert together(*near(one, other, 0.7)) == []
    assert together(*near(one, other, 0.8)) == [[one, other]] or together(*near(one, other, 0.8)) == [[other, one]]
    for more in ({"related_facts": [fact]}, {"entities": [person]}):
        assert len(together(*near(lived(**more), lived(**more), 0.6))) == 1
        assert together(*near(lived(**more), lived(**more), 0.59)) == []
        assert together(*near(lived(**more), lived(), 0.7)) == []


def test_what_was_made_of_several_keeps_the_parts_of_each() -> None:
    first = one_of([lived(WORDS[0], context_messages=[1]), lived(WORDS[1], context_messages=[3])])
    made = lived(first.title, summary=first.summary, parts=first.parts, origin="consolidated")
    again = one_of([made, lived(WORDS[3], context_messages=[5], importance=9)])
    assert sorted(part["message_ids"] for part in again.parts) == [[1], [3], [5]]
    assert again.title == "I got the job"


@given(st.lists(st.text("abc ", min_size=1, max_size=90), min_size=1, max_size=9), st.integers(1, 8))
def test_a_share_of_a_summary_is_whole_clauses(clauses: list[str], parts: int) -> None:
    said = ". ".join(clauses)
    told = shortened(said, clauses[0], parts)
    assert told == said or len(told) <= max(120, 600 // parts) or told.strip() == clauses[0].strip()
    assert set(told.split(". ")) <= set(said.split(". ")) | {clauses[0]}


class TestTheClock:
    """What is believed of a clock that deletes: forgetting_model."""

    @given(st.lists(st.integers(0, 400), min_size=1, max_size=30))
    def test_of_a_clock_that_runs_on_a_look_is_believed_by_another_a_day_later(self, hours: list[int]) -> None:
        looks, seen = Looks(), []
        for at in (NOW + timedelta(hours=hour) for hour in sorted(hours)):
            looks = look(looks, at)
            seen.append(at)
            assert looks.believed is None or (looks.believed in seen and at - looks.believed >= BETWEEN)
            assert looks.seen is not None
            assert at - looks.seen < BETWEEN

    @given(
        st.lists(st.integers(0, 400), min_size=1, max_size=20),
        st.integers(0, 20),
        st.integers(-100_000, 100_000).filter(lambda jump: abs(jump) > 500),
    )
    def test_one_look_of_a_clock_that_jumped_deletes_nothing_that_is_not_due(
        self, hours: list[int], place: int, jump: int
    ) -> None:
        true = [NOW + timedelta(hours=hour) for hour in sorted(hours)]
        place %= len(true)
        looks = Looks()
        for number, at in enumerate(true):
            if number == place:
                looks = look(looks, at + timedelta(hours=jump))
                assert looks.believed is None or looks.believed <= at
            looks = look(looks, at)
            assert looks.believed is None or looks.believed <= at


class TestWhatRecurs:
    """Habits, out of what was said again and again: recurring."""

    @staticmethod
    def said(*texts: str, apart: timedelta = timedelta(days=2)) -> list[Saying]:
        return [Saying(number, text, NOW + number * apart) for number, text in enumerate(texts)]

    @pytest.mark.parametrize(
        ("texts", "key"),
        [
            (
                ("I went climbing with Ana.", "I've been climbing again!", "Yesterday I went climbing, it hurt"),
                "sport:climbing",
            ),
            (("J'ai fait du vélo hier.", "Je fais du vélo", "J'ai encore fait du vélo"), "sport:velo"),
            (("Je fais de la poterie.", "Hier soir j'ai fait de la poterie", "Je fais de la poterie"), "hobby:poterie"),
            (("I practised the piano", "I played my piano all day", "I practiced the piano."), "instrument:piano"),
            (("I played tennis with Tom", "I played some tennis", "I was playing tennis"), "sport:tennis"),
            (("J'ai joué au tennis", "Je joue au tennis", "J'ai rejoué au tennis"), "sport:tennis"),
        ],
    )
    def test_what_is_done_again_and_again_is_a_habit(self, texts: tuple[str, ...], key: str) -> None:
        (found,) = recurring.recurring(self.said(*texts))
        assert found.key == key
        assert len(found.found) == 3
        for (message_id, fact), text in zip(found.found, texts, strict=True):
            assert message_id == texts.index(text)
            assert fact.evidence in text
            assert not fact.confirmed

    @pytest.mark.parametrize(
        "texts",
        [
            ("I went climbing", "I went climbing"),
            ("My sister went climbing",) * 3,
            ("I didn't go climbing", "I never went climbing", "If I went climbing"),
            ("Do you think I went climbing?",) * 3,
            ("I was going home", "I was thinking", "I was waiting") * 3,
            ('She wrote "I went climbing with them all" to me',) * 3,
        ],
    )
    def test_what_others_do_or_what_is_denied_asked_or_quoted_is_none(self, texts: tuple[str, ...]) -> None:
        assert recurring.recurring(self.said(*texts)) == []

    def test_three_times_in_an_hour_is_one_telling(self) -> None:
        texts = ("I went climbing",) * 3
        assert recurring.recurring(self.said(*texts, apart=timedelta(minutes=5))) == []
