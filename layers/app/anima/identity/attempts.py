"""Slows down whoever guesses a password: after five wrong ones a login waits, longer each time.

Counted in this process only. At home that is the whole server; deployed, each running instance counts for
itself, which slows guessing by less, and the limits of the gateway in front stand before it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from anima.kernel import clock
from anima.kernel.errors import AnimaError

FREE_ATTEMPTS = 5
LONGEST_WAIT = timedelta(minutes=5)
_REMEMBERED = 10_000


class TooManyAttempts(AnimaError):
    """There were too many wrong passwords for this login; wait and try again."""

    status = 429
    slug = "too-many-attempts"


@dataclass(frozen=True, slots=True)
class _Failures:
    count: int
    open_at: datetime


_failures: OrderedDict[str, _Failures] = OrderedDict()
_lock = threading.Lock()


def check(login: str) -> None:
    """Raises TooManyAttempts while the login has to wait."""
    with _lock:
        known = _failures.get(login.casefold())
    if known is not None and (left := known.open_at - clock.now()) > timedelta(0):
        raise TooManyAttempts(retry_after=int(left.total_seconds()) + 1)


def failed(login: str) -> None:
    """Counts a wrong password."""
    name = login.casefold()
    with _lock:
        count = (_failures.pop(name).count if name in _failures else 0) + 1
        over = min(count - FREE_ATTEMPTS, 16)
        wait = min(timedelta(seconds=2**over), LONGEST_WAIT) if over >= 0 else timedelta(0)
        _failures[name] = _Failures(count, clock.now() + wait)
        if len(_failures) > _REMEMBERED:
            _failures.popitem(last=False)


def succeeded(login: str) -> None:
    """Forgets the wrong passwords of a login."""
    with _lock:
        _failures.pop(login.casefold(), None)


def forget_all() -> None:
    """Begins anew."""
    with _lock:
        _failures.clear()
