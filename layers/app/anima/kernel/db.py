"""Transactions: begin, tenant, queries and commit travel to Postgres as one pipeline.

A repository declares `Query` (rows of a dataclass) and `Command` (no rows) constants; a service opens
`transaction(principal)` and hands it on. Results are pending until somebody looks at them: a body that
looks at nothing costs one wait on the server, whatever it asks.
"""

from __future__ import annotations

import select
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, LiteralString, TypeVar

from anima.kernel import secrets
from anima.kernel.config import settings
from anima.kernel.errors import AnimaError, DatabaseUnavailable

if TYPE_CHECKING:
    from psycopg import Connection, Cursor, Pipeline
    from psycopg.types.json import Jsonb
    from psycopg_pool import ConnectionPool

R = TypeVar("R")
Login = Literal["app", "worker", "admin"]


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

    def settle(self) -> None:
        """Fetches all that is pending, so that it can be read after the connection went back."""
        for pending in self._pending:
            pending.all()


_pools: dict[str, ConnectionPool[Any]] = {}
_pools_lock = threading.Lock()


def login_url(login: Login) -> str:
    """The URL of one of our logins: configured as such, or made from the owner's URL."""
    from anima.kernel.postgres.urls import with_login

    explicit = {
        "app": settings().app_database_url,
        "worker": settings().worker_database_url,
        "admin": settings().admin_database_url,
    }[login]
    if explicit is not None:
        return explicit.get_secret_value()
    owner = settings().database_url
    if owner is None:
        raise DatabaseNotConfigured
    name = f"anima_{login}"
    return with_login(owner.get_secret_value(), name, secrets.login_password(name))


def _hung_up(connection: Connection[Any]) -> bool:
    """Whether the server closed an idle connection: noticed without a wait, for such a one has nothing to read."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _connect(opened: ConnectionPool[Any]) -> Connection[Any]:
    from psycopg_pool import PoolTimeout

    connection: Connection[Any]
    try:
        while _hung_up(connection := opened.getconn()):
            connection.close()
            opened.putconn(connection)
    except PoolTimeout as error:
        raise DatabaseUnavailable(retry_after=2) from error
    return connection


def _open_pool(login: Login) -> ConnectionPool[Any]:
    from psycopg_pool import ConnectionPool

    # Unnamed statements: they plan with the values, and a transaction pooler knows no prepared ones.
    return ConnectionPool(
        login_url(login),
        min_size=0,
        max_size=settings().database_connections,
        timeout=20,
        max_idle=240,
        kwargs={"autocommit": True, "prepare_threshold": None, "connect_timeout": 10},
        open=True,
        name=f"anima-{login}",
    )


def pool(login: Login) -> ConnectionPool[Any]:
    """The process's pool of connections for a login, opened at first use."""
    with _pools_lock:
        if login not in _pools:
            _pools[login] = _open_pool(login)
        return _pools[login]


def close_pools() -> None:
    """Closes all connections (shutdown, and before a process is frozen or forked)."""
    with _pools_lock:
        for opened in _pools.values():
            opened.close()
        _pools.clear()


_TENANT: LiteralString = "select set_config('anima.user_id', %(user_id)s, true)"


@contextmanager
def transaction(principal: Principal) -> Iterator[Transaction]:
    """A transaction of `principal`: committed when the block ends well, rolled back whole when not.

    Raises DatabaseUnavailable when the database cannot be reached or goes away in the middle.
    """
    import psycopg

    opened = pool(principal.login)
    connection = _connect(opened)
    acts: list[Callable[[], None]] = []
    try:
        yield from _pipelined(connection, principal, acts)
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(retry_after=2) from error
    finally:
        opened.putconn(connection)
    for act in acts:
        act()


def _pipelined(
    connection: Connection[Any], principal: Principal, acts: list[Callable[[], None]]
) -> Iterator[Transaction]:
    try:
        with connection.pipeline() as pipeline:
            connection.execute("begin")
            tenant = "" if principal.user_id is None else str(principal.user_id)
            connection.execute(_TENANT, {"user_id": tenant})
            current = Transaction(connection, pipeline, _after_commit=acts)
            yield current
            connection.execute("commit")
        current.settle()
    except BaseException:
        if not connection.closed:
            connection.rollback()
        raise


def vector_text(values: Sequence[float]) -> str:
    """A vector as the text that `%(name)s::vector` reads."""
    return "[" + ",".join(map(repr, map(float, values))) + "]"


def jsonb(value: object) -> Jsonb:
    """A value for a jsonb parameter."""
    from psycopg.types.json import Jsonb

    return Jsonb(value)
