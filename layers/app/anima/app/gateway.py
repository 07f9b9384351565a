"""An app as a function behind the HTTP API: one event in, one answer out."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fastapi import FastAPI

from anima.kernel import remaining
from anima.kernel.errors import BadInput, FieldError

TEXT_TYPES = ["text/", "application/json", "application/problem+json", "application/javascript", "image/svg+xml"]
"""What goes through an API gateway as it is, not in base64."""


def behind_gateway(app: FastAPI) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """The handler of a function that answers with this app. It raises BadInput for what is no event of an HTTP API."""
    from mangum import Mangum

    adapter = Mangum(app, lifespan="off", text_mime_types=TEXT_TYPES)

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        wrong = [FieldError(path, expected) for path, expected in _wrong(event)]
        if wrong:
            raise BadInput(reason="an event of an HTTP API is expected (version 2.0)", fields=wrong)
        with remaining.within(context):
            answer: dict[str, Any] = adapter(event, context)
        return answer

    return handler


def _wrong(event: object) -> Iterator[tuple[str, str]]:
    """Where an event is not of the shape that the adapter takes for granted, and what is expected there."""
    given = event if isinstance(event, Mapping) else {}
    context = given.get("requestContext")
    http = context.get("http") if isinstance(context, Mapping) else None
    if not isinstance(http, Mapping) or not all(_is_text(http.get(name)) for name in ("method", "path", "sourceIp")):
        yield "requestContext.http", "method, path and sourceIp"
    if given.get("version") != "2.0":
        yield "version", "2.0"
    if not all(_is_text(given.get(name, "")) for name in ("rawPath", "rawQueryString")):
        yield "rawPath, rawQueryString", "texts"
    headers, cookies = given.get("headers", {}), given.get("cookies", [])
    if not isinstance(headers, Mapping) or not all(map(_is_text, [*headers, *headers.values()])):
        yield "headers", "an object of texts"
    if not isinstance(cookies, list) or not all(map(_is_text, cookies)):
        yield "cookies", "a list of texts"
    if not _is_body(given.get("body"), given.get("isBase64Encoded", False)):
        yield "body", "a text, in base64 where isBase64Encoded says so"


def _is_text(value: object) -> bool:
    """Whether it is a text that can be sent: it holds no half of a surrogate pair."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_body(body: object, encoded: object) -> bool:
    if body is None or not encoded:
        return body is None or _is_text(body)
    try:
        b64decode(str(body))
    except ValueError:
        return False
    return isinstance(body, str)
