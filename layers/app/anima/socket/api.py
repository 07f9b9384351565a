"""The door at home: `/ws` of the local server. One task reads, one sends; what a frame asks for is done in a thread."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from anyio import to_thread
from fastapi import FastAPI
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from anima.kernel import auth, clock, connections, db, ids, telemetry
from anima.kernel.errors import AnimaError
from anima.kernel.http import SESSION_COOKIE
from anima.socket import credentials, joined, origins, outgoing
from anima.socket.desk import Desk
from anima.socket.errors import Expired, TooManyConnections, typed
from anima.socket.line import Line

BATCH_SECONDS = 0.05
"""Tokens that come within this time go out together."""
MOST_CONNECTIONS = 64
"""Of one person, in one process."""

_open: Counter[int] = Counter()


def mount(app: FastAPI) -> None:
    """Adds the door."""
    app.add_api_websocket_route("/ws", serve)


async def serve(websocket: WebSocket) -> None:
    """One connection, from its handshake to its end."""
    token = telemetry.request_id.set(str(ids.uuid7()))
    try:
        opened = await _opened(websocket)
        if opened is not None:
            await opened.run()
    finally:
        telemetry.request_id.reset(token)


async def _opened(websocket: WebSocket) -> Connection | None:
    """The connection, accepted; none where it was refused, with the problem as the answer to its handshake."""
    try:
        own = origins.check(websocket.headers.get("origin"), websocket.headers.get("host"))
        credential, by_protocol = credentials.of(websocket.headers)
        if credential is None and own and websocket.headers.get("origin") is not None:
            credential = websocket.cookies.get(SESSION_COOKIE)  # only a page of ours may lean on the console's cookie
        principal = await _in_thread(partial(auth.authenticate, credential))
        _limit(principal)
    except Exception as error:
        known = typed(error)
        if known is not error:
            telemetry.error("socket.refused", error)
        await websocket.send_denial_response(_refusal(known))
        return None
    await websocket.accept(credentials.PROTOCOL if by_protocol else None)
    telemetry.count("socket.connections", outcome="opened")
    return Connection(websocket, principal, credential or "")


def _limit(principal: db.Principal) -> None:
    joined.count(principal.user_id)
    if _open[principal.user_id or 0] >= MOST_CONNECTIONS:
        raise TooManyConnections(limit=MOST_CONNECTIONS)


def _refusal(error: AnimaError) -> JSONResponse:
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after is not None else None
    return JSONResponse(outgoing.problem(error), error.status, headers, "application/problem+json")


async def _in_thread(act: Callable[[], Any]) -> Any:
    """Has something done that waits for the database, which it shares its patience with."""

    def patiently() -> Any:
        with connections.patient():
            return act()

    return await to_thread.run_sync(patiently)


class Connection:
    """A client that is connected."""

    def __init__(self, websocket: WebSocket, principal: db.Principal, credential: str) -> None:
        self.websocket, self.principal, self.credential = websocket, principal, credential
        self._loop = asyncio.get_running_loop()
        self._bell = asyncio.Event()
        self._woken = threading.Event()
        self.line = Line(self._wake)
        self._desk = Desk(self.line, principal.user_id, lambda: auth.authenticate(credential))

    async def run(self) -> None:
        """Reads and sends until either ends."""
        user_id = self.principal.user_id or 0
        _open[user_id] += 1
        expiry = self._expires()
        tasks = {asyncio.create_task(self._read()), asyncio.create_task(self._send())}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if expiry is not None:
                expiry.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.line.leave()
            _open[user_id] -= 1
            if not _open[user_id]:
                del _open[user_id]
            telemetry.count("socket.connections", outcome="closed")

    def _expires(self) -> asyncio.TimerHandle | None:
        """Has the connection end with its token."""
        ends: datetime | None = auth.expires_at(self.credential)
        if ends is None:
            return None
        seconds = max(0.0, (ends - clock.now()).total_seconds())
        return self._loop.call_later(seconds, self.line.expire, Expired(reason="the access token has expired"))

    def _wake(self) -> None:
        """From any thread; the loop is told once for all that happens until it looks."""
        if not self._woken.is_set():
            self._woken.set()
            try:
                self._loop.call_soon_threadsafe(self._bell.set)
            except RuntimeError:  # the server has ended; nobody listens
                self.line.leave()

    async def _send(self) -> None:
        while True:
            await self._bell.wait()
            self._bell.clear()
            self._woken.clear()
            for frame in self.line.ready():
                await self.websocket.send_text(frame)
            if self.line.closing is not None and not self.line.pending:
                await self.websocket.close(self.line.closing)
                return
            await asyncio.sleep(BATCH_SECONDS)

    async def _read(self) -> None:
        while self.line.closing is None:
            try:
                received = await self.websocket.receive()
            except WebSocketDisconnect:
                return
            if received["type"] == "websocket.disconnect":
                return
            await _in_thread(partial(self._desk.take, received.get("text")))
        await asyncio.Event().wait()  # what is left to say is sent; then the other task ends both
