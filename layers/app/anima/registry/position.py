"""Where a page of the registry's lists begins: the last row of the one before, taken from its cursor."""

from __future__ import annotations

from anima.kernel import pages


def numbers(cursor: str | None) -> tuple[int, int]:
    """Two numbers; before the first without a cursor. Raises BadInput."""
    place = pages.decode(cursor, 2)
    if place is None:
        return -1, -1
    first, second = place
    if type(first) is int and type(second) is int and 0 <= first < 2**31 and 0 <= second < 2**31:
        return first, second
    raise pages.unknown()


def number_and_text(cursor: str | None) -> tuple[int, str]:
    """A number and a text; before the first without a cursor. Raises BadInput."""
    place = pages.decode(cursor, 2)
    if place is None:
        return -1, ""
    number, text = place
    if type(number) is int and 0 <= number < 2**31 and isinstance(text, str) and "\0" not in text:
        return number, text
    raise pages.unknown()
