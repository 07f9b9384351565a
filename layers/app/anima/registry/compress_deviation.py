"""How far one tensor is from another, measured piece by piece in double precision: pure numpy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Distance:
    """The distance of two tensors a and b of one size.

    `max_abs` is the largest |a - b|, `rmse` the root of the mean of (a - b)^2, `relative` is |a - b| / |a| (Frobenius
    norms; None where a is zero and b is not), `cosine` that of the angle between them (None where one of them is zero),
    `changed` how many values differ. Values that are no numbers, on either side, are counted in `not_finite`, and take
    part in nothing else but in `changed`.
    """

    size: int
    max_abs: float
    rmse: float
    relative: float | None
    cosine: float | None
    changed: int
    norm_left: float
    norm_right: float
    not_finite: int = 0

    @property
    def share_changed(self) -> float:
        """How many of all values differ, from 0 to 1."""
        return self.changed / self.size if self.size else 0.0


class Measuring:
    """Adds up pieces of two tensors; they may be of different dtypes."""

    def __init__(self) -> None:
        self._size = self._changed = self._not_finite = 0
        self._most = 0.0
        self._left = self._right = self._both = self._between = 0.0

    def add(self, left: Array, right: Array) -> None:
        """Two pieces of as many values."""
        one, other = left.reshape(-1), right.reshape(-1)
        for start in range(0, one.size, _BLOCK):
            self._add(one[start : start + _BLOCK], other[start : start + _BLOCK])

    def _add(self, left: Array, right: Array) -> None:
        a, b = wide(left), wide(right)
        self._size += a.size
        self._changed += int(np.count_nonzero(_differ(left, right, a, b)))
        good = np.isfinite(a) & np.isfinite(b)
        if not good.all():
            self._not_finite += int(good.size - np.count_nonzero(good))
            a, b = a[good], b[good]
        if not a.size:
            return
        between = a - b
        self._most = max(self._most, float(np.abs(between).max()))
        self._left += float(_dot(a, a))
        self._right += float(_dot(b, b))
        self._both += float(_dot(a, b))
        self._between += float(_dot(between, between))

    def distance(self) -> Distance:
        """Over all that was added."""
        left, right, between = math.sqrt(self._left), math.sqrt(self._right), math.sqrt(self._between)
        compared = self._size - self._not_finite
        return Distance(
            size=self._size,
            max_abs=self._most,
            rmse=between / math.sqrt(compared) if compared else 0.0,
            relative=between / left if left else (None if between else 0.0),
            cosine=max(-1.0, min(1.0, self._both / left / right)) if left and right else None,
            changed=self._changed,
            norm_left=left,
            norm_right=right,
            not_finite=self._not_finite,
        )


def distance(left: Array, right: Array) -> Distance:
    """That of two whole tensors of one size."""
    measuring = Measuring()
    measuring.add(left, right)
    return measuring.distance()


def _differ(left: Array, right: Array, a: Array, b: Array) -> Array:
    """Where values differ; integers by what they are, for doubles do not hold all of them."""
    if left.dtype == right.dtype and left.dtype.kind in "iub":
        return np.not_equal(left, right)
    return np.not_equal(a, b) & ~(np.isnan(a) & np.isnan(b))


def wide(values: Array) -> Array:
    """In double precision (complex128 where they are complex)."""
    return values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)


def _dot(one: Array, other: Array) -> float:
    return float(np.vdot(one, other).real)
