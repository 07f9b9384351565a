"""Keys and values of a transformer of torch: out of the cache that its model keeps, as arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from anima.vendors.torch import arrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pair = tuple[NDArray[Any], NDArray[Any]]


class UnknownCache(ValueError):
    """The cache of keys and values is of no kind that is known."""


def pairs(cache: Any) -> list[tuple[Any, Any]]:
    """Keys and values of each layer, tensors (…, positions, head_dim).

    The cache is a sequence of pairs, or an object of the `transformers` library: its `layers` have `keys` and `values`.
    Raises UnknownCache.
    """
    row = getattr(cache, "layers", cache)
    if not isinstance(row, Sequence):
        raise UnknownCache(f"a {type(cache).__name__} holds no layers")
    found = [(one[0], one[1]) if isinstance(one, Sequence) else (one.keys, one.values) for one in row]
    if not all(arrays.is_tensor(one) for pair in found for one in pair):
        raise UnknownCache(f"a {type(cache).__name__} holds something else than tensors")
    return found


def cut(cache: Any, start: int = 0, end: int | None = None) -> dict[int, Pair]:
    """Keys and values of the positions from `start` to before `end`, by layer, as arrays. Raises UnknownCache."""
    return {
        layer: (arrays.to_numpy(keys[..., start:end, :]), arrays.to_numpy(values[..., start:end, :]))
        for layer, (keys, values) in enumerate(pairs(cache))
    }


def joined(layers: Mapping[int, Pair], device: str = "cpu") -> list[tuple[Any, Any]]:
    """Arrays by layer as pairs of tensors, in the order of the layers."""
    return [
        (arrays.from_numpy(keys).to(device), arrays.from_numpy(values).to(device))
        for _, (keys, values) in sorted(layers.items())
    ]


def fill(cache: Any, layers: Mapping[int, Pair], device: str = "cpu") -> Any:
    """Puts keys and values into an empty cache of the `transformers` library; answers it. Raises UnknownCache."""
    if not hasattr(cache, "update"):
        raise UnknownCache(f"a {type(cache).__name__} cannot be filled")
    for layer, (keys, values) in enumerate(joined(layers, device)):
        cache.update(keys, values, layer)
    return cache
