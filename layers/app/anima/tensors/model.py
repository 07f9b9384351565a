"""What a tensor is: its name, the type of its numbers, its shape, and what its content is known by."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    import mmap

    from numpy.typing import NDArray

    Data: TypeAlias = bytes | bytearray | memoryview | mmap.mmap | NDArray[Any]

Compression = Literal["raw", "compressed", "delta"]

CHUNK_BYTES = 8 << 20
"""How much of a tensor lies in one chunk; the last one of a tensor is shorter."""

DTYPES: Mapping[str, int] = MappingProxyType(
    {
        "float64": 8,
        "float32": 4,
        "float16": 2,
        "bfloat16": 2,
        "float8_e4m3fn": 1,
        "float8_e5m2": 1,
        "int8": 1,
        "int16": 2,
        "int32": 4,
        "int64": 8,
        "uint8": 1,
        "uint16": 2,
        "uint32": 4,
        "uint64": 8,
        "bool": 1,
        "complex64": 8,
        "complex128": 16,
    }
)
"""Types of numbers, little-endian, and the bytes of one. Beside them stand the block types of GGUF, as `ggml:Q4_K`."""

BLOCKS = "ggml:"
"""How the name of a type begins whose numbers come in blocks; its bytes are kept as they are in the file."""


def itemsize(dtype: str) -> int:
    """The bytes of one number, 1 for a type of blocks. Raises KeyError for what is no type."""
    return 1 if dtype.startswith(BLOCKS) else DTYPES[dtype]


@dataclass(frozen=True, slots=True)
class TensorRef:
    """A tensor that is kept. `checksum`: BLAKE3 of type, shape and its chunks' checksums; `n_bytes`: in memory."""

    tensor_id: uuid.UUID
    name: str
    dtype: str
    shape: tuple[int, ...]
    n_bytes: int
    checksum: bytes

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(self.shape))


@dataclass(frozen=True, slots=True)
class Given:
    """A tensor to be saved: C-contiguous little-endian bytes, or a function that yields them when their turn comes.

    `base` is the tensor that this one was trained from, of the same type and shape: what `delta` is taken against.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    data: Data | Callable[[], Data]
    base: TensorRef | None = None

    @property
    def n_bytes(self) -> int | None:
        """Its size by type and shape; nothing for a type of blocks, whose bytes tell."""
        return None if self.dtype.startswith(BLOCKS) else math.prod(self.shape) * itemsize(self.dtype)


def given(name: str, array: NDArray[Any], base: TensorRef | None = None) -> Given:
    """A numpy array (also of the types of ml_dtypes) as a tensor to be saved; it must not change until it is saved."""
    return Given(name, array.dtype.name, tuple(array.shape), array, base)


@dataclass(frozen=True, slots=True)
class Saved:
    """What a save has kept, by name; `new_bytes` were stored anew, `n_bytes` is all of it in memory."""

    tensors: dict[str, TensorRef]
    new_bytes: int
    n_bytes: int


@dataclass(frozen=True, slots=True)
class BadChunk:
    """A chunk that is not what it was: of which tensor, where in it, and what is wrong."""

    tensor: TensorRef
    chunk_index: int
    checksum: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection has removed; `bytes` is how much the packs hold less."""

    tensors: int
    chunks: int
    packs: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What an owner's tensors take: in memory, and as they are stored."""

    tensors: int
    n_bytes: int
    chunks: int
    chunk_bytes: int
    stored_bytes: int
    packs: int
    pack_bytes: int
