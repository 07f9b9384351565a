"""Backups of the whole database, and a database made of one: checked first, then put in the place of the present one.

A backup has everybody's rows, and no file: those in the data folder (media, the master key) are copied as files. What
the master key encrypts can be read from a backup only with that key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

import psycopg

from anima.kernel import clock, db
from anima.kernel.config import settings
from anima.kernel.errors import Conflict
from anima.kernel.postgres import backup, copies, local_branches, migration_files, migrations
from anima.kernel.postgres.backup import Tell
from anima.kernel.postgres.branch_errors import RestoreFailed
from anima.kernel.postgres.copies import Connection
from anima.kernel.postgres.urls import for_libpq, parse, with_database
from anima.operations import branches_mark, branches_use, database


class RestoreNotConfirmed(Conflict):
    """The database {name} has {users} users and {messages} messages, which the backup would replace: add --yes.

    Nothing was changed.
    """

    slug = "restore-not-confirmed"


@dataclass(frozen=True, slots=True)
class Backup:
    """A file that was written."""

    file: Path
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done: `kept_as` is the branch that has what was there before, `migrations` what was applied since."""

    file: Path
    made: str
    users: int
    messages: int
    kept_as: str
    migrations: list[str]


def write(file: Path, tell: Tell) -> Backup:
    """Writes a backup of the database in use. Raises BackupFailed, PostgresNotInstalled."""
    with database.at() as url:
        return Backup(file, backup.write(url, file.absolute(), tell))


def restore(file: Path, *, confirmed: bool, say: Callable[[str], None]) -> Restored:
    """Makes a database of a backup, brings it to the newest schema, and puts it in the place of the one in use.

    That one stays, as a branch. Raises NotABackup, RestoreNotConfirmed, RestoreFailed, BranchingRefused; nothing is
    changed then.
    """
    archive = file.absolute()
    made_when = backup.contents(archive).made
    with database.at() as url:
        users, messages = _counts(url)
        if users and not confirmed:
            raise RestoreNotConfirmed(name=_name(url), users=users, messages=messages)
        with branches_mark.held(), copies.alone(url) as connection:
            copies.check_may(connection, parse(url).dbname or "")
            if branches_use.server_of(url) == branches_use.EMBEDDED:
                # What is in the file is about as large as what it replaces.
                copies.check_room(connection, parse(url).dbname or "", settings().data_dir)
            say(f"loading the backup of {made_when}")
            made = backup.load(connection, url, archive, database.passwords())
            applied = _brought_up(connection, with_database(url, made), made, file)
            users, messages = _counts(with_database(url, made))
            kept_as = f"before-restore-{clock.now().astimezone(UTC):%Y%m%d-%H%M%S}"
            say("putting it in place")
            local_branches.set_aside(connection, url, made, kept_as)
        db.close_pools()
    return Restored(file, made_when, users, messages, kept_as, applied)


def _brought_up(connection: Connection, url: str, made: str, file: Path) -> list[str]:
    """The newest schema: what serves already must find it. Raises RestoreFailed."""
    from anima.kernel.errors import AnimaError

    try:
        return migrations.migrate(url, migration_files.sql_dir())
    except AnimaError as error:
        copies.drop(connection, made)
        raise RestoreFailed(file=file, reason=error.detail) from error


def _name(url: str) -> str:
    used = branches_use.current()
    return used.name if used is not None else parse(url).dbname or ""


def _counts(url: str) -> tuple[int, int]:
    """Users and messages; none in a database that was never migrated."""
    with psycopg.connect(for_libpq(url), autocommit=True, connect_timeout=20) as connection:
        there = connection.execute("select to_regclass('users') is not null and to_regclass('messages') is not null")
        if there.fetchone() != (True,):
            return 0, 0
        row = connection.execute("select (select count(*) from users), (select count(*) from messages)").fetchone()
    return row or (0, 0)
