"""From JSON to a personality: checked against the schema first, then by what a schema cannot say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from anima.kernel.errors import BadInput, FieldError
from anima.personality import schema
from anima.personality.build import build
from anima.personality.model import Personality

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
    wrong = [*schema.errors(data), *islice(_unstorable(data, "", 0), schema.MOST_ERRORS)]
    return wrong or [*_level_errors(data), *_mood_errors(data)]


def _unstorable(value: Any, path: str, depth: int) -> Iterator[FieldError]:
    """Texts that are no Unicode text (half of a pair, NUL); the schema's own depth is five."""
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
            yield FieldError(path, "has a character that is none")
    elif depth < 8:
        pairs: Iterable[tuple[str, Any]] = ()
        if isinstance(value, Mapping):
            pairs = ((f"{path}.{key}" if path else str(key), each) for key, each in value.items())
        elif isinstance(value, list):
            pairs = ((f"{path}[{index}]", each) for index, each in enumerate(value))
        for inner, each in pairs:
            yield from _unstorable(each, inner, depth + 1)


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


def _doubled(named: list[dict[str, Any]], path: str) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, each in enumerate(named):
        if each["name"] in seen:
            yield FieldError(f"{path}[{index}].name", f"{each['name']} is there twice")
        seen.add(each["name"])
