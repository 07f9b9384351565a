"""Settings that admins change while everything runs, as the rooms that heed them declare them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Option:
    """A setting: its default, what it does, and its values: `(least, most)` of a whole number, or each of them."""

    default: Callable[[], Any]
    description: str
    accepts: tuple[object, ...]

    @property
    def is_number(self) -> bool:
        """Whether any whole number between two is accepted."""
        return len(self.accepts) == 2 and all(type(one) is int for one in self.accepts)

    def wrong(self, value: object) -> str | None:
        """What is accepted where a value is not; nothing where it is."""
        if self.is_number:
            least, most = (int(str(one)) for one in self.accepts)
            fits = type(value) is int and least <= value <= most
            return None if fits else f"a whole number from {least} to {most}"
        if any(type(value) is type(one) and value == one for one in self.accepts):
            return None
        return f"one of {', '.join(str(one).lower() for one in self.accepts)}"


def fitting(options: Mapping[str, Option], key: str, value: object) -> bool:
    """Whether a value is one of this setting."""
    return key in options and options[key].wrong(value) is None
