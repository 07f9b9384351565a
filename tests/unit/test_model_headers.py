"""Headers of files of weights, from friends and from strangers: what is well-formed is read, all else is refused."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from anima.registry import gguf_header, safetensors_header
from anima.registry.errors import BadModelFile
from anima.registry.heads_model import TensorShape
from fixtures import tiny_gguf as made_gguf


def test_what_the_formats_own_library_writes_is_read() -> None:
    arrays = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "b": np.ones(5, ml_dtypes.bfloat16),
        "scalar": np.array(3, np.int64),
        "none": np.zeros((0, 7), np.float16),
        "flags": np.array([True, False]),
    }
    data = save(arrays, {"format": "np"})
    found = safetensors_header.header(data, len(data))
    assert found.metadata == {"format": "np"}
    assert {(one.name, one.dtype, one.shape) for one in found.entries} == {
        ("a", "float32", (2, 3)),
        ("b", "bfloat16", (5,)),
        ("scalar", "int64", ()),
        ("none", "float16", (0, 7)),
        ("flags", "bool", (2,)),
    }
    for one in found.entries:
        assert data[one.start : one.stop] == arrays[one.name].tobytes()


def test_a_header_that_is_made_here_is_read_by_the_library() -> None:
    from safetensors.numpy import load

    arrays = {"x": np.arange(4, dtype=np.int16), "y": np.ones((2, 2), np.float64)}
    head = safetensors_header.encoded(
        [TensorShape(name, one.dtype.name, one.shape) for name, one in arrays.items()], {"format": "pt"}
    )
    assert len(head) % 8 == 0
    again = load(head + b"".join(one.tobytes() for one in arrays.values()))
    assert {name: one.tolist() for name, one in again.items()} == {name: one.tolist() for name, one in arrays.items()}


def test_a_type_that_the_format_does_not_know_cannot_be_written() -> None:
    with pytest.raises(BadModelFile):
        safetensors_header.encoded([TensorShape("w", "ggml:Q4_K", (256,))])


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_crash_the_reader_of_safetensors(noise: bytes) -> None:
    for data in (noise, struct.pack("<Q", max(len(noise) - 8, 2)) + noise):
        try:
            found = safetensors_header.header(data, len(data))
        except BadModelFile:
            continue
        assert all(0 <= one.start <= one.stop <= len(data) for one in found.entries)


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return made_gguf.write(tmp_path_factory.mktemp("headers") / "tiny.gguf").read_bytes()


def read(data: bytes) -> gguf_header.Gguf:
    return gguf_header.header(memoryview(data), len(data))


def test_a_gguf_file_is_read_as_its_own_library_reads_it(gguf: bytes, tmp_path: Path) -> None:
    library = pytest.importorskip("gguf")
    (tmp_path / "tiny.gguf").write_bytes(gguf)
    theirs = {one.name: one for one in library.GGUFReader(tmp_path / "tiny.gguf").tensors}
    ours = read(gguf)
    assert {one.name for one in ours.entries} == set(theirs)
    for one in ours.entries:
        other = theirs[one.name]
        assert one.start == other.data_offset
        assert one.stop - one.start == other.n_bytes
        assert one.shape == tuple(int(length) for length in other.shape)[::-1]
    assert ours.keys["llama.block_count"] == 1
    assert ours.keys["tokenizer.ggml.tokens"][1] == "<s>"


def test_cut_anywhere_it_is_refused(gguf: bytes) -> None:
    head = read(gguf).data_start
    for at in [*range(0, 64), *range(64, head, 97), head, len(gguf) - 64]:
        with pytest.raises(BadModelFile):
            read(gguf[:at])


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def file(tensors: list[bytes], keys: list[bytes] | None = None, data: int = 64, version: int = 3) -> bytes:
    head = (
        b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(keys or [])) + b"".join(keys or []) + b"".join(tensors)
    )
    return head.ljust(-(-len(head) // 32) * 32, b"\0") + bytes(data)


def tensor(name: str = "w", shape: tuple[int, ...] = (4,), kind: int = 0, offset: int = 0) -> bytes:
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def key(name: str, kind: int, value: bytes) -> bytes:
    return text(name) + struct.pack("<I", kind) + value


LIES: dict[str, bytes] = {
    "version 1": file([tensor()], version=1),
    "big-endian": file([tensor()], version=3 << 24),
    "many tensors": b"GGUF" + struct.pack("<IQQ", 3, 2**60, 0),
    "many keys": b"GGUF" + struct.pack("<IQQ", 3, 0, 2**60),
    "twice": file([tensor(), tensor(offset=32)]),
    "key twice": file([tensor()], [key("a", 0, b"1"), key("a", 0, b"1")]),
    "overlapping": file([tensor(shape=(16,)), tensor("v", offset=32)]),
    "beyond the end": file([tensor(shape=(1000,))]),
    "far beyond the end": file([tensor(offset=2**62)]),
    "not aligned": file([tensor(offset=4)]),
    "absurd shape": file([tensor(shape=(2**63, 2**63))]),
    "many dimensions": file([tensor(shape=(1,) * 5)]),
    "unknown type": file([tensor(kind=999)]),
    "no whole blocks": file([tensor(kind=8)]),
    "long text": file([tensor()], [text("a") + struct.pack("<IQ", 8, 2**62)]),
    "long list": file([tensor()], [key("a", 9, struct.pack("<IQ", 0, 2**62))]),
    "deep list": file([tensor()], [key("a", 9, struct.pack("<IQ", 9, 1) * 20)]),
    "list of nothing known": file([tensor()], [key("a", 9, struct.pack("<IQ", 77, 1))]),
    "alignment": file([tensor()], [key("general.alignment", 4, struct.pack("<I", 33))]),
    "no alignment": file([tensor()], [key("general.alignment", 4, struct.pack("<I", 0))]),
    "name is no text": file([struct.pack("<Q", 2) + b"\xff\xfe" + struct.pack("<IQIQ", 1, 4, 0, 0)]),
    "empty name": file([tensor("")]),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_gguf_file_that_lies_is_refused(lie: str) -> None:
    with pytest.raises(BadModelFile):
        read(LIES[lie])


def test_the_honest_one_of_them_is_read() -> None:
    found = read(file([tensor(), tensor("v", offset=32)], [key("a", 9, struct.pack("<IQ", 0, 2) + b"12")]))
    assert [one.name for one in found.entries] == ["w", "v"]
    assert found.keys == {"a": [49, 50]}


@settings(deadline=None)
@given(st.data())
def test_a_flipped_byte_of_the_header_never_crashes_the_reader(gguf: bytes, data: Any) -> None:
    at = data.draw(st.integers(0, 700))
    broken = bytearray(gguf)
    broken[at] ^= data.draw(st.integers(1, 255))
    try:
        found = read(bytes(broken))
    except BadModelFile:
        return
    assert all(0 <= one.start <= one.stop <= len(broken) for one in found.entries)
