"""How a change of the schema reaches a database that others use: one runner at a time, patient with locks.

A statement that changes a table waits for the queries on it, and every new query waits behind that statement. So
it waits for a moment only, gives way, and comes again.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal, LiteralString

import psycopg

from anima.kernel.connections import dial
from anima.kernel.postgres.errors import (
    DatabaseUnreachable,
    DeploymentBusy,
    MigrationFailed,
    PooledConnection,
)
from anima.kernel.postgres.urls import is_pooled, parse

Connection = psycopg.Connection[Any]

# One runner a database; the number means nothing.
LOCK = 7_316_004_289_120_552
# For so long may new queries wait behind a statement of ours that waits itself.
_LOCK_TIMEOUT = "3s"
_ATTEMPTS = 6
# Seconds before the second attempt; doubled before each further one, a minute in all.
_PAUSE = 2.0
# What rewrites a table for longer than this is written in batches, not as a migration.
_STATEMENT_TIMEOUT = "30min"
# For so long a runner waits for another one.
_BUSY_TIMEOUT = "10min"
_NOT_HAD = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)


@dataclass(frozen=True, slots=True)
class Step:
    """What a run has to say about one migration (or, with an empty `stem`, about itself)."""

    stem: str
    phase: str
    sha256: str
    state: Literal["waiting", "pending", "retrying", "applied", "failed"]
    attempts: int = 1
    duration_ms: int | None = None
    reason: str = ""


Tell = Callable[[Step], None]


def silent(_step: Step) -> None:
    """For who wants to hear nothing."""


# A pooler in transaction mode may have given us another backend than the one that holds the lock.
_STILL_LOCKED: LiteralString = """
select exists (
    select from pg_locks
    where locktype = 'advisory' and pid = pg_backend_pid() and granted
        and (classid::bigint << 32) + objid::bigint = %s and objsubid = 1
)
"""
_HOLDER: LiteralString = """
select format('process %%s of %%s, connected since %%s',
    l.pid, coalesce(a.usename, 'somebody'), to_char(a.backend_start at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS "UTC"'))
from pg_locks l join pg_stat_activity a using (pid)
where l.locktype = 'advisory' and l.granted and l.objsubid = 1
    and l.database = (select oid from pg_database where datname = current_database())
    and (l.classid::bigint << 32) + l.objid::bigint = %s
"""


def connected(url: str) -> Connection:
    """A connection that commits each statement; raises DatabaseUnreachable."""
    try:
        return dial(url)
    except psycopg.OperationalError as error:
        raise DatabaseUnreachable(where=parse(url).where, reason=str(error).partition("\n")[0]) from error


def refuse_pooler(url: str) -> None:
    """Raises PooledConnection for the address of a pooler."""
    if is_pooled(url):
        raise PooledConnection(host=parse(url).host)


@contextmanager
def locked(url: str, tell: Tell = silent) -> Iterator[Connection]:
    """A connection that holds the runners' lock; another runner says so and waits.

    Raises PooledConnection, DatabaseUnreachable, DeploymentBusy.
    """
    refuse_pooler(url)
    try:
        with connected(url) as connection:
            # Else the backend of a killed runner would finish its statement first, and hold the lock for it.
            connection.execute("set client_connection_check_interval = '500ms'")
            _lock(connection, tell)
            yield connection
    except psycopg.Error as error:
        raise DatabaseUnreachable(where=parse(url).where, reason=explained(error)) from error


def _lock(connection: Connection, tell: Tell) -> None:
    if connection.execute("select pg_try_advisory_lock(%s)", [LOCK]).fetchone() == (True,):
        return
    row = connection.execute(_HOLDER, [LOCK]).fetchone()
    holder = str(row[0]) if row else "one that is ending"
    tell(Step("", "", "", "waiting", reason=f"another deployment is at work ({holder}); this one waits for it"))
    connection.execute("select set_config('lock_timeout', %s, false)", [_BUSY_TIMEOUT])
    try:
        connection.execute("select pg_advisory_lock(%s)", [LOCK])
    except psycopg.errors.LockNotAvailable as error:
        raise DeploymentBusy(where=_where(connection), holder=holder, waited=_BUSY_TIMEOUT) from error
    connection.execute("reset lock_timeout")


def _where(connection: Connection) -> str:
    return f"{connection.info.host}:{connection.info.port}/{connection.info.dbname}"


def apply(connection: Connection, step: Step, run: Callable[[], None], tell: Tell = silent) -> Step:
    """Runs something in one transaction, whole or not at all, and again where a lock was not had in time.

    Answers what to say of it. Raises MigrationFailed, PooledConnection.
    """
    began = time.perf_counter()
    for attempt in range(1, _ATTEMPTS + 1):
        now = replace(step, attempts=attempt)
        try:
            with connection.transaction():
                _prepare(connection)
                run()
            return replace(now, state="applied", duration_ms=round((time.perf_counter() - began) * 1000))
        except psycopg.Error as error:
            if not isinstance(error, _NOT_HAD) or attempt == _ATTEMPTS:
                tell(replace(now, state="failed", reason=explained(error)))
                raise MigrationFailed(name=step.stem, reason=explained(error)) from error
            pause = _PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311
            tell(replace(now, state="retrying", reason=f"{explained(error)}; again in {pause:.1f} s"))
            time.sleep(pause)
    raise AssertionError  # the last attempt returns or raises


def _prepare(connection: Connection) -> None:
    connection.execute("select set_config('lock_timeout', %s, true)", [_LOCK_TIMEOUT])
    connection.execute("select set_config('statement_timeout', %s, true)", [_STATEMENT_TIMEOUT])
    connection.execute("set local search_path = public")
    held = connection.execute(_STILL_LOCKED, [LOCK]).fetchone()
    if not held or not held[0]:
        raise PooledConnection(host=connection.info.host)


# What the server quotes of rows: their keys, the whole of them, a value that it could not read.
_OF_ROWS = (
    ("23", re.compile(r"=\(.*\)|(?<=contains )\(.*\)", re.DOTALL), "(…)"),
    ("22", re.compile(r'".*"', re.DOTALL), '"…"'),
)


def explained(error: psycopg.Error) -> str:
    """What the server says, in a line: message, detail, hint, place; of people's rows nothing, for it is logged."""
    detail = error.diag
    parts = [_without_rows(error, detail.message_primary or str(error).strip())]
    parts += [_without_rows(error, detail.message_detail or ""), detail.message_hint or ""]
    if detail.statement_position:
        parts.append(f"at character {detail.statement_position}")
    return " ".join(part for part in parts if part)


def _without_rows(error: psycopg.Error, text: str) -> str:
    for of_class, quoted, instead in _OF_ROWS:
        if (error.sqlstate or "").startswith(of_class):
            text = quoted.sub(instead, text)
    return text
