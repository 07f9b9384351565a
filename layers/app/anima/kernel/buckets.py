"""Token buckets: how often something may be done, counted in this process and, where processes share a store, in it.

A bucket holds `capacity` tokens, and an empty one is full again after `refill_seconds`. What is kept of it is one
moment, that at which it will be full (the generic cell rate algorithm, ITU-T I.371): a full bucket needs no memory.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from anima.kernel import clock

MOST_KEYS = 100_000
"""Of so many the oldest half is forgotten where none is full: that gives those a full bucket."""
Taker = Callable[[str, int, float], float | None]
"""Takes a token from a bucket that processes share: the seconds to wait, 0.0, or None where it cannot be asked."""


class Buckets:
    """The buckets of one process; may be used by several threads at once."""

    def __init__(self, most_keys: int = MOST_KEYS) -> None:
        self._full_at: dict[str, float] = {}
        self._lock = threading.Lock()
        self._most = most_keys

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: str, capacity: int, refill_seconds: float, now: float) -> float:
        """Takes a token: 0.0, or how many seconds must pass until there is one (none is taken then)."""
        with self._lock:
            full_at = max(self._full_at.get(key, 0.0), now)
            if full_at > now + 2 * refill_seconds:  # further than any bucket ever is: the clock was set back
                full_at = now
            full_at += refill_seconds / capacity
            wait = full_at - now - refill_seconds
            if wait > refill_seconds * 1e-9:
                return wait
            self._full_at[key] = full_at
            if len(self._full_at) > self._most:
                self._forget_full(now)
            return 0.0

    def clear(self) -> None:
        """Fills all buckets."""
        with self._lock:
            self._full_at.clear()

    def _forget_full(self, now: float) -> None:
        kept = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        self._full_at = dict(list(kept.items())[len(kept) // 2 :]) if len(kept) > self._most // 2 else kept


_here = Buckets()
_shared: list[Taker] = []


def take(key: str, capacity: int, refill_seconds: float, now: float | None = None) -> float:
    """Takes a token from the bucket `key` (such as `http:42`): 0.0, or the seconds to wait until there is one.

    A capacity or refill time of 0 or less stands for no limit. `now` is in seconds since 1970; without it the clock's.
    """
    if capacity <= 0 or refill_seconds <= 0:
        return 0.0
    moment = clock.now().timestamp() if now is None else now
    wait = _here.take(key, capacity, refill_seconds, moment)
    if wait or not _shared:
        return wait
    return _shared[0](key, capacity, refill_seconds) or 0.0


def share(taker: Taker | None) -> None:
    """Lets all buckets be kept in a store that processes share, too; None: in this process only."""
    _shared[:] = [taker] if taker is not None else []


def refill() -> None:
    """Fills every bucket of this process."""
    _here.clear()
