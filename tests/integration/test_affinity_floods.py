"""What no flood can do to a relationship: messages, sessions, keys, ratings, copies, two at once, wrong clocks."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from anima import personality as personalities
from anima.kernel import clock, db
from anima.relationships import moves_service as relationships
from fixtures.api import Person
from fixtures.stub_llm import StubLLM
from fixtures.turns import make_avatar, said

NARROW = {
    "persona": {"name": "Thin", "description": "Has many levels close together."},
    "hierarchical_config": {
        "enabled": True,
        "relationship_levels": [
            {"name": f"level {low}", "affinity_range": [low, high]} for low, high in ((0, 2), (2, 5), (5, 9), (9, 100))
        ],
    },
}
THIN = personalities.parse(NARROW)
LUNA = personalities.parse(personalities.load_ready("luna"))
NAME = "thin"
Drain = Callable[[], list[Any]]


@pytest.fixture
def time() -> Iterator[clock.SimulatedClock]:
    simulated = clock.SimulatedClock(datetime(2026, 3, 2, 9, tzinfo=UTC))
    with clock.use(simulated):
        yield simulated


@pytest.fixture
def thin(alice: Person) -> uuid.UUID:
    answer = alice.http.post("/api/v1/avatars", json={"name": "Thin", "personality": NARROW})
    assert answer.status_code == 201, answer.text
    assert answer.json()["personality_name"] == NAME
    return uuid.UUID(answer.json()["avatar_id"])


def praise(person: Person, avatar_id: uuid.UUID, times: int = 1, sentiment: float = 1.0) -> relationships.Standing:
    text = "You are wonderful and I am so very glad that we two talk with each other about everything under the sun"
    with db.transaction(person.principal) as tx:
        for _ in range(times):
            standing = relationships.after_turn(
                tx, person.user_id, avatar_id, NAME, THIN, text=text, sentiment=sentiment
            )
    return standing


def read(person: Person, avatar_id: object) -> dict[str, Any]:
    found: dict[str, Any] = person.http.get(f"/api/v1/avatars/{avatar_id}/affinity").json()
    return found


def test_a_thousand_kind_words_in_a_day_leave_even_a_narrow_level_as_it_was(
    alice: Person, thin: uuid.UUID, time: clock.SimulatedClock
) -> None:
    for _ in range(19):
        standing = praise(alice, thin, 20)
        time.advance(timedelta(hours=1))
    assert standing.level == "level 0"
    assert standing.points == pytest.approx(1.99)
    time.advance(timedelta(days=2))
    assert praise(alice, thin).level == "level 2"


def test_levels_come_one_a_day_and_are_kept_in_the_history(
    alice: Person, thin: uuid.UUID, time: clock.SimulatedClock
) -> None:
    for _ in range(4):
        praise(alice, thin, 10)
        time.advance(timedelta(days=1))
    found = read(alice, thin)
    assert [one["level"] for one in found["history"]] == ["level 0", "level 2", "level 5", "level 9"]
    assert found["next_level"] is None
    times = [one["at"] for one in found["history"]]
    assert times == sorted(times)


def test_unkindness_takes_a_level_at_once(alice: Person, thin: uuid.UUID, time: clock.SimulatedClock) -> None:
    praise(alice, thin, 10)
    time.advance(timedelta(days=1))
    assert praise(alice, thin, 10).level == "level 2"
    for _ in range(6):
        fallen = praise(alice, thin, sentiment=-1.0)
    assert fallen.level == "level 0"
    assert read(alice, thin)["next_level"] == {"level": "level 2", "from": 2.0}


def test_copies_of_one_kind_sentence_give_less_whatever_session_or_key_they_come_by(
    alice: Person, talking: StubLLM, drain_outbox: Drain
) -> None:
    kind = "Thank you, you are wonderful"
    others = [
        "You remembered my sister, thank you",
        "I love how you tell stories",
        "Great idea, I am glad",
        "Lovely to talk with you again",
        "You are so helpful and kind",
    ]
    same, varied = make_avatar(alice), make_avatar(alice)
    for number, other in enumerate(["", *others]):
        said(alice, f"{kind}{'!' * number}", avatar_id=same, key=uuid.uuid4().hex)  # a session and a key of its own
        said(alice, other or kind, avatar_id=varied)
        drain_outbox()
        if number == 0:
            first = read(alice, same)["affinity"]
    copied, told = read(alice, same), read(alice, varied)
    assert copied["total_messages"] == told["total_messages"] == 6
    assert copied["affinity"] - first < first * 1.5
    assert told["affinity"] - first > (copied["affinity"] - first) * 1.5


def test_rating_one_answer_again_and_again_counts_once(
    alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain, time: clock.SimulatedClock
) -> None:
    answer = said(alice, "Hello there", avatar_id=luna)
    drain_outbox()
    place = f"/api/v1/responses/{answer['response_id']}/feedback"
    levels = []
    for rating in (5, 5, 4, 1, 5, 5):
        assert alice.http.post(place, json={"rating": rating}).status_code in (200, 201)
        levels.append(read(alice, luna)["affinity"])
    best, again, less, bad, *last = levels
    assert best == again == last[0] == last[1] > less > bad
    found = read(alice, luna)
    assert (found["positive_interactions"], found["negative_interactions"]) == (1, 0)


def test_a_changed_rating_counts_as_if_it_had_been_the_first(
    alice: Person, talking: StubLLM, drain_outbox: Drain, time: clock.SimulatedClock
) -> None:
    at_once, changed = make_avatar(alice), make_avatar(alice)
    for avatar_id, ratings in ((at_once, [1]), (changed, [5, 1])):
        for _ in range(3):
            place = f"/api/v1/responses/{said(alice, 'Hello there', avatar_id=avatar_id)['response_id']}/feedback"
        drain_outbox()
        for rating in ratings:
            alice.http.post(place, json={"rating": rating})
    one, other = read(alice, at_once), read(alice, changed)
    kept = ("affinity", "positive_interactions", "negative_interactions", "total_messages")
    assert {name: one[name] for name in kept} == {name: other[name] for name in kept}
    assert one["negative_interactions"] == 1


def test_two_ratings_of_one_answer_at_once_count_as_one(
    alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain, time: clock.SimulatedClock
) -> None:
    answer = said(alice, "Hello there", avatar_id=luna)
    drain_outbox()
    place = f"/api/v1/responses/{answer['response_id']}/feedback"
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: alice.http.post(place, json={"rating": 4 + number % 2}), range(8)))
    alice.http.post(place, json={"rating": 3})
    found = read(alice, luna)
    alice.http.post(place, json={"rating": 5})
    assert found["positive_interactions"] == 0
    assert read(alice, luna)["affinity"] > found["affinity"]
    assert read(alice, luna)["positive_interactions"] == 1


def test_two_turns_at_once_both_count(alice: Person, thin: uuid.UUID) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: praise(alice, thin), range(8)))
    found = read(alice, thin)
    assert (found["total_messages"], found["positive_interactions"]) == (8, 8)


def test_a_clock_a_year_ahead_and_back_leaves_what_was(
    alice: Person, luna: str, time: clock.SimulatedClock, owner_conn: psycopg.Connection[Any]
) -> None:
    def say(text: str) -> relationships.Standing:
        with db.transaction(alice.principal) as tx:
            return relationships.after_turn(tx, alice.user_id, uuid.UUID(luna), name, LUNA, text=text, sentiment=0.0)

    name = read(alice, luna)["personality_name"]
    say("Hello.")
    owner_conn.execute("update user_affinity set affinity_points = 44 where avatar_id = %s", [luna])
    owner_conn.commit()
    now = clock.now()
    with clock.use(clock.SimulatedClock(now + timedelta(days=365))):
        assert say("It rains.").points < 25
    time.advance(timedelta(minutes=5))
    assert read(alice, luna)["affinity"] >= 44
    assert say("It rains again.").points >= 44
    time.advance(timedelta(minutes=5))
    assert say("And again.").points == pytest.approx(say("Yes.").points, abs=0.5)
