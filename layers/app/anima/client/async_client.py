"""The client whose methods are awaited: one for an event loop is enough, and tasks may share it."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, Unpack
from uuid import UUID

from anima.client import wire
from anima.client.async_talk import AsyncTalkLine
from anima.client.call import Call, Pause, Steps
from anima.client.errors import Unauthenticated
from anima.client.frames import Talk
from anima.client.lines import socket_url
from anima.client.operations import AsyncCaller
from anima.client.place import Everything, Options, Place
from anima.client.retries import Attempts
from anima.client.streams import AsyncTurnStream
from anima.client.watched import AsyncSamples
from anima.kernel.errors import AnimaError

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")


class AsyncAnima(Everything, AsyncCaller):
    """A deployment, by its URL and a key; `Options` says what else there is. To be used in an `async with`."""

    def __init__(self, url: str | None = None, key: str | None = None, **options: Unpack[Options]) -> None:
        import httpx

        self._place = Place.of(url, key, options)
        self._http = httpx.AsyncClient(timeout=self._place.timeout, transport=self._place.transport)
        self._renewing = asyncio.Lock()

    async def run(self, steps: Steps[T]) -> T:
        """Makes the calls of an operation and answers what came of them."""
        try:
            step = next(steps)
            while True:
                try:
                    came = await self._made(step)
                except AnimaError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(came)
        except StopIteration as ended:
            result: T = ended.value
            return result

    def stream(self, call: Call) -> AsyncTurnStream:
        """A stream that is opened when it is entered or iterated."""
        return AsyncTurnStream(lambda: self._exchanged(call, stream=True))

    def watch(self, call: Call) -> AsyncSamples:
        """Samples that are asked for when they are iterated."""
        return AsyncSamples(lambda: self._exchanged(call, stream=True))

    async def bearer(self) -> str | None:
        """What is sent as a credential now, renewed where it is due."""
        credentials = self._place.credentials
        if credentials.due:
            await self._renew(credentials.bearer)
        return credentials.bearer

    def converse(
        self,
        session_id: int | None = None,
        *,
        avatar_id: UUID | str | None = None,
        private: bool = False,
        after: int | None = None,
        url: str | None = None,
    ) -> AsyncTalkLine:
        """A talk over a WebSocket, joined when it is entered; `url` names the socket of a deployment.

        `after`: the last number that an earlier line heard; what followed comes first.
        """
        return AsyncTalkLine(self, url or socket_url(self.url), Talk(session_id, avatar_id, private, after))

    async def renewed(self, refused: str | None) -> bool:
        """Whether there are other credentials now than those that were refused."""
        if not self._place.credentials.renewable(refused):
            return False
        await self._renew(refused)
        return True

    async def close(self) -> None:
        """Closes its lines."""
        await self._http.aclose()

    async def __aenter__(self) -> AsyncAnima:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def _made(self, step: Call | Pause) -> Any:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return None
        return wire.answer(step, await self._exchanged(step))

    async def _exchanged(self, call: Call, *, stream: bool = False) -> httpx.Response:
        """The good answer to a call, after as many attempts as are allowed. Raises the error of the last one."""
        import httpx

        attempts, renewed = Attempts(self._place.retries, call), False
        while True:
            bearer = None if call.open else await self.bearer()
            try:
                request = self._http.build_request(**wire.request(call, self.url, bearer))
                response = await self._http.send(request, stream=stream)
                if response.is_success:
                    return response
                await response.aread()
                error: AnimaError = wire.refusal(response)
                sent = True
            except httpx.TransportError as failed:
                error, sent = wire.unreachable(failed, self.url), not wire.nothing_sent(failed)
            if isinstance(error, Unauthenticated) and not (renewed or call.open) and await self.renewed(bearer):
                renewed = True
                continue
            await asyncio.sleep(attempts.after(error, sent=sent))

    async def _renew(self, refused: str | None) -> None:
        async with self._renewing:
            await self.run(self._place.credentials.renewal(refused))
