"""A file of weights, mapped into memory: its header is checked at once, its tensors are read when asked for."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anima.registry import gguf_header, safetensors_header
from anima.registry.errors import BadModelFile
from anima.registry.heads_model import TensorShape
from anima.registry.safetensors_header import Entry
from anima.tensors.model import Given

MAX_LITERAL = 256 * 1024 * 1024
"""So many bytes of a file of weights may belong to no tensor (header, padding)."""


@dataclass(frozen=True, slots=True)
class WeightFile:
    """An open file: its format, its tensors in the order in which they lie, and its bytes."""

    path: str
    format: str
    data: memoryview
    entries: list[Entry]
    keys: dict[str, Any] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def shapes(self) -> list[TensorShape]:
        """Its tensors by name, dtype and shape."""
        return [TensorShape(entry.name, entry.dtype, entry.shape) for entry in self.entries]

    @property
    def segments(self) -> list[tuple[str, int]]:
        """Where each tensor begins."""
        return [(entry.name, entry.start) for entry in self.entries]

    def given(self) -> Iterator[Given]:
        """Its tensors as they are saved, each read when its turn comes."""
        for entry in self.entries:
            yield Given(entry.name, entry.dtype, entry.shape, self._reader(entry))

    def _reader(self, entry: Entry) -> Any:
        return lambda: self.data[entry.start : entry.stop]

    @property
    def literal_size(self) -> int:
        """How many bytes belong to no tensor. Raises BadModelFile where they are too many."""
        size = sum(stop - start for start, stop in self._between())
        if size > MAX_LITERAL:
            raise BadModelFile(file=self.path, reason=f"{size} bytes of it belong to no tensor")
        return size

    def literal(self) -> bytes:
        """What belongs to no tensor, one piece after the other."""
        return b"".join(bytes(self.data[start:stop]) for start, stop in self._between())

    def _between(self) -> list[tuple[int, int]]:
        at, found = 0, []
        for entry in self.entries:
            if entry.start > at:
                found.append((at, entry.start))
            at = max(at, entry.stop)
        if at < len(self.data):
            found.append((at, len(self.data)))
        return found


@contextmanager
def mapped(place: Path, path: str | None = None) -> Iterator[memoryview]:
    """The bytes of a file, read only when they are looked at. Raises BadModelFile."""
    try:
        whole = _mapping(place)
    except (OSError, ValueError) as error:
        raise BadModelFile(file=path or place.name, reason=f"it cannot be read ({error})") from None
    # Not closed here: slices may still be held; the mapping goes with the last of them.
    yield memoryview(whole) if whole is not None else memoryview(b"")


def _mapping(place: Path) -> mmap.mmap | None:
    descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        return mmap.mmap(descriptor, size, access=mmap.ACCESS_READ) if size else None
    finally:
        os.close(descriptor)


@contextmanager
def opened(place: Path, path: str | None = None) -> Iterator[WeightFile]:
    """A .safetensors or .gguf file, with its header checked. Raises BadModelFile."""
    named = path or place.name
    with mapped(place, named) as data:
        if bytes(data[:4]) == b"GGUF":
            said = gguf_header.header(data, len(data), named)
            yield WeightFile(named, "gguf", data, said.entries, keys=said.keys)
        else:
            header = safetensors_header.header(data, len(data), named)
            yield WeightFile(named, "safetensors", data, header.entries, metadata=header.metadata)
