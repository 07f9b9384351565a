"""How long a branch of a database takes on the embedded server, with every commit on disk, and how long it blocks."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from anima.kernel.postgres import bootstrap, launcher, local_branches
from anima.kernel.postgres.bootstrap import LoginPasswords

_PASSWORDS = LoginPasswords("app", "worker", "admin")
_ROW_BYTES = 8_000
_FILL = """
insert into filler select i, repeat(md5(i::text), 250) from generate_series(1, %s) i
"""


@dataclass(frozen=True, slots=True)
class Branching:
    """Seconds of the whole command, seconds in which nobody could connect, and the size of what was copied."""

    seconds: float
    blocked_seconds: float
    megabytes: float


def time_to_branch(megabytes: int = 500) -> Branching:
    """Makes a database of this size on a server of its own, and one branch of it."""
    folder = Path(tempfile.mkdtemp(prefix="anima-branching-"))
    folder.chmod(0o711)
    server = launcher.start(folder / "postgres")
    try:
        url = server.owner_url
        bootstrap.ensure(url, _PASSWORDS)
        size = _fill(url, megabytes)
        ended, longest = threading.Event(), [0.0]
        watcher = threading.Thread(target=_watch, args=(url, ended, longest))
        watcher.start()
        began = time.perf_counter()
        local_branches.create(url, _PASSWORDS, "measured")
        seconds = time.perf_counter() - began
        ended.set()
        watcher.join()
        return Branching(seconds, longest[0], size / 1e6)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _fill(url: str, megabytes: int) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create table filler (i integer primary key, text text)")
        connection.execute("alter table filler alter column text set storage external")
        connection.execute(_FILL, [megabytes * 1_000_000 // _ROW_BYTES])
        connection.execute("vacuum analyze filler")
        row = connection.execute("select pg_database_size(current_database())").fetchone()
    return row[0] if row else 0


def _watch(url: str, ended: threading.Event, longest: list[float]) -> None:
    """Connects again and again; the longest time in which that failed is the block."""
    last = time.perf_counter()
    while not ended.wait(0.02):
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            continue
        now = time.perf_counter()
        longest[0], last = max(longest[0], now - last), now
    longest[0] = max(longest[0], time.perf_counter() - last)


if __name__ == "__main__":
    print(time_to_branch())
