"""Around every request: its id, a line in the log, headers that browsers heed, and what nobody caught."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

from anima.app import errors
from anima.kernel import ids, telemetry, watch
from anima.kernel.http import API
from anima.openai_api import errors as openai

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
_TURNS = (f"{API}/chat", f"{openai.ROOT}/chat", f"{openai.ROOT}/responses")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _method(name: str) -> str:
    """A method as a label; anybody may send any word."""
    return name if name in _METHODS else "other"


def _route_class(route: str, method: str) -> str:
    """The kind of a route, for the few dimensions of CloudWatch: turn, search, api or console."""
    if method == "POST" and route.startswith(_TURNS):
        return "turn"
    if route.endswith("/search"):
        return "search"
    return "api" if route.startswith((API, openai.ROOT, "/mcp")) else "console"


class Requests:
    """ASGI middleware, the outermost one of ours."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        token = telemetry.request_id.set(given if _SANE_ID.fullmatch(given) else str(ids.uuid7()))
        caller = {"traceparent": headers["traceparent"]} if "traceparent" in headers else {}
        try:
            with watch.work("http.request", caller) as work:
                await _Exchange(scope, send, work).run(self.app, receive)
        finally:
            telemetry.request_id.reset(token)


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, send: Send, work: watch.Work) -> None:
        scope.setdefault("state", {})
        self.scope = scope
        self.send_on = send
        self.work = work
        self.status: int | None = None

    async def run(self, app: ASGIApp, receive: Receive) -> None:
        try:
            await app(self.scope, receive, self.send)
        except Exception as error:
            if self.status is not None:  # half an answer is out: only a cut connection tells the client
                telemetry.error("http.cut", error)
                raise
            await errors.answer(error, self.scope["path"])(self.scope, receive, self.send)
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
        """One line, and the metrics of the request."""
        route, method, took = self._path(), _method(self.scope["method"]), self.work.ms()
        self.work.route_class = _route_class(route, method)
        self.work.told.update({"http.request.method": method, "http.route": route})
        self.work.told["http.response.status_code"] = self.status
        telemetry.count("http.requests", method=method, route=route, status=str(self.status or "cut"))
        telemetry.observe("http.latency", took, route=route)
        if (self.status or 0) >= 500:
            telemetry.count("http.errors", route=route)
        telemetry.info(
            "http.request",
            **watch.trace_id(),
            method=method,
            path=route,
            status=self.status,
            ms=took,
            spans=self.work.spans,
            cold_start=self.work.cold,
            tenant=telemetry.tenant(self.scope["state"].get("user_id")),
        )

    def _path(self) -> str:
        """The path as the route is written, without the ids in it; one that leads nowhere may be anything: `none`."""
        route, path = self.scope.get("route"), str(self.scope["path"])
        if route is None:
            return "none"
        # A route of an included router does not know the prefix that it was included under.
        written = str(route.path)
        root = next((one for one in (API, openai.ROOT) if path.startswith(f"{one}/")), "")
        return written if written.startswith(root) else root + written
