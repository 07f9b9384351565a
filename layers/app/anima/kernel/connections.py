"""Connections to Postgres: made with patience, kept for the next, dropped when the server hung up.

A serverless database sleeps, wakes in its own time, and has few connections. Nothing was asked of it while a
connection is being made, so trying again is safe whatever the connection is for. No threads of its own: a process
that is frozen between two calls has none that run.
"""

from __future__ import annotations

import logging
import math
import random
import re
import select
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from anima.kernel import telemetry
from anima.kernel.errors import DatabaseUnavailable
from anima.kernel.postgres.urls import for_libpq

if TYPE_CHECKING:
    from psycopg import Connection

PATIENCE_SECONDS = 15.0
"""How long one request waits for the database in all, however many transactions it has."""

CONNECT_SECONDS = 10
"""How long one try to connect may take."""

# The driver warns of what a lost pipeline still had to say, in the server's words: values of somebody's may be in them.
logging.getLogger("psycopg").setLevel(logging.CRITICAL)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
_IDLE = 0  # psycopg.pq.TransactionStatus, which is not imported before it is used
_IDLE_SECONDS = 240.0  # a serverless database sleeps after 300
# What another try does not mend. All else (refused, starting up, too many clients, timeouts) may pass.
_FINAL = re.compile(
    r"authentication failed|does not exist|no pg_hba\.conf|permission denied|not permitted|certificate"
    r"|does not support|no such (user|database)|invalid (connection|URI|integer|\w+ value)|no password",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Patience:
    """What is left of the seconds that a request may wait for the database; and by what the request is known."""

    left: float
    request: str = field(default_factory=lambda: uuid.uuid4().hex)

    @contextmanager
    def spent(self) -> Iterator[float]:
        """A block that waits, at most for the seconds that it is handed; what it takes is gone."""
        begun = time.monotonic()
        try:
            yield self.left
        finally:
            self.left = max(0.0, self.left - (time.monotonic() - begun))


_patience: ContextVar[Patience | None] = ContextVar("patience", default=None)


@contextmanager
def patient(seconds: float | None = None) -> Iterator[Patience]:
    """Within the block, and in threads that inherit its context, all waiting for the database shares this time."""
    token = _patience.set(shared := Patience(PATIENCE_SECONDS if seconds is None else seconds))
    try:
        yield shared
    finally:
        _patience.reset(token)


def waited() -> float:
    """How many seconds of this request went by until there was a connection."""
    shared = _patience.get()
    return PATIENCE_SECONDS - shared.left if shared else 0.0


def request() -> str | None:
    """By what this request is known: the same when it is done once more, and nobody else's."""
    shared = _patience.get()
    return shared.request if shared else None


def dial(url: str, patience: float | None = None) -> Connection[Any]:
    """A new connection in autocommit; tried again, at growing and random distances, for `patience` seconds (15).

    Statements stay unnamed: they plan with the values, and a transaction pooler knows no prepared ones.
    Raises psycopg.OperationalError of the last try, UnverifiedDatabase, BadDatabaseUrl.
    """
    import psycopg

    target, pause = for_libpq(url), _FIRST_PAUSE
    until = time.monotonic() + (PATIENCE_SECONDS if patience is None else patience)
    while True:
        limit = min(CONNECT_SECONDS, math.ceil(until - time.monotonic()))
        try:
            return psycopg.connect(target, autocommit=True, prepare_threshold=None, connect_timeout=max(2, limit))
        except psycopg.OperationalError as error:
            rest = pause * random.uniform(0.5, 1.5)  # noqa: S311
            if _FINAL.search(str(error)) or time.monotonic() + rest >= until:
                raise
        telemetry.count("db.reconnects")
        time.sleep(rest)
        pause = min(2 * pause, _LONGEST_PAUSE)


class Pool:
    """Connections under one URL, at most `size`, each lent to one thread at a time; the last used goes first."""

    def __init__(self, url: Callable[[], str], size: int) -> None:
        self.size, self.wanted = size, 0
        self.idle: list[tuple[float, Connection[Any]]] = []
        self._url, self._closed = url, False
        self._permits, self._lock = threading.Semaphore(size), threading.Lock()

    def get(self) -> Connection[Any]:
        """A connection that works as far as one sees. Raises what `dial` does; DatabaseUnavailable if none is free."""
        with (_patience.get() or Patience(PATIENCE_SECONDS)).spent() as seconds:
            until = time.monotonic() + seconds
            self._count(1)
            try:
                if not self._permits.acquire(timeout=seconds):
                    telemetry.warning("db.exhausted", connections=self.size)
                    raise DatabaseUnavailable(retry_after=2)
                try:
                    return self._kept() or dial(self._url(), until - time.monotonic())
                except BaseException:
                    self._permits.release()
                    raise
            except BaseException:
                self._count(-1)
                raise

    def put(self, connection: Connection[Any]) -> None:
        """Takes a connection back; one that broke or is in the middle of something is closed."""
        with self._lock:
            good = not self._closed and connection.info.transaction_status == _IDLE
            if good:
                self.idle.append((time.monotonic(), connection))
        if not good:
            connection.close()
        self._permits.release()
        self._count(-1)

    def close(self) -> None:
        """Closes what is idle now, and what is lent when it comes back."""
        with self._lock:
            self._closed, closing, self.idle = True, self.idle, []
        for _, connection in closing:
            connection.close()

    def get_stats(self) -> dict[str, int]:
        """How many connections there may be, are, and are free, and how many calls wait for one."""
        lent, free = min(self.wanted, self.size), len(self.idle)
        return {
            "pool_max": self.size,
            "pool_size": lent + free,
            "pool_available": free,
            "requests_waiting": self.wanted - lent,
        }

    def _count(self, change: int) -> None:
        with self._lock:
            self.wanted += change

    def _kept(self) -> Connection[Any] | None:
        """The connection used last, unless the server closed it or it was idle for long."""
        while True:
            with self._lock:
                if not self.idle:
                    return None
                since, connection = self.idle.pop()
            if time.monotonic() - since < _IDLE_SECONDS and not _hung_up(connection):
                return connection
            connection.close()


def _hung_up(connection: Connection[Any]) -> bool:
    """Whether the server closed an idle connection: noticed without a wait, for such a one has nothing to read."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
