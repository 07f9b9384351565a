"""An app as a function behind the HTTP API: one event in, one answer out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI

from anima.kernel.errors import BadInput, FieldError

TEXT_TYPES = ["text/", "application/json", "application/problem+json", "application/javascript", "image/svg+xml"]
"""What goes through an API gateway as it is, not in base64."""


def behind_gateway(app: FastAPI) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """The handler of a function that answers with this app. It raises BadInput for what is no event of an HTTP API."""
    from mangum import Mangum

    adapter = Mangum(app, lifespan="off", text_mime_types=TEXT_TYPES)

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        if not _is_request(event):
            wrong = FieldError("requestContext.http", "method and path")
            raise BadInput(reason="an event of an HTTP API is expected (version 2.0)", fields=[wrong])
        answer: dict[str, Any] = adapter(event, context)
        return answer

    return handler


def _is_request(event: object) -> bool:
    context = event.get("requestContext") if isinstance(event, Mapping) else None
    http = context.get("http") if isinstance(context, Mapping) else None
    return isinstance(http, Mapping) and isinstance(http.get("method"), str) and isinstance(http.get("path"), str)
