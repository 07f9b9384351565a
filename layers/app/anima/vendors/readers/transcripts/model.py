"""Turns as the readers of exports give them, with their names, ids and dates in one form."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

Role = Literal["me", "assistant", "other"]

TEXT_CHARS = 100_000
"""A longer turn is cut here."""
_NAME_CHARS = 200
_ID_CHARS = 200
_MOST_SECONDS = 253_402_300_799  # the year 9999
_MILLISECONDS = 100_000_000_000
_FORMATS = (
    *("%I:%M %p on %d %B, %Y", "%d %B, %Y", "%d %B %Y", "%B %d, %Y", "%B %d, %Y %H:%M", "%d %B %Y %H:%M"),
    *("%d %b %Y", "%b %d, %Y", "%Y/%m/%d", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S"),
)


@dataclass(frozen=True, slots=True)
class Said:
    """A turn. `conversation` names what it is part of, at the service; `at` is null where nothing tells the date."""

    conversation: str
    turn_id: str
    at: datetime | None
    speaker: str
    text: str
    title: str | None = None
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A turn that is not taken in, by the reason: media, system, empty."""

    reason: str


def named(value: object, default: str = "") -> str:
    """A name or a title in one line, of a length that can be kept."""
    text = " ".join(str(value).split()) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return storable(text)[:_NAME_CHARS].strip() or default


def identity(value: object) -> str:
    """An id as text; empty where there is none."""
    return storable(str(value))[:_ID_CHARS] if isinstance(value, str | int) and not isinstance(value, bool) else ""


def storable(text: str) -> str:
    """Without what the database does not take: NUL and halves of characters."""
    return text.replace("\x00", " ").encode(errors="replace").decode()


def moment(value: object) -> datetime | None:
    """A date in ISO 8601, in seconds or milliseconds since 1970, of a mail, or in English words; UTC without a zone.

    Raises ValueError for what is no date; None is none.
    """
    if value is None or value == "":
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not -_MOST_SECONDS < value <= _MOST_SECONDS * 1000:
            raise ValueError("a date that no calendar has")
        seconds = value / 1000 if abs(value) > _MILLISECONDS else value
        return datetime.fromtimestamp(seconds, UTC)
    if not isinstance(value, str):
        raise ValueError("a date is text or a number")
    found = _of_text(" ".join(value.split()))
    try:
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError("a date that no calendar has") from None


def _of_text(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    for form in _FORMATS:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    try:
        return parsedate_to_datetime(text)
    except (TypeError, IndexError, ValueError, OverflowError):
        raise ValueError(f"{text[:40]!r} is no date") from None
