"""Connections of the WebSocket API, and turns over them."""

from typing import Any

from anima.kernel import remaining
from anima.socket import worker


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answers whether a connection may stand; what comes of a frame is posted to the connection."""
    with remaining.within(context):
        return worker.handle(event)
