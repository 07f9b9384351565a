"""A circuit breaker for each endpoint: what fails again and again is left alone for a while, then one call tries it.

It lives in the process, holds addresses and moments only, and heals by itself: the first answer closes the circuit.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

FAILURES = 5
WINDOW_SECONDS = 60.0
PAUSE_SECONDS = 15.0
_LONGEST_PAUSE_SECONDS = 120.0


@dataclass(slots=True)
class _Circuit:
    failed_at: deque[float] = field(default_factory=lambda: deque(maxlen=FAILURES))
    pause: float = PAUSE_SECONDS
    open_until: float | None = None
    """While it is in the future nobody asks; once it has passed, one call does."""


class Breaker:
    """Which endpoints are left alone. Times are those of time.monotonic(), which tests replace."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._circuits: dict[str, _Circuit] = {}

    def wait(self, endpoint: str) -> float:
        """Seconds for which an endpoint is left alone; 0: it may be asked.

        Of an open circuit whose pause has passed one caller gets 0 and tries; the others wait for what it finds.
        """
        if endpoint not in self._circuits:  # nearly always: no lock is taken then
            return 0.0
        with self._lock:
            circuit = self._circuits.get(endpoint)
            if circuit is None or circuit.open_until is None:
                return 0.0
            left = circuit.open_until - self._now()
            if left > 0:
                return left
            circuit.open_until = self._now() + circuit.pause  # held until the one that tries has come back
            return 0.0

    def answered(self, endpoint: str) -> None:
        """It gave an answer: the circuit is closed."""
        if endpoint in self._circuits:
            with self._lock:
                self._circuits.pop(endpoint, None)

    def failed(self, endpoint: str) -> None:
        """It gave none. Enough of that within the window opens the circuit; a try that fails does, for longer."""
        with self._lock:
            circuit, now = self._circuits.setdefault(endpoint, _Circuit()), self._now()
            if circuit.open_until is not None:
                circuit.pause = min(2 * circuit.pause, _LONGEST_PAUSE_SECONDS)
                circuit.open_until = now + circuit.pause
                return
            circuit.failed_at.append(now)
            if len(circuit.failed_at) == FAILURES and now - circuit.failed_at[0] <= WINDOW_SECONDS:
                circuit.open_until = now + circuit.pause

    def forget(self) -> None:
        """As if nothing had happened."""
        with self._lock:
            self._circuits.clear()
