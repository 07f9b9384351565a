"""A mark in the data folder while databases of the embedded server may be closed, for who was killed opens none again.

The kernel frees the lock on it with whoever held it, so that a server that runs sees, without asking the database,
that it has to be put right.
"""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from anima.kernel.config import settings
from anima.kernel.postgres import copies
from anima.kernel.postgres.locks import Lease


def _file() -> Path:
    return settings().data_dir / "branching.lock"


@contextmanager
def held() -> Iterator[None]:
    """Within the block databases are closed and opened; what an error leaves is for `put_right` too."""
    try:
        lease = Lease(_file())
    except OSError:  # a machine that keeps no data has no server to be put right
        yield
        return
    try:
        yield
    finally:
        lease.close()
    _take_away(lambda: None)


def put_right(owner_url: str) -> None:
    """Opens what was left closed by one who was killed, if there is one."""

    def repaired() -> None:
        with copies.alone(owner_url):
            pass

    if _file().exists():
        _take_away(repaired)


def _take_away(first: Callable[[], None]) -> None:
    """Takes the mark away after `first`, unless there is none, or somebody has a share in it."""
    with contextlib.suppress(FileNotFoundError, BlockingIOError), _file().open("r+") as mark:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        first()
        _file().unlink()
