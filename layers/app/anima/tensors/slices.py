"""Parts of tensors as runs of bytes: which bytes of the whole `tensor[a, b:c, ...]` needs, and in which order."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import SupportsIndex, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anima.tensors.errors import BadSlice

Index: TypeAlias = "slice | SupportsIndex | EllipsisType"


@dataclass(frozen=True, slots=True)
class Axis:
    """What is taken of one axis: `count` places from `start` on, every `step`-th (step > 0)."""

    start: int
    step: int
    count: int
    backwards: bool = False
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a tensor: `n_runs` runs of `run_bytes` bytes each, ascending."""

    axes: tuple[Axis, ...]
    strides: tuple[int, ...]
    outer: int
    run_bytes: int

    @property
    def n_runs(self) -> int:
        """How many runs there are."""
        return math.prod(axis.count for axis in self.axes[: self.outer]) if self.run_bytes else 0

    @property
    def n_bytes(self) -> int:
        """How many bytes the part has."""
        return self.n_runs * self.run_bytes

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape with every axis, each in ascending order."""
        return tuple(axis.count for axis in self.axes)

    def starts(self, first: int, last: int) -> NDArray[np.int64]:
        """Where the runs from `first` to before `last` begin in the tensor, in bytes."""
        base = sum(axis.start * stride for axis, stride in zip(self.axes, self.strides, strict=True))
        out = np.full(last - first, base, np.int64)
        if self.outer:
            numbers = np.unravel_index(np.arange(first, last), self.shape[: self.outer])
            for number, axis, stride in zip(numbers, self.axes, self.strides, strict=False):
                out += number.astype(np.int64) * (axis.step * stride)
        return out

    def finished(self, array: NDArray[np.generic]) -> NDArray[np.generic]:
        """The array of the part's runs as it was asked for: turned round, and without the axes of single numbers."""
        index = tuple(0 if axis.dropped else slice(None, None, -1 if axis.backwards else 1) for axis in self.axes)
        return np.ascontiguousarray(array[index]).reshape([axis.count for axis in self.axes if not axis.dropped])


def part(shape: Sequence[int], itemsize: int, wanted: Sequence[Index]) -> Part:
    """The part of a tensor that `wanted` names, as numpy reads whole numbers, slices and one `...`. Raises BadSlice."""
    full = _filled(shape, wanted)
    axes = tuple(_axis(shape, size, index) for size, index in zip(shape, full, strict=True))
    strides = tuple(itemsize * math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
    outer = len(axes)
    while outer and axes[outer - 1].count == shape[outer - 1]:
        outer -= 1
    if outer and axes[outer - 1].step == 1:  # the last axis of which not all is taken may run on
        outer -= 1
        run = axes[outer].count * strides[outer]
    else:
        run = strides[outer - 1] if outer else itemsize * math.prod(shape)
    return Part(axes, strides, outer, 0 if 0 in (axis.count for axis in axes) else run)


def _filled(shape: Sequence[int], wanted: Sequence[Index]) -> list[Index]:
    holes = [place for place, index in enumerate(wanted) if index is Ellipsis]
    missing = len(shape) - (len(wanted) - len(holes))
    if len(holes) > 1 or missing < 0:
        raise BadSlice(shape=tuple(shape), reason="it names more axes than there are")
    at = holes[0] if holes else len(wanted)
    return [*wanted[:at], *[slice(None)] * missing, *wanted[at + 1 :]]


def _axis(shape: Sequence[int], size: int, index: Index) -> Axis:
    if isinstance(index, slice):
        try:
            places = range(*index.indices(size))
        except (TypeError, ValueError) as error:
            raise BadSlice(shape=tuple(shape), reason=str(error)) from None
        if len(places) and places.step < 0:
            return Axis(places[-1], -places.step, len(places), backwards=True)
        return Axis(places.start if places else 0, places.step if len(places) > 1 else 1, len(places))
    try:
        place = operator.index(index)  # type: ignore[arg-type]
    except TypeError:
        raise BadSlice(shape=tuple(shape), reason="an axis takes a whole number or a slice") from None
    if isinstance(index, bool) or not -size <= place < size:
        raise BadSlice(shape=tuple(shape), reason=f"there is no place {place} on an axis of {size}")
    return Axis(place % size, 1, 1, dropped=True)
