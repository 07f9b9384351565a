"""Lines of WebSockets: where they go, and whether one that broke is opened again."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from anima.client.call import Call
from anima.client.errors import ConnectionFailed, Unauthenticated, of_response
from anima.client.frames import BUSY, TOKEN_EXPIRED
from anima.client.retries import Attempts, Retries
from anima.kernel.errors import AnimaError

if TYPE_CHECKING:
    from websockets.exceptions import ConnectionClosed

_GONE = frozenset({None, 1001, 1005, 1006, 1011, 1012, BUSY, TOKEN_EXPIRED})
"""Closes after which the same may be tried again; others say that it is of no use."""


def socket_url(url: str) -> str:
    """Where the WebSocket of a server at home is; a deployment names its own."""
    parts = urlsplit(url)
    scheme = "wss" if parts.scheme in ("https", "wss") else "ws"
    return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/") + "/ws", "", ""))


def headers(bearer: str | None) -> dict[str, str]:
    """What is sent with a handshake."""
    return {"Authorization": f"Bearer {bearer}"} if bearer else {}


class Reconnections:
    """The attempts at one line."""

    def __init__(self, policy: Retries) -> None:
        self._attempts, self._renewed = Attempts(policy, Call("GET", "/ws")), False

    def after(self, error: AnimaError) -> float:
        """Seconds until the next attempt. Raises the error where there is none."""
        return self._attempts.after(error)

    def after_close(self, closed: ConnectionClosed, url: str) -> float:
        """Seconds until it is opened again. Raises ConnectionFailed where that is of no use."""
        code = closed.rcvd.code if closed.rcvd is not None else None
        reason = closed.rcvd.reason if closed.rcvd is not None else ""
        error = ConnectionFailed(url=url, reason=f"it was closed ({code}) {reason}".strip())
        if code not in _GONE:
            raise error
        return self._attempts.after(error)

    def may_renew(self, error: AnimaError) -> bool:
        """Whether other credentials may help; asked once."""
        once = isinstance(error, Unauthenticated) and not self._renewed
        self._renewed = self._renewed or once
        return once


def failed_handshake(error: Exception, url: str) -> AnimaError:
    """The error for a line that could not be opened; what is no such thing is raised as it is."""
    from websockets.exceptions import InvalidStatus, WebSocketException

    if isinstance(error, InvalidStatus):
        answer = error.response
        return of_response(answer.status_code, bytes(answer.body or b""), answer.headers.get("Retry-After"))
    if isinstance(error, OSError | TimeoutError | WebSocketException):
        return ConnectionFailed(url=url, reason=str(error) or type(error).__name__)
    raise error
