"""The most recently used values of this process, in a bounded number of bytes, each for a while."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

MOST_BYTES = 8 * 1024 * 1024
SECONDS = 900.0
_OVERHEAD = 200  # of an entry: its key, its place in the table, its time


class Recent:
    """A least-recently-used cache; may be called by several threads at once."""

    def __init__(
        self, most_bytes: int = MOST_BYTES, seconds: float = SECONDS, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._seconds, self._now = most_bytes, seconds, now
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self.size = 0
        """Bytes that are kept, about."""

    def get(self, key: str) -> bytes | None:
        """The value, which is now the most recent one."""
        with self._lock:
            until, value = self._kept.get(key, (0.0, None))
            if value is None:
                return None
            if until <= self._now():
                self._drop(key)
                return None
            self._kept.move_to_end(key)
            return value

    def put(self, key: str, value: bytes) -> None:
        """Keeps a value; the least recent ones go where there is no room. One that is too large is not kept."""
        with self._lock:
            self._drop(key)
            if len(value) + _OVERHEAD > self._most:
                return
            self._kept[key] = (self._now() + self._seconds, value)
            self.size += len(value) + _OVERHEAD
            while self.size > self._most:
                self._drop(next(iter(self._kept)))

    def forget(self, prefix: str) -> None:
        """Drops everything whose key begins so."""
        with self._lock:
            for key in [key for key in self._kept if key.startswith(prefix)]:
                self._drop(key)

    def _drop(self, key: str) -> None:
        found = self._kept.pop(key, None)
        if found is not None:
            self.size -= len(found[1]) + _OVERHEAD
