"""Numbers of a tensor a piece at a time, whatever they lie in: plain, quantised by this house, or in blocks of GGUF."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from anima.kernel import db
from anima.registry.compress_model import SCALES, VALUES, ZERO_POINTS, Quantization, QuantizedWeight
from anima.registry.compress_reading import numpy_dtype, restored
from anima.tensors import service as tensors
from anima.tensors.model import BLOCKS, TensorRef

Array = npt.NDArray[Any]
_PIECE_VALUES = 1 << 21


class NoNumbers(ValueError):
    """This type of blocks cannot be read as numbers here."""


def plain(principal: db.Principal, ref: TensorRef) -> Iterator[Array]:
    """The numbers of a tensor in order. Raises NoNumbers, and what reading a tensor raises."""
    if ref.dtype.startswith(BLOCKS):
        yield from _of_blocks(ref, tensors.chunks(principal, ref))
        return
    dtype = numpy_dtype(ref.dtype)
    for chunk in tensors.chunks(principal, ref):
        yield np.frombuffer(chunk, np.uint8).view(dtype)


def of_bytes(principal: db.Principal, ref: TensorRef) -> Iterator[Array]:
    """The bytes of a tensor, whatever they mean."""
    for chunk in tensors.chunks(principal, ref):
        yield np.frombuffer(chunk, np.uint8)


def _of_blocks(ref: TensorRef, chunks: Iterator[memoryview]) -> Iterator[Array]:
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
    from gguf.quants import dequantize

    try:
        kind = GGMLQuantizationType[ref.dtype.removeprefix(BLOCKS)]
    except KeyError:
        raise NoNumbers(ref.dtype) from None
    size, left = GGML_QUANT_SIZES[kind][1], np.empty(0, np.uint8)
    for chunk in chunks:
        joined = np.concatenate([left, np.frombuffer(chunk, np.uint8)])
        whole = len(joined) // size * size
        left = joined[whole:]
        try:
            yield dequantize(joined[:whole].reshape(-1, size), kind).reshape(-1)
        except RuntimeError:  # for a type that this library does not unpack
            raise NoNumbers(ref.dtype) from None


def quantized(principal: db.Principal, name: str, how: Quantization, refs: dict[str, TensorRef]) -> Iterator[Array]:
    """The numbers that a quantised weight stands for, some of its rows at a time."""
    was = how.tensors[name]
    row = math.prod(was.shape[1:])
    step = max(1, _PIECE_VALUES // max(1, row))
    for start in range(0, was.shape[0], step):
        rows = slice(start, min(start + step, was.shape[0]))
        part = QuantizedWeight(was.dtype, (rows.stop - rows.start, *was.shape[1:]))
        read = {end: tensors.read_slice(principal, refs[name + end], (rows,)) for end in _ends(how)}
        some = Quantization(how.bits, how.group_size, how.symmetric, how.scales, {name: part})
        yield restored(name, some, lambda wanted, found=read: found[wanted.removeprefix(name)]).reshape(-1)  # type: ignore[misc]


def _ends(how: Quantization) -> tuple[str, ...]:
    return (VALUES, SCALES) if how.symmetric else (VALUES, SCALES, ZERO_POINTS)


def _held(left: Array, stream: Iterator[Array]) -> Array:
    """What is left of a piece, or the next one that holds anything."""
    return left if left.size else next((piece for piece in stream if piece.size), left)


def paired(left: Iterator[Array], right: Iterator[Array]) -> Iterator[tuple[Array, Array]]:
    """Two streams of numbers side by side, in pieces of as many from each. Raises ValueError where one ends before."""
    one = other = np.empty(0)
    while True:
        one, other = _held(one, left), _held(other, right)
        size = min(one.size, other.size)
        if not size:
            break
        yield one[:size], other[:size]
        one, other = one[size:], other[size:]
    if one.size or other.size:
        raise ValueError("the two do not hold as many numbers")
