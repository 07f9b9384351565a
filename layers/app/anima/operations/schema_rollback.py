"""Which way leads back from the last migration: said from what is written and from what is there, never guessed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from anima.kernel.postgres import migration_files, migrations
from anima.kernel.postgres.deployment import Tell, connected, silent
from anima.kernel.postgres.local_branches import TRUNK
from anima.kernel.postgres.migration_files import MigrationFile
from anima.kernel.postgres.migrations import Applied
from anima.operations import branches, branches_use, database


@dataclass(frozen=True, slots=True)
class Way:
    """The way back from a migration: `down` can be run, the others are for a person to take."""

    migration: str
    kind: Literal["down", "restore", "branch", "none"]
    says: str


def way(url: str, branch: str | None = None) -> Way:
    """The way back from the migration that was applied last; changes nothing.

    Raises NothingToRollBack, MigrationMissing, MigrationEdited, DatabaseUnreachable.
    """
    row, file = migrations.last(url, migration_files.sql_dir())
    reason = _why_not_down(url, file)
    if reason is None:
        return Way(file.stem, "down", f"{file.stem}.down.sql takes it back.{_told(file)} {_order(file)}")
    kind, other = _other(row, branch)
    return Way(file.stem, kind, f"{reason} {other} {_order(file)}")


def take(url: str, chosen: Way, tell: Tell = silent) -> str:
    """Takes a written way back, if it is still that of the last migration; answers its name.

    Raises LastMigrationChanged, and what `migrations.rollback` raises.
    """
    return migrations.rollback(url, migration_files.sql_dir(), expected=chosen.migration, tell=tell)


def _why_not_down(url: str, file: MigrationFile) -> str | None:
    if file.down is None:
        return f"{file.stem} has no written way back: there is no {file.stem}.down.sql."
    with connected(url) as connection:
        if migrations.allowed(connection, file):
            return None
    return f"The data do not allow {file.stem}.down.sql: it wants {file.only_if}."


def _told(file: MigrationFile) -> str:
    """What the file says of itself in its first lines."""
    lines = []
    for line in (file.down or "").splitlines():
        if not line.startswith("--"):
            break
        if not line.startswith("-- only if:"):
            lines.append(line.removeprefix("--").strip())
    return "".join(f" {line}" for line in lines if line)


def _order(file: MigrationFile) -> str:
    if file.phase == "pre":
        return "Put older code back first: the code of now may need what this takes away."
    return "Older code can be put back after it, not before."


def _other(row: Applied, branch: str | None) -> tuple[Literal["restore", "branch", "none"], str]:
    """The way where none is written: the database of before, where one is known."""
    # The row was written at the end of the migration, and committed after that.
    before = row.applied_at - timedelta(milliseconds=row.duration_ms, seconds=1)
    if database.on_neon():
        used = branches_use.current()
        name = branch or (used.name if used else "main")
        text = f"`anima db branch restore {name} --to {_utc(before)}` takes the whole branch back to just before it;"
        return "restore", f"{text} what was written since then is on it no more."
    # A copy of what this one was: not the schema alone, nor the copy of another branch.
    used = branches_use.current()
    here = branch or (used.name if used else TRUNK)
    copies = [one for one in branches.every() if one.parent == here and not one.schema_only]
    kept = [one for one in copies if one.created_at and one.created_at < before]
    if kept:
        newest = max(kept, key=lambda one: one.created_at or before).name
        text = f"The branch {newest} is older than it: `anima db branch use {newest}` goes on with that;"
        return "branch", f"{text} what was written since then is not in it."
    text = f"Restore a backup that is older than {_utc(before)} (`anima db restore FILE`, or your provider's way)"
    return "none", f"{text}, or write a new migration that mends it: which of them, only you can say."


def _utc(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
