"""Events of the WebSocket API: who connects, what they send, and that they are gone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anima.kernel import auth, telemetry, watch
from anima.kernel import connections as database
from anima.kernel.errors import AnimaError, BadInput, FieldError, Unauthenticated
from anima.socket import connections, credentials, joined, origins
from anima.socket.errors import ForeignOrigin

_PATIENCE_SECONDS = 15.0
"""The gateway gives up on a connection after 29 s."""
_KINDS = ("CONNECT", "MESSAGE", "DISCONNECT")
_wired = False


def handle(event: Mapping[str, Any]) -> dict[str, Any]:
    """Answers `$connect` (200, or 401, 403, 429), `$default` (200: what came of a frame is posted), `$disconnect`.

    Raises BadInput for an event that is none of them.
    """
    kind, context = _kind(event)
    if kind == "CONNECT":
        return _connect(event, context)
    with database.patient(_PATIENCE_SECONDS):
        if kind == "DISCONNECT":
            return _disconnect(context)
        return _message(event, context)


def _kind(event: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    context = event.get("requestContext") if isinstance(event, Mapping) else None
    kind = context.get("eventType") if isinstance(context, Mapping) else None
    if kind not in _KINDS or not isinstance(context, Mapping):
        wrong = FieldError("requestContext.eventType", "CONNECT, MESSAGE or DISCONNECT")
        raise BadInput(reason="an event of the WebSocket API is expected", fields=[wrong])
    missing = [name for name in ("connectionId", "domainName", "stage") if not isinstance(context.get(name), str)]
    if missing and kind != "CONNECT":
        wrong = FieldError(f"requestContext.{missing[0]}", "a text")
        raise BadInput(reason="an event of the WebSocket API is expected", fields=[wrong])
    return str(kind), context


def _connect(event: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    given = event.get("headers")
    headers = {str(name).lower(): str(value) for name, value in given.items()} if isinstance(given, Mapping) else {}
    credential, by_protocol = credentials.of(headers)
    try:
        origins.check(headers.get("origin"), headers.get("host"))
        with database.patient(_PATIENCE_SECONDS):
            principal = auth.authenticate(credential)
            joined.count(principal.user_id)
            if credential is not None and "connectionId" in context:
                connections.opened(principal, str(context["connectionId"]), credential)
    except AnimaError as error:
        if not isinstance(error, Unauthenticated | ForeignOrigin):
            telemetry.error("socket.refused", error)
        telemetry.count("socket.connections", outcome="refused")
        return {"statusCode": error.status, "body": error.detail}
    telemetry.count("socket.connections", outcome="opened")
    telemetry.info("socket.connected", tenant=telemetry.tenant(principal.user_id))
    # A browser closes a connection whose protocol was not chosen among those it offered.
    protocol = {"headers": {"Sec-WebSocket-Protocol": credentials.PROTOCOL}} if by_protocol else {}
    return {"statusCode": 200, **protocol}


def _disconnect(context: Mapping[str, Any]) -> dict[str, Any]:
    try:
        connections.closed(str(context["connectionId"]))
    except AnimaError as error:  # it is forgotten by its time
        telemetry.error("socket.disconnect", error)
    telemetry.count("socket.connections", outcome="closed")
    return {"statusCode": 200}


def _message(event: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    """Takes a frame, and stays until its answer is over; the gateway may have given up on this event by then."""
    _wire()
    from anima.socket import deployed

    body = event.get("body")
    text = body if isinstance(body, str) and not event.get("isBase64Encoded") else None
    with watch.work("socket.frame"):
        deployed.take(deployed.Place.of(context), text)
    return {"statusCode": 200}


def _wire() -> None:
    """Lets this process take turns, as the functions of chat do."""
    global _wired
    if _wired:
        return
    from anima.chat import wiring
    from anima.operations import wake
    from anima.vendors.cache import cache
    from anima.vendors.embeddings import question

    watch.start()
    question.keep_in(cache())
    wake.wire()
    wiring.wire()
    _wired = True
