"""Ends an ephemeral cluster when its last user is gone, also when that user was killed.

A process of its own, run as a script: it waits for the lock that every user shares, which the kernel frees
with the last of them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import sys
import time
from pathlib import Path


def _postmaster(pgdata: Path) -> int | None:
    try:
        return int((pgdata / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _end(pgdata: Path) -> None:
    """Immediate shutdown, for nothing is kept; the kill is for one that does not obey."""
    for number in (signal.SIGQUIT, signal.SIGKILL):
        deadline = time.monotonic() + 5
        with contextlib.suppress(ProcessLookupError):
            if _runs(pgdata) and (pid := _postmaster(pgdata)):
                os.kill(pid, number)
        while _runs(pgdata) and time.monotonic() < deadline:
            time.sleep(0.02)


def _runs(pgdata: Path) -> bool:
    """Whether any process of the server is left: each has inherited a share in this lock."""
    try:
        with (pgdata.parent / "server.lock").open("r+") as server:
            fcntl.flock(server, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def main(home: Path) -> None:
    """Waits until nobody uses the cluster in `home`, then ends it and removes the folder."""
    with (home / "users.lock").open("r+") as users:
        fcntl.flock(users, fcntl.LOCK_EX)
        _end(home / "pgdata")
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
