"""`anima db backup` and `anima db restore`: the whole database as one file, and back. For operators."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from anima.cli import output
from anima.kernel.config import settings

_MEGABYTE = 1_000_000


def register(db: typer.Typer) -> None:
    """Adds the commands below `anima db`."""
    db.command("backup")(backup)
    db.command("restore")(restore)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _progress(size_bytes: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{size_bytes / _MEGABYTE:.1f} MB", end="", file=sys.stderr, flush=True)


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Written whole or not at all; one there is replaced.")],
    as_json: output.AsJson = False,
) -> None:
    """Write the whole database, with everybody's data, into one file that any pg_restore reads."""
    from anima.operations import backups

    done = backups.write(file, _progress)
    _progress(done.size_bytes)
    if as_json:
        output.print_json(asdict(done))
        return
    print(f"{'' if not sys.stderr.isatty() else chr(10)}wrote {done.file} ({done.size_bytes / _MEGABYTE:.1f} MB)")
    folder = settings().data_dir
    print(f"not in it: the files in {folder / 'blobs'}, and the master key ({_key()}); copy them too,")
    print("for what the key encrypts can be read only with it")


def _key() -> str:
    return "SECRET_KEY" if settings().secret_key is not None else str(settings().data_dir / "secret.key")


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `anima db backup` wrote.")],
    yes: Annotated[bool, typer.Option("--yes", help="Although there are people's data in the database.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Make the database what a backup has; what it is now stays, as a branch."""
    from anima.operations import backups

    done = backups.restore(file, confirmed=yes, say=_say)
    if as_json:
        output.print_json(asdict(done))
        return
    print(f"restored {done.file} of {done.made}: users: {done.users}, messages: {done.messages}")
    if done.migrations:
        print(f"migrations applied since: {', '.join(done.migrations)}")
    print(f"what was there is the branch {done.kept_as}; `anima db branch delete {done.kept_as}` when it is not needed")
