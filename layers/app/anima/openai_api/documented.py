"""How the routes of this door are described: answers by example, errors in the protocol's shape."""

from __future__ import annotations

from typing import Any

from anima.kernel import http

ERROR = "OpenAIError"
"""The name of the schema of an error."""
SCHEMA: dict[str, Any] = {
    "title": ERROR,
    "type": "object",
    "description": "An error, as OpenAI's protocol has it.",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                "code": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                "request_id": {"type": "string"},
            },
        }
    },
}
_TOLD = {
    400: ("invalid_request_error", "unsupported_parameter", "This is not supported here: an avatar has its own tools."),
    401: ("authentication_error", "invalid_api_key", "A valid API key or access token is needed: none was sent."),
    404: ("invalid_request_error", "model_not_found", "There is no avatar luna of yours."),
    409: (
        "invalid_request_error",
        "still_running",
        "The first call with this Idempotency-Key is still being answered.",
    ),
    413: ("invalid_request_error", "context_length_exceeded", "This is more than the model can read at once."),
    415: ("invalid_request_error", "unknown_medium", "This file is no image that is known."),
    422: ("invalid_request_error", "bad_input", "The input is not valid: model: a text."),
    429: ("rate_limit_error", "rate_limit_exceeded", "There were too many calls; wait and try again."),
    500: ("server_error", "internal", "Something went wrong on our side; the request id finds it in the log."),
    502: ("server_error", "model_failed", "The model could not answer."),
    503: ("server_error", "database_unavailable", "The database cannot be reached at the moment; try again."),
    504: ("server_error", "model_timeout", "The model did not answer in time."),
}


def errors(*statuses: int) -> http.Responses:
    """The documented errors of a route: those named, and those that any may answer."""
    return {status: _error(status) for status in sorted({401, 422, 429, 500, 503, *statuses})}


def _error(status: int) -> dict[str, Any]:
    kind, code, message = _TOLD[status]
    request_id = "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f"
    example = {"error": {"message": message, "type": kind, "param": None, "code": code, "request_id": request_id}}
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{ERROR}"}, "example": example}}
    return {"description": code.replace("_", " ").capitalize(), "content": content}


def answers(value: object, events: str | None = None) -> http.Responses:
    """The documented answer of a route; `events` shows it as a stream."""
    shown = http.example(value)
    if events is not None:
        shown[200]["content"]["text/event-stream"] = {"schema": {"type": "string"}, "example": events}
    return shown
