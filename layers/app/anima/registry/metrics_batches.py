"""What a run has logged and nobody has written yet: written in batches by a thread, so that training does not wait.

Values leave the buffer when they are in the database, not before: a batch that could not be written is written with the
next one, and one that was written twice is there once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from anima.kernel import telemetry
from anima.kernel.errors import DatabaseUnavailable
from anima.registry.metrics_model import Value

BATCH = 2000
SECONDS = 2.0
MOST = 200_000
"""So many values may wait; whoever logs more waits until they are written."""


class Batches:
    """The buffer of one run. `write` puts values into the database; what it raises, `check` raises later."""

    def __init__(self, write: Callable[[Sequence[Value]], None]) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._waiting: list[Value] = []
        self._written = 0
        self._last = time.monotonic()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="metrics")
        self._running: Future[None] | None = None
        self._failure: Exception | None = None

    def add(self, values: Sequence[Value]) -> None:
        """Takes values in; every so many of them, or seconds, a batch is written behind the caller's back."""
        with self._lock:
            self._waiting.extend(values)
            count = len(self._waiting)
            due = count >= BATCH or time.monotonic() - self._last >= SECONDS
            if due and (self._running is None or self._running.done()):
                self._last = time.monotonic()
                self._running = self._thread.submit(self._behind)
        if count >= MOST:
            self.flush()

    def waiting(self) -> tuple[list[Value], int]:
        """What is not written, and the number by which `written` knows it."""
        with self._lock:
            return list(self._waiting), self._written + len(self._waiting)

    def written(self, number: int) -> None:
        """All that was waiting when `waiting` gave this number is in the database."""
        with self._lock:
            done = max(0, number - self._written)
            del self._waiting[:done]
            self._written += done

    def flush(self) -> None:
        """Writes all that waits, here and now. Raises what the writing raises; the values wait on then."""
        with self._writing:
            values, number = self.waiting()
            first = number - len(values)
            for begin in range(0, len(values), BATCH):
                part = values[begin : begin + BATCH]
                self._write(part)
                self.written(first + begin + len(part))

    def check(self) -> None:
        """Raises, once, what went wrong behind the caller's back; an absent database is no failure yet."""
        with self._lock:
            failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def close(self) -> None:
        """Ends the thread; what waits is not written any more."""
        self._thread.shutdown(wait=True)

    def _behind(self) -> None:
        try:
            self.flush()
        except DatabaseUnavailable:
            telemetry.count("training.metrics_delayed")
        except Exception as error:  # whatever it is, the next call of the trainer tells it
            with self._lock:
                self._failure = error
