"""Pages of a list: an opaque cursor that names the last row seen."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from anima.kernel.errors import BadInput, FieldError

R = TypeVar("R")
MAX_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Some rows of a list, and the cursor of the next ones (none: this is the end)."""

    items: list[R]
    next_cursor: str | None


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
    raise BadInput(reason="unknown cursor", fields=[FieldError("cursor", "take it from next_cursor of a page")])


def page(rows: list[R], limit: int, position: Callable[[R], Sequence[Any]]) -> Page[R]:
    """Cuts `limit + 1` fetched rows to a page of `limit`."""
    more = len(rows) > limit
    items = rows[:limit]
    return Page(items, encode(position(items[-1])) if more and items else None)
