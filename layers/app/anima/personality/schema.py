"""The JSON Schema of a personality, and a checker of documents against it that says where each error is.

The checker knows the keywords that the schema uses; a test compares its verdicts with a complete one's.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from importlib import resources
from itertools import islice
from typing import Any

from anima.kernel.errors import FieldError
from anima.personality.positions import WHOLE, inside

SCHEMA: dict[str, Any] = json.loads(resources.files(__package__).joinpath("schema.json").read_text("utf-8"))

MOST_ERRORS = 100
UNKNOWN = "is not known here"


def _is_number(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "number": _is_number,
    "integer": lambda value: _is_number(value) and value == int(value),
}
_NAMES = {"object": "an object", "array": "a list", "string": "a text", "boolean": "true or false"}
_NAMES |= {"number": "a number", "integer": "a whole number"}


def errors(document: Any) -> list[FieldError]:
    """The ways in which a document does not fit the schema, in its order; the first hundred of them."""
    return list(islice(_check(document, SCHEMA, ""), MOST_ERRORS))


def _check(value: Any, schema: dict[str, Any], path: str) -> Iterator[FieldError]:
    schema = _resolved(schema)
    if "anyOf" in schema:
        yield from _check_alternatives(value, schema["anyOf"], path)
    if "enum" in schema and value not in schema["enum"]:
        yield _error(path, "one of " + ", ".join(schema["enum"]))
    kind = schema.get("type")
    if kind is None:
        return
    if not _TYPES[kind](value):
        yield _error(path, f"{_NAMES[kind]} is expected")
    elif kind in _CHECKS:
        yield from _CHECKS[kind](value, schema, path)


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    return {**SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], **schema} if "$ref" in schema else schema


def _check_object(value: dict[str, Any], schema: dict[str, Any], path: str) -> Iterator[FieldError]:
    known = schema.get("properties", {})
    if len(value) > (most := schema.get("maxProperties", len(value))):
        yield _error(path, f"at most {most} keys are expected, not {len(value)}")
    for name in schema.get("required", []):
        if name not in value:
            yield _error(inside(path, name), "is required")
    for name, each in value.items():
        if name in known:
            yield from _check(each, known[name], inside(path, name))
        elif schema.get("additionalProperties") is False:
            yield _error(inside(path, name), f"{UNKNOWN}; known are " + ", ".join(known))


def _check_alternatives(value: Any, alternatives: list[dict[str, Any]], path: str) -> Iterator[FieldError]:
    """The alternative that is meant shows by its type, among objects by the key that it needs."""
    resolved = [_resolved(each) for each in alternatives]
    fitting = [each for each in resolved if _TYPES[each["type"]](value)]
    meant = [each for each in fitting if set(each.get("required", ())) <= set(value if each.get("required") else ())]
    if meant:
        yield from _check(value, meant[0], path)
    elif fitting:
        yield _error(path, "needs one of " + ", ".join(each["required"][0] for each in fitting))
    else:
        yield _error(path, " or ".join(dict.fromkeys(_NAMES[each["type"]] for each in resolved)) + " is expected")


def _check_array(value: list[Any], schema: dict[str, Any], path: str) -> Iterator[FieldError]:
    least, most = schema.get("minItems", 0), schema["maxItems"]
    if not least <= len(value) <= most:
        count = str(least) if least == most else f"{least} to {most}"
        yield _error(path, f"{count} items are expected, not {len(value)}")
    for index, each in enumerate(value[:most]):
        yield from _check(each, schema["items"], f"{path}[{index}]")


def _check_string(value: str, schema: dict[str, Any], path: str) -> Iterator[FieldError]:
    least, most = schema.get("minLength", 0), schema["maxLength"]
    if not least <= len(value) <= most:
        yield _error(path, f"{least} to {most} characters are expected, not {len(value)}")
    elif "pattern" in schema and not re.search(schema["pattern"], value):
        yield _error(path, "must not be blank")


def _check_number(value: float, schema: dict[str, Any], path: str) -> Iterator[FieldError]:
    if not schema["minimum"] <= value <= schema["maximum"]:
        yield _error(path, f"{schema['minimum']} to {schema['maximum']} is expected")


_CHECKS: dict[str, Callable[[Any, dict[str, Any], str], Iterator[FieldError]]] = {
    "object": _check_object,
    "array": _check_array,
    "string": _check_string,
    "number": _check_number,
    "integer": _check_number,
}


def _error(path: str, message: str) -> FieldError:
    return FieldError(path or WHOLE, message)
