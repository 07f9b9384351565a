"""Which pages may open a connection: a browser lets any page try, and tells only whose it is."""

from __future__ import annotations

from urllib.parse import urlsplit

from anima.kernel.config import settings
from anima.socket.errors import ForeignOrigin


def check(origin: str | None, host: str | None) -> bool:
    """Whether a page of this very server asks; True also for what is no page. Raises ForeignOrigin.

    A page of another site may ask where WS_ALLOWED_ORIGINS names it; it must bring its own credential.
    """
    if origin is None or _place(origin) in {host, _place(settings().public_url or "")} - {None, ""}:
        return True
    allowed = {one.strip().rstrip("/") for one in settings().ws_allowed_origins.split(",") if one.strip()}
    if "*" in allowed or origin in allowed:
        return False
    raise ForeignOrigin(origin=origin[:200])


def _place(url: str) -> str | None:
    try:
        return urlsplit(url).netloc or None
    except ValueError:
        return None
