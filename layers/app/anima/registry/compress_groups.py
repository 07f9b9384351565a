"""Group quantisation of weights to eight or four bits, and back: pure numpy.

A tensor of shape (..., n) is cut along its last axis into groups of `group_size` values (the last group of a row may be
shorter). Of each group a scale s is kept, and, where quantisation is asymmetric, a zero point z:

- symmetric: s = max |w| / Q with Q = 127 or 7; q = round(w / s) in [-Q, Q]; w' = q * s;
- asymmetric: s = (max(w, 0) - min(w, 0)) / Q with Q = 255 or 15; z = round(-min(w, 0) / s); q = round(w / s) + z in
  [0, Q]; w' = (q - z) * s.

Either way |w - w'| is at most s / 2 (and what float32 rounds), and zero stays zero.
The scheme is that of Dettmers et al., "LLM.int8()" (2022), and of Frantar et al., "GPTQ" (2022), without calibration.

Layout: eight bits are int8 (symmetric) or uint8 of the tensor's own shape. Four bits are uint8 of shape
(..., ceil(n / 2)): value 2i of a row lies in the low half of byte i, value 2i + 1 in its high half; symmetric values
are in two's complement; an odd row's last high half is zero (ONNX's INT4 and UINT4, row by row). Scales have the shape
(..., groups); zero points are uint8 of that shape, packed in the same way where values have four bits. Scales in
float16 are rounded up, so that the bound above holds for them as they are stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import ml_dtypes
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Bits = Literal[8, 4]
_BLOCK = 1 << 20
"""How many values are worked on at once: what bounds the memory beside the results."""
_SMALLEST = np.float32(np.finfo(np.float32).tiny)
_LEAST_HALF, _MOST_HALF = np.float32(2**-24), np.float32(65_504)


class NotFinite(ValueError):
    """A tensor holds infinities or values that are no numbers: no scale fits it."""


class TooLarge(ValueError):
    """Weights are so large that their scales do not fit into float16."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """How weights are quantised. A `group_size` of 0 is a group for each row."""

    bits: Bits = 8
    group_size: int = 64
    symmetric: bool = True
    scales: Literal["float16", "float32"] = "float16"

    def group(self, length: int) -> int:
        """How many values of a row of this length share a scale."""
        return min(self.group_size or length, length) or 1


@dataclass(frozen=True, slots=True, eq=False)
class Quantized:
    """A quantised tensor in the layout that the head of this module describes."""

    values: Array
    scales: Array
    zero_points: Array | None
    shape: tuple[int, ...]


def layout(shape: tuple[int, ...], how: Grouping) -> list[tuple[str, tuple[int, ...]]]:
    """Dtype and shape of values, scales and, where there are any, zero points of a tensor of this shape."""
    length = shape[-1]
    groups = -(-length // how.group(length)) if length else 0
    packed = [-(-size // 2) if how.bits == 4 else size for size in (length, groups)]
    values = "int8" if how.bits == 8 and how.symmetric else "uint8"
    made = [(values, (*shape[:-1], packed[0])), (str(how.scales), (*shape[:-1], groups))]
    return made if how.symmetric else [*made, ("uint8", (*shape[:-1], packed[1]))]


def quantize(weights: Array, how: Grouping) -> Quantized:
    """Quantises a tensor of floats with at least one axis. Raises NotFinite, TooLarge."""
    length = weights.shape[-1]
    rows = weights.reshape(weights.size // length if length else 0, length)
    groups = -(-length // how.group(length)) if length else 0
    values = np.empty(rows.shape, np.int8 if how.symmetric else np.uint8)
    scales = np.empty((len(rows), groups), np.float32)
    zeros = np.zeros(scales.shape, np.uint8)
    for part in _parts(len(rows), length):
        values[part], scales[part], zeros[part] = _quantized(_single(rows[part]), how)
    outer = weights.shape[:-1]
    return Quantized(
        _shaped(pack(values) if how.bits == 4 else values, outer),
        _shaped(scales.astype(how.scales), outer),
        None if how.symmetric else _shaped(pack(zeros) if how.bits == 4 else zeros, outer),
        weights.shape,
    )


def dequantize(given: Quantized, how: Grouping, dtype: npt.DTypeLike = np.float32) -> Array:
    """The weights again, in a dtype of floats."""
    length = given.shape[-1]
    count = given.values.size // max(1, given.values.shape[-1])
    stored = given.values.reshape(count, given.values.shape[-1])
    scales = given.scales.reshape(count, given.scales.shape[-1])
    zeros = None if given.zero_points is None else given.zero_points.reshape(count, given.zero_points.shape[-1])
    weights = np.empty((count, length), dtype)
    most = largest(dtype)
    for part in _parts(count, length):
        values = unpack(stored[part], length, signed=how.symmetric) if how.bits == 4 else stored[part]
        widened = values.astype(np.float32)
        if zeros is not None:
            points = unpack(zeros[part], scales.shape[-1], signed=False) if how.bits == 4 else zeros[part]
            widened -= _spread(points.astype(np.float32), length, how)
        with np.errstate(over="ignore"):
            widened *= _spread(scales[part].astype(np.float32), length, how)
        # A scale that was rounded up may lead beyond the largest number there is.
        weights[part] = np.clip(widened, -most, most)
    return weights.reshape(given.shape)


def largest(dtype: npt.DTypeLike) -> float:
    """The largest number of a dtype of floats."""
    return float(ml_dtypes.finfo(np.dtype(dtype)).max)  # type: ignore[no-untyped-call]


def pack(values: Array) -> Array:
    """Values of four bits, two in a byte; shape (..., n) becomes (..., ceil(n / 2))."""
    low = values[..., 0::2].view(np.uint8) & 0x0F
    low[..., : values.shape[-1] // 2] |= values[..., 1::2].view(np.uint8) << 4
    return low


def unpack(packed: Array, length: int, *, signed: bool) -> Array:
    """Rows of `length` values out of `pack`; int8 where they are `signed`, else uint8."""
    values = np.empty((*packed.shape[:-1], 2 * packed.shape[-1]), np.uint8)
    values[..., 0::2] = packed & 0x0F
    values[..., 1::2] = packed >> 4
    kept = values[..., :length]
    return ((kept ^ 8).view(np.int8) - np.int8(8)) if signed else kept


def _single(values: Array) -> Array:
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def _quantized(rows: Array, how: Grouping) -> tuple[Array, Array, Array]:
    """Values, scales as they are stored, and zero points of some rows."""
    if not np.isfinite(rows).all():
        raise NotFinite
    length = rows.shape[-1]
    starts = np.arange(0, length, how.group(length))
    high = np.maximum.reduceat(rows, starts, axis=-1)
    low = np.minimum.reduceat(rows, starts, axis=-1)
    most = 2 ** (how.bits - 1) - 1 if how.symmetric else 2**how.bits - 1
    if how.symmetric:
        scales = _scales(np.maximum(high, -low) / np.float32(most), how)
    else:
        # Of the halves, since the whole span may be more than float32 holds.
        scales = _scales((np.maximum(high, 0) / 2 - np.minimum(low, 0) / 2) / np.float32(most / 2), how)
    zeros = np.zeros_like(scales) if how.symmetric else np.rint(-np.minimum(low, 0) / scales)
    values = np.rint(rows / _spread(scales, length, how))
    if how.symmetric:
        return np.clip(values, -most, most).astype(np.int8), scales, zeros.astype(np.uint8)
    values += _spread(zeros, length, how)
    return np.clip(values, 0, most).astype(np.uint8), scales, zeros.astype(np.uint8)


def _scales(exact: Array, how: Grouping) -> Array:
    """Scales as they will be read again: never smaller than the exact ones, and one where all of a group is zero."""
    scales = np.where(exact == 0, np.float32(1), np.maximum(exact, _SMALLEST)).astype(np.float32)
    if how.scales == "float32":
        return scales
    if scales.size and scales.max() > _MOST_HALF:
        raise TooLarge
    halves = np.maximum(scales, _LEAST_HALF).astype(np.float16)
    return np.where(halves < scales, np.nextafter(halves, np.float16(np.inf)), halves).astype(np.float32)


def _spread(by_group: Array, length: int, how: Grouping) -> Array:
    """The value of its group for each value of a row."""
    return np.repeat(by_group, how.group(length), axis=-1)[..., :length]


def _parts(rows: int, length: int) -> list[slice]:
    step = max(1, _BLOCK // max(1, length))
    return [slice(start, start + step) for start in range(0, rows, step)]


def _shaped(rows: Array, outer: tuple[int, ...]) -> Array:
    return rows.reshape(*outer, rows.shape[-1])
