"""Applies the migrations of `sql/migrations`: in order, once, one transaction a file, one runner at a time.

Files are checked before anything is changed. A run that is killed leaves whole files only; the next one goes
on.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal, LiteralString

from psycopg.rows import class_row

from anima.kernel.postgres.deployment import (
    Connection,
    Step,
    Tell,
    apply,
    connected,
    locked,
    refuse_pooler,
    silent,
)
from anima.kernel.postgres.errors import (
    CodeBehind,
    DataInTheWay,
    LastMigrationChanged,
    MigrationEdited,
    MigrationMissing,
    MigrationOutOfOrder,
    NothingToRollBack,
    NotReversible,
)
from anima.kernel.postgres.migration_files import MigrationFile, Phase, read


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


def migrate(
    url: str,
    sql_dir: Path,
    phase: Phase | None = None,
    *,
    dry_run: bool = False,
    code: int | None = None,
    tell: Tell = silent,
) -> list[str]:
    """Applies what is pending (of one phase, or all) and answers the names; a dry run answers them only.

    `code` is the newest migration that the deployed code knows, where it is asked for: a post migration that is
    newer waits for the code. `tell` hears of every step.
    Raises BadMigrationFiles, MigrationEdited, MigrationMissing, MigrationOutOfOrder, CodeBehind, PooledConnection,
    DatabaseUnreachable, DeploymentBusy; and MigrationFailed, before which earlier files stay applied.
    """
    files = read(sql_dir / "migrations")
    if dry_run:
        refuse_pooler(url)
        with connected(url) as connection:
            pending = _pending(files, _applied(connection), phase, code)
        for file in pending:
            tell(_step(file))
        return [file.stem for file in pending]
    with locked(url, tell) as connection:
        pending = _pending(files, _applied(connection), phase, code)
        if pending:
            apply(connection, Step("schema_migrations", "", "", "pending"), lambda: _make_table(connection), tell)
        for file in pending:
            tell(_apply(connection, file, tell))
    return [file.stem for file in pending]


def status(url: str, sql_dir: Path) -> list[Status]:
    """Every migration of the code and of the database, in order of their numbers."""
    files = {file.version: file for file in read(sql_dir / "migrations")}
    with connected(url) as connection:
        applied = {row.version: row for row in _applied(connection)}
    return [_status(files.get(number), applied.get(number)) for number in sorted(files | applied)]


def last(url: str, sql_dir: Path) -> tuple[Applied, MigrationFile]:
    """The migration applied last, with its file. Raises NothingToRollBack, MigrationMissing, MigrationEdited."""
    files = read(sql_dir / "migrations")
    with connected(url) as connection:
        return _last(files, _applied(connection))


def rollback(url: str, sql_dir: Path, *, expected: str | None = None, tell: Tell = silent) -> str:
    """Runs the written way back of the migration applied last, and answers its name; only that of `expected`, if given.

    Raises NothingToRollBack, NotReversible, DataInTheWay, LastMigrationChanged, and what `migrate` raises.
    """
    files = read(sql_dir / "migrations")
    with locked(url, tell) as connection:
        _row, file = _last(files, _applied(connection))
        if expected not in (None, file.stem):
            raise LastMigrationChanged(name=file.stem, expected=expected)
        if file.down is None:
            raise NotReversible(name=file.stem, file=f"{file.stem}.down.sql")
        apply(connection, replace(_step(file), stem=f"{file.stem}.down"), lambda: _take_back(connection, file), tell)
    return file.stem


def allowed(connection: Connection, file: MigrationFile) -> bool:
    """Whether the data allow the written way back: the answer to its `-- only if:`, true where it has none."""
    if file.only_if is None:
        return True
    row = connection.execute(f"select ({file.only_if})".encode()).fetchone()
    return bool(row and row[0])


def _last(files: Sequence[MigrationFile], rows: Sequence[Applied]) -> tuple[Applied, MigrationFile]:
    if not rows:
        raise NothingToRollBack
    row = max(rows, key=lambda row: (row.applied_at, row.version))
    file = next((file for file in files if file.version == row.version), None)
    if file is None:
        raise MigrationMissing(name=row.stem)
    if not _same(file, row):
        raise MigrationEdited(name=row.stem)
    return row, file


def _take_back(connection: Connection, file: MigrationFile) -> None:
    if not allowed(connection, file):
        raise DataInTheWay(name=file.stem, condition=file.only_if)
    _run(connection, file.down or "")
    connection.execute(_DELETE, [file.version])


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


def _pending(
    files: Sequence[MigrationFile], rows: Sequence[Applied], phase: Phase | None, code: int | None
) -> list[MigrationFile]:
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
    wanted = [file for file in left if phase in (None, file.phase)]
    early = next((file for file in wanted if file.phase == "post" and code is not None and file.version > code), None)
    if early:
        raise CodeBehind(name=early.stem, code=f"{code:04d}")
    return wanted


def _check_order(left: Sequence[MigrationFile]) -> None:
    """A post migration removes what its pre prepared for; the other order would lose data."""
    before = next((file for file in left if file.phase == "pre"), None)
    after = next((file for file in left if file.phase == "post" and before and file.version > before.version), None)
    if before and after:
        raise MigrationOutOfOrder(name=after.stem, earlier=before.stem)


def _applied(connection: Connection) -> list[Applied]:
    there = connection.execute(_EXISTS).fetchone()
    if there is None or not there[0]:
        return []
    with connection.cursor(row_factory=class_row(Applied)) as cursor:
        return cursor.execute(_ROWS).fetchall()


def _step(file: MigrationFile) -> Step:
    return Step(file.stem, file.phase, file.sha256, "pending")


def _make_table(connection: Connection) -> None:
    connection.execute(_TABLE)


def _apply(connection: Connection, file: MigrationFile, tell: Tell) -> Step:
    def run() -> None:
        began = time.perf_counter()
        _run(connection, file.sql)
        took = round((time.perf_counter() - began) * 1000)
        connection.execute(_INSERT, [file.version, file.name, file.phase, file.sha256, took])

    return apply(connection, _step(file), run, tell)


def _run(connection: Connection, text: str) -> None:
    # Reviewed files of our own; without parameters, so that several statements travel and % means itself.
    connection.execute(text.encode())
