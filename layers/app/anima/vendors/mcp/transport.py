"""HTTP for the protocol's client: to the address that was checked, never through a proxy, and only so many bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2

from anima.kernel.addresses import Checked

MAX_BYTES = 4_000_000
"""The longest answer that is read."""


class TooLong(httpx2.ReadError):
    """An answer goes on and on."""


class Pinned(httpx2.AsyncBaseTransport):
    """Connects to the checked address, whatever the name leads to by now; TLS still goes by the name."""

    def __init__(self, checked: Checked) -> None:
        self._checked = checked
        self._inner = httpx2.AsyncHTTPTransport(trust_env=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Sends a request to that address. Raises httpx2.ConnectError for any other host."""
        checked = self._checked
        port = request.url.port or {"http": 80, "https": 443}.get(request.url.scheme)
        if (request.url.scheme, request.url.host.strip("[]"), port) != (checked.scheme, checked.host, checked.port):
            raise httpx2.ConnectError("another host than was checked")
        sent = httpx2.Request(
            request.method,
            request.url.copy_with(host=checked.address, port=checked.port),
            headers=[*((name, value) for name, value in request.headers.raw if name.lower() != b"host")],
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": checked.host},
        )
        sent.headers["Host"] = checked.host_header
        response = await self._inner.handle_async_request(sent)
        assert isinstance(response.stream, httpx2.AsyncByteStream), "it comes from a network"
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=_Bounded(response.stream),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Closes what is open."""
        await self._inner.aclose()


class _Bounded(httpx2.AsyncByteStream):
    """A body that breaks off when it is too long."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The pieces. Raises TooLong."""
        size = 0
        async for piece in self._stream:
            size += len(piece)
            if size > MAX_BYTES:
                raise TooLong("the answer is too long")
            yield piece

    async def aclose(self) -> None:
        """Closes the connection."""
        await self._stream.aclose()
