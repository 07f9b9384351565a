"""Pages of a list: an opaque cursor that names the last row seen."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from anima.kernel.errors import BadInput, FieldError

R = TypeVar("R")
MAX_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Some rows of a list, and the cursor of the next ones (none: this is the end)."""

    items: list[R]
    next_cursor: str | None


def unknown() -> BadInput:
    """What is answered to a cursor that no page gave."""
    return BadInput(reason="unknown cursor", fields=[FieldError("cursor", "take it from next_cursor of a page")])


def encode(position: Sequence[Any]) -> str:
    """A position (JSON values of the sort key) as a cursor."""
    return base64.urlsafe_b64encode(json.dumps(list(position), default=str).encode()).decode().rstrip("=")


def decode(cursor: str | None, length: int) -> list[Any] | None:
    """The position in a cursor, or None without one. Raises BadInput for what `encode` did not make."""
    if cursor is None:
        return None
    try:
        position = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if isinstance(position, list) and len(position) == length:
            return position
    except ValueError:
        pass
    raise unknown()


def number(cursor: str | None, most: int = 2**63 - 1) -> int | None:
    """The whole number from 0 to `most` that a cursor holds alone, or None without one. Raises BadInput."""
    position = decode(cursor, 1)
    if position is None:
        return None
    if type(position[0]) is int and 0 <= position[0] <= most:
        return position[0]
    raise unknown()


def name(cursor: str | None) -> str | None:
    """The text that a cursor holds alone, or None without one. Raises BadInput."""
    position = decode(cursor, 1)
    if position is None:
        return None
    if isinstance(position[0], str) and "\0" not in position[0]:
        return position[0]
    raise unknown()


def time_and_id(cursor: str | None) -> tuple[datetime, uuid.UUID] | None:
    """The time and the id that a cursor holds, of a list that is ordered by both. Raises BadInput."""
    position = decode(cursor, 2)
    if position is None:
        return None
    try:
        at = datetime.fromisoformat(str(position[0]))
        if at.tzinfo is not None:
            return at, uuid.UUID(str(position[1]))
    except ValueError:
        pass
    raise unknown()


def every(ask: Callable[[str | None], Page[R]]) -> Iterator[R]:
    """The rows of all pages, each page asked for by the cursor of the one before when it is needed."""
    cursor: str | None = None
    while True:
        found = ask(cursor)
        yield from found.items
        cursor = found.next_cursor
        if cursor is None:
            return


def page(rows: list[R], limit: int, position: Callable[[R], Sequence[Any]]) -> Page[R]:
    """Cuts `limit + 1` fetched rows to a page of `limit`."""
    more = len(rows) > limit
    items = rows[:limit]
    return Page(items, encode(position(items[-1])) if more and items else None)
