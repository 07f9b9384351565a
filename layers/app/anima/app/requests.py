"""Around every request: its id, a line in the log, headers that browsers heed, and what nobody caught."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

from anima.app import errors
from anima.kernel import ids, telemetry
from anima.kernel.http import API

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


class Requests:
    """ASGI middleware, the outermost one of ours."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        token = telemetry.request_id.set(given if _SANE_ID.fullmatch(given) else str(ids.uuid7()))
        try:
            await _Exchange(scope, send).run(self.app, receive)
        finally:
            telemetry.request_id.reset(token)


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, send: Send) -> None:
        scope.setdefault("state", {})
        self.scope = scope
        self.send_on = send
        self.status: int | None = None
        self.begun = time.perf_counter()

    async def run(self, app: ASGIApp, receive: Receive) -> None:
        try:
            await app(self.scope, receive, self.send)
        except Exception as error:
            if self.status is not None:  # half an answer is out: only a cut connection tells the client
                telemetry.error("http.cut", error)
                raise
            await errors.answer(error)(self.scope, receive, self.send)
        finally:
            self.log()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = telemetry.request_id.get() or ""
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            if self.scope["path"].startswith(f"{API}/"):
                headers.setdefault("Cache-Control", "no-store")
        await self.send_on(message)

    def log(self) -> None:
        telemetry.info(
            "http.request",
            method=self.scope["method"],
            path=self._path(),
            status=self.status,
            ms=round((time.perf_counter() - self.begun) * 1000, 1),
            user_id=self.scope["state"].get("user_id"),
        )

    def _path(self) -> str:
        """The path as the route is written, without the ids in it."""
        route, path = self.scope.get("route"), str(self.scope["path"])[:200]
        if route is None:
            return path
        # A route of an included router does not know the prefix that it was included under.
        written = str(route.path)
        return API + written if path.startswith(f"{API}/") and not written.startswith(API) else written
