"""A talk over a WebSocket: said and heard over one line, which is taken up again where it breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Unpack

from anima.client.calls.talk import TurnOptions
from anima.client.frames import Joined, Responded, State, Talk, TalkEvent, sent
from anima.client.lines import Reconnections, failed_handshake, headers
from anima.kernel.errors import AnimaError

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

    from anima.client.async_client import AsyncAnima


class AsyncTalkLine:
    """A talk that is joined; use it in an `async with`. `talk.session_id` says which session it has become."""

    def __init__(self, anima: AsyncAnima, url: str, talk: Talk) -> None:
        self.talk = talk
        self._anima, self._url = anima, url
        self._line: ClientConnection | None = None

    async def say(self, content: str, **options: Unpack[TurnOptions]) -> AsyncIterator[TalkEvent]:
        """Says something and tells what happens until it is answered; the last event is the answer."""
        await self._send(self.talk.message(content, options))
        async for event in self.events():
            yield event
            if isinstance(event, Responded):
                return

    async def events(self) -> AsyncIterator[TalkEvent]:
        """All that happens, without an end; a line that breaks is taken up again. Raises what an error frame tells."""
        while True:
            event = await self._next()
            if event is not None:
                yield event

    async def stop(self) -> None:
        """Ends the running answer; what was said is kept. Also from another task."""
        await self._send(sent({"type": "stop"}))

    async def state(self) -> State:
        """How the avatar is now; between answers."""
        await self._send(sent({"type": "get_state"}))
        return await anext(event async for event in self.events() if isinstance(event, State))

    async def close(self) -> None:
        """Leaves: a running answer is stopped."""
        line, self._line = self._line, None
        if line is not None:
            from websockets.exceptions import ConnectionClosed

            with suppress(ConnectionClosed):
                await line.send(sent({"type": "leave"}))
            await line.close()

    async def __aenter__(self) -> AsyncTalkLine:
        await self._connect(Reconnections(self._anima.retries))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def _next(self) -> TalkEvent | None:
        from websockets.exceptions import ConnectionClosed

        try:
            return self.talk.heard(await (await self._open()).recv())
        except ConnectionClosed as closed:
            self._line = None
            tries = Reconnections(self._anima.retries)
            await asyncio.sleep(tries.after_close(closed, self._url))
            return await self._connect(tries)

    async def _send(self, frame: str) -> None:
        """Sends a frame; where the line has broken, whoever listens takes it up and says again what waits."""
        from websockets.exceptions import ConnectionClosed

        with suppress(ConnectionClosed):
            await (await self._open()).send(frame)

    async def _open(self) -> ClientConnection:
        if self._line is None:
            await self._connect(Reconnections(self._anima.retries))
        assert self._line is not None
        return self._line

    async def _connect(self, tries: Reconnections) -> Joined | None:
        """Opens the line and joins, after as many attempts as are allowed; says again what was not answered."""
        while True:
            bearer = await self._anima.bearer()
            try:
                line = await self._handshake(bearer)
                await line.send(self.talk.join())
                event = self.talk.heard(await line.recv())
                if isinstance(event, Joined) and not event.answering and (frame := self.talk.again()):
                    await line.send(frame)
                self._line = line
                return event if isinstance(event, Joined) else None
            except AnimaError:
                raise
            except Exception as error:
                failed = failed_handshake(error, self._url)
                if tries.may_renew(failed) and await self._anima.renewed(bearer):
                    continue
                await asyncio.sleep(tries.after(failed))

    async def _handshake(self, bearer: str | None) -> Any:
        from websockets.asyncio.client import connect

        return await connect(self._url, additional_headers=headers(bearer), max_size=1 << 20, open_timeout=10)
