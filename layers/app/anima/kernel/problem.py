"""An error as everybody is told it: the body of problem+json (RFC 9457), whatever door it goes out by."""

from __future__ import annotations

from typing import Any

from anima.kernel import telemetry
from anima.kernel.errors import PROBLEM_TYPE, AnimaError


def problem(error: AnimaError) -> dict[str, Any]:
    """The body of an answer that tells an error."""
    return {
        "type": PROBLEM_TYPE + error.slug,
        "title": error.slug.replace("-", " ").capitalize(),
        "status": error.status,
        "detail": _speakable(error.detail),
        "request_id": telemetry.request_id.get() or "",
        "errors": [{"path": _speakable(one.path), "message": _speakable(one.message)} for one in error.fields],
    }


def _speakable(text: str) -> str:
    """What was sent and is told back may hold what no answer can: lone surrogates."""
    return text.encode("utf-8", "replace").decode("utf-8")
