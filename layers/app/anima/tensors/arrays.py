"""Between bytes and numpy: types of numbers by name, what is given as bytes, and memory that disks can fill."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anima.tensors.errors import BadTensor, TooManyDimensions
from anima.tensors.model import BLOCKS, DTYPES, Given, itemsize

if TYPE_CHECKING:
    from anima.tensors.model import Data

_ELSEWHERE = ("bfloat16", "float8_e4m3fn", "float8_e5m2")
_MOST_DIMENSIONS = 64
_SMALL_BYTES = 1 << 16  # a process may have some ten thousand pieces of memory of its own
_LONGEST_NAME = 500
_LONGEST_DTYPE = 20
_MOST_BYTES = 1 << 50
_BLOCK_TYPE = re.compile(rf"{BLOCKS}\w+", re.ASCII)


def numpy_dtype(dtype: str) -> np.dtype[Any]:
    """The numpy type of a type of ours; bytes for a type of blocks."""
    if dtype.startswith(BLOCKS):
        return np.dtype(np.uint8)
    if dtype in _ELSEWHERE:
        import ml_dtypes

        kind: np.dtype[Any] = np.dtype(getattr(ml_dtypes, dtype))
        return kind
    return np.dtype(dtype)


def shape_in_memory(dtype: str, shape: Sequence[int], n_bytes: int) -> tuple[int, ...]:
    """The shape of the array: its own; of a type of blocks its rows of bytes, or all bytes in a row."""
    if not dtype.startswith(BLOCKS):
        return tuple(shape)
    rows = math.prod(shape[:-1])
    return (*shape[:-1], n_bytes // rows) if shape and rows and n_bytes % rows == 0 else (n_bytes,)


def as_array(data: memoryview, dtype: str, shape: Sequence[int]) -> NDArray[Any]:
    """The bytes as an array, without a copy."""
    flat = np.frombuffer(data, np.uint8) if len(data) else np.empty(0, np.uint8)
    return flat.view(numpy_dtype(dtype)).reshape(shape_in_memory(dtype, shape, len(data)))


def room(n_bytes: int) -> memoryview:
    """Memory to be filled; what is not small begins at a page, so that disks can fill it without a copy."""
    from anima.vendors.packs.buffers import aligned

    return aligned(n_bytes) if n_bytes >= _SMALL_BYTES else memoryview(bytearray(n_bytes))


def check(given: Given) -> None:
    """Refuses a tensor whose name, type or shape is none. Raises BadTensor."""
    if not isinstance(given.name, str) or not _is_text(given.name):
        raise BadTensor(name=repr(given.name)[:80], reason="its name is no text that can be kept")
    name = given.name[:80]
    if not 1 <= len(given.name) <= _LONGEST_NAME:
        raise BadTensor(name=name, reason=f"its name has no characters, or more than {_LONGEST_NAME}")
    blocks = _BLOCK_TYPE.fullmatch(given.dtype) is not None and len(given.dtype) <= _LONGEST_DTYPE
    if given.dtype not in DTYPES and not blocks:
        raise BadTensor(name=name, reason=f"{given.dtype[:40]!r} is no type of numbers that is known")
    if len(given.shape) > _MOST_DIMENSIONS:
        raise TooManyDimensions(name=name, dimensions=len(given.shape), most=_MOST_DIMENSIONS)
    if any(isinstance(size, bool) or not isinstance(size, int) or size < 0 for size in given.shape):
        raise BadTensor(name=name, reason="its shape does not consist of whole numbers from 0 on")
    # Also of one without a single number: what multiplies its shape elsewhere has 64 bits.
    if math.prod(max(size, 1) for size in given.shape) * itemsize(given.dtype) > _MOST_BYTES:
        raise BadTensor(name=name, reason="it is larger than can be kept")


def _is_text(name: str) -> bool:
    """Whether it is text that a database keeps: without zero bytes and halves of characters."""
    return "\x00" not in name and not any("\ud800" <= letter <= "\udfff" for letter in name)


def bytes_of(given: Given) -> memoryview:
    """The bytes of what is given, read when it is asked for. Raises BadTensor where they do not fit type and shape."""
    data = given.data() if callable(given.data) else given.data
    if isinstance(data, np.ndarray) and data.dtype.name not in (given.dtype, "uint8"):
        raise BadTensor(name=given.name[:80], reason=f"its numbers are {data.dtype.name}, and said to be {given.dtype}")
    view = _flat(given.name[:80], data)
    if given.n_bytes is not None and len(view) != given.n_bytes:
        raise BadTensor(name=given.name[:80], reason=f"it has {len(view)} bytes where its shape says {given.n_bytes}")
    return view


def _flat(name: str, data: Data) -> memoryview:
    if isinstance(data, np.ndarray):
        if not data.flags.c_contiguous:
            raise BadTensor(name=name, reason="its numbers do not lie one after the other")
        if data.dtype.byteorder == ">":
            raise BadTensor(name=name, reason="its numbers are big-endian")
        return memoryview(data.reshape(-1).view(np.uint8).data) if data.size else memoryview(b"")
    try:
        view = memoryview(data)
    except TypeError:
        raise BadTensor(name=name, reason=f"a {type(data).__name__} holds no bytes") from None
    if not view.c_contiguous:
        raise BadTensor(name=name, reason="its bytes do not lie one after the other")
    return view.cast("B") if view.nbytes else memoryview(b"")
