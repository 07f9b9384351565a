"""A job as it is watched: one sample after the other, until it ends or the line does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from anima.client.errors import ConnectionFailed, UnexpectedAnswer
from anima.client.sse import Event, EventTooLarge, Parser

if TYPE_CHECKING:
    import httpx

Sample = Mapping[str, Any]


class _Told:
    """What was told so far: how the job ended, once it has."""

    def __init__(self) -> None:
        self._parser = Parser()
        self._path, self._url = "", ""
        self.end: Mapping[str, Any] | None = None
        """What the service said of the end; None while the job runs, and where the line was only cut."""

    def _begin(self, response: httpx.Response) -> None:
        self._path, self._url = response.request.url.path, str(response.request.url)

    def _take(self, received: bytes) -> Iterator[Sample]:
        try:
            for event in self._parser.feed(received):
                if event.name == "end":
                    self.end = self._read(event)
                elif event.name == "sample":
                    yield self._read(event)
        except EventTooLarge as error:
            raise UnexpectedAnswer(path=self._path, reason=str(error)) from None

    def _read(self, event: Event) -> Sample:
        try:
            sample = json.loads(event.data)
        except ValueError:
            sample = None
        if not isinstance(sample, dict):
            raise UnexpectedAnswer(path=self._path, reason="a sample is a JSON object")
        return sample

    def _lost(self, error: Exception) -> ConnectionFailed:
        return ConnectionFailed(url=self._url, reason=str(error) or type(error).__name__)


class Samples(_Told):
    """Samples to be iterated; leaving a `with` early only stops the watching. Raises ConnectionFailed."""

    def __init__(self, opened: Callable[[], httpx.Response]) -> None:
        super().__init__()
        self._opened = opened
        self._response: httpx.Response | None = None

    def __iter__(self) -> Iterator[Sample]:
        import httpx

        self._response = response = self._opened()
        self._begin(response)
        try:
            for received in response.iter_bytes():
                yield from self._take(received)
                if self.end is not None:
                    return
        except (httpx.TransportError, httpx.StreamError) as error:
            raise self._lost(error) from None
        finally:
            response.close()

    def __enter__(self) -> Samples:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._response is not None:
            self._response.close()


class AsyncSamples(_Told):
    """The same for `async for`."""

    def __init__(self, opened: Callable[[], Awaitable[httpx.Response]]) -> None:
        super().__init__()
        self._opened = opened
        self._response: httpx.Response | None = None

    async def __aiter__(self) -> AsyncIterator[Sample]:
        import httpx

        self._response = response = await self._opened()
        self._begin(response)
        try:
            async for received in response.aiter_bytes():
                for sample in self._take(received):
                    yield sample
                if self.end is not None:
                    return
        except (httpx.TransportError, httpx.StreamError) as error:
            raise self._lost(error) from None
        finally:
            await response.aclose()

    async def __aenter__(self) -> AsyncSamples:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._response is not None:
            await self._response.aclose()
