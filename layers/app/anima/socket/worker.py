"""Events of the WebSocket API: who may connect. Nothing is kept of a connection, so nothing is left of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anima.kernel import auth, connections, telemetry
from anima.kernel.errors import AnimaError, BadInput, FieldError, Unauthenticated

_PATIENCE_SECONDS = 15.0
"""The gateway gives up on a connection after 29 s."""
_PROTOCOL = "bearer"
"""A page cannot set headers of a WebSocket: it offers this protocol, and its access token as another."""


def handle(event: Mapping[str, Any]) -> dict[str, Any]:
    """Answers `$connect` (200, or 401 without a valid key or token) and `$disconnect` (200).

    Raises BadInput for an event that is neither.
    """
    kind = _kind(event)
    if kind == "DISCONNECT":
        return {"statusCode": 200}
    credential, by_protocol = _credential(event.get("headers"))
    try:
        with connections.patient(_PATIENCE_SECONDS):
            principal = auth.authenticate(credential)
    except AnimaError as error:
        if not isinstance(error, Unauthenticated):
            telemetry.error("socket.refused", error)
        return {"statusCode": error.status, "body": error.detail}
    telemetry.info("socket.connected", tenant=telemetry.tenant(principal.user_id))
    # A browser closes a connection whose protocol was not chosen among those it offered.
    return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": _PROTOCOL}} if by_protocol else {"statusCode": 200}


def _kind(event: Mapping[str, Any]) -> str:
    context = event.get("requestContext") if isinstance(event, Mapping) else None
    kind = context.get("eventType") if isinstance(context, Mapping) else None
    if kind not in ("CONNECT", "DISCONNECT"):
        wrong = FieldError("requestContext.eventType", "CONNECT or DISCONNECT")
        raise BadInput(reason="an event of the WebSocket API is expected", fields=[wrong])
    return str(kind)


def _credential(headers: object) -> tuple[str | None, bool]:
    """The key or token of the request, and whether it came as a protocol."""
    given = headers if isinstance(headers, Mapping) else {}
    named = {str(name).lower(): str(value) for name, value in given.items()}
    scheme, _, credential = named.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and credential.strip():
        return credential.strip(), False
    offered = [one.strip() for one in named.get("sec-websocket-protocol", "").split(",")]
    if len(offered) == 2 and offered[0] == _PROTOCOL:
        return offered[1], True
    return None, False
