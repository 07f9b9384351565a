"""A request that the database went away under is done once more, where that can do no harm.

It can do none to what only reads, and to what came with a key of its own that its route heeds. All that a request
waits for the database comes out of one purse, so that its end is near whatever happens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers

from anima.kernel import connections, telemetry
from anima.kernel.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_READING = frozenset({"GET", "HEAD"})
_KEY = "Idempotency-Key"
_MOST_BYTES = 64_000_000
"""Of a longer request nothing is kept, so that none lies in memory as a whole."""


class Replays:
    """ASGI middleware, the innermost one: what it raises is answered further out."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with connections.patient() as patience:
            first, tape = dict(scope), _Tape(receive, send, kept=_may_repeat(scope))
            try:
                await self.app(scope, tape.receive, tape.send)
                return
            except DatabaseUnavailable as error:
                if tape.answered or tape.torn or patience.left == 0 or _took_too_long(error) or not repeatable(scope):
                    raise
            telemetry.count("db.retries")
            scope.clear()
            scope.update(first)
            tape.rewind()
            await self.app(scope, tape.receive, send)


def _may_repeat(scope: Scope) -> bool:
    """Whether a request may turn out to be repeatable, before its route is known: else nothing of it is kept."""
    return scope["method"] in _READING or _KEY in Headers(scope=scope)


def _took_too_long(error: DatabaseUnavailable) -> bool:
    """Whether a statement was cancelled at its limit: asked again it would take as long again."""
    return getattr(error.__cause__, "sqlstate", None) == "57014"


def repeatable(scope: Scope) -> bool:
    """Whether a request, of which the route is known, may be done twice."""
    if scope["method"] in _READING:
        return True
    dependant: Any = getattr(scope.get("route"), "dependant", None)
    heeded = dependant is not None and any(one.alias == _KEY for one in dependant.header_params)
    return heeded and _KEY in Headers(scope=scope)


class _Tape:
    """What came of a request so far, to be heard again unless it is `torn`; and whether anything was answered."""

    def __init__(self, receive: Receive, send: Send, *, kept: bool) -> None:
        self.answered, self.torn = False, not kept
        self._receive, self._send = receive, send
        self._heard: list[Message] = []
        self._again: list[Message] = []
        self._size = 0

    async def receive(self) -> Message:
        if self._again:
            return self._again.pop(0)
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size > _MOST_BYTES:
            self.torn = True
        if self.torn:
            self._heard.clear()
        else:
            self._heard.append(message)
        return message

    async def send(self, message: Message) -> None:
        self.answered = True
        await self._send(message)

    def rewind(self) -> None:
        self._again = list(self._heard)
