"""What the clients of all HTTP protocols share: limits of time and of size, and how a read is ended from outside."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from anima.kernel.config import is_local
from anima.kernel.telemetry import trace_headers
from anima.vendors.llm.calls import Call, Endpoint

CONNECT_SECONDS = 5.0
_GRACE_SECONDS = 0.01
_MOST_BYTES = 64 * 1024 * 1024


class Overflow(ValueError):
    """More bytes than any answer has."""


class Alarm:
    """Ends a call from outside where a server falls silent: at the moment until which something must have come, and
    once something came at the deadline.
    """

    def __init__(self, call: Call, hang_up: Callable[[], None]) -> None:
        self._call, self._hang_up = call, hang_up
        self._timer = self._set(call.until)
        self._begun = call.first_by is None

    def heard(self) -> None:
        """Something came; raises ModelTimeout where the deadline has passed all the same."""
        if not self._begun:
            self._timer.cancel()
            self._timer = self._set(self._call.deadline)
            self._begun = True
        self._call.left()

    @property
    def rang(self) -> bool:
        """Whether the time is over."""
        limit = self._call.deadline if self._begun else self._call.until
        return time.monotonic() >= limit

    def cancel(self) -> None:
        """It will not ring any more."""
        self._timer.cancel()

    def _set(self, moment: float) -> threading.Timer:
        timer = threading.Timer(moment - time.monotonic() + _GRACE_SECONDS, self._hang_up)
        timer.daemon = True
        timer.start()
        return timer


@contextmanager
def watched(call: Call, hang_up: Callable[[], None]) -> Iterator[Alarm]:
    """An alarm for as long as a stream is read."""
    alarm = Alarm(call, hang_up)
    try:
        yield alarm
    finally:
        alarm.cancel()


def hang_up(response: Any) -> None:
    """Ends a read of a response (of httpx or httpx2) that another thread waits in."""
    network = response.extensions.get("network_stream")
    line = network.get_extra_info("socket") if network is not None else None
    if line is not None:
        try:
            line.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it ended by itself


def is_late(call: Call, alarm: Alarm | None) -> bool:
    """Whether what failed did so because the time is over; without an alarm nothing came yet."""
    return alarm.rang if alarm is not None else time.monotonic() >= call.until


def timeouts(call: Call) -> dict[str, float]:
    """The limits of a request for httpx: until its answer begins. Raises ModelTimeout where no time is left."""
    left = call.left(begun=False)
    return {"connect": min(CONNECT_SECONDS, left), "read": left, "write": left, "pool": left}


def begun(call: Call, response: Any) -> None:
    """An answer began: its body may be as slow as the deadline allows."""
    response.request.extensions["timeout"]["read"] = max(call.deadline - time.monotonic(), _GRACE_SECONDS)


@contextmanager
def opened(call: Call, client: Any, path: str, body: Mapping[str, Any], stream_class: Any) -> Iterator[Any]:
    """The stream of one attempt, asked for through an SDK's client, as it came."""
    import httpx2

    events = client.post(
        path,
        cast_to=object,
        body=body,
        options={"timeout": httpx2.Timeout(**timeouts(call)), "headers": trace_headers()},
        stream=True,
        stream_cls=stream_class,
    )
    begun(call, events.response)
    try:
        yield events
    finally:
        events.close()


def of_sdk(endpoint: Endpoint, http_client: Callable[..., Any]) -> dict[str, Any]:
    """What an SDK's client of an endpoint is made from; it keeps its connections, and retries nothing by itself."""
    import httpx2

    return {
        "base_url": endpoint.base_url,
        "api_key": endpoint.api_key or "none",
        "max_retries": 0,
        "default_headers": dict(endpoint.headers),
        "http_client": http_client(trust_env=not is_local(endpoint.base_url), event_hooks=hooks(httpx2.SyncByteStream)),
    }


class _Counted:
    """The body of a response, as long as it is no flood."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        read = 0
        for part in self._body:
            read += len(part)
            if read > _MOST_BYTES:
                raise Overflow(f"more than {_MOST_BYTES} bytes")
            yield part

    def close(self) -> None:
        self._body.close()


def hooks(stream_class: type) -> Mapping[str, list[Callable[[Any], None]]]:
    """Hooks of a client of httpx or httpx2 that bound the bodies of its answers."""

    class Bounded(_Counted, stream_class):  # type: ignore[misc]
        """Of the class that the library's responses insist on."""

    def bound(response: Any) -> None:
        response.stream = Bounded(response.stream)

    return {"response": [bound]}
