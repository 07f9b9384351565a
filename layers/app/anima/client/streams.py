"""An answer while it comes: iterated event by event, stopped in the middle, whole at the end.

Until its first event a stream is asked for again like any keyed call; after that a line that ends is told as
StreamCut, for the words that were heard cannot be taken back. The service keeps what was said, and an answer that
was stopped is in the history as far as it came.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING

from anima.client.errors import StreamCut, UnexpectedAnswer
from anima.client.events import ApprovalNeeded, Done, Started, Token, TurnEvent, turn_event
from anima.client.sse import EventTooLarge, Parser

if TYPE_CHECKING:
    import httpx

    from anima.client.results.talk import Answer


class _Heard:
    """What a stream has told so far."""

    def __init__(self) -> None:
        self._response: httpx.Response | None = None
        self._parser = Parser()
        self.started: Started | None = None
        self.approval: ApprovalNeeded | None = None
        self.stopped = False
        self._text: list[str] = []
        self._answer: Answer | None = None

    @property
    def text(self) -> str:
        """The words so far."""
        return "".join(self._text)

    @property
    def answer(self) -> Answer:
        """The whole answer. Raises StreamCut where the stream has not told it."""
        if self._answer is None:
            raise self._cut()
        return self._answer

    def _take(self, received: bytes) -> Iterator[TurnEvent]:
        try:
            for event in self._parser.feed(received):
                yield self._note(turn_event(event, self._path()))
        except EventTooLarge as error:
            raise UnexpectedAnswer(path=self._path(), reason=str(error)) from None

    def _note(self, event: TurnEvent) -> TurnEvent:
        if isinstance(event, Started):
            self.started = event
        elif isinstance(event, Token):
            self._text.append(event.text)
        elif isinstance(event, ApprovalNeeded):
            self.approval = event
        elif isinstance(event, Done):
            self._answer = event.answer
        return event

    def _path(self) -> str:
        return self._response.request.url.path if self._response is not None else ""

    def _cut(self) -> StreamCut:
        begun = self.started
        ids = (begun.session_id, begun.message_id, begun.request_id) if begun else (None, None, None)
        return StreamCut(self.text, *ids)

    def _end(self) -> None:
        """The line has ended. Raises StreamCut where the answer had not."""
        waits = self.approval is not None
        if self._answer is None and not self.stopped and not waits:
            raise self._cut()


class TurnStream(_Heard):
    """A turn's events; use it in a `with`, so that leaving it early stops the answer."""

    def __init__(self, opened: Callable[[], httpx.Response]) -> None:
        super().__init__()
        self._opened = opened

    def __iter__(self) -> Iterator[TurnEvent]:
        import httpx

        response = self._open()
        try:
            for received in response.iter_bytes():
                yield from self._take(received)
                if self.stopped:
                    break
        except (httpx.TransportError, httpx.StreamError):
            if not self.stopped and self._answer is None:
                raise self._cut() from None
        finally:
            response.close()
        self._end()

    def words(self) -> Iterator[str]:
        """Only the words."""
        return (event.text for event in self if isinstance(event, Token))

    def finish(self) -> Answer:
        """Hears the rest and answers the whole."""
        for _ in self:
            pass
        return self.answer

    def stop(self) -> None:
        """Ends the answer here; what was said is kept. Also from another thread, while this one waits for words."""
        self.stopped = True
        if self._response is not None and not self._response.is_closed:
            _hang_up(self._response)

    def _open(self) -> httpx.Response:
        if self._response is None:
            self._response = self._opened()
        return self._response

    def __enter__(self) -> TurnStream:
        self._open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
        if self._response is not None:
            self._response.close()


class AsyncTurnStream(_Heard):
    """A turn's events, for `async for`; use it in an `async with`, so that leaving it early stops the answer."""

    def __init__(self, opened: Callable[[], Awaitable[httpx.Response]]) -> None:
        super().__init__()
        self._opened = opened

    async def __aiter__(self) -> AsyncIterator[TurnEvent]:
        import httpx

        response = await self._open()
        try:
            async for received in response.aiter_bytes():
                for event in self._take(received):
                    yield event
                if self.stopped:
                    break
        except (httpx.TransportError, httpx.StreamError):
            if not self.stopped and self._answer is None:
                raise self._cut() from None
        finally:
            await response.aclose()
        self._end()

    async def words(self) -> AsyncIterator[str]:
        """Only the words."""
        async for event in self:
            if isinstance(event, Token):
                yield event.text

    async def finish(self) -> Answer:
        """Hears the rest and answers the whole."""
        async for _ in self:
            pass
        return self.answer

    async def stop(self) -> None:
        """Ends the answer here; what was said is kept. Also from another task, while this one waits for words."""
        self.stopped = True
        if self._response is not None and not self._response.is_closed:
            _hang_up(self._response)

    async def _open(self) -> httpx.Response:
        if self._response is None:
            self._response = await self._opened()
        return self._response

    async def __aenter__(self) -> AsyncTurnStream:
        await self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.stop()
        if self._response is not None:
            await self._response.aclose()


def _hang_up(response: httpx.Response) -> None:
    """Ends the line under whoever reads from it: closing alone would not wake a reader of another thread."""
    stream = response.extensions.get("network_stream")
    line = stream.get_extra_info("socket") if stream is not None else None
    if line is not None:
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
