"""How a chunk is stored: as it is, shuffled by byte and compressed, or as what changed since another chunk.

The numbers of a trained layer share their exponents, so that the bytes of equal rank, laid together, compress; a step
of an optimizer changes few high bytes, so that the XOR with the chunk before is mostly zeros there. All are lossless.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from anima.tensors import zstd

Bytes = NDArray[np.uint8]

RAW = "raw"
_SHUFFLED, _DELTA = "zstd", "delta-zstd"
_WORTH = 0.95  # what saves less than a twentieth is not worth the time of unpacking
_LARGEST_NUMBER = 16
_SAMPLES, _SAMPLE_BYTES = 8, 8192


class BadEncoding(ValueError):
    """These bytes are not what the codec writes."""


def shuffle(data: Bytes, itemsize: int) -> Bytes:
    """The first bytes of all numbers, then the second ones, and so on; what is left over stays at the end."""
    if itemsize == 1 or len(data) < itemsize:
        return data
    whole = len(data) // itemsize * itemsize
    out = np.empty_like(data)
    out[:whole].reshape(itemsize, -1)[...] = data[:whole].reshape(-1, itemsize).T
    out[whole:] = data[whole:]
    return out


def unshuffle(data: Bytes, itemsize: int, out: Bytes) -> None:
    """Fills `out` with what was shuffled; one rank of bytes at a time, which is ten times as fast as a transpose."""
    numbers = len(data) // itemsize
    whole = numbers * itemsize
    for rank in range(itemsize):
        out[rank:whole:itemsize] = data[rank * numbers : (rank + 1) * numbers]
    out[whole:] = data[whole:]


def packed(data: memoryview, itemsize: int) -> tuple[str, Any]:
    """The codec that pays for these bytes, `raw` where none does, and what is stored."""
    raw = _array(data)
    if not _compresses(raw, itemsize):
        return RAW, data
    stored = _compressed(raw, itemsize)
    return (f"{_SHUFFLED}:{itemsize}", stored) if len(stored) < _WORTH * len(raw) else (RAW, data)


def changed(data: memoryview, base: memoryview, itemsize: int, most: float) -> tuple[str, Any] | None:
    """What changed since `base`, a chunk of the same length; nothing where that takes more than `most` of the bytes."""
    difference = np.bitwise_xor(_array(data), _array(base))
    if _estimate(difference, itemsize) > most:
        return None
    stored = _compressed(difference, itemsize)
    return (f"{_DELTA}:{itemsize}", stored) if len(stored) <= most * len(difference) else None


def estimate(data: memoryview, itemsize: int) -> float:
    """What share of its bytes a chunk would take by itself, at most 1."""
    return min(1.0, _estimate(_array(data), itemsize) or len(_compressed(_array(data), itemsize)) / max(len(data), 1))


def unpack(codec: str, stored: memoryview, out: memoryview) -> None:
    """Fills `out` with the bytes of a chunk that stands by itself. Raises BadEncoding."""
    if codec == RAW:
        if len(stored) != len(out):
            raise BadEncoding("its length is wrong")
        out[:] = stored
        return
    itemsize = _itemsize(codec, _SHUFFLED)
    unshuffle(_expanded(stored, len(out)), itemsize, _array(out))


class Differences:
    """Differences that stand one on another. They are added up as they are stored, so that many cost little more."""

    def __init__(self, n_bytes: int) -> None:
        self._n_bytes = n_bytes
        self._sums: dict[int, Bytes] = {}

    def add(self, codec: str, stored: memoryview) -> None:
        """Adds one. Raises BadEncoding."""
        itemsize = _itemsize(codec, _DELTA)
        plain = _expanded(stored, self._n_bytes)
        if itemsize in self._sums:
            np.bitwise_xor(self._sums[itemsize], plain, out=self._sums[itemsize])
        else:
            self._sums[itemsize] = plain.copy()

    def apply(self, out: memoryview) -> None:
        """Turns the chunk on which they stand into the one that they lead to. Raises BadEncoding."""
        target = _array(out)
        if len(target) != self._n_bytes:
            raise BadEncoding("its base is of another length")
        for itemsize, total in self._sums.items():
            difference = np.empty_like(total)
            unshuffle(total, itemsize, difference)
            np.bitwise_xor(target, difference, out=target)


def _itemsize(codec: str, kind: str) -> int:
    named, _, size = codec.partition(":")
    if named != kind or not size.isdigit() or not 1 <= int(size) <= _LARGEST_NUMBER:
        raise BadEncoding("its codec is not known")
    return int(size)


def _array(data: memoryview) -> Bytes:
    return np.frombuffer(data, np.uint8)


def _compressed(data: Bytes, itemsize: int) -> bytes:
    return zstd.compress(shuffle(data, itemsize).data)


def _expanded(stored: memoryview, n_bytes: int) -> Bytes:
    try:
        plain = zstd.decompress(stored, n_bytes)
    except zstd.BadFrame as error:
        raise BadEncoding(str(error)) from error
    if len(plain) != n_bytes:
        raise BadEncoding("its length is wrong")
    return np.frombuffer(plain, np.uint8)


def _compresses(data: Bytes, itemsize: int) -> bool:
    return len(data) < 2 * _SAMPLES * _SAMPLE_BYTES or _estimate(data, itemsize) < _WORTH


def _estimate(data: Bytes, itemsize: int) -> float:
    """What share of its bytes a chunk would take, by a few samples of it: looking costs a hundredth of trying."""
    if len(data) < 2 * _SAMPLES * _SAMPLE_BYTES:
        return 0.0
    step = (len(data) - _SAMPLE_BYTES) // (_SAMPLES - 1) // itemsize * itemsize
    parts = np.concatenate([data[n * step : n * step + _SAMPLE_BYTES // itemsize * itemsize] for n in range(_SAMPLES)])
    return len(_compressed(parts, itemsize)) / len(parts)
