"""Keeps strange pages away from a server on one's own machine.

A page elsewhere may send requests to 127.0.0.1, and with a name that it resolves to 127.0.0.1 (DNS rebinding)
even read the answers. So the Host must be one that the server knows by, and an Origin must be the server's own.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from anima.kernel.config import settings
from anima.kernel.errors import AnimaError, Forbidden

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class UnknownHost(AnimaError):
    """This server does not go by that name; ANIMA_PUBLIC_URL tells it another one."""

    status = 421
    slug = "unknown-host"


class ForeignOrigin(Forbidden):
    """A page of another site may not change anything here."""

    slug = "foreign-origin"


def _public() -> str:
    return urlsplit(settings().public_url or "").netloc


def known_host(host: str) -> bool:
    """Whether a Host header names this server: an address, localhost, or a name that was configured."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name in {"localhost", settings().host, urlsplit(f"//{_public()}").hostname}:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def own_origin(origin: str, host: str) -> bool:
    """Whether an Origin header is that of this server's own pages."""
    try:
        return urlsplit(origin).netloc in {host, _public()} - {""}
    except ValueError:
        return False


class OwnPagesOnly:
    """ASGI middleware of the local server. Raises UnknownHost and ForeignOrigin."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            host, origin = headers.get("host", ""), headers.get("origin")
            if not known_host(host):
                raise UnknownHost
            if origin is not None and scope["method"] not in _SAFE_METHODS and not own_origin(origin, host):
                raise ForeignOrigin
        await self.app(scope, receive, send)
