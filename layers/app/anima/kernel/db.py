"""Transactions: begin, tenant, queries and commit travel to Postgres as one pipeline.

A repository declares `Query` (rows of a dataclass) and `Command` (no rows) constants; a service opens
`transaction(principal)` and hands it on. Results are pending until somebody looks at them: a body that
looks at nothing costs one wait on the server, whatever it asks.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Literal, LiteralString, TypeVar

from anima.kernel import secrets, telemetry
from anima.kernel.config import settings
from anima.kernel.connections import Pool
from anima.kernel.errors import AnimaError, DatabaseUnavailable

if TYPE_CHECKING:
    from psycopg import Connection, Cursor, Pipeline
    from psycopg.types.json import Jsonb

R = TypeVar("R")
T = TypeVar("T")
Login = Literal["app", "worker", "admin", "read"]
# Errors after which a connection is good: a lost race, a deadlock, a lock not got, a statement cancelled.
_PASSING = frozenset({"40001", "40P01", "55P03", "57014"})


class DatabaseNotConfigured(AnimaError):
    """No database is configured: set ANIMA_DATABASE_URL, or start the embedded one with `anima up`."""

    slug = "database-not-configured"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts: the tenant (none for a claim of work), the roles, and the database login used."""

    user_id: int | None
    roles: frozenset[str] = frozenset()
    login: Login = "app"


@dataclass(frozen=True, slots=True)
class Query(Generic[R]):
    """A statement with `%(name)s` parameters that answers rows of a dataclass, column by column."""

    row: type[R]
    sql: LiteralString


@dataclass(frozen=True, slots=True)
class Command:
    """A statement with `%(name)s` parameters that answers no rows."""

    sql: LiteralString


class Pending(Generic[R]):
    """Rows that are on their way; looking at them waits."""

    def __init__(self, cursor: Cursor[R]) -> None:
        self._cursor = cursor
        self._rows: list[R] | None = None

    def all(self) -> list[R]:
        """Every row."""
        if self._rows is None:
            self._rows = self._cursor.fetchall()
        return self._rows

    def first(self) -> R | None:
        """The first row, or nothing."""
        rows = self.all()
        return rows[0] if rows else None

    def one(self) -> R:
        """The only row; LookupError if there is not exactly one."""
        rows = self.all()
        if len(rows) != 1:
            raise LookupError(f"expected one row, got {len(rows)}")
        return rows[0]


class Done:
    """A command on its way; looking at the count waits."""

    def __init__(self, cursor: Cursor[Any], pipeline: Pipeline) -> None:
        self._cursor = cursor
        self._pipeline = pipeline

    def count(self) -> int:
        """How many rows were written."""
        if self._cursor.pgresult is None:
            self._pipeline.sync()
        return self._cursor.rowcount


@dataclass(slots=True)
class Transaction:
    """One unit of work on one connection."""

    _connection: Connection[Any]
    _pipeline: Pipeline
    _pending: list[Pending[Any]] = field(default_factory=list)
    _after_commit: list[Callable[[], None]] = field(default_factory=list)

    def fetch(self, query: Query[R], /, **params: Any) -> Pending[R]:
        """Sends a query; its rows are pending."""
        from psycopg.rows import class_row

        cursor = self._connection.cursor(row_factory=class_row(query.row))
        cursor.execute(query.sql, params)
        pending = Pending(cursor)
        self._pending.append(pending)
        return pending

    def execute(self, command: Command, /, **params: Any) -> Done:
        """Sends a command."""
        return Done(self._connection.execute(command.sql, params), self._pipeline)

    def after_commit(self, act: Callable[[], None]) -> None:
        """Has `act` called once the transaction is committed, and never if it is not."""
        if act not in self._after_commit:
            self._after_commit.append(act)

    def release(self, pending: Pending[Any]) -> None:
        """Forgets rows that were looked at: who reads much in one transaction does not keep all of it."""
        self._pending.remove(pending)

    def settle(self) -> None:
        """Fetches all that is pending, so that it can be read after the connection went back."""
        for pending in self._pending:
            pending.all()


_pools: dict[Login, Pool] = {}
_pools_lock = threading.Lock()


def login_url(login: Login) -> str:
    """The URL of one of our logins: configured as such, or made from the owner's URL."""
    from anima.kernel.postgres.urls import with_login

    explicit = {
        "app": settings().app_database_url,
        "worker": settings().worker_database_url,
        "admin": settings().admin_database_url,
        "read": settings().read_database_url,  # a replica, under the admin's login
    }[login]
    if explicit is not None:
        return explicit.get_secret_value()
    owner = settings().database_url
    if owner is None:
        raise DatabaseNotConfigured
    name = f"anima_{login}"
    return with_login(owner.get_secret_value(), name, secrets.login_password(name))


def pool(login: Login) -> Pool:
    """The process's connections under a login, made when they are needed."""
    with _pools_lock:
        if login not in _pools:
            _pools[login] = Pool(partial(login_url, login), settings().database_connections)
        return _pools[login]


def pool_stats() -> dict[str, dict[str, int]]:
    """The connections of each pool in use, by login: at most, there, free, and how many calls wait for one."""
    with _pools_lock:
        return {login: opened.get_stats() for login, opened in _pools.items()}


def close_pools() -> None:
    """Closes all connections (shutdown, and before a process is frozen or forked)."""
    with _pools_lock:
        for opened in _pools.values():
            opened.close()
        _pools.clear()


_SLOW_SECONDS = 1.0
_TENANT: LiteralString = "select set_config('anima.user_id', %(user_id)s, true)"


_BEGIN: LiteralString = "begin"
_BEGIN_STEADY: LiteralString = "begin isolation level repeatable read read only"


@contextmanager
def transaction(principal: Principal, *, steady: bool = False) -> Iterator[Transaction]:
    """A transaction of `principal`: committed when the block ends well, rolled back whole when not.

    One that is `steady` writes nothing, and all its statements see the database as the first one saw it.
    Raises DatabaseUnavailable when the database cannot be reached or goes away in the middle: then, if the block had
    come to its end, nobody knows whether it was committed.
    """
    import psycopg

    opened = pool(principal.login)
    acts: list[Callable[[], None]] = []
    try:
        with _lent(opened, principal.login) as connection, _told(principal.login):
            yield from _pipelined(connection, principal, acts, _BEGIN_STEADY if steady else _BEGIN)
    except psycopg.OperationalError as error:
        telemetry.warning("db.unavailable", reason=str(error).strip().partition("\n")[0], sqlstate=error.sqlstate)
        telemetry.count("db.unavailable", login=principal.login)
        raise DatabaseUnavailable(retry_after=2) from error
    for act in acts:
        act()


@contextmanager
def _lent(opened: Pool, login: Login) -> Iterator[Connection[Any]]:
    begun = time.perf_counter()
    try:
        connection = opened.get()
    finally:
        telemetry.observe("db.wait", time.perf_counter() - begun, "s", login=login)
    try:
        yield connection
    finally:
        opened.put(connection)


@contextmanager
def _told(login: Login) -> Iterator[None]:
    """Counts a transaction, and how long it held its connection."""
    begun, outcome = time.perf_counter(), "rolled_back"
    try:
        with telemetry.span("db"):
            yield
        outcome = "committed"
    finally:
        took = time.perf_counter() - begun
        telemetry.count("db.transactions", login=login, outcome=outcome)
        telemetry.observe("db.transaction", took, "s", login=login)
        if took > _SLOW_SECONDS:
            telemetry.count("db.slow", login=login)


def _pipelined(
    connection: Connection[Any], principal: Principal, acts: list[Callable[[], None]], begin: LiteralString
) -> Iterator[Transaction]:
    try:
        with connection.pipeline() as pipeline:
            connection.execute(begin)
            tenant = "" if principal.user_id is None else str(principal.user_id)
            connection.execute(_TENANT, {"user_id": tenant})
            current = Transaction(connection, pipeline, _after_commit=acts)
            yield current
            connection.execute("commit")
        current.settle()
    except BaseException as error:
        _roll_back(connection, error)
        raise


def _roll_back(connection: Connection[Any], error: BaseException) -> None:
    """Takes back what was done. A connection whose server may be gone is closed: a pooler does not say so."""
    import psycopg

    gone = isinstance(error, psycopg.OperationalError) and error.sqlstate not in _PASSING
    try:
        if gone:
            connection.close()
        elif not connection.closed:
            connection.rollback()
    except psycopg.Error:
        connection.close()


def retried(read: Callable[[], T]) -> T:
    """What `read` answers; asked once more where the database went away under it.

    Only for what does no harm twice: what reads, and what is entered under a key of its own.
    """
    try:
        return read()
    except DatabaseUnavailable:
        telemetry.count("db.retries")
        return read()


def vector_text(values: Sequence[float]) -> str:
    """A vector as the text that `%(name)s::vector` reads."""
    return "[" + ",".join(map(repr, map(float, values))) + "]"


def jsonb(value: object) -> Jsonb:
    """A value for a jsonb parameter."""
    from psycopg.types.json import Jsonb

    return Jsonb(value)
