"""The key or token that a connection is opened with."""

from __future__ import annotations

from collections.abc import Mapping

PROTOCOL = "bearer"
"""A page cannot set headers of a WebSocket: it offers this protocol, and its key or token as another."""


def of(headers: Mapping[str, str]) -> tuple[str | None, bool]:
    """The credential among headers whose names are lower case, and whether it came as a protocol."""
    scheme, _, credential = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and credential.strip():
        return credential.strip(), False
    offered = [one.strip() for one in headers.get("sec-websocket-protocol", "").split(",")]
    if len(offered) == 2 and offered[0] == PROTOCOL:
        return offered[1], True
    return None, False
