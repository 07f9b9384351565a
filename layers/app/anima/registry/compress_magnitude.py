"""Magnitude pruning: exactly so many of the smallest weights become zero, within a tensor or over a whole model.

Weights are compared by their magnitude in float32, whose bits are in the order of the numbers; of equal ones those that
come first are pruned. The smallest of a whole model are found in two passes over it, without keeping any of it: a count
by the upper half of the bits, then one by the lower half within the one place where the limit lies.
Han et al., "Learning both Weights and Connections for Efficient Neural Networks" (2015).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Tensors = Callable[[], Iterable[Array]]
_BLOCK = 1 << 22
_PLACES = 1 << 16


@dataclass(frozen=True, slots=True)
class Limit:
    """All below `magnitude` (as bits of float32) go, and so many of those that are equal to it."""

    magnitude: int
    ties: int


def count_of(share: float, size: int) -> int:
    """How many of `size` values are a share of them, to the nearest one."""
    return round(share * size)


def prune(weights: Array, count: int) -> Array:
    """A copy of which the `count` smallest values are zero."""
    search = LimitSearch(count)
    return zeroed(weights, search.limit(lambda: [weights]))[0]


def zeroed(weights: Array, limit: Limit) -> tuple[Array, int]:
    """A copy without the values that a limit prunes, and how many were equal to it and went: the next tensor's limit
    has as many less.
    """
    pruned = weights.copy()
    flat, used = pruned.reshape(-1), 0
    for start in range(0, flat.size, _BLOCK):
        part = flat[start : start + _BLOCK]
        magnitudes = bits(part)
        part[magnitudes < limit.magnitude] = 0
        if used < limit.ties:
            ties = np.flatnonzero(magnitudes == limit.magnitude)[: limit.ties - used]
            part[ties] = 0
            used += ties.size
    return pruned, used


def bits(weights: Array) -> npt.NDArray[np.uint32]:
    """Magnitudes as the bits of float32: ordered as the numbers are, what is no number last."""
    with np.errstate(over="ignore"):
        return np.abs(weights.astype(np.float32)).view(np.uint32)


class LimitSearch:
    """Looks for the magnitude below which `count` values of many tensors lie."""

    def __init__(self, count: int) -> None:
        self._count = count

    def limit(self, tensors: Tensors) -> Limit:
        """The limit over the tensors that `tensors()` yields: it is called twice, and yields the same ones again."""
        if self._count <= 0:
            return Limit(0, 0)
        upper, before = _place(self._counted(tensors, None), self._count)
        lower, below = _place(self._counted(tensors, upper), self._count - before)
        return Limit(upper << 16 | lower, self._count - before - below)

    def _counted(self, tensors: Tensors, upper: int | None) -> npt.NDArray[np.int64]:
        """How many values have each upper half of bits; or each lower half, of those with this upper one."""
        counts = np.zeros(_PLACES, np.int64)
        for weights in tensors():
            flat = weights.reshape(-1)
            for start in range(0, flat.size, _BLOCK):
                found = bits(flat[start : start + _BLOCK])
                keys = found >> 16 if upper is None else found[found >> 16 == upper] & 0xFFFF
                counts += np.bincount(keys, minlength=_PLACES)
        return counts


def _place(counts: npt.NDArray[np.int64], count: int) -> tuple[int, int]:
    """Where the `count`-th value lies, and how many lie before that place."""
    sums = np.cumsum(counts)
    place = int(np.searchsorted(sums, count))
    return place, int(sums[place] - counts[place])
