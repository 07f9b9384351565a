"""What a person says of a model or run in JSON of their own, checked before it is kept: it has to come back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from anima.kernel.errors import BadInput, FieldError
from anima.registry.naming import is_text

DEEPEST = 64


def kept_json(what: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """The same as a dictionary of its own. Raises BadInput for what is no JSON, or cannot be kept as such."""
    if not isinstance(said, Mapping):
        raise _refused(what, "is no object", "an object of JSON")
    try:
        json.dumps(dict(said), allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise _refused(what, "is no JSON", "JSON values only") from None
    for value, depth in _walked(said):
        if depth > DEEPEST:
            raise _refused(what, "is nested too deeply", f"at most {DEEPEST} levels")
        if isinstance(value, str) and not is_text(value):
            raise _refused(what, "holds a zero character, or half of one", "text without it")
    return dict(said)


def _walked(said: Any) -> Iterator[tuple[Any, int]]:
    """Every value and every name, with how deep it lies."""
    waiting: list[tuple[Any, int]] = [(said, 0)]
    while waiting:
        value, depth = waiting.pop()
        yield value, depth
        if isinstance(value, Mapping):
            waiting += [(inner, depth + 1) for pair in value.items() for inner in pair]
        elif isinstance(value, list | tuple):
            waiting += [(inner, depth + 1) for inner in value]


def _refused(what: str, reason: str, accepted: str) -> BadInput:
    return BadInput(reason=f"the {what} {reason}", fields=[FieldError(what, accepted)])
