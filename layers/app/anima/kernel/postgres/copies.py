"""Databases as wholes: copied, put in the place of another, dropped; on one server, by their owner.

A database is copied only while nobody is connected to it. So it is closed first, and marked: what is killed in the
middle leaves a mark, and at most a database whose name begins with `~`, and the next one who holds the lock puts
both right.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from anima.kernel.postgres.branch_errors import (
    BranchingBusy,
    BranchingRefused,
    DatabaseNameTooLong,
    NoRoom,
    NoServerToBranch,
)
from anima.kernel.postgres.errors import PooledConnection
from anima.kernel.postgres.urls import for_libpq, is_pooled, parse, with_database

Connection = psycopg.Connection[Any]

SEPARATOR = "+"
"""Between the trunk and the rest of the name of a database that was made from it."""
# As the application_name of a database, which any owner may set and which changes nothing: we closed it.
_MARK = "anima-branching"
MAKING = f"{SEPARATOR}~making"
OLD = f"{SEPARATOR}~old"
# Postgres cuts longer names off without a word: `drop` of the cut one would be that of the trunk itself.
LONGEST_DATABASE = 63
HASHED = 13
"""How many characters a name that would be too long ends with instead: the separator and a hash."""
_LONGEST_TRUNK = LONGEST_DATABASE - HASHED - len(SEPARATOR)
# One who copies at a time, in whichever database he waits; the number means nothing.
_LOCK = 7_316_004_289_120_557
_LOCK_TIMEOUT = "10min"
# What is being said may be said to its end, what is only kept open is closed at once.
_GRACE_SECONDS = 1.0
# Up to here the blocks travel through the log of the server, which spares two checkpoints.
_SMALL_BYTES = 100_000_000
# What a server writes besides: a few pieces of its log, and what others write meanwhile.
_SPARE_BYTES = 100_000_000


@dataclass(frozen=True, slots=True)
class DatabaseRow:
    """A database of the family: the trunk, and what was made from it."""

    name: str
    comment: str | None
    size_bytes: int
    open: bool
    closed_by_us: bool
    invalid: bool
    """Whether one who was killed had begun to drop it: nobody can use it, and only dropping it again helps."""


def trunk_of(url: str) -> str:
    """The name of the trunk's database, whichever of the family the URL names."""
    return (parse(url).dbname or "").partition(SEPARATOR)[0]


@contextmanager
def server(owner_url: str) -> Iterator[Connection]:
    """A connection to the server, beside the databases of the family.

    Raises NoServerToBranch, and BranchingRefused for what its role may not do.
    """
    with _connected(owner_url) as connection:
        try:
            yield connection
        except psycopg.errors.InsufficientPrivilege as error:
            raise BranchingRefused(
                role=parse(owner_url).user, where=trunk_of(owner_url), reason=first_line(error)
            ) from error
        except psycopg.OperationalError as error:
            raise NoServerToBranch(where=parse(owner_url).where, reason=first_line(error)) from error


@contextmanager
def alone(owner_url: str) -> Iterator[Connection]:
    """Like `server`, while nobody else copies; what somebody who was killed left is put right first."""
    with server(owner_url) as connection:
        # Else the backend of one who was killed would finish its copy, and hold the lock for it.
        connection.execute("set client_connection_check_interval = '500ms'")
        connection.execute(sql.SQL("set lock_timeout = {}").format(sql.Literal(_LOCK_TIMEOUT)))
        try:
            connection.execute("select pg_advisory_lock(%s)", [_LOCK])
        except psycopg.errors.LockNotAvailable:
            raise BranchingBusy(name=trunk_of(owner_url), reason="another copy is being made for ten minutes") from None
        connection.execute("set lock_timeout = 0")
        _repair(connection, trunk_of(owner_url))
        yield connection


def _connected(owner_url: str) -> Connection:
    """To a database that every server has."""
    if is_pooled(owner_url):
        raise PooledConnection(host=parse(owner_url).host)
    if len(trunk_of(owner_url).encode()) > _LONGEST_TRUNK:
        raise DatabaseNameTooLong(name=trunk_of(owner_url), longest=_LONGEST_TRUNK)
    reason = ""
    for name in ("postgres", "template1"):
        try:
            url = with_database(owner_url, name)
            return psycopg.connect(for_libpq(url), autocommit=True, connect_timeout=10, prepare_threshold=None)
        except psycopg.OperationalError as error:
            reason = reason or first_line(error)
    raise NoServerToBranch(where=parse(owner_url).where, reason=reason)


def first_line(error: Exception) -> str:
    """What Postgres says, without what follows."""
    return str(error).strip().partition("\n")[0]


_FAMILY: LiteralString = """
select d.datname, shobj_description(d.oid, 'pg_database'),
    case when has_database_privilege(d.oid, 'connect') then pg_database_size(d.oid) else 0 end,
    d.datallowconn,
    exists (
        select from pg_db_role_setting s, unnest(s.setconfig) one
        where s.setdatabase = d.oid and s.setrole = 0 and one = 'application_name=' || %(mark)s
    ),
    d.datconnlimit = -2
from pg_database d
where d.datname = %(trunk)s or starts_with(d.datname, %(trunk)s || %(separator)s)
order by d.datname
"""


def family(connection: Connection, trunk: str) -> list[DatabaseRow]:
    """The trunk, and all that was made from it."""
    rows = connection.execute(_FAMILY, {"trunk": trunk, "separator": SEPARATOR, "mark": _MARK})
    return [DatabaseRow(*row) for row in rows]


def _repair(connection: Connection, trunk: str) -> None:
    for row in family(connection, trunk):
        if row.invalid or row.name.startswith(f"{trunk}{SEPARATOR}~"):
            drop(connection, row.name)
        elif row.closed_by_us:
            reopen(connection, row.name)


def reopen_all(connection: Connection) -> None:
    """Opens what was closed by one who was killed; for a server that has just started, where nobody copies."""
    marked = connection.execute(
        "select datname from pg_database d join pg_db_role_setting s on s.setdatabase = d.oid and s.setrole = 0"
        " where exists (select from unnest(s.setconfig) one where one = 'application_name=' || %s)",
        [_MARK],
    ).fetchall()
    for (name,) in marked:
        reopen(connection, name)


_MAY: LiteralString = """
select (select rolcreatedb or rolsuper from pg_roles where rolname = current_user),
    exists (select from pg_database where datname = %s and pg_has_role(datdba, 'usage'))
"""


def check_may(connection: Connection, name: str) -> None:
    """Asks before anybody is sent away. Raises BranchingRefused."""
    creates, owns = connection.execute(_MAY, [name]).fetchone() or (False, False)
    if not (creates and owns):
        reason = "it does not own the database" if creates else "it may create no databases"
        raise BranchingRefused(role=connection.info.user, where=name, reason=reason)


def drop(connection: Connection, name: str) -> None:
    """Drops a database, whoever is connected to it."""
    connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def reopen(connection: Connection, name: str) -> None:
    """Lets people in again, and takes the mark off."""
    database = sql.Identifier(name)
    with connection.transaction():
        connection.execute(sql.SQL("alter database {} allow_connections true").format(database))
        connection.execute(sql.SQL("alter database {} reset application_name").format(database))


def close(connection: Connection, name: str) -> None:
    """Lets nobody in any more, and ends who is in; marked, so that a successor can open it again."""
    database = sql.Identifier(name)
    with connection.transaction():
        connection.execute(sql.SQL("alter database {} set application_name = {}").format(database, sql.Literal(_MARK)))
        connection.execute(sql.SQL("alter database {} allow_connections false").format(database))
    empty(connection, name)


# Roles that we may not end are waited for by the copy itself.
_END: LiteralString = """
select count(*) filter (where not pg_terminate_backend(pid, 2000)), count(*) from pg_stat_activity
where datname = %(name)s and pid <> pg_backend_pid() and backend_type = 'client backend'
    and (%(all)s or state = 'idle') and usesysid not in (select oid from pg_roles where rolsuper)
"""
_LEFT: LiteralString = """
select count(*) from pg_stat_activity
where datname = %(name)s and pid <> pg_backend_pid() and backend_type = 'client backend'
"""


def is_served(connection: Connection, name: str) -> bool:
    """Whether one of our logins is connected to a database: a server that works on it keeps some open."""
    row = connection.execute(
        "select exists (select from pg_stat_activity where datname = %s and starts_with(usename, 'anima_')"
        " and usename <> current_user)",
        [name],
    ).fetchone()
    return bool(row and row[0])


def empty(connection: Connection, name: str) -> None:
    """Ends the connections to a database: idle ones at once, those at work after a moment."""
    deadline = time.monotonic() + _GRACE_SECONDS
    connection.execute(_END, {"name": name, "all": False})
    while time.monotonic() < deadline:
        row = connection.execute(_LEFT, {"name": name}).fetchone()
        if row is None or row[0] == 0:
            return
        time.sleep(0.02)
        connection.execute(_END, {"name": name, "all": False})
    connection.execute(_END, {"name": name, "all": True})


def check_room(connection: Connection, source: str, folder: Path) -> None:
    """Asks the file system of `folder` first: a server whose disk is full ends, for everybody. Raises NoRoom."""
    size, method, strategy = _way(connection, source)
    needed = _SPARE_BYTES + (0 if method == "clone" else 2 * size if strategy == "wal_log" else size)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise NoRoom(name=source, needed=needed // 1_000_000, free=free // 1_000_000)


def _way(connection: Connection, source: str) -> tuple[int, str, str]:
    """The bytes of a database, what a copy of files is here, and how it is best copied."""
    row = connection.execute(
        "select pg_database_size(%s), coalesce(current_setting('file_copy_method', true), '')", [source]
    ).fetchone()
    size, method = row or (0, "")
    return size, method, "file_copy" if method == "clone" or size > _SMALL_BYTES else "wal_log"


def copy(connection: Connection, source: str, target: str) -> None:
    """Makes `target` a copy of `source`, which nobody can reach meanwhile. Raises BranchingBusy."""
    strategy = _way(connection, source)[2]
    statement = sql.SQL("create database {} template {} strategy {}")
    # Both checkpoints of a copy of files are short when there is little to write any more.
    if strategy == "file_copy":
        _checkpoint(connection)
    try:
        close(connection, source)
        connection.execute(statement.format(sql.Identifier(target), sql.Identifier(source), sql.SQL(strategy)))
    except psycopg.errors.ObjectInUse as error:
        raise BranchingBusy(name=source, reason=first_line(error)) from error
    finally:
        reopen(connection, source)


def _checkpoint(connection: Connection) -> None:
    row = connection.execute("select pg_has_role('pg_checkpoint', 'usage')").fetchone()
    if row and row[0]:
        connection.execute("checkpoint")


def make_empty(connection: Connection, target: str) -> None:
    """Makes a database with nothing in it but what the server gives to every new one."""
    connection.execute(sql.SQL("create database {}").format(sql.Identifier(target)))


def put(
    connection: Connection, made: str, name: str, comment: str | None, aside: str | None = None, note: str | None = None
) -> None:
    """Gives the database `made` its name and comment; one that has the name is put `aside` in the same moment.

    `note` is the comment of that one from then on.
    """
    try:
        if aside is not None:
            close(connection, name)
        close(connection, made)
        _renamed(connection, made, (name, comment), (aside, note))
    except psycopg.errors.DuplicateDatabase as error:
        raise BranchingBusy(name=name, reason=first_line(error)) from error
    except psycopg.errors.ObjectInUse as error:
        raise BranchingBusy(name=name, reason=first_line(error)) from error
    finally:
        for one in (made, name, aside):
            if one is not None and _is_there(connection, one):
                reopen(connection, one)


def _renamed(
    connection: Connection, made: str, new: tuple[str, str | None], old: tuple[str | None, str | None]
) -> None:
    rename = sql.SQL("alter database {} rename to {}")
    (name, comment), (aside, note) = new, old
    with connection.transaction():
        if aside is not None:
            connection.execute(rename.format(sql.Identifier(name), sql.Identifier(aside)))
            describe(connection, aside, note)
        connection.execute(rename.format(sql.Identifier(made), sql.Identifier(name)))
        describe(connection, name, comment)


def describe(connection: Connection, name: str, comment: str | None) -> None:
    """Writes what is known of a database beside it; a comment is not copied with the database."""
    statement = sql.SQL("comment on database {} is {}")
    connection.execute(statement.format(sql.Identifier(name), sql.Literal(comment)))


def _is_there(connection: Connection, name: str) -> bool:
    return connection.execute("select from pg_database where datname = %s", [name]).fetchone() is not None
