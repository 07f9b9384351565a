"""Stops a server that was started for a command, once nobody has asked it anything for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

_CHECK_SECONDS = 5.0


class IdleExit:
    """ASGI middleware: calls `stop` after `seconds` in which nothing was asked and nothing worked on (`busy`)."""

    def __init__(self, app: Any, seconds: float, stop: Callable[[], None], busy: Callable[[], bool]) -> None:
        self._app = app
        self._busy = busy
        self._seconds = seconds
        self._stop = stop
        self._last = time.monotonic()
        self._open = 0
        threading.Thread(target=self._watch, name="idle-exit", daemon=True).start()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":  # it is open as long as the server is
            await self._app(scope, receive, send)
            return
        self._open += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._open -= 1
            self._last = time.monotonic()

    def _watch(self) -> None:
        while time.monotonic() - self._last < self._seconds:
            time.sleep(min(_CHECK_SECONDS, self._seconds))
            if self._open or self._busy():
                self._last = time.monotonic()
        self._stop()
