"""Where `anima model` works: in this process, on the database that this machine reaches, as the user of its key.

Weights are large: nothing of them goes through a server. The embedded database is joined where a server runs, and
started for the time of the command where none does.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from anima.cli import connection
from anima.kernel import auth, db, telemetry
from anima.kernel.config import settings
from anima.kernel.errors import Unauthenticated
from anima.operations import database

if TYPE_CHECKING:
    from collections.abc import Callable


class KeyOfAnotherPlace(Unauthenticated):
    """The key is none of the database that is reached from here: set ANIMA_DATABASE_URL, or unset ANIMA_API_KEY.

    Commands of models work on that database themselves; a server that lies elsewhere is asked over HTTP.
    """

    slug = "key-of-another-place"


@contextmanager
def signed_in() -> Iterator[db.Principal]:
    """The user of this machine's key, or of ANIMA_API_KEY, with a database to work on.

    Raises NoCredentials, Unauthenticated, and what starting the embedded database does.
    """
    embedded = settings().database_url is None
    if "log_level" not in settings().model_fields_set:
        telemetry.configure("error")  # what a command says itself is for people
    with database.opened():
        if embedded:
            _made_ready()
        try:
            yield _who()
        finally:
            db.close_pools()


def _who() -> db.Principal:
    try:
        return auth.authenticate(connection.own_key())
    except Unauthenticated:
        raise KeyOfAnotherPlace from None


def _made_ready() -> None:
    """The database may be of an older version, or be new: then it has no user yet."""
    from anima.operations import first_use

    database.migrate()
    if settings().api_key is None:
        first_use.ensure()
        connection.tell_first_user(connection.say)


@contextmanager
def told_in_bytes(what: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar of bytes on the error output while the work lasts; called with how many are done, and of how many."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=Console(stderr=True), transient=True, disable=quiet or not sys.stderr.isatty()
    ) as progress:
        task = progress.add_task(what, total=None)

        def tell(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield tell


def size(n_bytes: int) -> str:
    """So many bytes in words: 497.8 MB."""
    value, unit = float(n_bytes), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{n_bytes} B" if unit == "B" else f"{value:.1f} {unit}"


@contextmanager
def working(what: str, *, quiet: bool) -> Iterator[None]:
    """A word on the error output, for as long as something lasts that cannot say how far it is."""
    from rich.console import Console

    if quiet or not sys.stderr.isatty():
        yield
        return
    with Console(stderr=True).status(what):
        yield
