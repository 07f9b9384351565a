"""What an avatar remembers is put in order while nobody talks to it: once, within a budget, whoever dies or erases."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from anima.chat import quiet_service
from anima.kernel import clock, db, delivery, outbox
from anima.kernel.errors import BadInput
from anima.memory import consolidation_service, replay_repo, sleep_repo, sleep_service
from anima.memory.model import forget_at
from anima.memory.sleep_service import Refreshed, sleep
from fixtures.api import Person
from fixtures.night import Night
from fixtures.stub_llm import StubLLM
from fixtures.turns import said

Drain = Callable[[], list[outbox.Event]]
Connection = psycopg.Connection[Any]
pytestmark = pytest.mark.usefixtures("fast_embedder")

THEY_ARE_ALIKE = (
    "I got the job at the old harbour office in Lyon with Anna today",
    "I got the job at the old harbour office in Lyon with Anna now",
    "I got the job at the old harbour office in Lyon with Anna again",
)


class TestConsolidation:
    def test_what_says_the_same_within_a_week_is_one_and_knows_all_that_each_knew(self, night: Night) -> None:
        first = night.lived("I passed my exam", days=9, importance=7, recalled=2)
        again = night.lived("I passed my  EXAM", days=5, importance=8, recalled=1)
        other = night.lived("I passed my exam", days=1, kind="loss")
        far = night.lived("I passed my exam", days=40)
        slept = night.sleeps()
        assert slept.steps["fold"] == {"episodes": 1}
        assert set(night.episodes()) == {again.id, other.id, far.id}
        kept = night.episodes()[again.id]
        assert kept["context_messages"] == sorted(first.messages + again.messages)
        assert (kept["importance"], kept["times_recalled"], kept["summary"]) == (8, 3, "I passed my  EXAM")
        assert kept["forget_at"] == forget_at(kept["last_recalled"], 0.8, 3)

    def test_what_is_alike_becomes_one_in_the_persons_own_words(self, night: Night) -> None:
        parts = [night.lived(text, days=9 - place, importance=5 + place) for place, text in enumerate(THEY_ARE_ALIKE)]
        other = night.lived("I lost my cat in the forest", days=4)
        assert night.sleeps().steps["merge"] == {"episodes": 3, "into": 1}
        left = night.episodes()
        assert other.id in left
        (made,) = [each for each in left.values() if each["origin"] == "consolidated"]
        assert made["summary"] == ". ".join(THEY_ARE_ALIKE)
        assert (made["title"], made["importance"]) == (THEY_ARE_ALIKE[2], 7)
        assert made["context_messages"] == sorted(message for part in parts for message in part.messages)
        assert made["forget_at"] == forget_at(made["timestamp"], 0.7, 0)
        assert len(left) == 2

    def test_relations_lead_to_what_was_made(self, night: Night) -> None:
        parts = [night.lived(text, days=3) for text in THEY_ARE_ALIKE]
        other = night.lived("I lost my cat in the forest", days=4, related=[parts[0].id, parts[1].id])
        night.relate(parts[2].id, [other.id, parts[0].id])
        night.sleeps()
        (made,) = [each for each in night.episodes().values() if each["origin"] == "consolidated"]
        assert night.episodes()[other.id]["related_episodes"] == [made["id"]]
        assert made["related_episodes"] == [other.id]

    def test_what_its_owner_pinned_or_corrected_stays_as_it_reads(self, night: Night) -> None:
        pinned = night.lived(THEY_ARE_ALIKE[0], days=3, pinned=True)
        corrected = night.lived(THEY_ARE_ALIKE[1], days=3, origin="corrected")
        night.lived(THEY_ARE_ALIKE[0], days=2)
        night.sleeps()
        assert {each["id"]: each["summary"] for each in night.episodes().values()} == {
            pinned.id: THEY_ARE_ALIKE[0],
            corrected.id: THEY_ARE_ALIKE[1],
        }

    def test_a_second_sleep_finds_nothing_to_do(self, night: Night) -> None:
        for text in (*THEY_ARE_ALIKE, "I lost my cat", "I lost my cat", "I found a coin in the snow"):
            night.lived(text, days=3)
        night.sleeps()
        before = night.episodes()
        again = night.sleeps()
        assert again.steps["fold"] == {"episodes": 0}
        assert again.steps["merge"] == {"episodes": 0, "into": 0}
        assert night.episodes() == before

    def test_more_acetylcholine_replays_more(self, night: Night) -> None:
        for day in range(45):  # the pair that says the same lies far back
            night.lived(f"I saw bird number{day} of flock{day * 7}", days=1, minutes=day, importance=5)
        for _ in range(2):
            night.lived("I passed my exam", days=20, importance=1)
        assert night.sleeps(acetylcholine=0.0).steps["fold"] == {"episodes": 0}
        assert night.sleeps(acetylcholine=1.0).steps["fold"] == {"episodes": 1}

    def test_no_more_are_touched_than_are_replayed(self, night: Night) -> None:
        for day in range(60):
            night.lived(f"{THEY_ARE_ALIKE[0]} {day}", days=1, minutes=day, importance=5)
        steps = night.sleeps(acetylcholine=0.0).steps
        folded, merged = steps["fold"]["episodes"], steps["merge"]["episodes"] - steps["merge"]["into"]
        assert 0 < folded < 20
        assert 0 < merged < 20
        assert len(night.episodes()) == 60 - folded - merged

    def test_switched_off_episodes_are_not_merged(self, night: Night) -> None:
        night.owner.execute(
            "update avatars set switches = '{\"episodes\": false}' where avatar_id = %s", [night.avatar_id]
        )
        for text in THEY_ARE_ALIKE:
            night.lived(text, days=3)
        night.sleeps()
        assert len(night.episodes()) == 3

    def test_an_episode_that_changes_meanwhile_is_left_alone(
        self, night: Night, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        parts = [night.lived(text, days=3) for text in THEY_ARE_ALIKE]
        real = consolidation_service._embedded

        def meanwhile(*given: Any) -> Iterator[Any]:
            night.owner.execute("update episodes set pinned = true where id = %s", [parts[0].id])
            yield from real(*given)

        monkeypatch.setattr(consolidation_service, "_embedded", meanwhile)
        night.sleeps()
        assert parts[0].id in night.episodes()
        assert night.episodes()[parts[0].id]["summary"] == THEY_ARE_ALIKE[0]


class TestPromotion:
    CLIMBS = ("I went climbing with Ana", "I've been climbing again", "Yesterday I went climbing alone")

    @pytest.fixture
    def climbs(self, night: Night) -> list[tuple[int, list[int]]]:
        """Three messages, on three days, that recall finds."""
        at = datetime.now(UTC)
        return [
            night.said(text, at - timedelta(days=9 - 2 * place), indexed=True) for place, text in enumerate(self.CLIMBS)
        ]

    def facts(self, night: Night) -> list[dict[str, Any]]:
        answer = night.person.http.get(f"/api/v1/avatars/{night.avatar_id}/facts")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    def test_what_recurs_becomes_a_fact_with_the_words_of_each_message(
        self, night: Night, climbs: list[tuple[int, list[int]]]
    ) -> None:
        assert night.sleeps().steps["promote"] == {"facts": 1}
        (fact,) = self.facts(night)
        assert (fact["key"], fact["origin"], fact["mention_count"]) == ("sport:climbing", "consolidated", 3)
        place = f"/api/v1/avatars/{night.avatar_id}/facts/{fact['id']}"
        mentions = night.person.http.get(place).json()["mentions"]
        said = {messages[0]: text for (_, messages), text in zip(climbs, self.CLIMBS, strict=True)}
        assert {each["message_id"] for each in mentions} == set(said)
        assert all(each["evidence"] in said[each["message_id"]] for each in mentions)

    def test_another_sleep_makes_no_more_of_it(self, night: Night, climbs: list[tuple[int, list[int]]]) -> None:
        night.sleeps()
        before = self.facts(night)
        assert night.sleeps().steps["promote"] == {"facts": 0}
        assert self.facts(night) == before

    def test_it_goes_with_the_last_message_that_bears_it(
        self, night: Night, climbs: list[tuple[int, list[int]]]
    ) -> None:
        night.sleeps()
        for session_id, _ in climbs:
            assert len(self.facts(night)) == 1
            night.person.http.delete(f"/api/v1/sessions/{session_id}")
        assert self.facts(night) == []

    def test_what_its_owner_forgot_does_not_come_back(self, night: Night, climbs: list[tuple[int, list[int]]]) -> None:
        night.sleeps()
        (fact,) = self.facts(night)
        answer = night.person.http.delete(f"/api/v1/avatars/{night.avatar_id}/facts/{fact['id']}")
        assert answer.status_code == 204
        night.sleeps()
        assert self.facts(night) == []

    def test_switched_off_facts_stay_off(self, night: Night, climbs: list[tuple[int, list[int]]]) -> None:
        night.owner.execute(
            "update avatars set switches = '{\"facts\": false}' where avatar_id = %s", [night.avatar_id]
        )
        night.sleeps()
        assert self.facts(night) == []

    def test_what_is_private_or_not_the_persons_own_bears_nothing(
        self, night: Night, climbs: list[tuple[int, list[int]]]
    ) -> None:
        night.owner.execute("update sessions set private = true where session_id = %s", [climbs[0][0]])
        assert night.sleeps().steps["promote"] == {"facts": 0}


class TestDeletion:
    def test_a_consolidated_episode_loses_the_words_of_a_session_that_is_deleted(
        self, night: Night, drain_outbox: Drain
    ) -> None:
        parts = [night.lived(text, days=9 - place, importance=7 - place) for place, text in enumerate(THEY_ARE_ALIKE)]
        night.sleeps()
        answer = night.person.http.delete(f"/api/v1/sessions/{parts[0].session_id}")
        assert answer.status_code == 204
        (left,) = night.episodes().values()
        assert left["summary"] == ". ".join(THEY_ARE_ALIKE[1:])
        assert (left["title"], left["importance"]) == (THEY_ARE_ALIKE[1], 6)
        assert left["context_messages"] == sorted(parts[1].messages + parts[2].messages)
        assert left["embedded"] is False
        drain_outbox()
        assert night.episodes()[left["id"]]["embedded"] is True
        for part in parts[1:]:
            night.person.http.delete(f"/api/v1/sessions/{part.session_id}")
        assert night.episodes() == {}

    def test_messages_that_hold_no_more_are_told_by_no_episode(self, night: Night) -> None:
        parts = [night.lived(text, days=9 - place, importance=4) for place, text in enumerate(THEY_ARE_ALIKE)]
        night.sleeps()
        with db.transaction(night.person.principal) as tx:
            replay_repo.remake(tx, night.person.user_id, parts[1].messages)
        (left,) = night.episodes().values()
        assert left["summary"] == ". ".join((THEY_ARE_ALIKE[0], THEY_ARE_ALIKE[2]))
        assert left["embedded"] is False
        night.sleeps()
        assert night.episodes()[left["id"]]["embedded"] is True

    def test_a_stranger_cannot_have_anothers_episodes_made_anew(self, night: Night, stranger: Person) -> None:
        parts = [night.lived(text, days=3) for text in THEY_ARE_ALIKE]
        night.sleeps()
        before = night.episodes()
        with db.transaction(stranger.principal) as tx:
            replay_repo.remake(tx, night.person.user_id, parts[1].messages)
        assert night.episodes() == before


class TestOneAtATime:
    def test_another_is_turned_away_while_one_is_under_way(self, night: Night) -> None:
        outcomes = []

        def meanwhile(*_: Any) -> Refreshed:
            outcomes.append(sleep(night.worker, night.avatar_id).outcome)
            return Refreshed()

        outcomes.append(night.sleeps(refresh=meanwhile).outcome)
        assert outcomes == ["busy", "slept"]

    def test_of_many_at_once_each_unit_is_done_once(self, night: Night) -> None:
        for text in (*THEY_ARE_ALIKE, "I lost my cat", "I lost my cat"):
            night.lived(text, days=3)
        done: list[str] = []

        def work() -> None:
            done.append(sleep(night.worker, night.avatar_id).outcome)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(done) <= {"slept", "busy"}
        assert "slept" in done
        assert len(night.episodes()) == 2

    def test_one_whose_lease_was_taken_over_writes_nothing(self, night: Night) -> None:
        for _ in range(2):
            night.lived("I lost my cat", days=3)

        def overtaken(*_: Any) -> Refreshed:
            night.owner.execute("update sleeps set holder = gen_random_uuid() where avatar_id = %s", [night.avatar_id])
            return Refreshed(sessions=9)

        assert night.sleeps(refresh=overtaken).outcome == "busy"
        stands = night.stands()
        assert (stands["state"], "refresh" in stands["steps"]) == ("asleep", False)

    def test_who_comes_after_goes_on_where_it_stopped(self, night: Night) -> None:
        def dies(*_: Any) -> Refreshed:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            night.sleeps(refresh=dies, acetylcholine=0.9)
        assert set(night.stands()["steps"]) == {"forget", "fold", "merge", "promote"}
        assert sleep(night.worker, night.avatar_id).outcome == "busy", "its lease holds"
        night.lease_ends()
        slept = night.sleeps(refresh=lambda *_: Refreshed(2, 30))
        assert (slept.outcome, slept.steps["refresh"], slept.tokens) == ("slept", {"sessions": 2}, 30)
        assert night.stands()["acetylcholine"] == pytest.approx(0.9)

    def test_one_that_kills_its_worker_again_and_again_is_given_up(self, night: Night) -> None:
        def dies(*_: Any) -> Refreshed:
            raise KeyboardInterrupt

        for _ in range(8):
            with pytest.raises(KeyboardInterrupt):
                night.sleeps(refresh=dies)
            night.lease_ends()
        assert night.stands()["resumes"] < 6

    def test_a_step_that_fails_ends_the_sleep_and_says_so(self, night: Night) -> None:
        def fails(*_: Any) -> Refreshed:
            raise BadInput(reason="x")

        slept = night.sleeps(refresh=fails)
        assert (slept.outcome, slept.reason) == ("slept", "bad-input")
        assert night.stands()["state"] == "awake"

    def test_without_time_nothing_is_done_and_the_next_does_it(self, night: Night) -> None:
        for _ in range(2):
            night.lived("I lost my cat", days=3)
        assert night.sleeps(seconds=0).reason == "time"
        assert len(night.episodes()) == 2
        night.sleeps()
        assert len(night.episodes()) == 1

    @pytest.mark.parametrize(
        "budget",
        [
            {"acetylcholine": 1.1},
            {"acetylcholine": float("nan")},
            {"seconds": -1.0},
            {"seconds": float("inf")},
            {"tokens": -1},
        ],
    )
    def test_an_impossible_budget_is_refused(self, night: Night, budget: dict[str, Any]) -> None:
        with pytest.raises(BadInput):
            sleep(night.worker, night.avatar_id, **budget)
        assert night.stands() == {}

    def test_of_an_avatar_that_is_gone_nothing_is_left(self, night: Night) -> None:
        assert sleep(night.worker, uuid.uuid4()).outcome == "gone"

        def deleted(*_: Any) -> Refreshed:
            night.owner.execute("delete from avatars where avatar_id = %s", [night.avatar_id])
            return Refreshed()

        assert night.sleeps(refresh=deleted).outcome == "busy"
        assert night.stands() == {}


class TestErasure:
    def test_what_is_erased_while_it_is_dreamt_of_stays_away(
        self, night: Night, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for text in THEY_ARE_ALIKE:
            night.lived(text, days=3)
        real, erased = consolidation_service._embedded, []

        def meanwhile(*given: Any) -> Iterator[Any]:
            erased.append(night.person.http.delete("/api/v1/users/me/memory").status_code)
            yield from real(*given)

        monkeypatch.setattr(consolidation_service, "_embedded", meanwhile)
        night.sleeps()
        assert erased == [200]
        assert night.episodes() == {}

    def test_erasure_waits_for_a_unit_that_is_being_written(
        self, night: Night, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for text in THEY_ARE_ALIKE:
            night.lived(text, days=3)
        real, erased = replay_repo.merge, []

        def erases() -> None:
            erased.append(night.person.http.delete("/api/v1/users/me/memory").status_code)

        eraser = threading.Thread(target=erases)

        def slowly(*given: Any, **named: Any) -> None:
            real(*given, **named)
            eraser.start()
            eraser.join(0.5)

        monkeypatch.setattr(replay_repo, "merge", slowly)
        night.sleeps()
        eraser.join()
        assert erased == [200]
        assert night.episodes() == {}


class TestSummaries:
    """Long sessions that went on are summed up anew while their avatar sleeps."""

    NOTES = (
        "The sluices of the harbour of Brume must be replaced before winter.",
        "The harbour board meets on Thursday to decide about the sluices.",
        "The sluices of the harbour cost more than the board wants.",
    )

    @pytest.fixture
    def long(self, night: Night) -> int:
        """A session of nine hundred messages, an hour old; what matters stands at its beginning."""
        session, _ = night.said("Hello there, it is me again.", datetime.now(UTC) - timedelta(days=1))
        self.go_on(night, session, [*self.NOTES, *("Mm, well, so it goes." for _ in range(895))])
        return session

    @staticmethod
    def go_on(night: Night, session: int, texts: list[str], hours: float = 2) -> None:
        night.owner.execute(
            """
            insert into messages (session_id, owner_id, author_id, role, content, created_at)
            select %s, %s, %s, 'user', t.text, now() - %s * interval '1 hour' + t.place * interval '1 second'
            from unnest(%s::text[]) with ordinality as t (text, place)
            """,
            [session, night.person.user_id, night.person.user_id, hours, texts],
        )

    @staticmethod
    def written(night: Night, drain: Drain) -> list[dict[str, Any]]:
        drain()
        found = night.person.http.get("/api/v1/documents", params={"purpose": "analysis"})
        return list(found.json()["items"])

    def test_all_of_a_long_session_is_read(
        self, night: Night, long: int, drain_outbox: Drain, talking: StubLLM
    ) -> None:
        slept = night.sleeps(refresh=quiet_service.refresh, tokens=0)
        assert slept.steps["refresh"] == {"sessions": 1}
        assert (slept.tokens, talking.chats) == (0, [])
        (document,) = self.written(night, drain_outbox)
        assert document["metadata"]["session_id"] == long
        chunks = night.person.http.get(f"/api/v1/documents/{document['document_id']}/chunks").json()["items"]
        assert all(note in chunks[0]["text"] for note in self.NOTES)

    def test_it_is_done_again_when_it_went_on_and_the_old_one_goes(
        self, night: Night, long: int, drain_outbox: Drain, talking: StubLLM
    ) -> None:
        night.sleeps(refresh=quiet_service.refresh, tokens=0)
        (first,) = self.written(night, drain_outbox)
        assert night.sleeps(refresh=quiet_service.refresh, tokens=0).steps["refresh"] == {"sessions": 0}
        self.go_on(night, long, ["The lighthouse of Brume was painted white in summer."], hours=1)
        assert night.sleeps(refresh=quiet_service.refresh, tokens=0).steps["refresh"] == {"sessions": 1}
        (second,) = self.written(night, drain_outbox)
        assert second["document_id"] != first["document_id"]

    def test_a_model_takes_no_more_tokens_than_there_are(
        self, night: Night, long: int, drain_outbox: Drain, talking: StubLLM
    ) -> None:
        talking.script("They spoke of the sluices.")
        slept = night.sleeps(refresh=quiet_service.refresh, tokens=2000)
        assert slept.tokens > 0
        assert len(talking.chats[-1].prompt) < 8000

    def test_what_is_short_private_or_still_going_on_is_left_alone(
        self, night: Night, long: int, drain_outbox: Drain, talking: StubLLM
    ) -> None:
        night.said("Only this.", datetime.now(UTC) - timedelta(hours=3))
        night.owner.execute("update sessions set private = true where session_id = %s", [long])
        busy, _ = night.said("Hello.", datetime.now(UTC) - timedelta(hours=3))
        self.go_on(night, busy, ["Well now, so it goes."] * 50, hours=0)
        assert night.sleeps(refresh=quiet_service.refresh, tokens=0).steps["refresh"] == {"sessions": 0}

    def test_what_was_edited_away_is_not_summed_up(self, night: Night, drain_outbox: Drain, talking: StubLLM) -> None:
        session, messages = night.said(
            "The treasure of Brume lies under the oak.", datetime.now(UTC) - timedelta(days=1)
        )
        self.go_on(night, session, [*self.NOTES, *("Mm, well, so it goes." for _ in range(50))])
        night.owner.execute(
            "update messages set metadata = jsonb_build_object('edits', %s::bigint)"
            " where session_id = %s and content = %s",
            [messages[0], session, self.NOTES[0]],
        )
        night.sleeps(refresh=quiet_service.refresh, tokens=0)
        (document,) = self.written(night, drain_outbox)
        assert messages[0] not in document["metadata"]["message_ids"]
        chunks = night.person.http.get(f"/api/v1/documents/{document['document_id']}/chunks").json()["items"]
        assert "treasure" not in chunks[0]["text"]


class TestWhenItIsArmed:
    @pytest.fixture
    def talk(self, alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain) -> int:
        return self.turns(alice, drain_outbox, sleep_service.LEAST_TURNS, avatar_id=luna)

    @staticmethod
    def turns(person: Person, drain: Drain, number: int, **more: Any) -> int:
        for count in range(number):
            more = {"session_id": said(person, f"The weather is fine number {count}", **more)["session_id"]}
            drain()
        return int(more["session_id"])

    @staticmethod
    def waiting(owner: Connection, person: Person) -> list[str]:
        rows = owner.execute(
            "select topic from outbox where owner_id = %s and delivered_at is null order by seq", [person.user_id]
        )
        return [topic for (topic,) in rows]

    @staticmethod
    def due(owner: Connection, person: Person) -> None:
        owner.execute("update outbox set next_attempt_at = now() where owner_id = %s", [person.user_id])

    def test_some_turns_arm_it_once(
        self, alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain, owner_conn: Connection
    ) -> None:
        session = self.turns(alice, drain_outbox, sleep_service.LEAST_TURNS - 1, avatar_id=luna)
        assert "memory.sleep" not in self.waiting(owner_conn, alice)
        self.turns(alice, drain_outbox, 3, session_id=session)
        assert self.waiting(owner_conn, alice).count("memory.sleep") == 1
        row = owner_conn.execute(
            "select next_attempt_at - now() from outbox where owner_id = %s and topic = 'memory.sleep'",
            [alice.user_id],
        ).fetchone()
        assert row is not None
        assert timedelta(minutes=2, seconds=30) < row[0] <= timedelta(minutes=5), "while the database is awake"

    def test_an_avatar_that_is_talked_to_sleeps_later(
        self, alice: Person, talk: int, drain_outbox: Drain, owner_conn: Connection, luna: str
    ) -> None:
        self.due(owner_conn, alice)
        drain_outbox()
        assert self.state(alice, luna)["state"] == "never"
        assert self.waiting(owner_conn, alice).count("memory.sleep") == 1

    def test_a_quiet_one_sleeps_once_and_not_again_for_a_while(
        self, alice: Person, talk: int, drain_outbox: Drain, owner_conn: Connection, luna: str
    ) -> None:
        self.quiet(owner_conn, alice)
        drain_outbox()
        state = self.state(alice, luna)
        assert state["state"] == "awake"
        assert [step["state"] for step in state["steps"]] == ["done"] * 5
        assert (state["acetylcholine"], state["replayed"]) == (0.5, 63)
        assert "memory.sleep" not in self.waiting(owner_conn, alice)
        self.turns(alice, drain_outbox, sleep_service.LEAST_TURNS, session_id=talk)
        assert "memory.sleep" not in self.waiting(owner_conn, alice)
        later = clock.SimulatedClock(datetime.now(UTC) + sleep_service.PAUSE + timedelta(minutes=5))
        with clock.use(later):
            self.turns(alice, drain_outbox, 1, session_id=talk)
        assert self.waiting(owner_conn, alice).count("memory.sleep") == 1

    def test_the_same_event_twice_and_by_two_workers_sleeps_once(
        self, alice: Person, talk: int, owner_conn: Connection, luna: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.quiet(owner_conn, alice)
        events = []
        while (event := delivery.claim()) is not None:
            events.append(event)
        (event,) = [each for each in events if each.topic == "memory.sleep"]
        begun: list[uuid.UUID] = []
        real = sleep_repo.begin
        monkeypatch.setattr(sleep_repo, "begin", lambda *a, **k: (begun.append(k["run_id"]), real(*a, **k))[1])
        threads = [threading.Thread(target=sleep_service.follow, args=(event,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sleep_service.follow(event)
        assert begun == [event.event_id]

    def test_asked_for_it_comes_now_and_says_so(
        self, alice: Person, luna: str, drain_outbox: Drain, owner_conn: Connection
    ) -> None:
        place = f"/api/v1/avatars/{luna}/sleep"
        assert self.state(alice, luna) == {
            **self.state(alice, luna),
            "state": "never",
            "steps": [],
        }
        for _ in range(2):
            answer = alice.http.post(place, json={"acetylcholine": 0.25, "seconds": 5, "tokens": 0})
            assert (answer.status_code, answer.json()) == (202, {"state": "queued"})
        assert self.waiting(owner_conn, alice) == ["memory.sleep"]
        drain_outbox()
        state = self.state(alice, luna)
        assert (state["state"], state["acetylcholine"], state["replayed"]) == ("awake", 0.25, 36)
        assert alice.http.post(place).json() == {"state": "queued"}

    def test_asked_for_it_does_not_wait_behind_the_one_that_waits_for_quiet(
        self, alice: Person, talk: int, drain_outbox: Drain, luna: str
    ) -> None:
        alice.http.post(f"/api/v1/avatars/{luna}/sleep")
        drain_outbox()
        assert self.state(alice, luna)["state"] == "awake"

    def test_whoever_asks_for_an_impossible_one_or_a_strangers_is_told(
        self, alice: Person, stranger: Person, luna: str
    ) -> None:
        place = f"/api/v1/avatars/{luna}/sleep"
        for body in ({"acetylcholine": 2}, {"seconds": -1}, {"tokens": 10**9}, {"more": 1}):
            assert alice.http.post(place, json=body).status_code == 422
        assert stranger.http.post(place).status_code == 404
        assert stranger.http.get(place).status_code == 404
        assert alice.http.get(f"/api/v1/avatars/{uuid.uuid4()}/sleep").status_code == 404

    def test_one_that_was_killed_is_gone_on_with_by_the_event_that_comes_again(
        self, alice: Person, luna: str, drain_outbox: Drain, owner_conn: Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        alice.http.post(f"/api/v1/avatars/{luna}/sleep")
        event = delivery.claim()
        assert event is not None

        def dies(*_: Any) -> Refreshed:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            sleep_service.follow(event, refresh=dies)
        assert self.state(alice, luna)["state"] == "asleep"
        sleep_service.follow(event)  # delivered again, while the lease of the dead one holds
        delivery.delivered(event)
        assert self.waiting(owner_conn, alice) == ["memory.sleep"]
        owner_conn.execute("update sleeps set lease_until = now() where avatar_id = %s", [luna])
        assert self.state(alice, luna)["state"] == "queued"
        self.due(owner_conn, alice)
        drain_outbox()
        assert self.state(alice, luna)["state"] == "awake"
        begun = self.state(alice, luna)["begun_at"]
        sleep_service.follow(event)
        assert self.state(alice, luna)["begun_at"] == begun
        assert self.waiting(owner_conn, alice) == []

    def quiet(self, owner: Connection, person: Person) -> None:
        owner.execute(
            "update sleeps set turn_at = turn_at - interval '5 minutes' where owner_id = %s", [person.user_id]
        )
        self.due(owner, person)

    @staticmethod
    def state(person: Person, avatar_id: str) -> dict[str, Any]:
        answer = person.http.get(f"/api/v1/avatars/{avatar_id}/sleep")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())
