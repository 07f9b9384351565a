"""The unit of work: all or nothing, one wait, whatever happens to the connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from anima.kernel import auth, db
from anima.kernel.errors import DatabaseUnavailable
from fixtures.api import Person
from fixtures.wire import Waits, Wire


@dataclass(frozen=True, slots=True)
class Key:
    """A row to look at."""

    name: str


ADD = db.Command(
    """
    insert into api_keys (user_id, key_name, key_prefix, key_secret)
    values (%(owner_id)s, %(name)s, '', sha256(%(name)s::text::bytea || random()::text::bytea))
    """
)
NAMES = db.Query(Key, "select key_name as name from api_keys where user_id = %(owner_id)s order by api_key_id")
REVOKED = db.Command("update api_keys set revoked_at = now() where user_id = %(owner_id)s")
WRONG = db.Command("select 1 / (select 0)")


def names(person: Person) -> list[str]:
    with db.transaction(person.principal) as tx:
        found = tx.fetch(NAMES, owner_id=person.user_id)
    return [one.name for one in found.all()]


def add(person: Person, tx: db.Transaction, name: str) -> db.Done:
    return tx.execute(ADD, owner_id=person.user_id, name=name)


def test_a_block_that_ends_well_is_committed(alice: Person) -> None:
    with db.transaction(alice.principal) as tx:
        add(alice, tx, "one")
        seen = tx.fetch(NAMES, owner_id=alice.user_id)
    assert [one.name for one in seen.all()] == ["of the tests", "one"]
    assert names(alice) == ["of the tests", "one"]


def test_an_exception_takes_everything_back(wire: Wire, alice: Person) -> None:
    def broken() -> None:
        with db.transaction(alice.principal) as tx:
            add(alice, tx, "one")
            raise KeyError

    with pytest.raises(KeyError):
        broken()
    assert names(alice) == ["of the tests"]


def test_an_error_of_the_database_takes_everything_back_and_the_connection_stays_good(
    wire: Wire, alice: Person
) -> None:
    def found_at_the_end() -> None:
        with db.transaction(alice.principal) as tx:
            add(alice, tx, "before")
            tx.execute(WRONG)
            add(alice, tx, "after")

    def found_within() -> None:
        with db.transaction(alice.principal) as tx:
            add(alice, tx, "before").count()
            tx.execute(WRONG)
            tx.fetch(NAMES, owner_id=alice.user_id).all()

    for wrong in (found_at_the_end, found_within):
        with pytest.raises(psycopg.errors.DivisionByZero):
            wrong()
    assert names(alice) == ["of the tests"]


def test_a_row_or_a_count_can_be_looked_at_within(alice: Person) -> None:
    with db.transaction(alice.principal) as tx:
        add(alice, tx, "one")
        assert [one.name for one in tx.fetch(NAMES, owner_id=alice.user_id).all()] == ["of the tests", "one"]
        assert tx.execute(REVOKED, owner_id=alice.user_id).count() == 2
        found = tx.fetch(NAMES, owner_id=alice.user_id)
        first = found.first()
    assert first == Key("of the tests")
    with pytest.raises(LookupError, match="2"):
        found.one()


def test_nothing_is_seen_without_the_tenant_and_none_stays_behind(wire: Wire, alice: Person, bob: Person) -> None:
    assert names(alice) == ["of the tests"]
    with db.transaction(auth.NOBODY) as tx:
        unsigned = tx.fetch(NAMES, owner_id=alice.user_id)
    with db.transaction(bob.principal) as tx:
        foreign = tx.fetch(NAMES, owner_id=alice.user_id)
    assert unsigned.all() == foreign.all() == []


def test_what_follows_a_commit_follows_only_a_commit(alice: Person) -> None:
    told: list[str] = []

    def tell() -> None:
        told.append(",".join(names(alice)))

    def broken() -> None:
        with db.transaction(alice.principal) as tx:
            tx.after_commit(tell)
            raise KeyError

    with pytest.raises(KeyError):
        broken()
    assert told == []
    with db.transaction(alice.principal) as tx:
        tx.after_commit(tell)
        tx.after_commit(tell)
        add(alice, tx, "one")
        assert told == []
    assert told == ["of the tests,one"]


def test_a_unit_of_work_costs_one_wait(waits: Waits, alice: Person) -> None:
    def looks_at_nothing() -> None:
        with db.transaction(alice.principal) as tx:
            add(alice, tx, "one")
            tx.execute(REVOKED, owner_id=alice.user_id)
            tx.fetch(NAMES, owner_id=alice.user_id)
            tx.fetch(NAMES, owner_id=alice.user_id)

    def looks_once() -> None:
        with db.transaction(alice.principal) as tx:
            tx.fetch(NAMES, owner_id=alice.user_id).all()
            add(alice, tx, "two")

    assert waits(lambda: auth.authenticate(alice.key)) == 1
    assert waits(looks_at_nothing) == 1
    assert waits(looks_once) == 2


def test_a_connection_that_breaks_in_the_middle_leaves_nothing_and_the_next_one_is_good(
    wire: Wire, alice: Person
) -> None:
    told: list[str] = []

    def cut_off() -> None:
        with db.transaction(alice.principal) as tx:
            tx.after_commit(lambda: told.append("committed"))
            add(alice, tx, "one").count()
            wire.cut()
            add(alice, tx, "two")

    with pytest.raises(DatabaseUnavailable):
        cut_off()
    assert names(alice) == ["of the tests"]
    assert told == []


def test_a_connection_that_broke_meanwhile_is_replaced_before_it_is_used(wire: Wire, alice: Person) -> None:
    assert names(alice) == ["of the tests"]
    for _ in range(2):
        wire.cut()
        assert names(alice) == ["of the tests"]


def test_a_backend_that_is_killed_leaves_nothing_and_the_pool_heals(
    wire: Wire, alice: Person, owner_conn: psycopg.Connection[Any]
) -> None:
    def killed() -> None:
        with db.transaction(alice.principal) as tx:
            add(alice, tx, "one").count()
            owner_conn.execute(
                """
                select pg_terminate_backend(pid, 5000) from pg_stat_activity
                where usename = 'anima_app' and datname = current_database() and state = 'idle in transaction'
                """
            )

    with pytest.raises(DatabaseUnavailable):
        killed()
    assert names(alice) == ["of the tests"]


def test_without_a_database_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    from anima.kernel import config

    monkeypatch.delenv("ANIMA_DATABASE_URL", raising=False)
    config.settings.cache_clear()
    db.close_pools()
    try:
        with pytest.raises(db.DatabaseNotConfigured, match="ANIMA_DATABASE_URL"), db.transaction(auth.NOBODY):
            pass
    finally:
        monkeypatch.undo()
        config.settings.cache_clear()
