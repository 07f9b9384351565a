"""Turns go before what follows them: two at once on a few cores, with one local model, would make the person wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

_QUIET_SECONDS = 3.0
_PATIENCE_SECONDS = 60.0


class Quiet:
    """Knows whether something is being asked now, and when the last answer ended."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._open = 0
        self._last = float("-inf")

    def around(self, app: Any) -> Any:
        """The ASGI app, watched: turns are the requests that post to a path ending with /chat."""

        async def watched(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].endswith("/chat"):
                await app(scope, receive, send)
                return
            self._change(1)
            try:
                await app(scope, receive, send)
            finally:
                self._change(-1)

        return watched

    def _change(self, by: int) -> None:
        with self._changed:
            self._open += by
            self._last = time.monotonic()
            self._changed.notify_all()

    def wait(self, patience: float = _PATIENCE_SECONDS, quiet: float = _QUIET_SECONDS) -> bool:
        """Returns when no turn has been answered for `quiet` seconds (True), or after `patience` seconds (False)."""
        deadline = time.monotonic() + patience
        with self._changed:
            while (now := time.monotonic()) < deadline:
                due = self._last + quiet
                if not self._open and now >= due:
                    return True
                self._changed.wait(deadline - now if self._open else min(due, deadline) - now)
        return False

    def before(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """The work, begun when it is quiet."""

        def patient(*arguments: Any, **named: Any) -> Any:
            self.wait()
            return work(*arguments, **named)

        return patient
