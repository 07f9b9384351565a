"""Where nobody does anything, the database is asked nothing and nobody is called, at home and deployed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from anima.kernel import db, outbox
from anima.memory.sleep_service import LEAST_TURNS
from fixtures.api import Person
from fixtures.house import wait_for
from fixtures.idle import Cloud, Home, at_home, in_the_cloud
from fixtures.stub_llm import StubLLM
from fixtures.turns import say

Connection = psycopg.Connection[Any]


@pytest.fixture(autouse=True)
def nothing_waits(owner_conn: Connection) -> None:
    """What other tests left behind is over."""
    owner_conn.execute("delete from outbox")
    owner_conn.execute("delete from training_jobs")
    for old in ("tensor_metadata set created_at", "tensor_chunks set created_at", "tensor_packs set touched_at"):
        owner_conn.execute(f"update {old} = now()")  # none of it is due to be collected
    owner_conn.execute("update llm_requests set state = 'interrupted' where state = 'pending'")
    owner_conn.execute("delete from maintenance_runs")


def waiting(owner: Connection) -> int:
    row = owner.execute("select count(*) from outbox where delivered_at is null and dead_at is null").fetchone()
    return int(row[0]) if row else 0


class TestAtHome:
    @pytest.fixture
    def home(
        self, database: Any, talking: StubLLM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick_passwords: None
    ) -> Iterator[Home]:
        monkeypatch.setenv("ANIMA_DATA_DIR", str(tmp_path))
        with at_home(database.owner_url) as running:
            yield running

    def test_an_hour_after_a_turn(self, home: Home, alice: Person, luna: str, owner_conn: Connection) -> None:
        say(alice, "Hello, I am Diego and I hate olives", avatar_id=luna)
        wait_for(lambda: home.calls == ["turn.finished"] and not waiting(owner_conn))
        home.settle()
        assert home.wire.waits > 0
        for _ in range(3):
            assert home.hour() == (0, 0)

    def test_an_hour_after_it_slept(self, home: Home, alice: Person, luna: str, owner_conn: Connection) -> None:
        for _ in range(LEAST_TURNS):
            say(alice, "Good morning", avatar_id=luna)
        wait_for(lambda: waiting(owner_conn) == 1)  # only that it is to sleep
        home.settle()
        home.time.advance(timedelta(minutes=6))
        owner_conn.execute("update outbox set next_attempt_at = now()")
        home.hour()
        wait_for(lambda: home.calls.count("memory.sleep") == 1 and not waiting(owner_conn))
        home.settle()
        for _ in range(3):
            assert home.hour() == (0, 0)

    def test_what_is_for_later_is_slept_for(self, home: Home, alice: Person, owner_conn: Connection) -> None:
        with db.transaction(alice.principal) as tx:
            payload = {"request_id": 1, "avatar_id": "00000000-0000-7000-8000-000000000000"}
            later = home.time.now() + timedelta(minutes=90)
            outbox.emit(tx, "turn.finished", "a", alice.user_id, payload, not_before=later)
        home.settle()
        assert home.hour() == (0, 0)
        owner_conn.execute("update outbox set next_attempt_at = now()")
        asked, calls = home.hour()
        assert calls == 1
        assert asked > 0
        assert not waiting(owner_conn)
        assert home.hour() == (0, 0)

    def test_maintenance_is_done_at_the_start_and_again_only_when_something_happens(
        self, home: Home, alice: Person, luna: str, owner_conn: Connection
    ) -> None:
        def runs() -> Any:
            return owner_conn.execute("select begun_at from maintenance_runs where done_at is not null").fetchall()

        first = wait_for(runs)
        for _ in range(30):
            home.time.advance(timedelta(hours=1))
        home.settle()
        assert runs() == first
        owner_conn.execute("update maintenance_runs set done_at = done_at - interval '1 day'")
        say(alice, "Good morning", avatar_id=luna)
        wait_for(lambda: runs() and runs() != first)


class TestDeployed:
    @pytest.fixture
    def cloud(self, database: Any, talking: StubLLM) -> Iterator[Cloud]:
        with in_the_cloud(database.owner_url) as running:
            yield running

    def test_an_hour_after_a_turn(self, cloud: Cloud, alice: Person, luna: str, owner_conn: Connection) -> None:
        said = cloud.say(alice.key, message="Hello, I am Diego and I hate olives", avatar_id=luna)
        assert said["role"] == "assistant"
        assert waiting(owner_conn) == 0, "it went to its queue before the answer was given"
        for _ in range(6):
            cloud.minute()
        assert cloud.calls == ["chat", "reflect", "outbox"]
        assert cloud.outside.armed() == []
        assert cloud.wire.waits > 0
        for _ in range(3):
            assert cloud.hour() == (0, 0)

    def test_an_hour_after_a_busy_one(self, cloud: Cloud, alice: Person, luna: str, owner_conn: Connection) -> None:
        for _ in range(20):
            cloud.say(alice.key, message="Good morning", avatar_id=luna)
            cloud.minute()
        wakes = cloud.calls.count("outbox")
        assert 1 <= wakes <= 10, "many turns share a wake"
        for _ in range(6):
            cloud.minute()
        assert waiting(owner_conn) == 0
        slept = owner_conn.execute("select state from sleeps where avatar_id = %s", [luna]).fetchone()
        assert slept == ("awake",), "it slept while the database was awake"
        assert cloud.hour() == (0, 0)
