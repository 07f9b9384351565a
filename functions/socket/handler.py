"""Connections of the WebSocket API."""

from typing import Any

from anima.socket import worker


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answers whether the connection may stand."""
    return worker.handle(event)
