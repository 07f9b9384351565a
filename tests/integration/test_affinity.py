"""Affinity and moods as they are kept: moved by turns and ratings, read over HTTP, shared by nobody."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from anima import personality as personalities
from anima.conversations import service as conversations
from anima.emotions import feeling_service as emotions
from anima.emotions.sentiment import kindness
from anima.kernel import clock, db
from anima.relationships import moves_service as relationships
from fixtures.api import Person

LUNA = personalities.parse(personalities.load_ready("luna"))


@pytest.fixture
def time() -> Iterator[clock.SimulatedClock]:
    simulated = clock.SimulatedClock(datetime(2026, 1, 31, 12, tzinfo=UTC))
    with clock.use(simulated):
        yield simulated


@pytest.fixture
def luna(alice: Person) -> uuid.UUID:
    answer = alice.http.post("/api/v1/avatars", json={"name": "Luna"})
    return uuid.UUID(answer.json()["avatar_id"])


def say(person: Person, avatar_id: uuid.UUID, text: str) -> relationships.Standing:
    with db.transaction(person.principal) as tx:
        return relationships.after_turn(
            tx, person.user_id, avatar_id, "luna", LUNA, text=text, sentiment=kindness(text)
        )


def rate(person: Person, avatar_id: uuid.UUID, rating: int) -> relationships.Standing:
    with db.transaction(person.principal) as tx:
        return relationships.after_feedback(tx, person.user_id, avatar_id, "luna", LUNA, rating=rating)


def read(person: Person, avatar_id: uuid.UUID) -> dict[str, Any]:
    found: dict[str, Any] = person.http.get(f"/api/v1/avatars/{avatar_id}/affinity").json()
    return found


def test_before_the_first_turn(alice: Person, luna: uuid.UUID) -> None:
    found = read(alice, luna)
    assert (found["affinity"], found["level"], found["total_messages"]) == (0, "new acquaintance", 0)
    assert found["last_interaction"] is None


def test_kind_and_unkind_turns_are_counted(alice: Person, luna: uuid.UUID, time: clock.SimulatedClock) -> None:
    kind = say(alice, luna, "Thank you, Luna, you are wonderful and it helped me a lot today")
    say(alice, luna, "It rains.")
    unkind = say(alice, luna, "You are stupid")
    assert kind.points > 1 > unkind.points
    found = read(alice, luna)
    counts = (found["total_messages"], found["positive_interactions"], found["negative_interactions"])
    assert counts == (3, 1, 1)
    assert found["affinity"] == pytest.approx(unkind.points, abs=0.01)


def test_ratings_count_as_interactions_and_not_as_messages(
    alice: Person, luna: uuid.UUID, time: clock.SimulatedClock
) -> None:
    up = rate(alice, luna, 5)
    same = rate(alice, luna, 3)
    down = rate(alice, luna, 1)
    assert up.points == same.points > down.points
    found = read(alice, luna)
    assert (found["total_messages"], found["positive_interactions"]) == (0, 1)


def test_weeks_of_kindness_reach_a_new_level_and_absence_keeps_it(
    alice: Person, luna: uuid.UUID, time: clock.SimulatedClock
) -> None:
    levels = []
    for _ in range(25):
        time.advance(timedelta(days=1))
        levels.append(say(alice, luna, "I love talking with you, thank you for listening to my long day").level)
    assert levels[0] == "new acquaintance"
    assert levels[-1] == "acquaintance"
    near = read(alice, luna)["affinity"]
    time.advance(timedelta(days=365))
    far = read(alice, luna)
    assert 20 <= far["affinity"] < near
    assert far["level"] == "acquaintance"


def test_a_flood_of_praise_does_not(alice: Person, luna: uuid.UUID, time: clock.SimulatedClock) -> None:
    with db.transaction(alice.principal) as tx:
        for _ in range(60):
            standing = relationships.after_turn(
                tx, alice.user_id, luna, "luna", LUNA, text="I love you " * 20, sentiment=1.0
            )
    assert standing.level == "new acquaintance"


def test_another_personality_begins_anew_and_the_old_one_is_kept(
    alice: Person, luna: uuid.UUID, time: clock.SimulatedClock
) -> None:
    kept = say(alice, luna, "Thank you!").points
    place = f"/api/v1/avatars/{luna}"
    alice.http.patch(place, json={"personality": "rook"})
    assert (read(alice, luna)["affinity"], read(alice, luna)["level"]) == (0, "stranger")
    alice.http.patch(place, json={"personality": "luna"})
    assert read(alice, luna)["affinity"] == pytest.approx(kept, abs=0.01)


def test_a_mood_is_kept_with_its_session(alice: Person, luna: uuid.UUID, time: clock.SimulatedClock) -> None:
    session_id = conversations.create_session(alice.principal, avatar=luna).session_id

    def hear(text: str) -> emotions.SessionMood:
        with db.transaction(alice.principal) as tx:
            kept = emotions.begin(tx, alice.user_id, luna, session_id).kept()
            now = emotions.felt(kept, LUNA, text, at=clock.now())
            emotions.store(tx, alice.user_id, luna, session_id, now)
        return now.mood

    assert hear("hello").current_mood == "calm"
    sad = hear("I am sad and lonely")
    assert sad.current_mood == "tender"
    time.advance(timedelta(minutes=30))
    later = hear("hm")
    assert later.current_mood == "tender"
    assert later.mood_intensity < sad.mood_intensity
    time.advance(timedelta(days=1))
    assert hear("hm").current_mood == "calm"


def test_a_mood_is_not_kept_for_a_foreign_session(alice: Person, bob: Person, luna: uuid.UUID) -> None:
    session_id = conversations.create_session(alice.principal, avatar=luna).session_id
    mood = emotions.felt(emotions.Kept(), LUNA, "I am sad", at=clock.now())
    with db.transaction(bob.principal) as tx:
        emotions.store(tx, bob.user_id, luna, session_id, mood)
    with db.transaction(alice.principal) as tx:
        kept = emotions.begin(tx, alice.user_id, luna, session_id)
    assert kept.kept() == emotions.Kept()
