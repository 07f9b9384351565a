"""Errors in the shape that clients of OpenAI's protocol read; the typed ones of this door. No web framework."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anima.kernel import telemetry
from anima.kernel.errors import AnimaError, BadInput, FieldError, NotFound

ROOT = "/v1"

_CODES = {
    "unauthenticated": "invalid_api_key",
    "avatar-not-found": "model_not_found",
    "unknown-model": "model_not_found",
    "context-too-long": "context_length_exceeded",
    "too-many-requests": "rate_limit_exceeded",
    "budget-exceeded": "insufficient_quota",
    "model-quota-exceeded": "insufficient_quota",
}
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class NoSuchModel(NotFound):
    """There is no model {model} for you; GET /v1/models lists those that there are."""

    slug = "model-not-found"


class NotHere(BadInput):
    """This is not supported here: {reason}."""

    status = 400
    slug = "unsupported-parameter"


def refuse(wrong: Mapping[str, str]) -> None:
    """Raises NotHere for the first field that there is something to say against."""
    for name, why in wrong.items():
        if why:
            raise NotHere(reason=why, fields=[FieldError(name, "left out")])


def in_stream(error: Exception) -> dict[str, Any]:
    """The body for an error in the middle of a stream, whatever it is; what is our fault goes into the log."""
    known = error if isinstance(error, AnimaError) else AnimaError()
    if known is not error or known.status >= 500:
        telemetry.error("v1.stream", error)
    return body(known)


def is_ours(path: str) -> bool:
    """Whether an address is of this door, and its errors have this shape."""
    return path == ROOT or path.startswith(f"{ROOT}/")


def body(error: AnimaError) -> dict[str, Any]:
    """The body of an answer that tells an error; `param` is the field that is wrong, if one is."""
    kind = "server_error" if error.status >= 500 else _TYPES.get(error.status, "invalid_request_error")
    code = _CODES.get(error.slug, error.slug.replace("-", "_"))
    told = {
        "message": error.detail.encode("utf-8", "replace").decode(),
        "type": "insufficient_quota" if code == "insufficient_quota" else kind,
        "param": error.fields[0].path if error.fields else None,
        "code": code,
        "request_id": telemetry.request_id.get() or "",
    }
    return {"error": told}
