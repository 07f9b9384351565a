"""Connections to an address that was checked, every wait of which ends at one deadline.

A server that sends a byte now and then is never silent for long: only a deadline for all of it bounds that.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore

from anima.kernel.addresses import Checked


class Pinned(httpcore.NetworkBackend):
    """Connects to the checked address, whatever the name leads to by now; TLS still goes by the name."""

    def __init__(self, checked: Checked, deadline: float) -> None:
        self._checked, self._deadline = checked, deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connects. Raises httpcore.ConnectError, ConnectTimeout."""
        assert (host.strip("[]"), port) == (self._checked.host, self._checked.port), "another host than was checked"
        opened = httpcore.SyncBackend().connect_tcp(
            self._checked.address, port, _left(self._deadline, timeout), local_address, socket_options
        )
        return _Stream(opened, self._deadline)


class _Stream(httpcore.NetworkStream):
    """A stream, each step of which gets what is left of the time."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline, timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline, timeout))
        return _Stream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: float, timeout: float | None) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left if timeout is None else min(left, timeout)
