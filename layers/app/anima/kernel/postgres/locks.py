"""Locks between processes that the kernel lets go of when their holder dies, however it dies.

`flock` rather than files of process ids: an id is used again after a restart, and means nothing in the next
container.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anima.kernel.postgres.errors import ClusterBusy


def _open(path: Path) -> int:
    """Opens the lock file; a new one belongs to the owner of the folder, also when root makes it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    folder = path.parent.stat()
    if os.geteuid() == 0 and folder.st_uid != 0:
        os.fchown(descriptor, folder.st_uid, folder.st_gid)
    return descriptor


def _taken(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def exclusive(path: Path, seconds: float = 180) -> Iterator[None]:
    """Holds the lock `path` alone; raises ClusterBusy after `seconds`."""
    descriptor = _open(path)
    try:
        deadline = time.monotonic() + seconds
        while not _taken(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise ClusterBusy(folder=path.parent, seconds=round(seconds))
            time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


class Lease:
    """One user's share in something: it lasts until `close`, or until the process dies."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = _open(path)
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    @property
    def held(self) -> bool:
        """Whether this share was not given back yet."""
        return self._descriptor is not None

    def close(self) -> None:
        """Gives the share back. Closed, not unlocked: a forked child keeps the share that it inherited."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@contextmanager
def heritable(path: Path) -> Iterator[int]:
    """An open file with a share in `path`, for a child to inherit: the share lasts as long as its processes."""
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield descriptor
    finally:
        os.close(descriptor)


def nobody_holds(path: Path) -> bool:
    """Whether no living process has a share in `path`; meant to be asked under an exclusive lock."""
    descriptor = _open(path)
    try:
        return _taken(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)
