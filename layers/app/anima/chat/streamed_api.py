"""The answer whose body is a stream of server-sent events; it knows when its client has gone away."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send


class Streamed(StreamingResponse):
    """Sets `gone` when nobody listens any more: an iterator itself is not told."""

    def __init__(self, content: Iterator[str], gone: threading.Event) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(content, headers=headers, media_type="text/event-stream")
        self._gone = gone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._gone.set()
