"""What differs between two personalities: which paths, and how, for a person to read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from anima.personality.positions import WHOLE, inside

_MOST_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one path: added, removed, or changed. Things with a name are found by it: `moods[calm].decay`."""

    path: str
    kind: str
    before: Any = None
    after: Any = None

    def __str__(self) -> str:
        if self.kind == "changed":
            return f"{self.path}: {_shown(self.before)} → {_shown(self.after)}"
        return f"{self.path}: {self.kind} {_shown(self.after if self.kind == 'added' else self.before)}"


def difference(before: Any, after: Any) -> list[Change]:
    """The changes from one personality (its JSON) to another; none: they say the same."""
    return list(_changes(before, after, ""))


def _changes(before: Any, after: Any, path: str) -> Iterator[Change]:
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _of_keys(before, after, path, inside)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _of_lists(before, after, path)
    elif not _same(before, after):
        yield Change(path or WHOLE, "changed", before, after)


def _of_keys(before: dict[str, Any], after: dict[str, Any], path: str, place: Any) -> Iterator[Change]:
    for name, was in before.items():
        if name in after:
            yield from _changes(was, after[name], place(path, name))
        else:
            yield Change(place(path, name), "removed", before=was)
    for name, now in after.items():
        if name not in before:
            yield Change(place(path, name), "added", after=now)


def _of_lists(before: list[Any], after: list[Any], path: str) -> Iterator[Change]:
    """Things with a name by that; of plain things, which came and which went; otherwise the list as a whole."""
    named = _by_name(before), _by_name(after)
    if named[0] is not None and named[1] is not None:
        found = [*_of_keys(named[0], named[1], path, lambda within, name: f"{within}[{name}]")]
        moved = [*named[0]] != [*named[1]]
        yield from found or ([Change(path, "changed", [*named[0]], [*named[1]])] if moved else [])
    elif any(isinstance(each, int | float) for each in (*before, *after)):
        if not _same(before, after):
            yield Change(path, "changed", before, after)
    else:
        yield from _of_plain(before, after, path)


def _of_plain(before: list[Any], after: list[Any], path: str) -> Iterator[Change]:
    gone, come = _without(before, after), _without(after, before)
    yield from (Change(path, "removed", before=each) for each in gone)
    yield from (Change(path, "added", after=each) for each in come)
    if not gone and not come and not _same(before, after):
        yield Change(path, "changed", before, after)


def _by_name(listed: list[Any]) -> dict[str, Any] | None:
    """A list by the names of what is in it, if all have one of their own."""
    names = [each.get("name") if isinstance(each, dict) else None for each in listed]
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
        return None
    return dict(zip(map(str, names), listed, strict=True))


def _without(listed: list[Any], others: list[Any]) -> list[Any]:
    """What is in one list and not, or less often, in the other."""
    left = [_canonical(other) for other in others]
    found = []
    for each in listed:
        key = _canonical(each)
        if key in left:
            left.remove(key)
        else:
            found.append(each)
    return found


def _same(before: Any, after: Any) -> bool:
    return _canonical(before) == _canonical(after)


def _canonical(value: Any) -> str:
    """Equal for what JSON holds to be equal: 1 is 1.0, and is not true."""
    return json.dumps(_floated(value), ensure_ascii=False, sort_keys=True)


def _floated(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _floated(each) for name, each in value.items()}
    if isinstance(value, list):
        return list(map(_floated, value))
    is_small = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53
    return float(value) if is_small else value


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 1] + "…"
