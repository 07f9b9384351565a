"""NumPy's file format, as far as a tensor that is streamed needs it: the header that goes before its bytes.

https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, version 1.0.
"""

from __future__ import annotations

from collections.abc import Sequence

_MAGIC = b"\x93NUMPY\x01\x00"
_ALIGNED = 64
_PLAIN = {
    "float64": "<f8",
    "float32": "<f4",
    "float16": "<f2",
    "int64": "<i8",
    "int32": "<i4",
    "int16": "<i2",
    "int8": "|i1",
    "uint64": "<u8",
    "uint32": "<u4",
    "uint16": "<u2",
    "uint8": "|u1",
    "bool": "|b1",
    "complex64": "<c8",
    "complex128": "<c16",
}


def descr(dtype: str, itemsize: int) -> str:
    """A type as NumPy names it; one that it does not know (bfloat16, float8) is so many bytes each, as `V2`."""
    return _PLAIN.get(dtype) or f"|V{itemsize}"


def header(dtype: str, itemsize: int, shape: Sequence[int]) -> bytes:
    """What stands before the bytes of a C-contiguous array; a multiple of 64 bytes."""
    told = f"{{'descr': '{descr(dtype, itemsize)}', 'fortran_order': False, 'shape': {tuple(shape)}, }}"
    padding = -(len(_MAGIC) + 2 + len(told) + 1) % _ALIGNED
    body = told.encode("ascii") + b" " * padding + b"\n"
    return _MAGIC + len(body).to_bytes(2, "little") + body
