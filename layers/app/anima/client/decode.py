"""JSON into the frozen results: checked field by field; what an older client does not know is left out."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

Reader = Callable[[Any], Any]


class Unreadable(ValueError):
    """A value that is not of the type that was expected; its text says where."""


def decoded(kind: Any, value: Any) -> Any:
    """The value as this type. Raises Unreadable, with the place in it."""
    return _reader(kind)(value)


@cache
def _reader(kind: Any) -> Reader:
    origin = get_origin(kind)
    if kind is Any or origin is Literal:
        return _as_it_is
    if origin in (Union, types.UnionType):
        return _either(get_args(kind))
    if origin is tuple:
        return _row(get_args(kind)[0])
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(get_args(kind)[1])
    if is_dataclass(kind) and isinstance(kind, type):
        return _record(kind)
    return _scalar(kind)


def _as_it_is(value: Any) -> Any:
    return value


def _either(kinds: tuple[Any, ...]) -> Reader:
    """One of several types; of several that are not None only the first that fits is read."""
    readers = [_reader(kind) for kind in kinds if kind is not types.NoneType]

    def read(value: Any) -> Any:
        if value is None:
            return None
        for reader in readers[:-1]:
            try:
                return reader(value)
            except Unreadable:
                continue
        return readers[-1](value)

    return read


def _row(kind: Any) -> Reader:
    reader = _reader(kind)

    def read(value: Any) -> Any:
        if not isinstance(value, list):
            raise Unreadable(f"a list, not {type(value).__name__}")
        return tuple(_at(str(place), reader, one) for place, one in enumerate(value))

    return read


def _mapping(kind: Any) -> Reader:
    reader = _reader(kind)

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            raise Unreadable(f"an object, not {type(value).__name__}")
        return {name: _at(name, reader, one) for name, one in value.items()}

    return read


def _record(kind: Any) -> Reader:
    """A dataclass; a field whose name is a word of Python has a line below behind it."""
    hints = get_type_hints(kind)
    plan = [
        (one.name, one.name.rstrip("_"), _reader(hints[one.name]), one.default is MISSING)
        for one in fields(kind)
        if one.init
    ]

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            raise Unreadable(f"an object, not {type(value).__name__}")
        missing = [sent for _, sent, _, needed in plan if needed and sent not in value]
        if missing:
            raise Unreadable(f"there is no {missing[0]}")
        return kind(**{name: _at(sent, reader, value[sent]) for name, sent, reader, _ in plan if sent in value})

    return read


def _scalar(kind: Any) -> Reader:
    if kind is datetime:
        return lambda value: _made(datetime.fromisoformat, value, "a time")
    if kind is date:
        return lambda value: _made(date.fromisoformat, value, "a day")
    if kind is UUID:
        return lambda value: _made(UUID, value, "a UUID")
    accepted: tuple[type, ...] = (int, float) if kind is float else (kind,)

    def read(value: Any) -> Any:
        if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
            raise Unreadable(f"{kind.__name__}, not {type(value).__name__}")
        return value

    return read


def _made(make: Callable[[str], Any], value: Any, what: str) -> Any:
    try:
        return make(value)
    except (TypeError, ValueError, AttributeError):
        raise Unreadable(f"{what}, not {value!r:.40}") from None


def _at(place: str, reader: Reader, value: Any) -> Any:
    try:
        return reader(value)
    except Unreadable as error:
        raise Unreadable(f"{place}: {error}") from None
