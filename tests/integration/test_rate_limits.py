"""Who calls too often is asked to wait; others, and those who watch over the place, are not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from anima.kernel import buckets, clock, limits
from anima.vendors.cache.buckets import over
from fixtures.api import Person

Owner = psycopg.Connection[Any]
START = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def story() -> Iterator[clock.SimulatedClock]:
    """A clock that stands."""
    told = clock.SimulatedClock(START)
    with clock.use(told):
        yield told


@pytest.fixture
def three_a_minute(admin: Person, owner_conn: Owner, story: clock.SimulatedClock) -> Iterator[Person]:
    """An admin, who has just set the limit to three calls a minute."""
    set_to = admin.http.put(
        "/api/v1/settings", json={"values": {"limits.http_tokens": 3, "limits.http_refill_seconds": 60}}
    )
    assert set_to.status_code == 200, set_to.text
    buckets.refill()
    yield admin
    owner_conn.execute("delete from settings where key like 'limits.%'")
    limits.forget()
    buckets.refill()
    admin.http.get("/api/v1/users/me")
    assert limits.http().capacity == 600


def test_the_fourth_call_of_a_minute_waits_and_says_how_long(
    three_a_minute: Person, alice: Person, story: clock.SimulatedClock
) -> None:
    answers = [alice.http.get("/api/v1/users/me") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    told = answers[-1]
    assert told.headers["content-type"] == "application/problem+json"
    assert told.headers["retry-after"] == "20"
    assert told.json()["type"].endswith("/too-many-requests")
    assert "wait 20 s" in told.json()["detail"]
    story.advance(timedelta(seconds=20))
    assert alice.http.get("/api/v1/users/me").status_code == 200
    assert alice.http.get("/api/v1/users/me").status_code == 429


def test_one_does_not_use_up_what_another_has(three_a_minute: Person, alice: Person, bob: Person) -> None:
    assert [alice.http.get("/api/v1/users/me").status_code for _ in range(4)][-1] == 429
    assert bob.http.get("/api/v1/users/me").status_code == 200


def test_whatever_is_called_counts(three_a_minute: Person, alice: Person) -> None:
    assert alice.http.get("/api/v1/sessions").status_code == 200
    assert alice.http.post("/api/v1/personalities/validate", json={}).status_code != 429
    assert alice.http.get("/api/v1/avatars/00000000-0000-7000-8000-000000000000").status_code == 404
    assert alice.http.get("/api/v1/avatars").status_code == 429


def test_health_is_never_limited(three_a_minute: Person, client: TestClient) -> None:
    assert {client.get("/healthz").status_code for _ in range(10)} == {200}
    assert {client.get("/readyz").status_code for _ in range(5)} == {200}
    assert {three_a_minute.http.get("/api/v1/health/database").status_code for _ in range(5)} == {200}


def test_the_limit_can_be_lifted_while_everything_runs(three_a_minute: Person, alice: Person) -> None:
    assert [alice.http.get("/api/v1/users/me").status_code for _ in range(4)][-1] == 429
    assert three_a_minute.http.put("/api/v1/settings", json={"values": {"limits.http_tokens": 0}}).status_code == 200
    alice.http.get("/api/v1/users/me")  # this one still looks the numbers up
    assert {alice.http.get("/api/v1/users/me").status_code for _ in range(6)} == {200}


def test_a_limit_that_is_none_is_refused_and_changes_nothing(admin: Person) -> None:
    for value in (-1, "3", True, 1.5, None):
        answer = admin.http.put("/api/v1/settings", json={"values": {"limits.http_tokens": value}})
        assert answer.status_code == 422, value
    held = {one["key"]: one["value"] for one in admin.http.get("/api/v1/settings").json()["items"]}
    assert held["limits.http_tokens"] == 600


def test_what_lies_in_the_table_and_is_no_limit_counts_as_not_there(
    admin: Person, alice: Person, owner_conn: Owner
) -> None:
    owner_conn.execute("insert into settings (key, value) values ('limits.http_tokens', '\"many\"')")
    try:
        limits.forget()
        assert alice.http.get("/api/v1/users/me").status_code == 200
        assert limits.http().capacity == 600
        shown = {one["key"]: one["value"] for one in admin.http.get("/api/v1/settings").json()["items"]}
        assert shown["limits.http_tokens"] == 600
    finally:
        owner_conn.execute("delete from settings where key like 'limits.%'")
        limits.forget()


def test_two_processes_that_share_a_server_count_together() -> None:
    fakeredis = pytest.importorskip("fakeredis")
    server = fakeredis.FakeStrictRedis()
    take = over(lambda script, key, arguments: server.eval(script, 1, key, *arguments))
    waits = [take("http:1", 3, 600.0) for _ in range(4)]
    assert waits[:3] == [0.0, 0.0, 0.0]
    assert waits[3] == pytest.approx(200, abs=5)
    assert take("http:2", 3, 600.0) == 0.0
    (key,) = [name for name in server.keys("*") if server.pttl(name) > 500_000]
    assert b"http" not in key, "keys say nothing"


def test_a_shared_bucket_is_asked_only_where_there_is_a_token_here(story: clock.SimulatedClock) -> None:
    asked: list[str] = []

    def taker(key: str, _capacity: int, _seconds: float) -> float | None:
        asked.append(key)
        return 7.0 if len(asked) == 2 else None

    buckets.share(taker)
    try:
        waits = [buckets.take("of-the-tests", 3, 60) for _ in range(4)]
    finally:
        buckets.share(None)
    assert waits == [0.0, 7.0, 0.0, 20.0]
    assert len(asked) == 3


def test_buckets_of_this_process_take_a_bounded_memory(story: clock.SimulatedClock) -> None:
    held = buckets.Buckets(most_keys=100)
    for number in range(1000):
        held.take(f"user:{number}", 5, 60, START.timestamp())
    assert len(held) <= 100
    story.advance(timedelta(hours=1))
    for number in range(1000, 1101):
        held.take(f"user:{number}", 5, 60, clock.now().timestamp())
    assert len(held) <= 101, "those that are full again are forgotten first"


def test_a_clock_that_was_set_back_locks_nobody_out() -> None:
    held = buckets.Buckets()
    assert [held.take("one", 2, 60, 1_000_000.0) for _ in range(2)] == [0.0, 0.0]
    assert held.take("one", 2, 60, 1_000_000.0 - 0.001) == pytest.approx(30.001), "that is two threads, no clock"
    assert [held.take("one", 2, 60, 1_000.0) for _ in range(3)] == [0.0, 0.0, pytest.approx(30)]


def test_a_shared_clock_that_was_set_back_locks_nobody_out() -> None:
    server = pytest.importorskip("fakeredis").FakeStrictRedis()
    take = over(lambda script, key, arguments: server.eval(script, 1, key, *arguments))
    assert take("http:1", 2, 600.0) == 0.0
    (key,) = server.keys("*")
    server.set(key, "99999999999.0")
    assert [take("http:1", 2, 600.0) for _ in range(2)] == [0.0, 0.0]
    assert take("http:1", 2, 600.0) == pytest.approx(300, abs=5)
