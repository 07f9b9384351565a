"""Arguments as a model wrote them: read within limits, and held against the tool's schema. Pure.

A schema may come from a stranger's server: nothing it refers to is fetched, and what could make checking slow is taken
out where it comes in (`schemas.cleaned`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from anima.kernel.errors import BadInput
from anima.plugins.model import MAX_ARGUMENTS_BYTES

_MAX_DEPTH = 20
_MAX_TOLD = 3


class BadArguments(BadInput):
    """The arguments do not fit the tool: {reason}."""

    slug = "bad-arguments"
    quoted = ("reason",)


def read(arguments: str | Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as an object that fits the schema. Raises BadArguments."""
    given = _object(arguments)
    if told := _wrong(given, schema):
        raise BadArguments(reason="; ".join(told))
    return given


def _object(arguments: str | Mapping[str, Any]) -> dict[str, Any]:
    try:
        text = arguments if isinstance(arguments, str) else json.dumps(dict(arguments), allow_nan=False)
        if len(text.encode()) > MAX_ARGUMENTS_BYTES:
            raise BadArguments(reason=f"they are longer than {MAX_ARGUMENTS_BYTES} bytes")
        given = json.loads(text or "{}", parse_constant=_no_number)
    except RecursionError:
        raise BadArguments(reason="they are nested too deeply") from None
    except (ValueError, TypeError):
        raise BadArguments(reason="they are no JSON") from None
    if not isinstance(given, dict):
        raise BadArguments(reason="they are no JSON object")
    if not can_be_kept(given):
        raise BadArguments(reason="they hold what cannot be kept, or are nested too deeply")
    return given


def can_be_kept(value: object) -> bool:
    """Whether a value that was read from JSON can be kept as JSON, and be shown."""
    return _fits(value, _MAX_DEPTH)


def _no_number(name: str) -> float:
    raise ValueError(name)


def _fits(value: object, depth: int) -> bool:
    """Whether a value can be kept as JSON: not too deep, no lone surrogates or zeros, no numbers without end."""
    if isinstance(value, str):
        return not any(character == "\x00" or "\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return depth > 0 and all(_fits(key, 1) and _fits(one, depth - 1) for key, one in value.items())
    if isinstance(value, list):
        return depth > 0 and all(_fits(one, depth - 1) for one in value)
    return True


def _wrong(given: dict[str, Any], schema: Mapping[str, Any]) -> list[str]:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    validator = Draft202012Validator(dict(schema), registry=Registry())
    told: list[str] = []
    try:
        for error in validator.iter_errors(given):
            best = best_match([error]) or error
            place = ".".join(map(str, best.absolute_path))
            told.append(f"{place}: {best.message[:200]}" if place else best.message[:200])
            if len(told) == _MAX_TOLD:
                break
    except (Unresolvable, RecursionError, TypeError, ValueError, OverflowError):
        return ["the tool's schema cannot be used"]
    return told
