"""Chunks and what they are known by: where a tensor is cut, BLAKE3 for identity, XXH3-128 for each read."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import xxhash
from blake3 import blake3

from anima.tensors.model import CHUNK_BYTES


def cuts(n_bytes: int) -> list[tuple[int, int]]:
    """Where each chunk of a tensor begins and ends, in bytes; none of an empty tensor."""
    return [(start, min(start + CHUNK_BYTES, n_bytes)) for start in range(0, n_bytes, CHUNK_BYTES)]


def identity(data: memoryview) -> bytes:
    """BLAKE3 of a chunk's bytes as they are in memory: equal chunks are kept once."""
    return blake3(data).digest()


def quick(data: memoryview, checksum: bytes) -> bytes:
    """XXH3-128 of the same bytes: cheap enough to be checked at each read.

    Its seed is the identity of the chunk: what is said of one chunk holds for no other, whatever is mixed up.
    """
    return xxhash.xxh3_128_digest(data, seed=int.from_bytes(checksum[:8], "little"))


def tensor_identity(dtype: str, shape: Sequence[int], chunks: Sequence[bytes]) -> bytes:
    """BLAKE3 of type, shape and the checksums of the chunks in order, each of a length that can be told."""
    kind = dtype.encode()
    head = struct.pack(f"<II{len(shape)}Q", len(kind), len(shape), *shape)
    return blake3(b"".join((head, kind, *chunks))).digest()
