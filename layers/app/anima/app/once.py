"""Idempotency-Key on every route that changes something, for those that do not see to it themselves.

A route that enters the key in the transaction of its own work (turns, sessions, users, documents) cannot do it twice.
For all others the key is entered before, in a transaction of its own, and the answer is kept behind it, encrypted, for
a day: a call that comes again gets that answer. What failed frees its key. A process that dies between the work and
its answer leaves the key running; some minutes later the call may be made again, and is done again.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from anima.kernel import db, http, idempotency, secrets, telemetry
from anima.kernel.errors import Conflict
from anima.kernel.http import API

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "Idempotency-Key"
AGAIN = "Idempotency-Replayed"
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_MOST_BYTES = 256_000
LOOK_UPS = frozenset(
    f"{API}{path}"
    for path in (
        "/search",
        "/avatars/{avatar_id}/memories/search",
        "/review/rag-context",
        "/personalities/validate",
        "/personalities/compile",
        "/personalities/random",
        "/personalities/difference",
        "/vector-stores/{store_id}/check",
    )
)
"""They change nothing: asked again, they look again, and nothing of what they found is kept."""
STREAMED = frozenset({f"{API}/uploads/{{upload_id}}/content", f"{API}/registry/models/{{model_id}}/checkpoints"})
"""A file that comes in pieces; sent again, it takes its own place."""


class AnswerNotKept(Conflict):
    """This call was made with this Idempotency-Key and is done; its answer was too large to be kept."""

    slug = "answer-not-kept"


class _Replayed(Exception):
    """An earlier call with the same key got an answer: this one."""

    def __init__(self, kept: dict[str, Any]) -> None:
        self.kept = kept


@dataclass(slots=True)
class _Entered:
    """A call whose key was entered, and which is being done."""

    principal: db.Principal
    owner_id: int
    key: idempotency.Key


async def enter(request: Request) -> None:
    """Dependency of all routes: enters the key of a call, or answers as the earlier one was answered.

    Raises KeyReused, StillRunning, AnswerNotKept, BadInput for a key that is none.
    """
    value = request.headers.get(HEADER)
    if value is None or request.method not in UNSAFE or not kept_here(request.scope.get("route")):
        return
    key = idempotency.read_key(value, f"{request.method} {request.url.path}?{request.url.query}", "")
    if key is None:
        return
    heard: _Heard = request.scope["state"]["heard"]
    if not heard.whole:  # a form has been read by now
        await request.body()
    key = idempotency.Key(key.key, hashlib.sha256(key.fingerprint + heard.digest.digest()).digest())
    request.scope["state"]["once"] = await run_in_threadpool(_enter, request, key)


def may_be_kept(method: str, path: str) -> bool:
    """Whether a key may mean something for an address, as it is written in its route."""
    return method in UNSAFE and path.startswith(API) and path not in LOOK_UPS | STREAMED


def kept_here(route: object) -> bool:
    """Whether the key of a route is seen to here: it takes a caller, changes something, and does not do it itself."""
    if not isinstance(route, APIRoute):
        return False
    path = route.path if route.path.startswith(API) else API + route.path
    if not any(may_be_kept(method, path) for method in route.methods or ()):
        return False
    own = any(one.alias == HEADER for one in route.dependant.header_params)
    return not own and _takes_caller(route.dependant)


def _takes_caller(dependant: Dependant) -> bool:
    return dependant.call is http.identified or any(map(_takes_caller, dependant.dependencies))


def _enter(request: Request, key: idempotency.Key) -> _Entered:
    principal = http.identify(request)
    assert principal.user_id is not None
    with db.transaction(principal) as tx:
        entered = idempotency.enter(tx, principal.user_id, key)
        earlier = idempotency.settled(tx, principal.user_id, key, entered)
    if earlier is None:
        return _Entered(principal, principal.user_id, key)
    if "sealed" not in earlier:
        raise AnswerNotKept
    raise _Replayed(earlier)


class Once:
    """ASGI middleware, within all others of ours: keeps the answer of a call whose key was entered."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        keyed = scope["type"] == "http" and any(name == b"idempotency-key" for name, _ in scope["headers"])
        if not keyed and scope.get("method") != "DELETE":
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["heard"] = heard = _Heard(receive)
        held = _Held(state, send, deletes=scope["method"] == "DELETE")
        try:
            await self.app(scope, heard.receive, held.send)
        except BaseException:
            await held.give_up()
            raise


class _Heard:
    """What was sent, as a hash: two calls of one key are the same where it is."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.digest = hashlib.sha256()
        self.whole = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self.digest.update(message.get("body", b""))
            self.whole = not message.get("more_body")
        return message


class _Held:
    """An answer that is held back until it is kept."""

    def __init__(self, state: dict[str, Any], send: Send, *, deletes: bool) -> None:
        self._state, self._send, self._deletes = state, send, deletes
        self._messages: list[Message] = []
        self._size = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and self._deletes and message["status"] < 300:
            await run_in_threadpool(_purge, self._state.get("principal"))
        entered = self._state.get("once")
        if entered is None:
            await self._send(message)
            return
        self._messages.append(message)
        self._size += len(message.get("body", b""))
        last = message["type"] == "http.response.body" and not message.get("more_body")
        if last or self._size > _MOST_BYTES:
            self._state["once"] = None
            await run_in_threadpool(_settle, entered, self._messages, self._size)
            for held in self._messages:
                await self._send(held)

    async def give_up(self) -> None:
        """The call failed without an answer: its key is free again."""
        if (entered := self._state.pop("once", None)) is not None:
            await run_in_threadpool(_settle, entered, [], 0)


def _settle(entered: _Entered, messages: list[Message], size: int) -> None:
    """Keeps a good answer, or frees the key. The work is done whatever comes of this."""
    status = messages[0]["status"] if messages else 500
    try:
        with db.transaction(entered.principal) as tx:
            if 200 <= status < 300:
                idempotency.finish(tx, entered.owner_id, entered.key, _as_kept(status, messages, size))
            else:
                idempotency.forget(tx, entered.owner_id, entered.key)
    except Exception as error:
        telemetry.error("idempotency.not_kept", error)


def _purge(principal: db.Principal | None) -> None:
    """Something was deleted: no answer that is kept may go on telling of it."""
    if principal is None or principal.user_id is None:
        return
    try:
        with db.transaction(principal) as tx:
            idempotency.forget_sealed(tx, principal.user_id)
    except Exception as error:
        telemetry.error("idempotency.not_purged", error)


def _as_kept(status: int, messages: list[Message], size: int) -> dict[str, Any]:
    """As `idempotency.forget_sealed` knows it."""
    if size > _MOST_BYTES:
        return {"status": status}
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in messages[0]["headers"]}
    body = b"".join(message.get("body", b"") for message in messages[1:]).decode("latin-1")
    sealed = base64.b64encode(secrets.encrypt(body)).decode()
    return {"status": status, "type": headers.get("content-type"), "sealed": sealed}


def _again(_request: Request, error: Exception) -> Response:
    assert isinstance(error, _Replayed)
    kept = error.kept
    body = secrets.decrypt(base64.b64decode(kept["sealed"])).encode("latin-1")
    headers = {AGAIN: "true", **({"Content-Type": kept["type"]} if kept["type"] else {})}
    return Response(body, kept["status"], headers)


def install(app: FastAPI) -> None:
    """Lets the app give kept answers."""
    app.add_exception_handler(_Replayed, _again)
