"""The embedded Postgres for tests: it keeps nothing, and ends with the processes that use it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from anima.kernel.postgres import binaries, watchdog
from anima.kernel.postgres.errors import NoPlaceForCluster
from anima.kernel.postgres.launcher import Server, join
from anima.kernel.postgres.locks import Lease


@dataclass(frozen=True, slots=True)
class Place:
    """A folder for an ephemeral cluster, which several processes may join."""

    folder: Path
    _lease: Lease = field(repr=False)
    _watchdog: subprocess.Popen[bytes] = field(repr=False)

    def close(self) -> None:
        """Gives the place back; server and folder go as soon as nobody else has joined them."""
        self._lease.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._watchdog.wait(timeout=10)


def reserve() -> Place:
    """Makes a place; nothing is started yet but the watchdog that clears it away after its last user."""
    folder = _folder()
    lease = Lease(folder / "users.lock")
    # A session of its own: a Ctrl-C that ends us must not end it first.
    guard = subprocess.Popen(
        [sys.executable, "-I", "-S", watchdog.__file__, str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )
    return Place(folder, lease, guard)


def _folder() -> Path:
    """A temporary folder; when we are root, one that the account which runs Postgres can enter."""
    account = binaries.for_owner().account
    for parent in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108
        folder = Path(tempfile.mkdtemp(prefix="anima-postgres-", dir=parent)).resolve()
        # Entered by others, listed by nobody else.
        folder.chmod(0o711)
        if account is None or account.can_enter(folder):
            return folder
        folder.rmdir()
    raise NoPlaceForCluster(account=account.name if account else "", folder=tempfile.gettempdir())


def attach(folder: Path, *, durable: bool = False) -> Server:
    """Starts the server in a reserved folder, or joins it."""
    return join(folder, durable=durable)


@contextmanager
def ephemeral(*, durable: bool = False) -> Iterator[Server]:
    """A server of our own for the length of a block; `durable` where it is measured what commits cost."""
    place = reserve()
    try:
        server = attach(place.folder, durable=durable)
        try:
            yield server
        finally:
            server.release()
    finally:
        place.close()
