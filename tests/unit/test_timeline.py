"""What held when follows from everything that was said, and not from the order in which it came."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anima.memory.keys import rivals
from anima.memory.lines_model import Plan, Row, Standing, plan
from anima.memory.timeline_model import Period, Statement, replay

START = datetime(2024, 1, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def said(key: str, value: str, on: int, *, message: int | None = None, **more: object) -> Statement:
    """Something that was said on a day, by the message of that day."""
    message_id = on if message is None else message
    return Statement(key, "any", value, day(on), message_id, 1, f"{value}!", **more)  # type: ignore[arg-type]


def held(periods: Sequence[Period]) -> dict[str, str]:
    return {each.first.key: each.first.value for each in periods if each.ended is None}


class Store:
    """Facts and mentions as a database would hold them, to which plans are applied."""

    def __init__(self) -> None:
        self.rows: dict[uuid.UUID, Row] = {}
        self.mentions: dict[tuple[uuid.UUID, int | None, bool], Statement] = {}

    def hears(self, new: Sequence[Statement]) -> Plan:
        """What follows from these; checks what a database would."""
        found = plan(self.standing(), new, rivals)
        for fact_id in found.ended:
            self.rows[fact_id] = replace(self.rows[fact_id], is_active=False)
        for row in found.rows:
            self.rows[row.id] = row
        for old, fact_id, message_id in found.moved:
            for place in [each for each in self.mentions if each[:2] == (old, message_id)]:
                self.mentions[fact_id, message_id, place[2]] = self.mentions.pop(place)
        for fact_id, statement in found.said:
            self.mentions.setdefault((fact_id, statement.message_id, statement.gone), statement)
        for fact_id in found.dropped:
            del self.rows[fact_id]
        assert all(fact_id in self.rows for fact_id, _, _ in self.mentions)
        active = [row.key for row in self.rows.values() if row.is_active]
        assert len(active) == len(set(active))
        return found

    def standing(self) -> list[Standing]:
        found = []
        for row in self.rows.values():
            mentions = [one for (fact_id, _, _), one in self.mentions.items() if fact_id == row.id]
            found.extend(self._standing(row, one) for one in mentions or [None])
        return found

    def _standing(self, row: Row, one: Statement | None) -> Standing:
        successor = self.rows.get(row.superseded_by) if row.superseded_by else None
        return Standing(
            row.id,
            row.category,
            row.key,
            row.value,
            row.status,
            row.origin,
            row.is_active,
            row.mention_count,
            row.learned_at,
            row.ended_at,
            row.superseded_by,
            successor.key if successor else None,
            (successor.true_from or successor.learned_at) if successor else None,
            None,
            row.true_from,
            row.true_until,
            one.message_id if one else None,
            one.session_id if one else None,
            one.evidence if one else None,
            one.said_at if one else None,
            one.confirmed if one else None,
            one.changed if one else None,
            one.gone if one else None,
            one.true_from if one else None,
            one.true_until if one else None,
            one.place if one else None,
        )

    def told(self) -> list[tuple[object, ...]]:
        """Everything that a person could see of it, ids aside."""
        shown = []
        for row in self.rows.values():
            by = self.rows[row.superseded_by].value if row.superseded_by else None
            times = (row.learned_at, row.ended_at, row.true_from, row.true_until)
            shown.append((row.key, str(row.value), row.status, row.mention_count, row.is_active, times, by))
        return sorted(shown, key=str)


STATEMENTS = st.lists(
    st.builds(
        lambda key, value, on, how, since: said(
            key if key == "home" else f"{key}:{value}",
            value,
            on,
            confirmed=how != "guess",
            changed=how == "change",
            gone=how == "gone",
            true_from=day(on - since) if since else None,
        ),
        st.sampled_from(["home", "likes", "dislikes"]),
        st.sampled_from(["Lisbon", "Oslo", "Rome"]),
        st.integers(1, 9),
        st.sampled_from(["plain", "plain", "guess", "change", "gone"]),
        st.sampled_from([0, 0, 30]),
    ),
    max_size=7,
    unique_by=lambda each: (each.message_id, each.key if ":" in each.key else (each.key, each.value), each.gone),
)


@given(STATEMENTS, st.randoms(use_true_random=False), st.integers(1, 3))
def test_the_order_of_arrival_changes_nothing(statements: list[Statement], chance: object, at_once: int) -> None:
    in_order, otherwise = Store(), Store()
    for each in sorted(statements, key=lambda one: one.said_at):
        in_order.hears([each])
    shuffled = list(statements)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    for first in range(0, len(shuffled), at_once):
        otherwise.hears(shuffled[first : first + at_once])
    assert otherwise.told() == in_order.told()


@given(STATEMENTS)
def test_what_came_already_changes_nothing(statements: list[Statement]) -> None:
    store = Store()
    store.hears(statements)
    again = store.hears(statements)
    assert (again.rows, again.new, again.said, again.moved, again.dropped, again.ended) == ([], [], [], [], [], [])


@given(STATEMENTS)
def test_history_has_no_gaps_and_no_overlaps(statements: list[Statement]) -> None:
    periods = [each for each in replay(statements, rivals) if not each.never]
    for key in {each.first.key for each in periods}:
        line = sorted((each for each in periods if each.first.key == key), key=lambda each: each.begun)
        for before, after in itertools.pairwise(line):
            assert before.ended is not None
            assert before.ended <= after.begun
    for each in periods:
        if each.by is not None:
            assert each.ended == each.by.begun
            assert each.true_until is not None
            assert each.true_until >= (each.true_from or each.true_until)
        if each.ended is None:
            assert not [one for one in periods if one.ended is None and one.first.key in rivals(each.first.key)]


def test_what_was_said_earlier_becomes_history() -> None:
    store = Store()
    store.hears([said("home", "Oslo", 5)])
    store.hears([said("home", "Lisbon", 2)])
    (lisbon,) = [row for row in store.rows.values() if not row.is_active]
    assert (lisbon.value, lisbon.learned_at, lisbon.ended_at, lisbon.true_until) == ("Lisbon", day(2), day(5), day(5))
    assert [row.value for row in store.rows.values() if row.is_active] == ["Oslo"]


def test_it_was_so_until_the_next_was_so_and_not_until_that_was_said() -> None:
    lisbon, oslo = replay([said("home", "Lisbon", 1), said("home", "Oslo", 9, true_from=day(4))], rivals)
    assert (lisbon.ended, lisbon.true_until) == (day(9), day(4))
    assert (oslo.true_from, oslo.true_until) == (day(4), None)


def test_a_plain_word_that_comes_late_outvotes_the_guess_that_came_first() -> None:
    store = Store()
    store.hears([said("home", "Rome", 5, confirmed=False)])
    store.hears([said("home", "Lisbon", 2)])
    assert {row.value: row.is_active for row in store.rows.values()} == {"Lisbon": True, "Rome": False}
    rome = next(row for row in store.rows.values() if row.value == "Rome")
    assert rome.learned_at == rome.ended_at


def test_a_denial_that_comes_first_counts_when_what_it_denies_comes() -> None:
    store = Store()
    store.hears([said("home", "Berlin", 7, gone=True)])
    store.hears([said("home", "Berlin", 3)])
    berlin = max(store.rows.values(), key=lambda row: row.mention_count)
    assert (berlin.is_active, berlin.learned_at, berlin.ended_at) == (False, day(3), day(7))


def test_somewhere_twice_are_two_periods_with_what_was_between() -> None:
    store = Store()
    store.hears([said("home", "Lisbon", 1)])
    (first,) = store.rows
    store.hears([said("home", "Lisbon", 9)])
    assert store.rows[first].mention_count == 2
    store.hears([said("home", "Oslo", 5)])
    assert held(replay([one for one in store.mentions.values()], rivals)) == {"home": "Lisbon"}
    assert store.rows[first].is_active
    assert [row.value for row in sorted(store.rows.values(), key=lambda row: row.learned_at)] == [
        "Lisbon",
        "Oslo",
        "Lisbon",
    ]


@pytest.mark.parametrize(("second", "status"), [(1, "unconfirmed"), (2, "confirmed")])
def test_a_guess_is_confirmed_by_another_message_only(second: int, status: str) -> None:
    store = Store()
    store.hears([said("job", "nurse", 1, confirmed=False)])
    store.hears([said("job", "Nurse", 1, message=second, confirmed=False)])
    assert [row.status for row in store.rows.values()] == [status]


def test_what_its_owner_settled_stands_until_something_else_is_said_plainly() -> None:
    own = Statement("home", "any", "Porto", day(4), changed=True, origin="corrected")
    guess = said("home", "Rome", 6, confirmed=False)
    periods = replay([said("home", "Lisbon", 1), own, guess], rivals)
    assert held(periods) == {"home": "Porto"}
    porto = next(each for each in periods if each.first.value == "Porto")
    assert (porto.confirmed, porto.confidence) == (True, 1.0)
    assert held(replay([said("home", "Lisbon", 1), own, guess, said("home", "Oslo", 8)], rivals)) == {"home": "Oslo"}
