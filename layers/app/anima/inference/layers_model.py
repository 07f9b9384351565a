"""What an activation of a transformer's layer is known by: weights, layer, type of numbers, the input to the bit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

WEIGHTS = "weights:"
"""How the name of a model begins that is known by its weights; embedders are known by their names."""
_NAME_CHARS = 500


@dataclass(frozen=True, slots=True)
class Place:
    """A layer of the model with these weights (a digest in hexadecimal), computed in this type of numbers."""

    weights: str
    layer: str
    dtype: str

    @property
    def model(self) -> str:
        """What stands for the weights in the cache."""
        return f"{WEIGHTS}{self.weights}"

    @property
    def name(self) -> str:
        """What stands for the layer in the cache: computed in another type it is another one."""
        return f"{self.layer} {self.dtype}"


def why_no_place(place: Place) -> str | None:
    """What is wrong with a place, or nothing."""
    hexadecimal = len(place.weights) == 64 and all(letter in "0123456789abcdef" for letter in place.weights)
    if not hexadecimal:
        return "the digest of the weights is 64 hexadecimal digits"
    if not 1 <= len(place.layer) <= _NAME_CHARS or not place.layer.isprintable():
        return f"a layer is named by 1 to {_NAME_CHARS} printable characters"
    return None


def weights_digest(checksums: Mapping[str, bytes]) -> str:
    """The digest of a model's weights, 64 hexadecimal digits, by the name and the checksum of each; in any order."""
    digest = hashlib.sha256()
    for name in sorted(checksums):
        told = name.encode("utf-8", "surrogatepass")
        digest.update(len(told).to_bytes(8, "little") + told)
        digest.update(len(checksums[name]).to_bytes(8, "little") + checksums[name])
    return digest.hexdigest()


def input_hash(arrays: Iterable[NDArray[Any]]) -> bytes:
    """The hash of an input: of the type, the shape and the little-endian bytes of each of its arrays, in order."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.name}{list(array.shape)};".encode())
        digest.update(little_endian(array))
    return digest.digest()


def little_endian(array: NDArray[Any]) -> bytes:
    """The bytes of an array, row by row, the smallest byte of a number first."""
    swapped = array.byteswap() if array.dtype.byteorder == ">" else array
    return swapped.tobytes()
