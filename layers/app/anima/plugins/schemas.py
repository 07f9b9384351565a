"""Tools as strangers describe them, made harmless: names and texts within bounds, schemas with known words only. Pure.

A schema from a server is used to check arguments and is shown to a model. What could make the check slow (patterns), or
have it fetch something (references), is taken out: less is checked then, and the server checks for itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anima.kernel.errors import BadInput
from anima.plugins.arguments import can_be_kept
from anima.plugins.outcome import plain

_MAX_NAME, _MAX_DESCRIPTION, _MAX_SCHEMA_BYTES, _MAX_DEPTH = 128, 1_000, 16_384, 8
_MAX_PROPERTIES, _MAX_VALUES = 64, 100
_TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})
_NUMBERS = frozenset(
    {
        *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    }
)
_TEXTS = frozenset({"title", "description", "format"})
_SCHEMAS = frozenset({"items", "additionalProperties"})
_CHOICES = frozenset({"anyOf", "oneOf", "allOf"})


class BadTool(BadInput):
    """A tool cannot be taken in: {reason}."""

    slug = "bad-tool"
    quoted = ("reason",)


def name(given: str) -> str:
    """A tool's own name, as it is sent back. Raises BadTool for what is none."""
    if not 0 < len(given) <= _MAX_NAME or not given.isprintable():
        raise BadTool(reason=f"its name is empty, longer than {_MAX_NAME} characters or not printable")
    return given


def description(given: str) -> str:
    """A description within its bounds."""
    return plain(given, _MAX_DESCRIPTION)


def cleaned(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema of an object, with the words that are known here, and nothing to fetch or to be slow at.

    What it refers to within itself stands where it is referred to. Raises BadTool.
    """
    try:
        if len(json.dumps(schema)) > _MAX_SCHEMA_BYTES:
            raise BadTool(reason=f"its schema is longer than {_MAX_SCHEMA_BYTES} bytes")
    except (TypeError, ValueError, RecursionError):
        raise BadTool(reason="its schema is no JSON") from None
    if schema.get("type", "object") != "object":
        raise BadTool(reason="its arguments are no object")
    made = {"type": "object", "properties": {}, **_Cleaner(schema).schema(schema, _MAX_DEPTH)}
    if not can_be_kept(made):
        raise BadTool(reason="its schema holds what JSON cannot keep")
    return made


@dataclass(slots=True)
class _Cleaner:
    """Copies a schema; `left` bounds how much that may become."""

    whole: Mapping[str, Any]
    left: int = 2_000

    def schema(self, given: object, depth: int) -> Any:
        """A schema at some depth; what is below the last is not looked into, and anything fits there."""
        self.left -= 1
        if self.left < 0:
            raise BadTool(reason="its schema is too large")
        if isinstance(given, bool):
            return given
        if not isinstance(given, Mapping) or depth == 0:
            return {}
        if isinstance(given.get("$ref"), str):
            return self.schema(self._meant(given["$ref"]), depth - 1)
        kept = {word: self._value(word, value, depth) for word, value in given.items()}
        return {word: value for word, value in kept.items() if value is not None}

    def _meant(self, reference: str) -> object:
        """What a reference within the schema itself stands for; nothing is known of any other."""
        _, _, place = reference.partition("#/")
        group, _, called = place.partition("/")
        known = self.whole.get(group) if group in ("$defs", "definitions") and reference.startswith("#/") else None
        return known.get(called, {}) if isinstance(known, Mapping) else {}

    def _value(self, word: str, value: Any, depth: int) -> Any:
        if word in _SCHEMAS:
            return self.schema(value, depth - 1)
        if word in _CHOICES:
            some = value[:_MAX_VALUES] if isinstance(value, list) else []
            return [self.schema(one, depth - 1) for one in some] or None
        if word == "properties" and isinstance(value, Mapping):
            kept = list(value.items())[:_MAX_PROPERTIES]
            return {plain(str(key), _MAX_NAME): self.schema(one, depth - 1) for key, one in kept}
        if word == "required" and isinstance(value, list):
            return list(dict.fromkeys(one for one in value if isinstance(one, str)))[:_MAX_PROPERTIES]
        return _simple(word, value)


def _simple(word: str, value: Any) -> Any:
    if word == "type":
        named = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        known = list(dict.fromkeys(one for one in named if isinstance(one, str) and one in _TYPES))
        return (known[0] if isinstance(value, str) else known) if known else None
    if word in _NUMBERS and isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    if word in _TEXTS and isinstance(value, str):
        return plain(value, _MAX_DESCRIPTION)
    if word == "enum" and isinstance(value, list) and value:
        return value[:_MAX_VALUES]
    return value if word in ("const", "default") else None
