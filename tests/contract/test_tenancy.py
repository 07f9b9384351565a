"""One user cannot read, change, count or refer to another's rows: tried with every statement and every route.

Nothing is listed by hand: tables come from the catalogue, statements from the modules, routes from the OpenAPI
document. What is new is tried too, or the test says what it has to be taught.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
import pytest

from fixtures.town import LOGINS, Town
from tenancy import parameters, two_people
from tenancy.statements import Statement, statements
from tenancy.states import PUBLISHED
from tenancy.two_people import Owned

ALL = statements()
# What happens before anybody is known: these functions look at credentials, or at the name of a connection, which only
# the API that made it tells. They are tried in test_identity and test_socket_deployed.
GATES = re.compile(r"\b(auth_(?!end_families)\w+|socket_(caller|closed))\(")
UPKEEP = re.compile(r"\bmaintain_\w+\(")  # removes what has expired, whose ever it is
# What is published is written by admins, each from stores of their own: these are tried by one as well.
PUBLISHING = re.compile(r"\bshared_|current_tenant_is_admin|\bowner_id is null")
ATTACKED = [one for one in ALL if not GATES.search(one.sql) and not UPKEEP.search(one.sql)]


def test_both_have_something_in_every_table(town: Town) -> None:
    """A new table is sown in tests/tenancy/two_people.py."""
    for person in (town.alice, town.bob):
        counted = two_people.digests(town.owner, person.user_id)
        assert [table for table, (count, _) in counted.items() if count == 0] == []


@dataclass(frozen=True, slots=True)
class Outcome:
    """What somebody got: rows without what differs between any two calls, or the refusal."""

    rows: list[str]
    count: int
    refused: str | None
    written: bool

    @property
    def something(self) -> bool:
        """Whether it found or wrote any row; where it only counts, whether there was what it counts."""
        return self.count > 0 and any(row.strip("(0, )") for row in self.rows or ["written"])

    @property
    def answer(self) -> tuple[list[str], int, bool]:
        return self.rows, self.count, self.refused is not None


def _comparable(value: object) -> str:
    """A value as text; ids and times, which differ between any two calls, are all alike."""
    if isinstance(value, datetime):
        return "time"
    text = re.sub(r"UUID\('[0-9a-f-]{36}'\)|[0-9a-f]{8}-[0-9a-f-]{27}", "id", repr(value))
    text = re.sub(r"datetime\.datetime\([^)]*\)+", "time", text)
    return re.sub(r"\b[67]\d{6}\b", "id", text)


class Attempt:
    """Runs a statement as one of our logins in the tenancy of somebody, sees what came of it, and takes it back."""

    def __init__(self, town: Town, statement: Statement) -> None:
        self.town = town
        self.statement = statement
        self.types = parameters.types(town.owner, statement)
        self.rows = [name for name in statement.parameters if parameters.is_row(name, self.types[name], statement)]

    def values(self, owner_id: int, whose: Callable[[str], Owned | None]) -> dict[str, Any]:
        """Values for all parameters; `whose` says from whom the ids of rows are."""
        made: dict[str, Any] = {}
        for name, type_ in self.types.items():
            if name in ("owner_id", "user_id"):
                made[name] = owner_id
            elif name in self.rows:
                made[name] = parameters.row_value(name, type_, self.statement, whose(name), self.town.bob)
            else:
                made[name] = parameters.plain_value(name, type_, self.statement)
        return made

    def run(self, login: str, tenant: int | None, values: dict[str, Any], check: Callable[[], None]) -> Outcome:
        """What the statement answers; `check` looks at the database before everything is taken back."""
        owner = self.town.owner
        with owner.transaction(force_rollback=True):
            owner.execute("select set_config('anima.user_id', %s, true)", ["" if tenant is None else str(tenant)])
            owner.execute(f"set local role {login}")  # type: ignore[arg-type]
            try:
                with owner.transaction():
                    cursor = owner.execute(self.statement.sql, values)  # type: ignore[arg-type]
                    found = cursor.fetchall() if cursor.description else []
            except psycopg.Error as error:
                return Outcome([], 0, str(error), False)
            owner.execute("reset role")
            row = owner.execute("select pg_current_xact_id_if_assigned() is not null").fetchone()
            written = row is not None and bool(row[0])
            if written:
                check()
        return Outcome(sorted(", ".join(map(_comparable, row)) for row in found), cursor.rowcount, None, written)


def _attacks(attempt: Attempt) -> Iterator[tuple[str, int, dict[str, Any], dict[str, Any] | None]]:
    """(what is tried, acting as whom, values, the same with ids that nobody has: none where no value names a row)."""
    alice, bob = attempt.town.alice, attempt.town.bob
    nobody = parameters.NOBODYS_NUMBER

    def only(foreign: str, stranger: Owned | None) -> Callable[[str], Owned | None]:
        return lambda name: stranger if name == foreign else bob

    if "owner_id" not in attempt.types and not attempt.rows:
        yield "names nobody", bob.user_id, attempt.values(bob.user_id, lambda _: bob), None
    if "owner_id" in attempt.types:
        yield (
            "as if Bob were Alice",
            bob.user_id,
            attempt.values(alice.user_id, lambda _: alice),
            attempt.values(nobody, lambda _: None),
        )
    if attempt.rows:
        yield (
            "all ids Alice's",
            bob.user_id,
            attempt.values(bob.user_id, lambda _: alice),
            attempt.values(bob.user_id, lambda _: None),
        )
    for name in attempt.rows if len(attempt.rows) > 1 else []:
        yield (
            f"{name} Alice's, the rest Bob's",
            bob.user_id,
            attempt.values(bob.user_id, only(name, alice)),
            attempt.values(bob.user_id, only(name, None)),
        )


@contextmanager
def _admin(town: Town) -> Iterator[None]:
    """Bob is an admin for a while."""
    with town.owner.transaction(force_rollback=True):
        for statement in PUBLISHED:
            town.owner.execute(statement, {"me": town.bob.user_id, "store": town.bob.named["published store"]})
        yield


@pytest.mark.parametrize("statement", ATTACKED, ids=str)
def test_a_statement_neither_finds_nor_touches_what_is_anothers(town: Town, statement: Statement) -> None:
    assert _attack(town, Attempt(town, statement)) > 0


@pytest.mark.parametrize("statement", [one for one in ALL if PUBLISHING.search(one.sql)], ids=str)
def test_nor_does_it_where_an_admin_publishes(town: Town, statement: Statement) -> None:
    """An admin's stores are their own as well: nothing of Alice's gets into what everybody reads."""
    with _admin(town):
        assert _attack(town, Attempt(town, statement)) > 0


def _attack(town: Town, attempt: Attempt) -> int:
    """Tries a statement in all ways as Bob, with what is Alice's; answers how many there were."""
    before = two_people.digests(town.owner, town.alice.user_id)
    hers = town.alice.every()
    tried = 0

    def check() -> None:
        assert two_people.digests(town.owner, town.alice.user_id) == before, "it changed what is Alice's"
        left = two_people.mentions(town.owner, town.bob.user_id, hers)
        assert not left, f"it left rows of Bob's that refer to Alice's in {left}"
        assert two_people.published(town.owner, town.alice.mark) == set(), "it published what is Alice's"

    for login in LOGINS:
        for what, tenant, values, control in _attacks(attempt):
            got = attempt.run(login, tenant, values, check)
            assert town.alice.mark not in " ".join(got.rows), f"{login}, {what}: it showed what is Alice's"
            if got.refused is None and control is not None:
                expected = attempt.run(login, tenant, control, lambda: None)
                assert got.answer == expected.answer, f"{login}, {what}: it tells that Alice's is there"
            tried += 1
    return tried


@pytest.mark.parametrize("statement", [one for one in ALL if not GATES.search(one.sql)], ids=str)
def test_a_statement_of_nobody_finds_nothing(town: Town, statement: Statement) -> None:
    attempt = Attempt(town, statement)
    before = two_people.digests(town.owner, town.alice.user_id)
    values = attempt.values(town.alice.user_id, lambda _: town.alice)

    def check() -> None:
        assert two_people.digests(town.owner, town.alice.user_id) == before

    got = attempt.run("anima_app", None, values, check)
    assert town.alice.mark not in " ".join(got.rows)
    assert not got.rows or got.refused or "owner_id" not in attempt.types or _same_for_all(attempt, got)


def _same_for_all(attempt: Attempt, got: Outcome) -> bool:
    """Whether a statement answers alike whoever is asked for: it speaks of nobody."""
    control = attempt.values(parameters.NOBODYS_NUMBER, lambda _: None)
    return attempt.run("anima_app", None, control, lambda: None).answer == got.answer


def test_the_attempts_are_not_empty_ones(town: Town) -> None:
    """With one's own ids the same calls do find and write: a refusal above is due to whose they are."""
    works: dict[str, Outcome] = {}
    for statement in ALL:
        if not GATES.search(statement.sql):
            attempt = Attempt(town, statement)
            values = attempt.values(town.bob.user_id, lambda _: town.bob)
            # Upkeep and overview are for a worker of nobody, and for the admin.
            callers = [*((login, town.bob.user_id) for login in LOGINS), ("anima_worker", None), ("anima_admin", None)]
            with _admin(town) if PUBLISHING.search(statement.sql) else nullcontext():
                outcomes = [attempt.run(login, tenant, values, lambda: None) for login, tenant in callers]
            works[str(statement)] = max(outcomes, key=lambda one: (one.refused is None, one.count))
    refused = {name: one.refused for name, one in works.items() if one.refused is not None}
    # What looks after the database itself speaks of no person's rows, and may find nothing to do.
    theirs = {name: one for name, one in works.items() if not name.startswith("operations.")}
    idle = [name for name, one in theirs.items() if one.refused is None and not one.something]
    assert refused == {}, refused
    assert len(idle) <= len(works) // 10, " ".join(idle)
