"""Keys and values of a transformer: what they are known by, and how ranges of positions join."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pair = tuple[NDArray[Any], NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Held:
    """Keys and values of the first `positions` tokens by layer, each (..., positions, head_dim); none: nothing is."""

    positions: int
    layers: Mapping[int, Pair]


def tokens_hash(tokens: Sequence[int], until: int) -> bytes:
    """The hash of the first `until` tokens: sha256 of them as little-endian int64."""
    return hashlib.sha256(b"".join(int(one).to_bytes(8, "little", signed=True) for one in tokens[:until])).digest()


def reach(ranges: Mapping[int, Sequence[tuple[int, int]]], layers: int) -> int:
    """Up to which position all `layers` layers have every range from 0 on: `ranges` are ascending, by layer."""
    ends = [0]
    for place, row in enumerate(sorted(ranges)):
        if place != row:
            return 0
    for row in range(layers):
        end = 0
        for start, stop in ranges.get(row, ()):
            if start != end:
                break
            end = stop
        ends.append(end)
    return min(ends[1:], default=0)


def why_not_kv(layers: Mapping[int, Pair], positions: int) -> str | None:
    """What is wrong with keys and values of a range of positions, or nothing.

    Layers count from 0 without a gap; keys and values of one have one type and one shape (..., positions, head_dim).
    """
    if sorted(layers) != list(range(len(layers))) or not layers:
        return "layers are numbered from 0 without a gap"
    for number, (keys, values) in layers.items():
        if keys.dtype != values.dtype or keys.shape != values.shape:
            return f"keys and values of layer {number} differ in type or shape"
        if keys.ndim < 2 or keys.shape[-2] != positions or keys.size == 0:
            return f"layer {number} has the shape {keys.shape}, not (..., {positions}, head_dim)"
    return None
