"""A backup: one file that pg_dump writes and any pg_restore reads; and a database made of one."""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from anima.kernel.postgres import bootstrap, clients, copies, schema_copy
from anima.kernel.postgres.bootstrap import LoginPasswords
from anima.kernel.postgres.branch_errors import BackupFailed, NotABackup, RestoreFailed
from anima.kernel.postgres.copies import MAKING, Connection
from anima.kernel.postgres.urls import with_database

Tell = Callable[[int], None]
"""Hears how many bytes have been written."""
_LOOK_SECONDS = 0.2
_MAGIC = b"PGDMP"
_MADE = re.compile(r"^;\s+Archive created at (?P<when>.+)$", re.MULTILINE)
_TABLE = re.compile(r"^\d+; \d+ \d+ TABLE DATA public (?P<name>\S+) ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup says of itself."""

    made: str
    tables: tuple[str, ...]


def write(url: str, file: Path, tell: Tell) -> int:
    """Writes a backup of the database of `url`, whole or not at all, for its owner's eyes; answers its bytes.

    Raises BackupFailed, PostgresNotInstalled.
    """
    draft = file.with_name(f".{file.name}.{os.getpid()}.part")
    held = None
    try:
        _clear(file)
        held = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        fcntl.flock(held, fcntl.LOCK_EX)
        if complaint := _dump(url, draft, tell):
            raise BackupFailed(file=file, reason=complaint)
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        size = draft.stat().st_size
        draft.replace(file)
    except OSError as error:
        raise BackupFailed(file=file, reason=error.strerror or str(error)) from None
    finally:
        if held is not None:
            draft.unlink(missing_ok=True)
            os.close(held)
    return size


def _clear(file: Path) -> None:
    """Removes what is left of a backup of this name whose writer was killed: his lock went with him."""
    for left in file.parent.glob(f".{glob.escape(file.name)}.*.part"):
        with contextlib.suppress(OSError), left.open("rb") as draft:
            fcntl.flock(draft, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()


def _dump(url: str, draft: Path, tell: Tell) -> str:
    """Answers what pg_dump complained of; empty: nothing."""
    command = clients.command("pg_dump", url, "--format", "custom", "--no-password", "--file", str(draft))
    process = subprocess.Popen(
        command, env=clients.surroundings(url), cwd=os.sep, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        while process.poll() is None:
            time.sleep(_LOOK_SECONDS if draft.stat().st_size else 0.02)
            tell(draft.stat().st_size)
    except BaseException:
        process.kill()
        raise
    finally:
        complaint = process.communicate()[1]
    return (clients.said(complaint) or "it ended in the middle") if process.returncode else ""


def contents(file: Path) -> Contents:
    """What is in a backup. Raises NotABackup."""
    try:
        with file.open("rb") as begun:
            magic = begun.read(len(_MAGIC))
    except OSError as error:
        raise NotABackup(file=file, reason=error.strerror or str(error)) from None
    if magic != _MAGIC:
        raise NotABackup(file=file, reason="it was not written by `anima db backup` or pg_dump --format custom")
    done = clients.listing(file)
    text = done.stdout.decode(errors="replace")
    tables = tuple(found["name"] for found in _TABLE.finditer(text))
    if done.returncode:
        raise NotABackup(file=file, reason=clients.said(done.stderr))
    if not {"schema_migrations", "users", "messages"} <= set(tables):
        raise NotABackup(file=file, reason="it is of another database")
    made = _MADE.search(text)
    return Contents(made["when"].strip() if made else "", tables)


def load(connection: Connection, owner_url: str, file: Path, passwords: LoginPasswords) -> str:
    """Makes a database of a backup, beside the one of the URL; answers its name. Raises RestoreFailed.

    To be called by who holds the lock on copies; what is left of it in case of an error, the next one drops.
    """
    made = copies.trunk_of(owner_url) + MAKING
    target = with_database(owner_url, made)
    copies.drop(connection, made)
    copies.make_empty(connection, made)
    bootstrap.ensure(target, passwords)
    if problem := schema_copy.load(target, file, "--jobs", "2"):
        copies.drop(connection, made)
        raise RestoreFailed(file=file, reason=problem)
    bootstrap.ensure(target, passwords)
    return made
