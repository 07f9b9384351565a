"""What must follow a transaction follows it: in order per key, at least once, handled once."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from anima.identity import service as identity
from anima.kernel import auth, clock, db, delivery, idempotency, ids, outbox
from anima.kernel.errors import BadInput, Unavailable


@dataclass
class House:
    """A database of its own, with two people and a connection that sees everything."""

    owner: psycopg.Connection[Any]
    alice: db.Principal
    bob: db.Principal

    def emit(self, *keys: str, **options: Any) -> list[uuid.UUID]:
        """Emits one event of Alice's a key, each in a transaction of its own."""
        made: list[uuid.UUID] = []
        for number, key in enumerate(keys):
            with db.transaction(self.alice) as tx:
                owner_id = self.alice.user_id or 0
                made.append(outbox.emit(tx, "thing.done", key, owner_id, {"number": number}, **options))
        return made

    def make_due(self) -> None:
        """Lets every lease and every delay be over."""
        self.owner.execute("update outbox set next_attempt_at = now() where delivered_at is null")

    def row(self, event_id: uuid.UUID) -> dict[str, Any]:
        cursor = self.owner.cursor(row_factory=psycopg.rows.dict_row)
        found = cursor.execute("select * from outbox where event_id = %s", [event_id]).fetchone()
        assert found is not None
        return found


@pytest.fixture
def house(fresh_database: Any, quick_passwords: None) -> Iterator[House]:
    with fresh_database.use(), psycopg.connect(fresh_database.owner_url, autocommit=True) as owner:
        first = identity.first_user("alice", ["admin"])
        assert first is not None
        alice = db.Principal(first[0].user_id, frozenset({"admin"}))
        made = identity.create_user(alice, identity.NewUser("bob", "a good password"))
        yield House(owner, alice, db.Principal(made.user_id))


def claimed() -> outbox.Event:
    event = delivery.claim()
    assert event is not None
    return event


def test_an_event_is_there_when_its_transaction_is_and_only_then(house: House) -> None:
    rung: list[int] = []
    outbox.on_commit(lambda owner_id: rung.append(owner_id))

    def taken_back() -> None:
        with db.transaction(house.alice) as tx:
            outbox.emit(tx, "thing.done", "k", house.alice.user_id or 0, {})
            raise KeyError

    try:
        with pytest.raises(KeyError):
            taken_back()
        assert delivery.claim() is None
        assert rung == []
        with db.transaction(house.alice) as tx:
            for _ in range(3):
                outbox.emit(tx, "thing.done", "k", house.alice.user_id or 0, {"document_id": 7})
        assert rung == [house.alice.user_id]
    finally:
        outbox.on_commit(lambda owner_id: None)
    event = claimed()
    assert (event.topic, event.key, event.payload, event.attempts) == ("thing.done", "k", {"document_id": 7}, 1)
    assert event.owner == db.Principal(house.alice.user_id, login="worker")


def test_events_of_a_key_come_one_after_the_other_and_other_keys_do_not_wait(house: House) -> None:
    first, second, other = house.emit("a", "a", "b")
    assert claimed().event_id == first
    at_once = claimed()
    assert at_once.event_id == other
    assert delivery.claim() is None
    assert delivery.next_due() is not None
    delivery.delivered(outbox.Event(first, "thing.done", "a", 1, {}, 1))
    assert claimed().event_id == second


def test_the_order_of_a_key_is_that_of_the_commits(house: House) -> None:
    """Who began later and committed earlier would come first, were there no lock on the key."""
    emitted, may_commit = threading.Event(), threading.Event()

    def slow() -> None:
        with db.transaction(house.alice) as tx:
            outbox.emit(tx, "thing.done", "k", house.alice.user_id or 0, {"who": "slow"})
            tx.fetch(db.Query(Seen, "select 1 as n")).all()  # what was emitted has arrived
            emitted.set()
            may_commit.wait(10)

    def quick() -> None:
        with db.transaction(house.bob) as tx:
            outbox.emit(tx, "thing.done", "k", house.bob.user_id or 0, {"who": "quick"})

    threads = [threading.Thread(target=slow), threading.Thread(target=quick)]
    threads[0].start()
    assert emitted.wait(10)
    threads[1].start()
    _until(house, "select count(*) from pg_locks where locktype = 'advisory' and not granted", 1)
    may_commit.set()
    for thread in threads:
        thread.join(10)
    assert claimed().payload == {"who": "slow"}


def _until(house: House, query: str, wanted: int) -> None:
    for _ in range(2_000):
        row = house.owner.execute(query).fetchone()  # type: ignore[arg-type]
        if row == (wanted,):
            return
        time.sleep(0.005)
    pytest.fail(f"{query} never was {wanted}")


def test_four_workers_take_nothing_twice_and_keep_the_order(house: House) -> None:
    keys = [f"key-{number % 10}" for number in range(200)]
    with db.transaction(house.alice) as tx:
        for number, key in enumerate(keys):
            outbox.emit(tx, "thing.done", key, house.alice.user_id or 0, {"number": number})
    handled: list[outbox.Event] = []
    at_work: Counter[str] = Counter()
    most: list[int] = []
    lock = threading.Lock()

    def handle(event: outbox.Event) -> None:
        with lock:
            at_work[event.key] += 1
            most.append(at_work[event.key])
            handled.append(event)
        with lock:
            at_work[event.key] -= 1

    def work() -> None:
        # A claim finds nothing while the heads of all keys are in other hands: done is when all are delivered.
        while len(handled) < len(keys):
            delivery.deliver_one(handle)

    workers = [threading.Thread(target=work, daemon=True) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert sorted(event.payload["number"] for event in handled) == list(range(200))
    assert set(most) == {1}, "two workers were at one key"
    by_key: dict[str, list[int]] = defaultdict(list)
    for event in handled:
        by_key[event.key].append(event.payload["number"])
    assert all(numbers == sorted(numbers) for numbers in by_key.values())
    assert {event.attempts for event in handled} == {1}


def test_a_lease_that_is_over_lets_another_worker_at_it_and_a_renewed_one_does_not(house: House) -> None:
    (event_id,) = house.emit("k")
    event = claimed()
    assert delivery.claim() is None
    house.owner.execute("update outbox set next_attempt_at = now() + interval '1 second'")
    delivery.renew(event)
    assert house.row(event_id)["next_attempt_at"] - clock.now() > timedelta(minutes=4)
    house.make_due()
    again = claimed()
    assert (again.event_id, again.attempts) == (event_id, 2)


def test_a_process_that_delivers_alone_takes_up_what_its_predecessor_left(house: House) -> None:
    (event_id,) = house.emit("k")
    assert claimed().event_id == event_id
    assert delivery.claim() is None
    delivery.release_leases()
    assert claimed().event_id == event_id


def test_an_event_that_keeps_failing_is_dead_after_five_and_holds_nobody_up(house: House) -> None:
    poison, after = house.emit("k", "k")
    errors = [ValueError("what somebody wrote"), Unavailable(what="The model")]

    def fail(event: outbox.Event) -> None:
        assert event.event_id == poison
        raise errors[event.attempts % 2]

    for attempt in range(1, 6):
        assert house.row(poison)["dead_at"] is None
        house.make_due()
        assert delivery.deliver_one(fail)
        row = house.row(poison)
        assert row["attempts"] == attempt
        told = "The model cannot be reached at the moment; try again."
        assert row["last_error"] == (told if attempt % 2 else "ValueError")
    assert house.row(poison)["dead_at"] is not None
    assert house.row(poison)["delivered_at"] is None
    house.make_due()
    assert claimed().event_id == after


def test_delays_grow(house: House) -> None:
    house.emit("k")
    event = claimed()
    due = []
    for attempts in range(1, 5):
        delivery.failed(outbox.Event(event.event_id, "", "k", 1, {}, attempts), ValueError())
        due.append(house.row(event.event_id)["next_attempt_at"])
    assert due == sorted(due)
    assert due[-1] - due[0] > timedelta(minutes=1)


def test_what_is_for_later_comes_later(house: House) -> None:
    later = clock.now() + timedelta(hours=1)
    house.emit("k", not_before=later)
    assert delivery.claim() is None
    assert delivery.next_due() == later
    assert 3_000 < (delivery.seconds_until_due() or 0) <= 3_600
    house.make_due()
    delivery.delivered(claimed())
    assert delivery.next_due() is None
    assert delivery.seconds_until_due() is None


def test_an_event_that_comes_again_is_handled_once(house: House) -> None:
    house.emit("k")
    event = claimed()
    done: list[int] = []

    def handle(received: outbox.Event, *, dies: bool) -> None:
        with db.transaction(received.owner) as tx:
            if delivery.first_time(tx, received):
                done.append(received.attempts)
                if dies:
                    raise KeyError

    with pytest.raises(KeyError):
        handle(event, dies=True)
    handle(event, dies=False)
    house.make_due()
    again = claimed()
    assert again.event_id == event.event_id
    handle(again, dies=False)
    assert done == [1, 1]


def test_a_worker_that_forgets_the_tenant_reads_nothing(house: House) -> None:
    nobody, theirs = db.Principal(None, login="worker"), db.Principal(house.bob.user_id, login="worker")
    house.emit("k")
    with db.transaction(theirs) as tx:
        events = tx.fetch(delivery.NEXT_DUE, topics=None)
    assert events.one().due_at is None
    house.owner.execute("insert into sessions (user_id) values (%s)", [house.alice.user_id])
    tables = _tenant_tables(house)
    assert {"users", "sessions", "messages", "chunks", "user_facts"} <= set(tables)
    open_while_nobody = {"outbox", "llm_requests", "plugins"}  # the built-in plugins are everybody's
    for table in sorted(set(tables) - open_while_nobody):
        assert _seen(nobody, table) == 0, table
    assert _seen(nobody, "outbox") == 1


def _tenant_tables(house: House) -> list[str]:
    rows = house.owner.execute(
        """
        select c.relname from pg_class c
        where c.relkind in ('r', 'p') and c.relrowsecurity and not c.relispartition
            and has_any_column_privilege('anima_worker', c.oid, 'select')
        """
    )
    return [name for (name,) in rows]


@dataclass(frozen=True, slots=True)
class Seen:
    """How many rows somebody sees."""

    n: int


def _seen(principal: db.Principal, table: str) -> int:
    with db.transaction(principal) as tx:
        found = tx.fetch(db.Query(Seen, f"select count(*) as n from {table}"))  # type: ignore[arg-type]
    return found.one().n


def test_a_user_emits_for_nobody_else(house: House) -> None:
    def forge() -> None:
        with db.transaction(house.alice) as tx:
            outbox.emit(tx, "thing.done", "k", house.bob.user_id or 0, {})

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        forge()
    assert delivery.claim() is None


class TestEventsOfQueues:
    event = outbox.Event(uuid.uuid4(), "thing.done", "avatar:1", 7, {"document_id": 3}, 2)

    def handled(self, event: Any, handle: Callable[[outbox.Event], None], **options: bool) -> dict[str, Any]:
        return delivery.consume(event, handle, **options)

    def test_an_event_survives_the_way_through_a_queue(self) -> None:
        received: list[outbox.Event] = []
        answer = self.handled(delivery.as_sqs(self.event), received.append)
        assert received == [self.event]
        assert answer == {"batchItemFailures": []}

    def test_only_what_failed_comes_again(self) -> None:
        good, bad = delivery.as_sqs(self.event)["Records"][0], {"messageId": "m-2", "body": "{"}

        def handle(event: outbox.Event) -> None:
            assert event == self.event

        answer = self.handled({"Records": [bad, good]}, handle)
        assert answer == {"batchItemFailures": [{"itemIdentifier": "m-2"}]}

    def test_at_home_the_error_itself_comes_out(self) -> None:
        def fail(event: outbox.Event) -> None:
            raise Unavailable(what="The model")

        with pytest.raises(Unavailable):
            self.handled(delivery.as_sqs(self.event), fail, raising=True)

    @pytest.mark.parametrize("event", [{}, {"Records": None}, [], "x", {"Records": {}}])
    def test_another_shape_is_refused(self, event: Any) -> None:
        with pytest.raises(BadInput):
            self.handled(event, lambda _: None)

    @pytest.mark.parametrize("body", ["{", "[]", '"x"', "{}", '{"event_id": "x"}', "null"])
    def test_a_record_of_another_shape_fails_alone(self, body: str) -> None:
        record = {"messageId": "m", "body": body}
        answer = self.handled({"Records": [record]}, lambda _: None)
        assert answer == {"batchItemFailures": [{"itemIdentifier": "m"}]}


class TestCallsThatComeTwice:
    """The answer to a call is kept in the transaction of its work."""

    def call(self, principal: db.Principal, key: str, body: Any, answer: Any) -> Any:
        read = idempotency.read_key(key, "POST /x", body)
        owner_id = principal.user_id or 0
        with db.transaction(principal) as tx:
            entered = idempotency.enter(tx, owner_id, read)
            if (earlier := idempotency.settled(tx, owner_id, read, entered)) is not None:
                return earlier
            if isinstance(answer, Exception):
                raise answer
            idempotency.finish(tx, owner_id, read, answer)
        return answer

    def test_the_first_answer_is_given_again(self, house: House) -> None:
        assert self.call(house.alice, "k", {"a": 1}, {"n": 1}) == {"n": 1}
        assert self.call(house.alice, "k", {"a": 1}, {"n": 2}) == {"n": 1}
        assert self.call(house.bob, "k", {"a": 1}, {"n": 3}) == {"n": 3}
        with pytest.raises(idempotency.KeyReused):
            self.call(house.alice, "k", {"a": 2}, {"n": 4})

    def test_a_call_that_failed_leaves_its_key_free(self, house: House) -> None:
        with pytest.raises(KeyError):
            self.call(house.alice, "k", {}, KeyError())
        assert self.call(house.alice, "k", {}, {"n": 1}) == {"n": 1}

    def test_a_call_whose_process_died_may_be_made_again_once_its_lease_is_over(self, house: House) -> None:
        read = idempotency.read_key("k", "POST /x", {})
        with db.transaction(house.alice) as tx:
            idempotency.enter(tx, house.alice.user_id or 0, read)
        with pytest.raises(idempotency.StillRunning):
            self.call(house.alice, "k", {}, {"n": 1})
        house.owner.execute("update idempotency_keys set expires_at = now() - interval '1 second'")
        assert self.call(house.alice, "k", {}, {"n": 1}) == {"n": 1}
        assert self.call(house.alice, "k", {}, {"n": 2}) == {"n": 1}

    def test_a_key_that_was_given_up_is_free(self, house: House) -> None:
        read, owner_id = idempotency.read_key("k", "POST /x", {}), house.alice.user_id or 0
        with db.transaction(house.alice) as tx:
            idempotency.enter(tx, owner_id, read)
        with db.transaction(house.alice) as tx:
            idempotency.forget(tx, owner_id, read)
        assert self.call(house.alice, "k", {}, {"n": 1}) == {"n": 1}


def test_nobody_signed_in_is_no_worker(house: House) -> None:
    house.emit("k")
    assert _seen(auth.NOBODY, "outbox") == 0


def test_what_is_no_event_is_named_and_what_follows_a_failure_of_its_key_comes_after_it() -> None:
    def record(number: int, key: str) -> dict[str, Any]:
        event = outbox.Event(ids.uuid7(), "test", key, 1, {"number": number}, 1)
        return {**delivery.as_sqs(event)["Records"][0], "messageId": str(number)}

    def handle(event: outbox.Event) -> None:
        if event.payload["number"] == 1:
            raise ValueError("not this one")
        handled.append(event.payload["number"])

    handled: list[int] = []
    records = [None, record(1, "a"), record(2, "b"), record(3, "a")]
    answer = delivery.consume({"Records": records}, handle)
    assert [one["itemIdentifier"] for one in answer["batchItemFailures"]] == ["", "1", "3"]
    assert handled == [2]
