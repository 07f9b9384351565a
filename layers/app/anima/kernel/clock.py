"""The time, as something that a test can hold in its hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time, always with a zone (UTC)."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class SimulatedClock:
    """A clock that moves only when it is told to."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        self._now += by


_clock: Clock = SystemClock()


def now() -> datetime:
    """The current time of the process's clock, in UTC."""
    return _clock.now()


@contextmanager
def use(clock: Clock) -> Iterator[Clock]:
    """Makes `clock` the process's clock for as long as the block lasts."""
    global _clock
    before, _clock = _clock, clock
    try:
        yield clock
    finally:
        _clock = before
