"""The header of a GGUF file (versions 2 and 3), read as written by a stranger: what lies in it is refused. Pure.

Format: magic, version, counts, keys with typed values, one description a tensor, padding, tensors at aligned offsets.
https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from anima.registry.errors import BadModelFile
from anima.registry.safetensors_header import Entry, checked_weight_name

MAX_HEADER = 128 * 1024 * 1024
MAX_VALUES = 4_000_000
"""So many values of lists are taken in (a vocabulary of 150,000 pieces has some 450,000)."""
MAX_DIMENSIONS = 4
_DEEPEST = 4
_STRING, _ARRAY = 8, 9
_SCALARS: Final = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_PLAIN: Final = {
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F64": "float64",
    "I8": "int8",
    "I16": "int16",
    "I32": "int32",
    "I64": "int64",
}


@dataclass(frozen=True, slots=True)
class Gguf:
    """What a file says of itself: its keys, and its tensors in the order in which they lie."""

    keys: dict[str, Any]
    entries: list[Entry]
    data_start: int


@dataclass(frozen=True, slots=True)
class Block:
    """A type of GGML: how many numbers lie in a block of how many bytes."""

    name: str
    numbers: int
    n_bytes: int

    @property
    def dtype(self) -> str:
        """Our name: that of the plain number, or "ggml:" and the name of the type."""
        return _PLAIN.get(self.name, f"ggml:{self.name}")


@cache
def blocks() -> Mapping[int, Block]:
    """The types of GGML by their numbers, as the `gguf` library knows them."""
    from gguf.constants import GGML_QUANT_SIZES

    return {int(kind): Block(kind.name, *sizes) for kind, sizes in GGML_QUANT_SIZES.items()}


class _Reader:
    """Takes values from the beginning of a file; never beyond its end."""

    def __init__(self, data: memoryview, file: str) -> None:
        self.data, self.file, self.at, self.values = data, file, 0, 0
        self.end = min(len(data), MAX_HEADER)

    def refused(self, reason: str) -> BadModelFile:
        return BadModelFile(file=self.file, reason=reason)

    def take(self, n_bytes: int) -> memoryview:
        if n_bytes > self.end - self.at:
            raise self.refused("its header goes beyond its end")
        self.at += n_bytes
        return self.data[self.at - n_bytes : self.at]

    def number(self, code: str) -> Any:
        return struct.unpack("<" + code, self.take(struct.calcsize("<" + code)))[0]

    def text(self) -> str:
        try:
            return str(self.take(self.number("Q")), "utf-8")
        except UnicodeDecodeError:
            raise self.refused("a text in it is not UTF-8") from None

    def raw_text(self) -> str:
        """A text in a value: pieces of a vocabulary need not be whole characters."""
        return str(self.take(self.number("Q")), "utf-8", "replace")

    def value(self, kind: int, depth: int = 0) -> Any:
        if kind in _SCALARS:
            return self.number(_SCALARS[kind])
        if kind == _STRING:
            return self.raw_text()
        if kind == _ARRAY and depth < _DEEPEST:
            return self.array(depth + 1)
        raise self.refused(f"a value in it has the unknown type {kind}")

    def array(self, depth: int) -> list[Any]:
        kind, count = self.number("I"), self.number("Q")
        self.values += count
        if self.values > MAX_VALUES:
            raise self.refused(f"its lists hold more than {MAX_VALUES} values")
        if code := _SCALARS.get(kind):
            return list(struct.unpack(f"<{count}{code}", self.take(count * struct.calcsize("<" + code))))
        return [self.value(kind, depth) for _ in range(count)]


def header(data: memoryview, size: int, file: str = "the file") -> Gguf:
    """Reads the header at the beginning of `data`, of a file of `size` bytes. Raises BadModelFile."""
    reader = _Reader(data, file)
    tensors, count = _beginning(reader)
    keys = _keys(reader, count)
    described = _described(reader, tensors)
    alignment = keys.get("general.alignment", 32)
    if type(alignment) is not int or not 8 <= alignment <= 2**20 or alignment & (alignment - 1):
        raise reader.refused(f"its alignment {alignment!r} is none")
    start = -(-reader.at // alignment) * alignment
    entries = [_entry(reader, one, start, alignment) for one in described]
    entries.sort(key=lambda entry: (entry.start, entry.stop))
    _check_layout(entries, start, size, reader)
    return Gguf(keys, entries, start)


def _beginning(reader: _Reader) -> tuple[int, int]:
    if bytes(reader.data[:4]) != b"GGUF":
        raise reader.refused("it does not begin like a GGUF file")
    reader.at = 4
    version = reader.number("I")
    if version not in (2, 3):
        raise reader.refused(f"it is GGUF of version {version}, or big-endian; 2 and 3 are read")
    tensors, keys = reader.number("Q"), reader.number("Q")
    if tensors * 24 + keys * 12 > reader.end:
        raise reader.refused(f"{tensors} tensors and {keys} keys do not fit into it")
    return tensors, keys


def _keys(reader: _Reader, count: int) -> dict[str, Any]:
    keys: dict[str, Any] = {}
    for _ in range(count):
        name = reader.text()
        if name in keys:
            raise reader.refused(f"its key {name[:100]!r} comes twice")
        keys[name] = reader.value(reader.number("I"))
    return keys


@dataclass(frozen=True, slots=True)
class _Described:
    name: str
    shape: tuple[int, ...]
    block: Block
    offset: int


def _described(reader: _Reader, count: int) -> list[_Described]:
    found: dict[str, _Described] = {}
    for _ in range(count):
        name = checked_weight_name(reader.text(), reader.file)
        if name in found:
            raise reader.refused(f"the tensor {name!r} comes twice")
        found[name] = _one(reader, name, reader.number)
    return list(found.values())


def _one(reader: _Reader, name: str, number: Callable[[str], Any]) -> _Described:
    dimensions = number("I")
    if dimensions > MAX_DIMENSIONS:
        raise reader.refused(f"{name!r} has {dimensions} dimensions")
    # The format names the fastest dimension first; a shape here has it last.
    shape = tuple(number("Q") for _ in range(dimensions))[::-1]
    kind, offset = number("I"), number("Q")
    block = blocks().get(kind)
    if block is None:
        raise reader.refused(f"the type {kind} of {name!r} is not known")
    if any(length >= 2**63 for length in shape):
        raise reader.refused(f"the shape of {name!r} is none")
    if (shape[-1] if shape else 1) % block.numbers:
        raise reader.refused(f"the rows of {name!r} are no whole blocks of {block.name}")
    return _Described(name, shape, block, offset)


def _entry(reader: _Reader, one: _Described, start: int, alignment: int) -> Entry:
    if one.offset % alignment:
        raise reader.refused(f"{one.name!r} does not lie at a multiple of {alignment}")
    n_bytes = math.prod(one.shape) // one.block.numbers * one.block.n_bytes
    return Entry(one.name, one.block.dtype, one.shape, start + one.offset, start + one.offset + n_bytes)


def _check_layout(entries: list[Entry], start: int, size: int, reader: _Reader) -> None:
    at = start
    for entry in entries:
        if entry.start < at:
            raise reader.refused(f"{entry.name!r} overlaps with another tensor")
        if entry.stop > size:
            raise reader.refused(f"{entry.name!r} goes beyond the end of the file")
        at = entry.stop
    if entries and at > size:
        raise reader.refused("its tensors go beyond its end")
