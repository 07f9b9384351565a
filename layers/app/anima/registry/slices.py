"""A part of a tensor as text, `0:10,:,3`, as an address of HTTP or a command names it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from anima.kernel.errors import BadInput, FieldError

_ONE = re.compile(r"\s*(-?\d{1,18})?\s*(?:(:)\s*(-?\d{1,18})?\s*)?", re.ASCII)
MOST_CHARS = 400


def parse(text: str, shape: Sequence[int]) -> tuple[slice | int, ...]:
    """The slices that a text names, at most one for each dimension; what is left out at the end is whole.

    An index or slice counts from the end where it is negative. Raises BadInput for what is none, for more dimensions
    than there are, and for an index that lies outside.
    """
    if not text.strip():
        return ()
    parts = text.split(",")
    if len(parts) > len(shape):
        raise _refused(f"the tensor has {len(shape)} dimensions, and {len(parts)} are named")
    return tuple(_part(part, length) for part, length in zip(parts, shape, strict=False))


def shape_of(slices: Sequence[slice | int], shape: Sequence[int]) -> tuple[int, ...]:
    """The shape of such a part: a dimension that an index names is gone."""
    kept = []
    for place, length in enumerate(shape):
        one = slices[place] if place < len(slices) else slice(None)
        if isinstance(one, slice):
            kept.append(len(range(*one.indices(length))))
    return tuple(kept)


def _part(text: str, length: int) -> slice | int:
    found = _ONE.fullmatch(text)
    if found is None or found.group().strip() == "":
        raise _refused(f"{text.strip()!r:.40} is neither an index nor from:to")
    first, colon, last = found.groups()
    if colon is None:
        index = int(first)
        if not -length <= index < length:
            raise _refused(f"there is no index {index} among {length}")
        return index
    return slice(int(first) if first else None, int(last) if last else None)


def _refused(reason: str) -> BadInput:
    return BadInput(reason=reason, fields=[FieldError("slice", "for each dimension an index or from:to, as 0:10,:,3")])
