"""The date at the beginning of a line of a chat, in whatever order and writing a phone's language has put it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NamedTuple

Order = Literal["dmy", "mdy", "ymd"]

# Marks of the direction of writing, and the blanks that phones put between a time and its half of the day.
_UNSEEN = str.maketrans(
    {
        **dict.fromkeys("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"),
        "\u202f": " ",
        "\u00a0": " ",
    }
)
_AFTERNOON = {"pm", "下午", "오후", "午後", "م", "μμ", "晚上", "du", "sore", "malam"}
_MORNING = {"am", "上午", "오전", "午前", "ص", "πμ", "凌晨", "早上", "sa", "pagi"}
_HALVES = r"[ap]\.?\s?m\.?|[πμ]\.?\s?μ\.?|下午|上午|오후|오전|午後|午前|晚上|凌晨|早上|م|ص"
_HEAD = re.compile(
    rf"""
    (?P<open>\[)?
    (?P<a>\d{{1,4}}) (?P<sep>[./\-年]) \s? (?P<b>\d{{1,2}}) [./\-月] \s? (?P<c>\d{{1,4}}) [.日]?
    (?: ,?\s+ (?:à|um|at|kl\.?|alle|às|klo|o|ore|la)? \s? | T | ,? )
    (?P<before>{_HALVES})? \s?
    (?P<hour>\d{{1,2}}) [:.h] (?P<minute>\d{{2}}) (?: [:.] (?P<second>\d{{2}}) )?
    \s? (?P<after>{_HALVES})?
    (?(open) \]\s? | \s[-–]\s )
    """,
    re.VERBOSE | re.IGNORECASE,
)


class Stamp(NamedTuple):
    """Three numbers of a date in the order in which they stand, and a time."""

    numbers: tuple[int, int, int]
    separator: str
    hour: int
    minute: int
    second: int
    halves: bool


def cleaned(line: str) -> str:
    """A line without what cannot be seen."""
    return line.translate(_UNSEEN)


def stamp(line: str) -> tuple[Stamp, str] | None:
    """The date that a line begins with, and what follows it."""
    found = _HEAD.match(line)
    if found is None:
        return None
    half = re.sub(r"[.\s]", "", found["before"] or found["after"] or "").lower()
    hour = int(found["hour"])
    if half in _AFTERNOON:
        hour = hour % 12 + 12
    elif half in _MORNING:
        hour %= 12
    minute, second = int(found["minute"]), int(found["second"] or 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    numbers = (int(found["a"]), int(found["b"]), int(found["c"]))
    return Stamp(numbers, found["sep"], hour, minute, second, bool(half)), line[found.end() :]


def dated(found: Stamp, order: Order) -> datetime | None:
    """The moment of a stamp, read in this order; nothing where that is no date. Phones tell no zone: it is UTC."""
    first, second, third = found.numbers
    year, month, day = {
        "ymd": (first, second, third),
        "mdy": (third, first, second),
        "dmy": (third, second, first),
    }[order]
    try:
        return datetime(
            year + 2000 if year < 100 else year, month, day, found.hour, found.minute, found.second, tzinfo=UTC
        )
    except ValueError:
        return None


@dataclass(slots=True)
class _Tried:
    """How well an order fits: lines that are no dates, that go back in time, that lie ahead; and the last date."""

    wrong: int = 0
    odd: int = 0
    last: datetime | None = None


class Ordering:
    """Which number is the day, by all dates of a file: what fits all, else what runs forward, else what is usual."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._tried: dict[Order, _Tried] = {"dmy": _Tried(), "mdy": _Tried(), "ymd": _Tried()}
        self._first: Stamp | None = None

    def look(self, found: Stamp) -> None:
        """Takes the next date into account."""
        self._first = self._first or found
        for order, tried in self._tried.items():
            at = dated(found, order) if (found.numbers[0] > 999) == (order == "ymd") else None
            if at is None:
                tried.wrong += 1
                continue
            tried.odd += (tried.last is not None and at < tried.last) + (at > self._now)
            tried.last = at

    def order(self) -> Order:
        """The order that fits best. What is usual: points are for days first, halves of the day with "/" for months."""
        usual: Order = "dmy"
        if self._first is not None and self._first.halves and self._first.separator == "/":
            usual = "mdy"
        return min(self._tried, key=lambda order: (self._tried[order].wrong, self._tried[order].odd, order != usual))
