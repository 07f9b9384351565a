"""The client whose methods answer: one for a process is enough, and threads may share it."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, Unpack
from uuid import UUID

from anima.client import wire
from anima.client.call import Call, Pause, Steps
from anima.client.errors import Unauthenticated
from anima.client.frames import Talk
from anima.client.lines import socket_url
from anima.client.operations import Caller
from anima.client.place import Everything, Options, Place
from anima.client.retries import Attempts
from anima.client.streams import TurnStream
from anima.client.sync_talk import TalkLine
from anima.client.watched import Samples
from anima.kernel.errors import AnimaError

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")


class Anima(Everything, Caller):
    """A deployment, by its URL and a key. `Options` says what else can be given; use it in a `with`, or `close` it."""

    def __init__(self, url: str | None = None, key: str | None = None, **options: Unpack[Options]) -> None:
        import httpx

        self._place = Place.of(url, key, options)
        self._http = httpx.Client(timeout=self._place.timeout, transport=self._place.transport)
        self._renewing = threading.Lock()

    def run(self, steps: Steps[T]) -> T:
        """Makes the calls of an operation and answers what came of them."""
        try:
            step = next(steps)
            while True:
                try:
                    came = self._made(step)
                except AnimaError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(came)
        except StopIteration as ended:
            result: T = ended.value
            return result

    def stream(self, call: Call) -> TurnStream:
        """A stream that is opened when it is entered or iterated."""
        return TurnStream(lambda: self._exchanged(call, stream=True))

    def watch(self, call: Call) -> Samples:
        """Samples that are asked for when they are iterated."""
        return Samples(lambda: self._exchanged(call, stream=True))

    def bearer(self) -> str | None:
        """What is sent as a credential now, renewed where it is due."""
        credentials = self._place.credentials
        if credentials.due:
            self._renew(credentials.bearer)
        return credentials.bearer

    def converse(
        self,
        session_id: int | None = None,
        *,
        avatar_id: UUID | str | None = None,
        private: bool = False,
        after: int | None = None,
        url: str | None = None,
    ) -> TalkLine:
        """A talk over a WebSocket, joined when it is entered; `url` names the socket of a deployment.

        `after`: the last number that an earlier line heard; what followed comes first.
        """
        return TalkLine(self, url or socket_url(self.url), Talk(session_id, avatar_id, private, after))

    def renewed(self, refused: str | None) -> bool:
        """Whether there are other credentials now than those that were refused."""
        if not self._place.credentials.renewable(refused):
            return False
        self._renew(refused)
        return True

    def close(self) -> None:
        """Closes its lines."""
        self._http.close()

    def __enter__(self) -> Anima:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _made(self, step: Call | Pause) -> Any:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        return wire.answer(step, self._exchanged(step))

    def _exchanged(self, call: Call, *, stream: bool = False) -> httpx.Response:
        """The good answer to a call, after as many attempts as are allowed. Raises the error of the last one."""
        import httpx

        attempts, renewed = Attempts(self._place.retries, call), False
        while True:
            bearer = None if call.open else self.bearer()
            try:
                request = self._http.build_request(**wire.request(call, self.url, bearer))
                response = self._http.send(request, stream=stream)
                if response.is_success:
                    return response
                response.read()
                error: AnimaError = wire.refusal(response)
                sent = True
            except httpx.TransportError as failed:
                error, sent = wire.unreachable(failed, self.url), not wire.nothing_sent(failed)
            if isinstance(error, Unauthenticated) and not (renewed or call.open) and self.renewed(bearer):
                renewed = True
                continue
            time.sleep(attempts.after(error, sent=sent))

    def _renew(self, refused: str | None) -> None:
        with self._renewing:
            self.run(self._place.credentials.renewal(refused))
