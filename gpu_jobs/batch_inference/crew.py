"""The threads that ask: what waits for them is bounded by number and by bytes.

Whoever has an answer keeps it before it asks for anything else: whenever the process ends, no more is lost than was
under way.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

from .engines import Engine, Outcome
from .lines import Line

_AHEAD = 4
"""So many lines wait for each thread."""
_GATHER_SECONDS = 0.02
"""So long an engine that takes many lines at once waits for the next of them."""


@dataclass(frozen=True, slots=True)
class Broken:
    """What a thread ended with, and how many lines it had."""

    error: BaseException
    lines: int


class Crew:
    """Threads of one engine. Lines go in, their outcomes are kept by `keep`, in any order."""

    def __init__(self, engine: Engine, most_bytes: int, keep: Callable[[Line, Outcome], None]) -> None:
        self._engine, self._most_bytes, self._keep = engine, most_bytes, keep
        self._window = _AHEAD * engine.workers * engine.at_once
        self._todo: queue.SimpleQueue[Line] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Line | Broken] = queue.SimpleQueue()
        self._outside, self._bytes = 0, 0
        self._unwanted = threading.Event()
        for number in range(engine.workers):
            threading.Thread(target=self._work, name=f"asks-{number}", daemon=True).start()

    @property
    def busy(self) -> int:
        """How many lines are with the crew."""
        return self._outside

    def full(self) -> bool:
        """Whether something must come back before more goes in."""
        return self._outside >= self._window or (self._outside > 0 and self._bytes >= self._most_bytes)

    def put(self, line: Line) -> None:
        """Hands a line in."""
        self._outside += 1
        self._bytes += line.n_bytes
        self._todo.put(line)

    def take(self, seconds: float) -> bool:
        """Whether a line was answered, waited for so long at most. Raises what a thread ended with."""
        try:
            found = self._done.get(timeout=seconds) if seconds > 0 else self._done.get_nowait()
        except queue.Empty:
            return False
        if isinstance(found, Broken):
            self._outside -= found.lines
            raise found.error
        self._outside -= 1
        self._bytes -= found.n_bytes
        return True

    def drop(self) -> None:
        """Takes back what no thread has begun."""
        self._unwanted.set()
        while True:
            try:
                line = self._todo.get_nowait()
            except queue.Empty:
                return
            self._outside -= 1
            self._bytes -= line.n_bytes

    def _work(self) -> None:
        while not self._unwanted.is_set():
            lines = [self._todo.get()]
            while len(lines) < self._engine.at_once:
                try:
                    lines.append(self._todo.get(timeout=_GATHER_SECONDS))
                except queue.Empty:
                    break
            try:
                for line, outcome in zip(lines, self._engine.answer(lines), strict=True):
                    self._keep(line, outcome)
            except BaseException as error:
                self._done.put(Broken(error, len(lines)))
                return
            for line in lines:
                self._done.put(line)
