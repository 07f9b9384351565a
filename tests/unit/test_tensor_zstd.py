"""Both packages of Zstandard read what the other one writes, and refuse what lies."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from anima.tensors import zstd

CONTENTS = [b"", b"x", bytes(100_000), hashlib.shake_128(b"noise").digest(70_000), b"again " * 200_000]
PAIRS = [(writer, reader) for writer in (zstd._fast, zstd._small) for reader in (zstd._fast, zstd._small)]


@pytest.mark.parametrize(("writer", "reader"), PAIRS)
def test_what_one_packs_the_other_unpacks(writer: Callable[[], tuple], reader: Callable[[], tuple]) -> None:
    pack, unpack = writer()[0], reader()[1]
    for content in CONTENTS:
        frame = pack(memoryview(content))
        assert unpack(memoryview(frame), len(content)) == content


@pytest.mark.parametrize("package", [zstd._fast, zstd._small])
def test_a_frame_that_lies_is_refused(package: Callable[[], tuple]) -> None:
    pack, unpack = package()
    frame = pack(memoryview(CONTENTS[3]))
    flipped = bytearray(frame)
    flipped[0] ^= 1
    wrong = [(b"", 1), (b"nothing of this kind", 5), (frame, 69_999), (frame, 70_001), (frame[:-10], 70_000)]
    for stored, n_bytes in [*wrong, (bytes(flipped), 70_000)]:
        with pytest.raises(zstd.BadFrame):
            unpack(memoryview(stored), n_bytes)
