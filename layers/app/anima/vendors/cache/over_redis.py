"""A cache on a server of the Redis protocol (the extra `redis`), which may be slow, broken or gone at any time.

Every call runs in a thread of its own and is waited for a few milliseconds; one that fails or is late opens the
circuit: for a while nothing is asked, and then a ping first, for which nobody waits. So a broken server costs little,
and that once.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from anima.kernel import secrets, telemetry

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

T = TypeVar("T")

SECONDS = 24 * 3600
"""How long a value is kept."""
_WAIT_SECONDS = 0.025
_OPEN_SECONDS = 30.0
_FORGET_SECONDS = 10.0
_SOCKET_SECONDS = 1.0
_MOST_WAITING = 64
_BATCH = 500


class RedisCache:
    """Values by key, encrypted; see `anima.vendors.cache.Shared`."""

    def __init__(self, url: str, wait_seconds: float = _WAIT_SECONDS) -> None:
        self._url, self._wait = url, wait_seconds
        self._open_until = 0.0
        self._ready = self._pinging = False
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="redis")
        self._waiting = 0
        self._lock = threading.RLock()  # a ping that is done at once tells so within the call

    def get(self, key: str) -> bytes | None:
        """The value, if it is there, arrives in time and is ours."""
        found = self._asked(lambda: self._client.get(key), self._wait)
        return self._opened(found) if isinstance(found, bytes) else None

    def put(self, key: str, value: bytes) -> None:
        """Sends a value on its way; nobody waits for it."""
        sealed = self._box.encrypt(value)
        self._send(lambda: self._client.set(key, sealed, ex=SECONDS))

    def forget(self, prefix: str) -> bool:
        """Deletes every key that begins so; False where that did not come to its end."""

        def swept() -> bool:
            batch: list[Any] = []
            for key in self._client.scan_iter(match=f"{prefix}*", count=_BATCH):
                batch.append(key)
                if len(batch) == _BATCH:
                    self._client.unlink(*batch)
                    batch.clear()
            if batch:
                self._client.unlink(*batch)
            return True

        self.await_ready(_FORGET_SECONDS)
        return bool(self._asked(swept, _FORGET_SECONDS))

    def evaluate(self, script: str, key: str, arguments: list[str]) -> bytes | None:
        """What a script answers about one key; None where the server cannot be asked in time."""
        found = self._asked(lambda: self._client.eval(script, 1, key, *arguments), self._wait)
        return found if isinstance(found, bytes) else None

    def await_ready(self, seconds: float) -> bool:
        """Whether the server answers, waited for: for who must reach it, as an erasure must."""
        until = time.monotonic() + seconds
        while not self._ready and time.monotonic() < until:
            with self._lock:
                self._ping()
                idle = not self._pinging
            if idle:  # the circuit is open
                return False
            time.sleep(0.01)
        return self._ready

    @cached_property
    def _client(self) -> Any:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        return redis.Redis.from_url(
            self._url,
            socket_timeout=max(_SOCKET_SECONDS, self._wait),
            socket_connect_timeout=max(_SOCKET_SECONDS, self._wait),
            retry=Retry(NoBackoff(), 0),
        )

    @cached_property
    def _box(self) -> Fernet:
        from cryptography.fernet import Fernet

        return Fernet(base64.urlsafe_b64encode(secrets.derive("cache-values")))

    def _opened(self, sealed: bytes) -> bytes | None:
        from cryptography.fernet import InvalidToken

        try:
            return self._box.decrypt(sealed)
        except InvalidToken:  # of another installation, or damaged
            return None

    def _asked(self, work: Callable[[], T], seconds: float) -> T | None:
        """What the server says within this time."""
        sent = self._send(work)
        if sent is None:
            return None
        try:
            return sent.result(seconds)
        except Late:
            self._break("late")
        except Exception as error:
            self._break(type(error).__name__)
        return None

    def _send(self, work: Callable[[], T]) -> Future[T] | None:
        """Has the thread do it, unless the circuit is open or too much waits already."""
        with self._lock:
            if not self._ready:
                self._ping()
                return None
            if self._waiting >= _MOST_WAITING:
                return None
            self._waiting += 1
        sent = self._threads.submit(work)
        sent.add_done_callback(self._done)
        return sent

    def _ping(self) -> None:
        """Finds out whether the server is there, once at a time, and not while the circuit is open."""
        if self._pinging or time.monotonic() < self._open_until:
            return
        self._pinging = True
        self._threads.submit(lambda: self._client.ping()).add_done_callback(self._pinged)

    def _pinged(self, sent: Future[Any]) -> None:
        with self._lock:
            self._pinging, self._ready = False, sent.exception() is None
        if (error := sent.exception()) is not None:
            self._break(type(error).__name__)

    def _done(self, sent: Future[Any]) -> None:
        with self._lock:
            self._waiting -= 1
        if sent.exception() is not None:
            self._break(type(sent.exception()).__name__)

    def _break(self, reason: str) -> None:
        """Asks nothing for a while."""
        with self._lock:
            was_closed = time.monotonic() >= self._open_until
            self._ready, self._open_until = False, time.monotonic() + _OPEN_SECONDS
        if was_closed:
            telemetry.warning("cache.unavailable", reason=reason)
