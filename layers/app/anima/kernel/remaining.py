"""How long what runs here may still run: a function's remaining time, where a function it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_MARGIN_SECONDS = 1.5
"""Left for storing what came of it, and for the answer."""

_ends: ContextVar[float | None] = ContextVar("ends", default=None)


@contextmanager
def within(context: object) -> Iterator[None]:
    """What is done within ends with the function that `context` is of (its get_remaining_time_in_millis)."""
    left = getattr(context, "get_remaining_time_in_millis", None)
    before = _ends.set(None if left is None else time.monotonic() + left() / 1000 - _MARGIN_SECONDS)
    try:
        yield
    finally:
        _ends.reset(before)


def least(deadline: float) -> float:
    """A moment of time.monotonic(), or an earlier one at which the function would be ended."""
    ends = _ends.get()
    return deadline if ends is None else min(deadline, ends)
