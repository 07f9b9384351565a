"""The wish to end: Ctrl-C or SIGTERM, heeded between two steps, so that no step is cut in its middle."""

from __future__ import annotations

import signal
from threading import Event

from anima.vendors.assets import Progress


class Stopped(Exception):
    """Somebody wants this process to end before it serves."""


class Stop:
    """Hears the signals, and remembers that one came."""

    def __init__(self) -> None:
        self._wanted = Event()

    def listen(self) -> None:
        """From now on the signals are heard here. Only in the main thread."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self.ask())

    def ask(self) -> None:
        """Wishes for the end."""
        self._wanted.set()

    def wait(self) -> None:
        """Returns when the end is wished for."""
        self._wanted.wait()

    @property
    def wanted(self) -> bool:
        """Whether the end is wished for."""
        return self._wanted.is_set()

    def check(self) -> None:
        """Raises Stopped where the end is wished for."""
        if self.wanted:
            raise Stopped


class Interruptible:
    """A download's progress that ends the download when the end is wished for."""

    def __init__(self, shown: Progress, stop: Stop) -> None:
        self._shown, self._stop = shown, stop

    def update(self, name: str, done: int, total: int | None) -> None:
        """Shows it, unless everything is to end."""
        self._check()
        self._shown.update(name, done, total)

    def note(self, message: str) -> None:
        """Shows it, unless everything is to end: then it may be but the first sign of that."""
        self._check()
        self._shown.note(message)

    def _check(self) -> None:
        if self._stop.wanted:
            import psutil

            for child in psutil.Process().children(recursive=True):  # pip, which fetches for us
                child.terminate()
            raise Stopped
