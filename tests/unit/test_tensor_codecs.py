"""Codecs of chunks lose nothing, whatever the bytes are; differences of real optimizer steps are small."""

from __future__ import annotations

import itertools
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from anima.tensors import chunking, codecs
from anima.tensors.model import CHUNK_BYTES

SIZES = st.sampled_from([1, 2, 4, 8, 16])


def unpacked(codec: str, stored: Any, base: bytes | None, n_bytes: int) -> bytes:
    out = bytearray(n_bytes)
    if base is None:
        codecs.unpack(codec, memoryview(stored), memoryview(out))
        return bytes(out)
    out = bytearray(base)
    differences = codecs.Differences(n_bytes)
    differences.add(codec, memoryview(stored))
    differences.apply(memoryview(out))
    return bytes(out)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=3000), SIZES, st.integers(1, 50))
def test_what_is_packed_comes_back(data: bytes, size: int, times: int) -> None:
    data *= times
    codec, stored = codecs.packed(memoryview(data), size)
    assert len(stored) <= len(data)
    assert unpacked(codec, stored, None, len(data)) == data


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=1, max_size=3000), SIZES, st.data())
def test_what_changed_comes_back(base: bytes, size: int, drawn: st.DataObject) -> None:
    data = bytearray(base)
    for place in drawn.draw(st.lists(st.integers(0, len(base) - 1), max_size=5)):
        data[place] ^= drawn.draw(st.integers(1, 255))
    found = codecs.changed(memoryview(data), memoryview(base), size, most=100.0)
    assert found is not None
    assert unpacked(*found, base, len(data)) == data


@settings(max_examples=30, deadline=None)
@given(st.lists(st.binary(min_size=40, max_size=40), min_size=2, max_size=8), st.data())
def test_differences_that_stand_one_on_another_come_back_at_once(steps: list[bytes], drawn: st.DataObject) -> None:
    differences = codecs.Differences(40)
    for before, after in itertools.pairwise(steps):
        found = codecs.changed(memoryview(after), memoryview(before), drawn.draw(SIZES), most=100.0)
        assert found is not None
        differences.add(found[0], memoryview(found[1]))
    out = bytearray(steps[0])
    differences.apply(memoryview(out))
    assert bytes(out) == steps[-1]


@pytest.mark.parametrize("n_bytes", [1, 7, 8191, 8192, CHUNK_BYTES - 1, CHUNK_BYTES])
@pytest.mark.parametrize("size", [1, 2, 4, 16])
def test_lengths_around_boundaries(n_bytes: int, size: int) -> None:
    data = np.random.default_rng(n_bytes).integers(0, 4, n_bytes, np.uint8).tobytes()
    codec, stored = codecs.packed(memoryview(data), size)
    assert unpacked(codec, stored, None, n_bytes) == data


def test_noise_is_kept_as_it_is() -> None:
    noise = memoryview(np.random.default_rng(0).bytes(CHUNK_BYTES))
    codec, stored = codecs.packed(noise, 4)
    assert codec == codecs.RAW
    assert stored is noise
    other = memoryview(np.random.default_rng(1).bytes(CHUNK_BYTES))
    assert codecs.changed(noise, other, 4, most=0.8) is None


@pytest.mark.parametrize(
    ("codec", "stored", "base"),
    [
        ("raw", b"12345", None),
        ("lz4:4", b"1234", None),
        ("zstd:x", b"1234", None),
        ("zstd:4", b"no frame", None),
        ("zstd:4", zstandard.compress(b"12345"), None),
        ("zstd:4", zstandard.compress(b"1234"), b"1234"),
        ("zstd:0", zstandard.compress(b"1234"), None),
        ("zstd:17", zstandard.compress(b"1234"), None),
        ("delta-zstd:4", zstandard.compress(b"1234"), None),
        ("delta-zstd:4", zstandard.compress(b"1234"), b"123"),
    ],
)
def test_what_no_codec_writes_is_refused(codec: str, stored: bytes, base: bytes | None) -> None:
    with pytest.raises(codecs.BadEncoding):
        unpacked(codec, stored, base, 4)


def test_a_frame_that_says_it_is_huge_takes_no_memory() -> None:
    bomb = zstandard.compress(bytes(1 << 26))
    with pytest.raises(codecs.BadEncoding):
        unpacked("zstd:1", bomb, None, 1000)


@pytest.mark.parametrize(
    ("dtype", "rate", "most"),
    [
        (ml_dtypes.bfloat16, 1e-6, 0.04),
        (ml_dtypes.bfloat16, 1e-5, 0.12),
        (ml_dtypes.bfloat16, 1e-4, 0.28),
        (np.float32, 1e-5, 0.64),
    ],
)
def test_a_step_of_adam_is_a_small_difference(dtype: type, rate: float, most: float) -> None:
    """Kingma and Ba 2015, algorithm 1, on weights of the size that layers have, with noise for gradients."""
    rng = np.random.default_rng(0)
    weights = (rng.standard_normal(1 << 18) * 0.02).astype(np.float32)
    mean, variance = np.zeros_like(weights), np.zeros_like(weights)
    kept = []
    for step in range(1, 12):
        gradient = rng.standard_normal(len(weights)).astype(np.float32) * 1e-3
        mean = 0.9 * mean + 0.1 * gradient
        variance = 0.999 * variance + 0.001 * gradient**2
        weights = weights - rate * (mean / (1 - 0.9**step)) / (np.sqrt(variance / (1 - 0.999**step)) + 1e-8)
        kept.append(weights.astype(dtype).view(np.uint8).tobytes())
    before, after = map(memoryview, kept[-2:])
    size = np.dtype(dtype).itemsize
    found = codecs.changed(after, before, size, most=1.0)
    assert found is not None
    assert len(found[1]) < most * len(after)
    assert unpacked(*found, bytes(before), len(after)) == bytes(after)
    _, alone = codecs.packed(after, size)
    assert len(found[1]) < 0.8 * len(alone)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 5 * CHUNK_BYTES))
def test_a_tensor_is_cut_without_gaps(n_bytes: int) -> None:
    cuts = chunking.cuts(n_bytes)
    assert [start for start, _ in cuts] == [0, *(end for _, end in cuts[:-1])][: len(cuts)]
    assert sum(end - start for start, end in cuts) == n_bytes
    assert all(end - start == CHUNK_BYTES for start, end in cuts[:-1])
    assert all(0 < end - start <= CHUNK_BYTES for start, end in cuts)


def test_a_tensor_is_known_by_type_shape_and_order() -> None:
    one, other = b"1" * 32, b"2" * 32
    known = {
        chunking.tensor_identity("float32", (4, 1), [one, other]),
        chunking.tensor_identity("float32", (1, 4), [one, other]),
        chunking.tensor_identity("int32", (4, 1), [one, other]),
        chunking.tensor_identity("float32", (4, 1), [other, one]),
        chunking.tensor_identity("float32", (4,), [one, other]),
        chunking.tensor_identity("float32", (4, 1), [one]),
    }
    assert len(known) == 6
