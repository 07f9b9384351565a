"""What values of a snapshot's rows must be for whatever reads them later: a database takes more than that. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

_MOST_NAME_BYTES = 1_200
"""What an index takes of two names together."""
_MOST_NANOMOLAR = 1e9
_MODULATORS = 6
_FIRST_YEAR, _LAST_YEAR = 2, 9_000
"""Times beyond leave no room for spans before and after them."""


def is_time(text: str) -> bool:
    """Whether a time that is written as one can be read, and reckoned with."""
    try:
        found = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return False
    return _FIRST_YEAR <= found.year <= _LAST_YEAR


def misshapen(part: str, value: Mapping[str, Any]) -> str | None:
    """A field of a row of a part that is not what its readers rely on; None where all are."""
    for name, fits in _FIELDS.get(part, {}).items():
        if value.get(name) is not None and not fits(value[name]):
            return name
    return None


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and len(value.encode("utf-8", "replace")) <= _MOST_NAME_BYTES


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


def _is_state(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == _MODULATORS
        and all(_is_number(each) and each <= _MOST_NANOMOLAR for each in value)
    )


def _is_history(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(each, dict)
        and _is_name(each.get("level"))
        and _is_number(each.get("points"))
        and isinstance(each.get("at"), str)
        and is_time(each["at"])
        for each in value
    )


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _is_look(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())


_METADATA: dict[str, Callable[[Any], bool]] = {"metadata": _is_object}
_FIELDS: dict[str, dict[str, Callable[[Any], bool]]] = {
    "avatar": {"personality_name": _is_name, "model": _is_name},
    "versions": {"personality_name": _is_name, "personality": _is_object},
    "feelings": {"concentrations": _is_state, "baselines": _is_state},
    "affinity": {
        "personality_name": _is_name,
        "current_level": _is_name,
        "level_history": _is_history,
        **dict.fromkeys(("absence_took", "recent_interactions", "total_messages"), _is_number),
        **dict.fromkeys(("positive_interactions", "negative_interactions"), _is_number),
    },
    "sessions": _METADATA,
    "messages": _METADATA,
    "entities": {"folded": _is_name, "kind": _is_name, "aliases": _are_texts},
    "facts": {"key": _is_name, "category": _is_name, "tags": _are_texts},
    "episodes": {**_METADATA, "temporal_decay": _is_number, "tags": _are_texts},
    "felt": {"mood": _is_name, "cause": _is_name, "concentrations": _is_state},
    "questions": {"folded": _is_name, "kind": _is_name, "looked_in": _is_look},
}
