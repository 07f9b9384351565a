"""What an avatar feels as it is kept: moved by turns, several at once too, faded by time, read without a change."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from anima import personality as personalities
from anima.conversations import service as conversations
from anima.emotions import drives, state_service
from anima.emotions import feeling_service as emotions
from anima.kernel import clock, db
from fixtures.api import Person

LUNA = personalities.parse(personalities.load_ready("luna"))
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
Connection = psycopg.Connection[Any]


@pytest.fixture
def time() -> Iterator[clock.SimulatedClock]:
    simulated = clock.SimulatedClock(NOON)
    with clock.use(simulated):
        yield simulated


@pytest.fixture
def luna(alice: Person) -> uuid.UUID:
    answer = alice.http.post("/api/v1/avatars", json={"name": "Luna", "personality": "luna"})
    return uuid.UUID(answer.json()["avatar_id"])


def talk(person: Person, avatar: uuid.UUID, *, private: bool = False) -> int:
    return conversations.create_session(person.principal, avatar=avatar, private=private).session_id


def begun(person: Person, avatar: uuid.UUID, session_id: int) -> emotions.Kept:
    with db.transaction(person.principal) as tx:
        pending = emotions.begin(tx, person.user_id, avatar, session_id)
    return pending.kept()


def stored(
    person: Person, avatar: uuid.UUID, session_id: int, feeling: emotions.Feeling, *, private: bool = False
) -> None:
    with db.transaction(person.principal) as tx:
        emotions.store(tx, person.user_id, avatar, session_id, feeling, private=private)


def say(person: Person, avatar: uuid.UUID, session_id: int, text: str, *, private: bool = False) -> emotions.Feeling:
    feeling = emotions.felt(begun(person, avatar, session_id), LUNA, text, at=clock.now())
    stored(person, avatar, session_id, feeling, private=private)
    return feeling


def state(person: Person, avatar: uuid.UUID) -> dict[str, Any]:
    answer = person.http.get(f"/api/v1/avatars/{avatar}/state")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def points(person: Person, avatar: uuid.UUID, **params: Any) -> dict[str, Any]:
    found: dict[str, Any] = person.http.get(f"/api/v1/avatars/{avatar}/state/history", params=params).json()
    return found


def test_kind_words_are_felt_and_fade(alice: Person, luna: uuid.UUID, time: clock.SimulatedClock) -> None:
    calm = state(alice, luna)
    assert (calm["mood"], calm["valence"], calm["attention"]) == ("calm", 0, 1)
    session_id = talk(alice, luna)
    feeling = say(alice, luna, session_id, "Haha thank you, you're so sweet, I love talking to you!")
    glad = state(alice, luna)
    assert glad["mood"] == "cheerful"
    assert glad["valence"] == pytest.approx(feeling.valence, abs=1e-3)
    assert glad["valence"] > 0.3
    assert "joy" in glad["emotions"]
    time.advance(HOUR)
    later = state(alice, luna)
    assert 0 < later["valence"] < glad["valence"]
    time.advance(timedelta(days=5))
    assert state(alice, luna)["valence"] == pytest.approx(0, abs=0.02)


def test_reading_the_state_writes_nothing(
    alice: Person, luna: uuid.UUID, time: clock.SimulatedClock, owner_conn: Connection
) -> None:
    say(alice, luna, talk(alice, luna), "You are useless, shut up")
    looked = "select concentrations, as_of, xmin::text from avatar_feelings where avatar_id = %s"
    before = owner_conn.execute(looked, [luna]).fetchall()
    time.advance(timedelta(days=1))
    state(alice, luna)
    points(alice, luna)
    assert owner_conn.execute(looked, [luna]).fetchall() == before


def test_two_turns_at_once_both_count(alice: Person, luna: uuid.UUID, time: clock.SimulatedClock) -> None:
    one, other = talk(alice, luna), talk(alice, luna)
    praise = "Thank you, you are wonderful"
    kept = begun(alice, luna, one)
    alone = emotions.felt(kept, LUNA, praise, at=NOON)
    both = [emotions.felt(begun(alice, luna, each), LUNA, praise, at=NOON) for each in (one, other)]
    threads = [
        threading.Thread(target=stored, args=(alice, luna, session_id, feeling))
        for session_id, feeling in zip((one, other), both, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    profile = drives.resting(LUNA.big_five)
    want = drives.moved(profile, list(alone.concentrations.values()), alone.drives)
    assert list(state(alice, luna)["concentrations"].values()) == pytest.approx(want, abs=2e-3)
    assert len(points(alice, luna)["items"]) == 2


def test_two_turns_at_once_on_one_mood_both_count(alice: Person, luna: uuid.UUID, time: clock.SimulatedClock) -> None:
    session_id = talk(alice, luna)
    first = emotions.felt(begun(alice, luna, session_id), LUNA, "Great news, thank you!", at=NOON)
    second = emotions.felt(begun(alice, luna, session_id), LUNA, "Great news, thank you!", at=NOON)
    stored(alice, luna, session_id, first)
    stored(alice, luna, session_id, second)
    kept = begun(alice, luna, session_id).mood
    assert kept is not None
    assert first.strike is not None
    assert kept.current_mood == "cheerful"
    assert kept.mood_intensity == pytest.approx(1 - (1 - first.strike.strength) ** 2, abs=1e-4)
    assert len(kept.mood_history) == 2


def test_a_turn_that_says_nothing_does_not_undo_one_at_the_same_time(
    alice: Person, luna: uuid.UUID, time: clock.SimulatedClock
) -> None:
    session_id = talk(alice, luna)
    glad = emotions.felt(begun(alice, luna, session_id), LUNA, "Great news, thank you!", at=NOON)
    plain = emotions.felt(begun(alice, luna, session_id), LUNA, "My train is at 7:42.", at=NOON)
    stored(alice, luna, session_id, glad)
    stored(alice, luna, session_id, plain)
    kept = begun(alice, luna, session_id).mood
    assert kept is not None
    assert (kept.current_mood, kept.mood_history) == ("cheerful", glad.mood.mood_history)


def test_sql_agrees_with_the_library(
    alice: Person, luna: uuid.UUID, time: clock.SimulatedClock, owner_conn: Connection
) -> None:
    session_id = talk(alice, luna)
    for text in ("You are useless!", "I GOT THE JOB!!!", "my dog died yesterday", "thank you, dear"):
        feeling = say(alice, luna, session_id, text)
        time.advance(timedelta(minutes=37))
    owner_conn.execute("select set_config('anima.user_id', %s, false)", [str(alice.user_id)])
    for after in (timedelta(0), timedelta(seconds=1), HOUR, timedelta(days=3), timedelta(days=400)):
        at = clock.now() + after
        rows = owner_conn.execute(
            "select concentrations, valence, arousal from feelings_at(%s) where avatar_id = %s", [at, luna]
        ).fetchall()
        ((concentrations, valence, arousal),) = rows
        profile = drives.resting(LUNA.big_five)
        seconds = (at - feeling.at).total_seconds()
        want = drives.after(profile, list(feeling.concentrations.values()), seconds)
        away = drives.deviations(profile, want)
        assert concentrations == pytest.approx(want, rel=1e-9)
        assert (valence, arousal) == pytest.approx((drives.valence(away), drives.arousal(away)), abs=1e-9)


def test_a_clock_that_jumps_ahead_and_back_does_no_harm(
    alice: Person, luna: uuid.UUID, time: clock.SimulatedClock
) -> None:
    session_id = talk(alice, luna)
    say(alice, luna, session_id, "Thank you, you are wonderful")
    time.advance(timedelta(days=365))
    say(alice, luna, session_id, "I am so happy, great news!")
    time.advance(-timedelta(days=365))
    back = say(alice, luna, session_id, "Great news, thank you!")
    assert back.mood.current_mood == "cheerful"
    glad = state(alice, luna)
    assert 0 < glad["valence"] < 1
    time.advance(timedelta(hours=6))
    assert state(alice, luna)["valence"] < glad["valence"]
    assert say(alice, luna, session_id, "hm").mood.current_mood == "calm"


def test_a_private_session_has_a_mood_and_leaves_nothing_else(
    alice: Person, luna: uuid.UUID, time: clock.SimulatedClock, owner_conn: Connection
) -> None:
    session_id = talk(alice, luna, private=True)
    say(alice, luna, session_id, "You are useless, shut up", private=True)
    kept = begun(alice, luna, session_id).mood
    assert kept is not None
    assert kept.current_mood == "hurt"
    assert owner_conn.execute("select 1 from avatar_feelings where avatar_id = %s", [luna]).fetchall() == []
    assert owner_conn.execute("select 1 from feelings_history where avatar_id = %s", [luna]).fetchall() == []
    assert state(alice, luna)["mood"] == "calm"


def test_the_history_is_paged_and_a_table(alice: Person, luna: uuid.UUID, time: clock.SimulatedClock) -> None:
    session_id = talk(alice, luna)
    for number in range(5):
        say(alice, luna, session_id, f"Thank you for number {number}")
        time.advance(HOUR)
    first = points(alice, luna, limit=2)
    rest = points(alice, luna, limit=10, cursor=first["next_cursor"])
    times = [one["at"] for one in [*first["items"], *rest["items"]]]
    assert len(times) == 5
    assert times == sorted(times)
    assert rest["next_cursor"] is None
    some = points(alice, luna, **{"from": (NOON + HOUR).isoformat(), "to": (NOON + 3 * HOUR).isoformat()})
    assert len(some["items"]) == 2
    table = alice.http.get(f"/api/v1/avatars/{luna}/state/history", headers={"accept": "text/csv"})
    lines = table.text.splitlines()
    assert lines[0].startswith("at,valence,arousal,mood")
    assert len(lines) == 6
    assert alice.http.get(f"/api/v1/avatars/{luna}/state/history", params={"cursor": "x"}).status_code == 422


def test_nobody_else_reads_it(alice: Person, bob: Person, luna: uuid.UUID, time: clock.SimulatedClock) -> None:
    say(alice, luna, talk(alice, luna), "Thank you")
    assert bob.http.get(f"/api/v1/avatars/{luna}/state").status_code == 404
    assert bob.http.get(f"/api/v1/avatars/{luna}/state/history").status_code == 404


def test_nothing_is_kept_for_somebody_elses_session_or_avatar(
    alice: Person, bob: Person, luna: uuid.UUID, time: clock.SimulatedClock, owner_conn: Connection
) -> None:
    session_id = talk(alice, luna)
    stored(bob, luna, session_id, emotions.felt(emotions.Kept(), LUNA, "I am sad", at=NOON))
    assert begun(alice, luna, session_id) == emotions.Kept()
    assert owner_conn.execute("select 1 from feelings_history where avatar_id = %s", [luna]).fetchall() == []


def test_memory_that_is_erased_takes_the_history_with_it(
    alice: Person, luna: uuid.UUID, time: clock.SimulatedClock
) -> None:
    say(alice, luna, talk(alice, luna), "Thank you, you are wonderful")
    assert alice.http.delete("/api/v1/users/me/memory").status_code < 300
    assert points(alice, luna)["items"] == []
    assert state(alice, luna)["valence"] == 0


def test_how_much_a_sleep_replays_follows_what_was_new(
    alice: Person, luna: uuid.UUID, time: clock.SimulatedClock
) -> None:
    def level() -> float:
        return state_service.acetylcholine(alice.principal, alice.user_id, luna)

    assert level() == 0.5
    say(alice, luna, talk(alice, luna), "OMG guess what, out of nowhere I won the lottery!!!")
    stirred = level()
    time.advance(timedelta(hours=12))
    assert 0.5 <= level() < stirred <= 1.0
