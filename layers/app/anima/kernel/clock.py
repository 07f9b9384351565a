"""The time, as something that a test can hold in its hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Condition
from typing import Protocol


class Clock(Protocol):
    """Tells the time, always with a zone (UTC)."""

    def now(self) -> datetime: ...

    def wait_for(self, bell: Condition, heard: Callable[[], bool], seconds: float | None) -> None: ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def wait_for(self, bell: Condition, heard: Callable[[], bool], seconds: float | None) -> None:
        bell.wait_for(heard, seconds)


class SimulatedClock:
    """A clock that moves only when it is told to."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._waiting: list[Condition] = []

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        self._now += by
        for bell in list(self._waiting):
            with bell:
                bell.notify_all()

    def wait_for(self, bell: Condition, heard: Callable[[], bool], seconds: float | None) -> None:
        until = None if seconds is None else self._now + timedelta(seconds=seconds)
        self._waiting.append(bell)
        bell.wait_for(lambda: heard() or (until is not None and self._now >= until))
        self._waiting.remove(bell)


_clock: Clock = SystemClock()


def now() -> datetime:
    """The current time of the process's clock, in UTC."""
    return _clock.now()


def wait_for(bell: Condition, heard: Callable[[], bool], seconds: float | None) -> None:
    """Waits on a bell whose lock is held until something was heard, or these seconds have passed (None: for ever)."""
    _clock.wait_for(bell, heard, seconds)


@contextmanager
def use(clock: Clock) -> Iterator[Clock]:
    """Makes `clock` the process's clock for as long as the block lasts."""
    global _clock
    before, _clock = _clock, clock
    try:
        yield clock
    finally:
        _clock = before
