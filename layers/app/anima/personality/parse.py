"""From JSON to a personality: checked against the schema first, then by what a schema cannot say."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from itertools import islice
from typing import Any

from anima.kernel.errors import BadInput, FieldError
from anima.personality import schema
from anima.personality.build import build
from anima.personality.model import Personality
from anima.personality.positions import DEEPEST, WHOLE, inside

MOST_BYTES = 256 * 1024
"""The largest personality, as JSON in UTF-8."""

_LEVELS = "hierarchical_config.relationship_levels"


class InvalidPersonality(BadInput):
    """The personality is not valid: {reason}."""

    slug = "invalid-personality"


def parse(data: Any) -> Personality:
    """The personality in a JSON object. Raises InvalidPersonality with the path of every error."""
    wrong = errors(data)
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise InvalidPersonality(reason=f"{wrong[0].path}: {wrong[0].message}{more}", fields=wrong)
    return build(data)


def errors(data: Any) -> list[FieldError]:
    """Every error in what should be a personality; none: it is valid."""
    unstorable = list(islice(_unstorable(data, "", 0), schema.MOST_ERRORS))
    wrong = schema.errors(data)
    told = {one.path for one in wrong}
    wrong += [one for one in unstorable if one.path not in told]
    if wrong:
        return wrong
    size = len(json.dumps(data, ensure_ascii=False).encode())
    if size > MOST_BYTES:
        return [FieldError(WHOLE, too_large(size))]
    return [*_level_errors(data), *_mood_errors(data), *_trigger_errors(data)]


def too_large(size: int) -> str:
    """What is said of a personality of so many bytes."""
    return f"is too large: {size} bytes where at most {MOST_BYTES} are accepted"


def _unstorable(value: Any, path: str, depth: int) -> Iterator[FieldError]:
    """What no database keeps: texts that are no Unicode text (half of a pair, NUL), numbers that are none."""
    if isinstance(value, str):
        if _is_no_text(value):
            yield FieldError(path or WHOLE, "has a character that is none")
    elif isinstance(value, float) and not math.isfinite(value):
        yield FieldError(path or WHOLE, "is no number")
    elif isinstance(value, dict | list) and depth >= DEEPEST:
        yield FieldError(path, f"nested deeper than {DEEPEST}")
    elif isinstance(value, dict):
        for key, each in value.items():
            inner = inside(path, key)
            if _is_no_text(str(key)):
                yield FieldError(inner, "has a character that is none in its name")
            yield from _unstorable(each, inner, depth + 1)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _unstorable(each, f"{path}[{index}]", depth + 1)


def _is_no_text(text: str) -> bool:
    return "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text)


def _level_errors(data: dict[str, Any]) -> Iterator[FieldError]:
    levels = data.get("hierarchical_config", {}).get("relationship_levels", [])
    ranges = sorted((*level["affinity_range"], index) for index, level in enumerate(levels))
    yield from _doubled(levels, _LEVELS)
    end: float = 0.0
    for place, (low, high, index) in enumerate(ranges):
        path = f"{_LEVELS}[{index}].affinity_range"
        if low >= high:
            yield FieldError(path, f"the low end {low:g} is not below the high end {high:g}")
        elif place == 0 and low != 0:
            yield FieldError(path, f"a gap: the levels begin at {low:g}, not at 0")
        elif place > 0 and low < end:
            yield FieldError(path, f"an overlap: {low:g} lies in a level that ends at {end:g}")
        elif place > 0 and low > end and not _next_whole(end, low):
            yield FieldError(path, f"a gap between {end:g} and {low:g}")
        end = max(end, high)
    if ranges and end != 100:
        yield FieldError(f"{_LEVELS}[{ranges[-1][2]}].affinity_range", f"a gap: the levels end at {end:g}, not at 100")


def _next_whole(end: float, low: float) -> bool:
    return low == end + 1 and float(end).is_integer()


def _mood_errors(data: dict[str, Any]) -> Iterator[FieldError]:
    moods = data.get("moods", [])
    yield from _doubled(moods, "moods")
    names = [mood["name"] for mood in moods]
    default = data.get("default_mood")
    if default is not None and default not in names:
        yield FieldError("default_mood", f"{default} is none of the moods ({', '.join(names) or 'there are none'})")


def _trigger_errors(data: dict[str, Any]) -> Iterator[FieldError]:
    """Moods that follow upon others: those must be there, and no chain may come back to where it began."""
    moods = data.get("moods", [])
    names = [mood["name"] for mood in moods]
    follows: dict[str, list[tuple[str, str]]] = {}
    for index, mood in enumerate(moods):
        for place, trigger in enumerate(mood.get("triggers", [])):
            if isinstance(trigger, dict) and "mood" in trigger:
                path = f"moods[{index}].triggers[{place}].mood"
                if trigger["mood"] not in names:
                    yield FieldError(path, f"{trigger['mood']} is none of the moods ({', '.join(names)})")
                follows.setdefault(trigger["mood"], []).append((mood["name"], path))
    for before, after in follows.items():
        for name, path in after:
            if way := _way(follows, name, before):
                yield FieldError(path, "a cycle of moods: " + " → ".join([before, *way]))


def _way(follows: dict[str, list[tuple[str, str]]], start: str, end: str) -> list[str]:
    """The shortest chain of moods from one to another, both included; none: there is no such chain."""
    ways, seen = [[start]], {start}
    for way in ways:  # grows while it is gone through
        if way[-1] == end:
            return way
        new = [name for name, _ in follows.get(way[-1], []) if name not in seen]
        seen.update(new)
        ways += [[*way, name] for name in new]
    return []


def _doubled(named: list[dict[str, Any]], path: str) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, each in enumerate(named):
        if each["name"] in seen:
            yield FieldError(f"{path}[{index}].name", f"{each['name']} is there twice")
        seen.add(each["name"])
