"""What fades is deleted by the moment it is due, and only what is due; a clock that jumps deletes nothing by that."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anima.kernel import clock, db
from anima.memory import forgetting_repo, forgetting_service, repo, sleep_repo
from anima.memory.forgetting_model import Looks, look
from anima.memory.model import forget_at
from anima.operations import maintenance
from fixtures.api import MakeUser, Person
from fixtures.night import NOW, Night
from fixtures.turns import make_avatar

pytestmark = pytest.mark.usefixtures("fast_embedder")
DAY = timedelta(days=1)
Connection = psycopg.Connection[Any]


def looks(night: Night, at: datetime) -> int:
    """A look at what has faded; how many episodes went."""
    with db.transaction(night.worker) as tx:
        gone = forgetting_repo.drop_faded(tx, night.person.user_id, at)
    return len(gone.all())


@pytest.fixture
def due(night: Night) -> datetime:
    """Four episodes: one faded two days ago, one pinned, one that fades in ten days, one in a month; answers now."""
    night.lived("It has faded", days=60, forgets=NOW - 2 * DAY)
    night.lived("It has faded, and is pinned", days=60, forgets=NOW - 2 * DAY, pinned=True)
    night.lived("It will fade", days=3, forgets=NOW + 10 * DAY)
    night.lived("It will fade later", days=3, forgets=NOW + 30 * DAY)
    return NOW


def test_what_was_found_faded_on_two_days_is_deleted(night: Night, due: datetime) -> None:
    assert [looks(night, due + hours * timedelta(hours=1)) for hours in (0, 1, 23, 24, 25)] == [0, 0, 0, 1, 0]
    assert sorted(each["title"] for each in night.episodes().values()) == [
        "It has faded, and is pinned",
        "It will fade",
        "It will fade later",
    ]
    assert [looks(night, due + days * DAY) for days in (11, 12, 40, 41)] == [0, 1, 0, 1]
    assert len(night.episodes()) == 1


def test_a_clock_that_jumps_ahead_deletes_nothing(night: Night, due: datetime) -> None:
    for jump in (400 * DAY, 40_000 * DAY):
        looks(night, due)
        assert looks(night, due + jump) <= 1, "but what had faded by the right clock"
        assert looks(night, due + jump + timedelta(hours=5)) == 0
        assert looks(night, due + timedelta(hours=1)) == 0
        assert len(night.episodes()) >= 3
    assert looks(night, due + 400 * DAY) == 0
    with clock.use(clock.SimulatedClock(due + 2 * DAY)), db.transaction(night.worker) as tx:
        sleep_repo.turned(tx, night.person.user_id, night.avatar_id, 1, clock.now())
    assert looks(night, due + 40_000 * DAY) == 0, "a turn by the right clock took the wrong look back"


def test_a_clock_that_goes_back_only_puts_it_off(night: Night, due: datetime) -> None:
    looks(night, due)
    assert looks(night, due - 900 * DAY) == 0
    assert looks(night, due + DAY) == 0, "looked at anew"
    assert looks(night, due + 2 * DAY) == 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(-200, 400), min_size=1, max_size=12))
def test_the_statement_does_what_the_rule_says(night: Night, hours: list[int]) -> None:
    night.owner.execute("delete from sleeps where avatar_id = %s", [night.avatar_id])
    night.owner.execute("delete from episodes where avatar_id = %s", [night.avatar_id])
    told = Looks()
    chance = random.Random(sum(hours))  # noqa: S311 (no secret)
    night.lived("It faded long ago", days=900, forgets=NOW - 900 * DAY)
    for _ in range(5):
        night.lived("It fades", days=60, forgets=NOW + timedelta(hours=chance.randint(-200, 400)))
    left = [each["forget_at"] for each in night.episodes().values()]
    for at in (NOW + timedelta(hours=hour) for hour in hours):
        if any(each <= at for each in left) or (told.seen is not None and told.seen > at):
            told = look(told, at)
            believed = told.believed
            left = [each for each in left if not (each <= at and believed is not None and each <= believed)]
        looks(night, at)
        assert sorted(each["forget_at"] for each in night.episodes().values()) == sorted(left)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0, 10, width=32), st.integers(0, 10_000), st.integers(0, 5000))
def test_a_recall_puts_the_moment_off_as_the_formula_says(
    night: Night, importance: float, times: int, hours: int
) -> None:
    night.owner.execute("delete from episodes where avatar_id = %s", [night.avatar_id])
    lived = night.lived("I won", days=300, importance=importance, recalled=times)
    at = NOW + timedelta(hours=hours)
    with db.transaction(night.worker) as tx:
        repo.reinforce(tx, night.person.user_id, [lived.id], at)
    (kept,) = night.episodes().values()
    expected = forget_at(at, kept["importance"] / 10, times + 1)
    assert (kept["times_recalled"], kept["last_recalled"]) == (times + 1, at)
    assert abs(kept["forget_at"] - expected) < timedelta(milliseconds=1)


def test_facts_and_what_was_said_do_not_fade(night: Night, due: datetime) -> None:
    session, messages = night.said("I hate olives", NOW - 3000 * DAY, indexed=True)
    night.owner.execute(
        "insert into user_facts (id, user_id, avatar_id, session_id, category, key, value, source_message_id,"
        " first_mentioned, learned_at) values (gen_random_uuid(), %s, %s, %s, 'food', 'k', '1', %s, %s, %s)",
        [night.person.user_id, night.avatar_id, session, messages[0], NOW - 3000 * DAY, NOW - 3000 * DAY],
    )
    before = [night.owner.execute(f"select count(*) from {table}").fetchone() for table in ("user_facts", "messages")]  # type: ignore[arg-type]
    for days in (0, 100, 200, 400):
        looks(night, due + days * DAY)
    after = [night.owner.execute(f"select count(*) from {table}").fetchone() for table in ("user_facts", "messages")]  # type: ignore[arg-type]
    assert before == after


class TestOfEverybody:
    @pytest.fixture
    def others(self, make_user: MakeUser, owner_conn: Connection) -> list[Night]:
        made = []
        for _ in range(3):
            person = make_user()
            made.append(Night(person, make_avatar(person), owner_conn))
        return made

    def test_those_who_do_not_come_back_are_looked_after(self, others: list[Night]) -> None:
        for night in others[:2]:
            night.lived("It has faded", days=60, forgets=NOW - 2 * DAY)
            night.lived("It has not", days=1)
        with clock.use(clock.SimulatedClock(NOW)):
            forgetting_service.forget_due()
        assert [len(night.episodes()) for night in others] == [2, 2, 0]
        with clock.use(clock.SimulatedClock(NOW + DAY)):
            assert forgetting_service.forget_due() >= 2
        assert [len(night.episodes()) for night in others] == [1, 1, 0]

    def test_the_days_maintenance_does_it(self, others: list[Night], monkeypatch: pytest.MonkeyPatch) -> None:
        called: list[bool] = []
        monkeypatch.setattr(forgetting_service, "forget_due", lambda: called.append(True) or 4)
        assert maintenance.run()["rows"] >= 4
        assert called == [True]

    def test_only_a_worker_learns_whose_memories_have_faded(self, night: Night, due: datetime) -> None:
        nobody = db.Principal(user_id=None, login="worker")
        with db.transaction(nobody) as tx:
            assert night.person.user_id in {each.owner_id for each in forgetting_repo.due(tx).all()}
        with pytest.raises(psycopg.errors.InsufficientPrivilege), db.transaction(night.person.principal) as tx:
            forgetting_repo.due(tx).all()

    def test_nobody_forgets_for_another(self, night: Night, due: datetime, stranger: Person) -> None:
        strange = db.Principal(stranger.user_id, login="worker")
        for days in (0, 1):
            with db.transaction(strange) as tx:
                assert forgetting_repo.drop_faded(tx, night.person.user_id, due + days * DAY).all() == []
        assert len(night.episodes()) == 4


def test_what_is_due_is_found_by_its_index(night: Night, fresh_rows: Callable[[int], None]) -> None:
    fresh_rows(4_000)
    plan = night.owner.execute(
        "explain select distinct avatar_id from episodes where user_id = %s and not pinned and forget_at <= %s",
        [night.person.user_id, NOW],
    ).fetchall()
    assert any("episodes_fading" in line or "episodes_forget" in line for (line,) in plan), plan


@pytest.fixture
def fresh_rows(night: Night) -> Callable[[int], None]:
    """Adds many episodes that have not faded, and lets the planner know."""

    def add(number: int) -> None:
        night.owner.execute(
            """
            insert into episodes (id, user_id, avatar_id, type, title, summary, importance, forget_at)
            select gen_random_uuid(), %s, %s, 'moment', 't', 's', 5, now() + n * interval '1 hour'
            from generate_series(1, %s) n
            """,
            [night.person.user_id, night.avatar_id, number],
        )
        night.owner.execute("analyze episodes")

    return add
