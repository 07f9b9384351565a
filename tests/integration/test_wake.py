"""Deployed, what is committed is sent at once; and whatever dies or fails in between is sent by a wake, once armed."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from anima.kernel import clock, db, delivery, outbox
from anima.kernel.errors import BadInput, DatabaseUnavailable
from anima.operations import maintenance, wake, worker
from anima.vendors import queues, schedules
from fixtures.api import MakeUser, Person
from fixtures.deployed import Deployed

TOPIC = "turn.finished"
JITTER = schedules._second  # as it is, before a deployment of the tests takes it away


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture(autouse=True)
def nothing_waits(database: Any, owner_conn: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins with an empty outbox, and nothing is to be maintained."""
    owner_conn.execute("delete from outbox")
    owner_conn.execute("update llm_requests set state = 'interrupted' where state = 'pending'")
    monkeypatch.setattr(maintenance, "run_if_due", lambda: False)


@pytest.fixture
def alice(make_user: MakeUser) -> Person:
    return make_user()


@pytest.fixture
def emit(alice: Person, deployed: Deployed) -> Callable[..., list[str]]:
    """Commits one event a key in one transaction; answers their ids."""

    def emitted(*keys: str, topic: str = TOPIC, **more: Any) -> list[str]:
        with db.transaction(alice.principal) as tx:
            return [str(outbox.emit(tx, topic, key, alice.user_id, {"number": 1}, **more)) for key in keys]

    return emitted


@pytest.fixture
def simulated() -> Iterator[clock.SimulatedClock]:
    with clock.use(clock.SimulatedClock(datetime.now(UTC))) as held:
        assert isinstance(held, clock.SimulatedClock)
        yield held


def states(owner: psycopg.Connection[Any]) -> Counter[str]:
    rows = owner.execute(
        """
        select case when delivered_at is not null then 'delivered' when dead_at is not null then 'dead'
            else 'waiting' end from outbox
        """
    ).fetchall()
    return Counter(row[0] for row in rows)


def make_due(owner: psycopg.Connection[Any]) -> None:
    """Lets every lease and every delay be over."""
    owner.execute("update outbox set next_attempt_at = now() where delivered_at is null")


def ids(bodies: list[dict[str, Any]]) -> list[str]:
    return [body["event_id"] for body in bodies]


def throttled(code: str = "ThrottlingException") -> Any:
    raise ClientError({"Error": {"Code": code}}, "AnyOperation")


class TestRightAfterTheCommit:
    def test_it_is_sent_to_the_queue_of_its_topic_in_order(
        self, emit: Any, deployed: Deployed, owner_conn: psycopg.Connection[Any]
    ) -> None:
        first, second = emit("a", "a")
        (document,) = emit("document:1", topic="document.queued")
        assert ids(deployed.take(TOPIC)) == [first, second]
        assert ids(deployed.take("document.queued")) == [document]
        assert states(owner_conn) == {"delivered": 3}

    def test_what_is_taken_back_is_not(self, alice: Person, deployed: Deployed) -> None:
        def taken_back() -> None:
            with db.transaction(alice.principal) as tx:
                outbox.emit(tx, TOPIC, "a", alice.user_id, {})
                raise KeyError

        with pytest.raises(KeyError):
            taken_back()
        assert deployed.take(TOPIC) == []

    def test_one_that_stands_behind_another_follows_it(
        self, emit: Any, deployed: Deployed, owner_conn: psycopg.Connection[Any]
    ) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(queues, "_client", throttled)
            (first,) = emit("a")
        (second,) = emit("a")
        assert deployed.take(TOPIC) == []
        make_due(owner_conn)
        (third,) = emit("a")
        assert ids(deployed.take(TOPIC)) == [first, second, third]

    def test_another_persons_heap_is_not_this_ones_wait(
        self, emit: Any, make_user: MakeUser, deployed: Deployed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bob = make_user()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(wake, "deliver", lambda *_: 0)
            with db.transaction(bob.principal) as tx:
                for number in range(5):
                    outbox.emit(tx, TOPIC, f"bob:{number}", bob.user_id, {})
        (mine,) = emit("a")
        assert ids(deployed.take(TOPIC)) == [mine]
        worker.deliver({})
        assert len(deployed.take(TOPIC)) == 5

    def test_a_large_heap_is_sent_in_part_and_a_wake_sends_the_rest(
        self, emit: Any, deployed: Deployed, owner_conn: psycopg.Connection[Any]
    ) -> None:
        emit(*(f"key:{number}" for number in range(60)))
        assert states(owner_conn) == {"delivered": 50, "waiting": 10}
        assert deployed.armed()[0].at <= datetime.now(UTC) + timedelta(minutes=1, seconds=10)
        deployed.fire(datetime.now(UTC) + timedelta(minutes=2), worker.deliver)
        assert states(owner_conn) == {"delivered": 60}
        assert len(set(ids(deployed.take(TOPIC)))) == 60

    def test_at_home_nothing_of_it_is_wired(self, monkeypatch: pytest.MonkeyPatch) -> None:
        wired: list[object] = []
        monkeypatch.setattr(outbox, "on_commit", lambda *hooks: wired.append(hooks))
        wake.wire()
        assert wired == []


class TestKilled:
    def test_between_commit_and_sending(
        self, emit: Any, deployed: Deployed, owner_conn: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(delivery, "claim_some", lambda *_, **__: (_ for _ in ()).throw(Killed))
            with pytest.raises(Killed):
                emit("a")
        assert deployed.take(TOPIC) == []
        assert states(owner_conn) == {"waiting": 1}
        (armed,) = deployed.armed()
        assert timedelta(minutes=2) < armed.at - datetime.now(UTC) <= timedelta(minutes=5)
        assert deployed.fire(armed.at, worker.deliver) == 1
        assert len(deployed.take(TOPIC)) == 1
        assert deployed.armed() == []

    def test_between_sending_and_the_mark(
        self, emit: Any, deployed: Deployed, owner_conn: psycopg.Connection[Any]
    ) -> None:
        """It is sent again once the lease is over, with the same id; a FIFO queue drops the second by itself."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(delivery, "delivered", lambda *_: (_ for _ in ()).throw(Killed))
            with pytest.raises(Killed):
                emit("a")
        sent = deployed.take(TOPIC)
        (armed,) = deployed.armed()
        deployed.fire(armed.at, worker.deliver)
        assert deployed.take(TOPIC) == [], "somebody may still be at it"
        (again,) = deployed.armed()
        assert again.at >= datetime.now(UTC) + timedelta(minutes=4), "armed for the end of the lease"
        make_due(owner_conn)
        deployed.fire(again.at, worker.deliver)
        assert {*ids(deployed.take(TOPIC))} <= {*ids(sent)}
        assert states(owner_conn) == {"delivered": 1}
        assert deployed.armed() == []

    def test_a_turn_that_was_cut_is_closed_by_a_wake_that_was_armed_when_it_began(
        self, alice: Person, deployed: Deployed, owner_conn: psycopg.Connection[Any]
    ) -> None:
        outbox.expect()
        for thread in [one for one in threading.enumerate() if one.name == "wake"]:
            thread.join(10)
        request = owner_conn.execute(
            """
            with s as (insert into sessions (user_id) values (%(me)s) returning session_id),
            m as (insert into messages (session_id, owner_id, author_id, role, content)
                select session_id, %(me)s, %(me)s, 'user', 'x' from s returning message_id, session_id)
            insert into llm_requests (owner_id, user_id, session_id, message_id, instance, expires_at, purpose)
            select %(me)s, %(me)s, session_id, message_id, %(instance)s, now() + interval '10 minutes', 'chat' from m
            returning request_id
            """,
            {"me": alice.user_id, "instance": uuid.uuid4()},
        ).fetchone()
        (first,) = deployed.armed()
        deployed.fire(first.at, worker.deliver)
        (then,) = deployed.armed()
        assert then.at >= datetime.now(UTC) + timedelta(minutes=9), "it comes when the turn's time is over"
        owner_conn.execute("update llm_requests set expires_at = now() where state = 'pending'")
        deployed.fire(then.at, worker.deliver)
        found = owner_conn.execute("select state from llm_requests where request_id = %s", request).fetchone()
        assert found == ("interrupted",)
        assert deployed.armed() == []


class TestTheWake:
    def test_it_is_armed_once_for_many_emissions(self, emit: Any, deployed: Deployed) -> None:
        for number in range(5):
            emit(f"key:{number}")
        (armed,) = deployed.armed()
        assert armed.event == {"wake": {"failures": 0}}

    def test_one_that_comes_too_soon_does_not_count(
        self, emit: Any, deployed: Deployed, simulated: clock.SimulatedClock
    ) -> None:
        emit("a")
        (first,) = deployed.armed()
        simulated.advance(first.at - clock.now() - timedelta(seconds=61))
        emit("b")
        assert deployed.armed() == [first]
        simulated.advance(timedelta(seconds=2))
        emit("c")
        assert len(deployed.armed()) == 2
        assert deployed.armed()[1].at - clock.now() >= wake.AHEAD

    def test_many_deployments_do_not_wake_at_the_same_second(
        self, deployed: Deployed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(schedules, "_second", JITTER)
        begin = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(hours=1)
        for number in range(30):
            assert schedules.wake(begin + timedelta(minutes=number), {})
        seconds = [armed.at.second for armed in deployed.armed()]
        assert len(set(seconds)) > 5
        assert max(seconds) < 50
        assert not schedules.wake(begin, {}), "its minute names it, whatever its second"

    def test_two_processes_share_it(self, deployed: Deployed, simulated: clock.SimulatedClock) -> None:
        wake.Alarm().ensure()
        wake.Alarm().ensure()
        assert len(deployed.armed()) == 1

    @pytest.mark.parametrize("code", ["ThrottlingException", "ResourceNotFoundException", "AccessDeniedException"])
    def test_a_scheduler_that_refuses_hinders_nobody(
        self,
        emit: Any,
        deployed: Deployed,
        simulated: clock.SimulatedClock,
        code: str,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        asked: list[int] = []

        def refuse() -> Any:
            asked.append(1)
            return throttled(code)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(schedules, "_client", refuse)
            emit("a")
            emit("b")
            assert len(asked) == 1, "it is not asked at each emission"
        assert code in capfd.readouterr().err
        assert len(deployed.take(TOPIC)) == 2
        simulated.advance(timedelta(seconds=31))
        emit("c")
        assert len(deployed.armed()) == 1

    def test_settings_that_are_not_whole_are_told_and_hinder_nobody(
        self, emit: Any, deployed: Deployed, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        from anima.kernel import config

        monkeypatch.delenv("ANIMA_WAKE_ROLE_ARN")
        config.settings.cache_clear()
        emit("a")
        assert len(deployed.take(TOPIC)) == 1
        assert "ANIMA_WAKE_ROLE_ARN" in capfd.readouterr().err

    def test_what_is_for_later_is_called_for_then(
        self, emit: Any, deployed: Deployed, owner_conn: psycopg.Connection[Any], simulated: clock.SimulatedClock
    ) -> None:
        later = clock.now() + timedelta(hours=3)
        emit("a", not_before=later)
        assert deployed.take(TOPIC) == []
        (first,) = deployed.armed()
        simulated.advance(first.at - clock.now())
        deployed.fire(clock.now(), worker.deliver)
        (then,) = deployed.armed()
        assert timedelta(0) <= then.at - later < timedelta(minutes=1)
        make_due(owner_conn)
        simulated.advance(then.at - clock.now())
        deployed.fire(clock.now(), worker.deliver)
        assert len(deployed.take(TOPIC)) == 1
        assert deployed.armed() == []

    def test_it_comes_again_and_rarer_while_the_database_is_away(
        self, deployed: Deployed, simulated: clock.SimulatedClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(*_: Any) -> int:
            raise DatabaseUnavailable(retry_after=2)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(wake, "deliver", away)
            assert worker.deliver({}) == {"sent": 0, "closed": 0}
            waited = []
            for _ in range(6):
                (armed,) = deployed.armed()
                waited.append((armed.at - clock.now()) / timedelta(minutes=1))
                simulated.advance(armed.at - clock.now())
                assert deployed.fire(clock.now(), worker.deliver) == 1
        assert waited == sorted(waited)
        assert waited[0] < 6
        assert 59 < waited[-1] <= 61
        (armed,) = deployed.armed()
        simulated.advance(armed.at - clock.now())
        deployed.fire(clock.now(), worker.deliver)
        assert deployed.armed() == []

    def test_with_no_scheduler_either_the_call_fails_so_that_it_comes_again(self, deployed: Deployed) -> None:
        def away(*_: Any) -> int:
            raise DatabaseUnavailable(retry_after=2)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(wake, "deliver", away)
            patch.setattr(schedules, "_client", throttled)
            with pytest.raises(DatabaseUnavailable):
                worker.deliver({})

    def test_delivered_five_times_is_delivered_once(
        self, emit: Any, deployed: Deployed, owner_conn: psycopg.Connection[Any]
    ) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(wake, "deliver", lambda *_: 0)
            emit("a")
        for _ in range(5):
            worker.deliver({"wake": {"failures": 0}})
        assert len(deployed.take(TOPIC)) == 1
        assert states(owner_conn) == {"delivered": 1}

    def test_two_at_once_send_nothing_twice_and_keep_the_order(
        self, emit: Any, deployed: Deployed, owner_conn: psycopg.Connection[Any]
    ) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(wake, "deliver", lambda *_: 0)
            emitted = emit(*(f"key:{number % 4}" for number in range(40)))
        both = [threading.Thread(target=worker.deliver, args=({},)) for _ in range(2)]
        for one in both:
            one.start()
        for one in both:
            one.join(30)
        worker.deliver({})
        bodies = deployed.take(TOPIC)
        assert sorted(ids(bodies)) == sorted(emitted)
        for number in range(4):
            mine = [body["event_id"] for body in bodies if body["key"] == f"key:{number}"]
            assert mine == emitted[number::4]

    @pytest.mark.parametrize(
        "event",
        [{"hello": "world"}, {"wake": None}, {"wake": {"failures": -1}}, {"wake": {"failures": "1"}}, [1], "x"],
    )
    def test_an_event_of_another_shape_is_refused(self, event: Any) -> None:
        with pytest.raises(BadInput):
            worker.deliver(event)


class TestTheQueueIsAway:
    @pytest.mark.parametrize("fault", [throttled, lambda: (_ for _ in ()).throw(ConnectTimeoutError(endpoint_url="x"))])
    def test_it_is_sent_when_it_is_back_however_long_that_takes(
        self, emit: Any, deployed: Deployed, owner_conn: psycopg.Connection[Any], fault: Any
    ) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(queues, "_client", fault)
            emit("a")
            assert deployed.armed()[0].at <= datetime.now(UTC) + timedelta(seconds=71), "the next try is near"
            for _ in range(8):
                make_due(owner_conn)
                assert worker.deliver({})["sent"] == 0
        assert states(owner_conn) == {"waiting": 1}
        make_due(owner_conn)
        worker.deliver({})
        assert len(deployed.take(TOPIC)) == 1

    def test_it_is_asked_once_for_many(self, emit: Any, deployed: Deployed, owner_conn: Any) -> None:
        asked: list[int] = []

        def away() -> Any:
            asked.append(1)
            return throttled()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(queues, "_client", away)
            emit(*(f"key:{number}" for number in range(30)))
        assert len(asked) == 1
        make_due(owner_conn)
        worker.deliver({})
        assert len(deployed.take(TOPIC)) == 30

    def test_a_topic_without_a_queue_is_dead_after_five_tries_and_holds_nobody_up(
        self, emit: Any, deployed: Deployed, owner_conn: psycopg.Connection[Any]
    ) -> None:
        emit("a", topic="unheard.of")
        (second,) = emit("a")
        for _ in range(4):
            make_due(owner_conn)
            worker.deliver({})
        make_due(owner_conn)
        worker.deliver({})
        assert states(owner_conn) == {"dead": 1, "delivered": 1}
        assert ids(deployed.take(TOPIC)) == [second]
        deployed.fire(datetime.now(UTC) + timedelta(days=1), worker.deliver)
        assert deployed.armed() == []

    def test_a_key_longer_than_a_queue_takes_is_sent(self, emit: Any, deployed: Deployed) -> None:
        long = "avatar:" + "x" * 200
        emit(long)
        assert [body["key"] for body in deployed.take(TOPIC)] == [long]
