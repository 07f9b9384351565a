"""Applies the migrations of `sql/migrations`: in order, once, one transaction a file, one runner at a time.

Files are checked before anything is changed. A run that is killed leaves whole files only; the next one goes
on.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, LiteralString

import psycopg
from psycopg.rows import class_row

from anima.kernel.postgres.errors import (
    DatabaseUnreachable,
    MigrationEdited,
    MigrationFailed,
    MigrationMissing,
    MigrationOutOfOrder,
    NothingToRollBack,
    NotReversible,
    PooledConnection,
)
from anima.kernel.postgres.migration_files import MigrationFile, Phase, read
from anima.kernel.postgres.urls import is_pooled, parse

Connection = psycopg.Connection[Any]

# One runner a database; the number means nothing.
_LOCK = 7_316_004_289_120_552
# How long a statement may wait for a lock of somebody's query, while all new queries queue behind it.
_LOCK_TIMEOUT = "10s"
# What rewrites a table for longer than this is written in batches, not as a migration.
_STATEMENT_TIMEOUT = "30min"


@dataclass(frozen=True, slots=True)
class Applied:
    """A row of `schema_migrations`."""

    version: int
    name: str
    phase: str
    sha256: str
    applied_at: datetime
    duration_ms: int

    @property
    def stem(self) -> str:
        """The file's name without its end."""
        return f"{self.version:04d}_{self.phase}_{self.name}"


@dataclass(frozen=True, slots=True)
class Status:
    """Where one migration stands; `missing`: the database has it, this code has not."""

    stem: str
    state: Literal["applied", "pending", "edited", "missing"]
    applied_at: datetime | None
    reversible: bool


_TABLE: LiteralString = """
create table if not exists public.schema_migrations (
    version integer primary key,
    name text not null,
    phase text not null check (phase in ('pre', 'post')),
    sha256 text not null,
    applied_at timestamptz not null default clock_timestamp(),
    duration_ms integer not null
)
"""
_EXISTS: LiteralString = "select to_regclass('public.schema_migrations') is not null"
_ROWS: LiteralString = """
select version, name, phase, sha256, applied_at, duration_ms from public.schema_migrations order by version
"""
_INSERT: LiteralString = """
insert into public.schema_migrations (version, name, phase, sha256, duration_ms) values (%s, %s, %s, %s, %s)
"""
_DELETE: LiteralString = "delete from public.schema_migrations where version = %s"
# A pooler in transaction mode may have given us another backend than the one that holds the lock.
_STILL_LOCKED: LiteralString = """
select exists (
    select from pg_locks
    where locktype = 'advisory' and pid = pg_backend_pid() and granted
        and (classid::bigint << 32) + objid::bigint = %s and objsubid = 1
)
"""


def migrate(url: str, sql_dir: Path, phase: Phase | None = None, *, dry_run: bool = False) -> list[str]:
    """Applies what is pending (of one phase, or all) and answers the names; a dry run answers them only.

    Raises BadMigrationFiles, MigrationEdited, MigrationMissing, MigrationOutOfOrder, PooledConnection,
    DatabaseUnreachable; and MigrationFailed, before which earlier files stay applied.
    """
    files = read(sql_dir / "migrations")
    if dry_run:
        with _connected(url) as connection:
            return [file.stem for file in _pending(files, _applied(connection), phase)]
    with _locked(url) as connection:
        pending = _pending(files, _applied(connection), phase)
        if pending:
            with _one_transaction(connection, "schema_migrations"):
                connection.execute(_TABLE)
        for file in pending:
            _apply(connection, file)
    return [file.stem for file in pending]


def status(url: str, sql_dir: Path) -> list[Status]:
    """Every migration of the code and of the database, in order of their numbers."""
    files = {file.version: file for file in read(sql_dir / "migrations")}
    with _connected(url) as connection:
        applied = {row.version: row for row in _applied(connection)}
    return [_status(files.get(number), applied.get(number)) for number in sorted(files | applied)]


def rollback(url: str, sql_dir: Path) -> str:
    """Runs the written way back of the migration applied last, and answers its name.

    Raises NothingToRollBack, NotReversible, and what `migrate` raises.
    """
    files = {file.version: file for file in read(sql_dir / "migrations")}
    with _locked(url) as connection:
        rows = _applied(connection)
        if not rows:
            raise NothingToRollBack
        last = max(rows, key=lambda row: (row.applied_at, row.version))
        file = files.get(last.version)
        if file is None:
            raise MigrationMissing(name=last.stem)
        if file.down is None:
            raise NotReversible(name=file.stem, file=f"{file.stem}.down.sql")
        with _one_transaction(connection, f"{file.stem}.down"):
            _run(connection, file.down)
            connection.execute(_DELETE, [file.version])
    return file.stem


def _status(file: MigrationFile | None, row: Applied | None) -> Status:
    if file is None:
        assert row is not None
        return Status(row.stem, "missing", row.applied_at, False)
    reversible = file.down is not None
    if row is None:
        return Status(file.stem, "pending", None, reversible)
    return Status(file.stem, "applied" if _same(file, row) else "edited", row.applied_at, reversible)


def _same(file: MigrationFile, row: Applied) -> bool:
    return (file.stem, file.sha256) == (row.stem, row.sha256)


def _pending(files: Sequence[MigrationFile], rows: Sequence[Applied], phase: Phase | None) -> list[MigrationFile]:
    """What is to be applied; raises if what was applied is not what the files say."""
    by_version = {file.version: file for file in files}
    for row in rows:
        if row.version not in by_version:
            raise MigrationMissing(name=row.stem)
        if not _same(by_version[row.version], row):
            raise MigrationEdited(name=row.stem)
    done = {row.version for row in rows}
    left = [file for file in files if file.version not in done]
    if phase == "post":
        _check_order(left)
    return [file for file in left if phase in (None, file.phase)]


def _check_order(left: Sequence[MigrationFile]) -> None:
    """A post migration removes what its pre prepared for; the other order would lose data."""
    before = next((file for file in left if file.phase == "pre"), None)
    after = next((file for file in left if file.phase == "post" and before and file.version > before.version), None)
    if before and after:
        raise MigrationOutOfOrder(name=after.stem, earlier=before.stem)


def _connected(url: str) -> Connection:
    try:
        return psycopg.connect(url, autocommit=True, connect_timeout=10, prepare_threshold=None)
    except psycopg.OperationalError as error:
        raise DatabaseUnreachable(where=parse(url).where, reason=str(error).partition("\n")[0]) from error


@contextmanager
def _locked(url: str) -> Iterator[Connection]:
    """A connection that holds the runners' lock; another runner waits here."""
    if is_pooled(url):
        raise PooledConnection(host=parse(url).host)
    try:
        with _connected(url) as connection:
            # Else the backend of a killed runner would finish its statement first, and hold the lock for it.
            connection.execute("set client_connection_check_interval = '500ms'")
            connection.execute("select pg_advisory_lock(%s)", [_LOCK])
            yield connection
    except psycopg.Error as error:
        raise DatabaseUnreachable(where=parse(url).where, reason=_explained(error)) from error


def _applied(connection: Connection) -> list[Applied]:
    there = connection.execute(_EXISTS).fetchone()
    if there is None or not there[0]:
        return []
    with connection.cursor(row_factory=class_row(Applied)) as cursor:
        return cursor.execute(_ROWS).fetchall()


def _apply(connection: Connection, file: MigrationFile) -> None:
    with _one_transaction(connection, file.stem):
        began = time.perf_counter()
        _run(connection, file.sql)
        took = round((time.perf_counter() - began) * 1000)
        connection.execute(_INSERT, [file.version, file.name, file.phase, file.sha256, took])


@contextmanager
def _one_transaction(connection: Connection, name: str) -> Iterator[None]:
    try:
        with connection.transaction():
            connection.execute(f"set local lock_timeout = '{_LOCK_TIMEOUT}'")
            connection.execute(f"set local statement_timeout = '{_STATEMENT_TIMEOUT}'")
            connection.execute("set local search_path = public")
            held = connection.execute(_STILL_LOCKED, [_LOCK]).fetchone()
            if not held or not held[0]:
                raise PooledConnection(host=connection.info.host)
            yield
    except psycopg.Error as error:
        raise MigrationFailed(name=name, reason=_explained(error)) from error


def _run(connection: Connection, text: str) -> None:
    # Reviewed files of our own; without parameters, so that several statements travel and % means itself.
    connection.execute(text)


def _explained(error: psycopg.Error) -> str:
    detail = error.diag
    parts = [detail.message_primary or str(error).strip(), detail.message_detail, detail.message_hint]
    if detail.statement_position:
        parts.append(f"at character {detail.statement_position}")
    return " ".join(part for part in parts if part)
