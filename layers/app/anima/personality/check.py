"""Checks a personality as text: every error with its path, its line and its column."""

from __future__ import annotations

from typing import Any

from anima.kernel.errors import FieldError, TooLarge
from anima.personality import positions, schema
from anima.personality.parse import MOST_BYTES, InvalidPersonality, errors, too_large
from anima.personality.positions import Document, NotJson, Problem


def check_text(text: str) -> list[Problem]:
    """Every error in a text that should be a personality, in its order; none: it is valid. Never raises.

    A text over the limit is not read at all, one that is no JSON only up to there.
    """
    return _checked(text)[1]


def read_text(text: str) -> dict[str, Any]:
    """The JSON of a personality in a text. Raises TooLarge, or InvalidPersonality with line and column."""
    if (size := _bytes(text)) > MOST_BYTES:
        raise TooLarge(what="personality", size=f"{size} bytes", limit=f"{MOST_BYTES} bytes")
    value, problems = _checked(text)
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        fields = [FieldError(one.path, f"line {one.line}, column {one.column}: {one.message}") for one in problems]
        raise InvalidPersonality(reason=f"{problems[0]}{more}", fields=fields)
    found: dict[str, Any] = value
    return found


def _checked(text: str) -> tuple[Any, list[Problem]]:
    if (size := _bytes(text)) > MOST_BYTES:
        return None, [Problem(positions.WHOLE, too_large(size), 1, 1)]
    try:
        document = positions.read(text)
    except NotJson as error:
        return None, [error.problem]
    found = [_placed(document, one) for one in errors(document.value)]
    problems = sorted([*document.doubled, *found], key=lambda one: (one.line, one.column))
    return document.value, problems[: schema.MOST_ERRORS]


def _placed(document: Document, error: FieldError) -> Problem:
    path = "" if error.path == positions.WHOLE else error.path
    unknown = error.message.startswith(schema.UNKNOWN)
    return document.problem(path, error.message, document.place(path, key=unknown))


def _bytes(text: str) -> int:
    """Its size in UTF-8; half a pair counts as it would be replaced."""
    return len(text) if len(text) > MOST_BYTES else len(text.encode("utf-8", "replace"))
