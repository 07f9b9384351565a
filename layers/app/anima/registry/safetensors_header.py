"""The header of a safetensors file, read as written by a stranger: what lies in it is refused. Pure.

Format: 8 bytes little-endian length of the header, the header (JSON: name -> dtype, shape, data_offsets; and
`__metadata__`), then the tensors without holes. https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from anima.registry.errors import BadModelFile
from anima.registry.naming import is_text

MAX_HEADER = 16 * 1024 * 1024
"""Room for 100,000 tensors; the format's own reader takes six times as much, which takes a gigabyte to parse."""
MAX_DIMENSIONS = 32
_METADATA = "__metadata__"
MAX_NAME = 500

DTYPES: dict[str, tuple[str, int]] = {
    "F64": ("float64", 8),
    "F32": ("float32", 4),
    "F16": ("float16", 2),
    "BF16": ("bfloat16", 2),
    "F8_E4M3": ("float8_e4m3fn", 1),
    "F8_E5M2": ("float8_e5m2", 1),
    "I64": ("int64", 8),
    "I32": ("int32", 4),
    "I16": ("int16", 2),
    "I8": ("int8", 1),
    "U64": ("uint64", 8),
    "U32": ("uint32", 4),
    "U16": ("uint16", 2),
    "U8": ("uint8", 1),
    "BOOL": ("bool", 1),
    "C64": ("complex64", 8),
}
"""Names of the format: our name, and the size of an element in bytes."""
_WRITTEN = {ours: theirs for theirs, (ours, _) in DTYPES.items()}


@dataclass(frozen=True, slots=True)
class Entry:
    """A tensor of a file: bytes `start` to `stop` of the file, counted from its first byte."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself; entries in the order in which they lie."""

    entries: list[Entry]
    data_start: int
    metadata: dict[str, Any] = field(default_factory=dict)


class Described(Protocol):
    """A tensor by name, dtype and shape."""

    @property
    def name(self) -> str: ...
    @property
    def dtype(self) -> str: ...
    @property
    def shape(self) -> Sequence[int]: ...


def _refuse(file: str, reason: str) -> BadModelFile:
    return BadModelFile(file=file, reason=reason)


def header_size(first: bytes, size: int, file: str) -> int:
    """The length of the header, from the first 8 bytes of a file of `size` bytes. Raises BadModelFile."""
    if size < 8 or len(first) < 8:
        raise _refuse(file, "it is too short for a header")
    length = int.from_bytes(first[:8], "little")
    if length > MAX_HEADER:
        raise _refuse(file, f"its header would have {length} bytes")
    if length < 2 or 8 + length > size:
        raise _refuse(file, f"its header of {length} bytes does not fit into {size} bytes")
    return length


def header(data: bytes | memoryview, size: int, file: str = "the file") -> Header:
    """Reads the header at the beginning of `data`, of a file of `size` bytes. Raises BadModelFile."""
    length = header_size(bytes(data[:8]), size, file)
    said = _parsed(bytes(data[8 : 8 + length]), file)
    metadata = said.pop(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise _refuse(file, "its __metadata__ does not map texts to texts")
    start = 8 + length
    entries = [_entry(name, value, start, file) for name, value in said.items()]
    entries.sort(key=lambda entry: (entry.start, entry.stop))
    _check_layout(entries, start, size, file)
    return Header(entries, start, metadata)


def _parsed(text: bytes, file: str) -> dict[str, Any]:
    try:
        said = json.loads(text.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _refuse(file, f"its header is not JSON ({str(error)[:200]})") from None
    if not isinstance(said, dict):
        raise _refuse(file, "its header is no object")
    return said


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def checked_weight_name(name: str, file: str) -> str:
    """A name that a weight can have. Raises BadModelFile."""
    if not 1 <= len(name) <= MAX_NAME:
        raise _refuse(file, f"the name of a tensor has {len(name)} characters, where 1 to {MAX_NAME} are accepted")
    if not is_text(name):
        raise _refuse(file, "the name of a tensor is no text")
    return name


def _entry(name: str, value: Any, data_start: int, file: str) -> Entry:
    checked_weight_name(name, file)
    if not isinstance(value, dict) or not {"dtype", "shape", "data_offsets"} <= value.keys():
        raise _refuse(file, f"dtype, shape or data_offsets of {name!r} are missing")
    known = DTYPES.get(value["dtype"]) if isinstance(value["dtype"], str) else None
    if known is None:
        raise _refuse(file, f"the dtype {str(value['dtype'])[:40]!r} of {name!r} is not known")
    shape, offsets = value["shape"], value["data_offsets"]
    if not _whole(shape) or len(shape) > MAX_DIMENSIONS:
        raise _refuse(file, f"the shape of {name!r} is none")
    if not _whole(offsets) or len(offsets) != 2:
        raise _refuse(file, f"the offsets of {name!r} are none")
    wanted = math.prod(shape) * known[1]
    if offsets[1] - offsets[0] != wanted:
        raise _refuse(file, f"{name!r} has {offsets[1] - offsets[0]} bytes where its shape needs {wanted}")
    return Entry(name, known[0], tuple(shape), data_start + offsets[0], data_start + offsets[1])


def _whole(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and 0 <= value < 2**63 for value in values)


def _check_layout(entries: Sequence[Entry], start: int, size: int, file: str) -> None:
    at = start
    for entry in entries:
        if entry.start != at:
            what = "overlaps with another tensor" if entry.start < at else "lies behind a hole"
            raise _refuse(file, f"{entry.name!r} {what}")
        at = entry.stop
    if at != size:
        raise _refuse(file, f"its tensors end at byte {at}, and the file at byte {size}")


def writable(dtype: str) -> bool:
    """Whether the format knows a dtype."""
    return dtype in _WRITTEN


def encoded(tensors: Sequence[Described], metadata: Mapping[str, str] | None = None) -> bytes:
    """Length and header of a file of these tensors, which follow in this order; padded to 8 bytes.

    Raises BadModelFile for a dtype that the format does not know.
    """
    said: dict[str, Any] = {_METADATA: dict(metadata)} if metadata else {}
    at = 0
    for tensor in tensors:
        if tensor.name == _METADATA:
            raise _refuse("a safetensors file", f"it can hold no tensor of the name {_METADATA}")
        if not writable(tensor.dtype):
            raise _refuse("a safetensors file", f"it cannot hold {tensor.name!r} of dtype {tensor.dtype}")
        stop = at + math.prod(tensor.shape) * DTYPES[_WRITTEN[tensor.dtype]][1]
        said[tensor.name] = {
            "dtype": _WRITTEN[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [at, stop],
        }
        at = stop
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text
