"""PNG files as chunks: what texts one carries, and the same picture with other texts. Pixels are never decoded.

After the specification of PNG (third edition, W3C): a signature, then chunks of length, type, data and CRC-32.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_CHUNKS = 20_000
MAX_TEXT_BYTES = 16_000_000
"""What a compressed text may become; further it is not read."""
MAX_SIDE = 20_000

_HEAD = struct.Struct(">I4s")
_CRC = struct.Struct(">I")
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_MAX_KEYWORD = 79


class BadPng(ValueError):
    """A file that says that it is a PNG and is none; the message says what is wrong, and where."""


class Chunk(NamedTuple):
    """A chunk: its type (four letters) and its data."""

    kind: bytes
    data: bytes


def chunks(data: bytes) -> list[Chunk]:
    """All chunks up to the end of the picture. Raises BadPng where signature, lengths or checksums lie."""
    if not data.startswith(SIGNATURE):
        raise BadPng("its first bytes are not those of a PNG")
    found: list[Chunk] = []
    for chunk in _walk(data):
        if not found:
            _check_header(chunk)
        found.append(chunk)
        if len(found) > MAX_CHUNKS:
            raise BadPng(f"it has more than {MAX_CHUNKS} chunks")
    if b"IDAT" not in {chunk.kind for chunk in found}:
        raise BadPng("it has no picture")
    return found


def _walk(data: bytes) -> Iterator[Chunk]:
    place = len(SIGNATURE)
    while place < len(data):
        if place + _HEAD.size > len(data):
            raise BadPng(f"it ends in the middle of a chunk (byte {place})")
        length, kind = _HEAD.unpack_from(data, place)
        if not kind.isalpha():
            raise BadPng(f"what stands at byte {place} is no chunk")
        end = place + _HEAD.size + length
        if end + _CRC.size > len(data):
            raise BadPng(
                f"its chunk {kind.decode()} at byte {place} says that it has {length} bytes, and the file ends"
            )
        if _CRC.unpack_from(data, end)[0] != zlib.crc32(data[place + 4 : end]):
            raise BadPng(f"its chunk {kind.decode()} at byte {place} has another checksum than it says")
        yield Chunk(kind, data[place + _HEAD.size : end])
        if kind == b"IEND":
            return
        place = end + _CRC.size
    raise BadPng("its end is missing")


def _check_header(first: Chunk) -> None:
    if first.kind != b"IHDR" or len(first.data) != 13:
        raise BadPng("it does not begin with its header")
    width, height = struct.unpack_from(">II", first.data)
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise BadPng(f"a picture of {width} x {height} points is not accepted (at most {MAX_SIDE} a side)")


def texts(found: list[Chunk], wanted: frozenset[str]) -> dict[str, bytes]:
    """The texts with these keywords (in any case; keys here are in lower case): plain ones before compressed ones.

    Raises BadPng where one that is wanted cannot be read.
    """
    told: dict[str, bytes] = {}
    for kind in _TEXTS:
        for chunk in found:
            keyword, zero, rest = chunk.data.partition(b"\0")
            name = keyword.decode("latin-1").lower()
            if chunk.kind == kind and zero and name in wanted and name not in told:
                told[name] = _text(kind, name, rest)
    return told


def _text(kind: bytes, name: str, rest: bytes) -> bytes:
    if kind == b"tEXt":
        return rest
    if kind == b"zTXt":
        return _inflated(name, rest[1:])
    compressed, (_language, _, rest) = rest[:1] == b"\1", rest[2:].partition(b"\0")
    text = rest.partition(b"\0")[2]
    return _inflated(name, text) if compressed else text


def _inflated(name: str, packed: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(packed, MAX_TEXT_BYTES)
    except zlib.error as error:
        raise BadPng(f"its compressed text {name} cannot be unpacked ({error})") from None
    if inflater.unconsumed_tail:
        raise BadPng(f"its compressed text {name} becomes larger than {MAX_TEXT_BYTES} bytes")
    if not inflater.eof:
        raise BadPng(f"its compressed text {name} is cut short")
    return text


def with_texts(found: list[Chunk], new: Mapping[str, bytes], without: frozenset[str] = frozenset()) -> bytes:
    """The picture with these texts before its end, and without those that have a keyword of `without` (lower case)."""
    gone = without | {name.lower() for name in new}
    kept = [chunk for chunk in found if not (chunk.kind in _TEXTS and _keyword(chunk) in gone)]
    added = [Chunk(b"tEXt", _checked_keyword(name) + b"\0" + text) for name, text in new.items()]
    return SIGNATURE + b"".join(map(_written, [*kept[:-1], *added, kept[-1]]))


def _keyword(chunk: Chunk) -> str:
    return chunk.data.partition(b"\0")[0].decode("latin-1").lower()


def _checked_keyword(name: str) -> bytes:
    keyword = name.encode("latin-1")
    assert 1 <= len(keyword) <= _MAX_KEYWORD, "keywords have 1 to 79 bytes"
    return keyword


def _written(chunk: Chunk) -> bytes:
    body = chunk.kind + chunk.data
    return _HEAD.pack(len(chunk.data), chunk.kind) + chunk.data + _CRC.pack(zlib.crc32(body))


def drawn(name: str, width: int = 400, height: int = 600) -> bytes:
    """A quiet picture for somebody who has none: two colours that fade into each other, the same for the same name."""
    seed = zlib.crc32(name.encode("utf-8", "replace"))
    upper, lower = _colour(seed), _colour(seed >> 8)
    rows = bytearray()
    for row in range(height):
        share = row / max(1, height - 1)
        mixed = bytes(round(a + (b - a) * share) for a, b in zip(upper, lower, strict=True))
        rows += b"\0" + mixed * width
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    made = (Chunk(b"IHDR", header), Chunk(b"IDAT", zlib.compress(bytes(rows), 9)), Chunk(b"IEND", b""))
    return SIGNATURE + b"".join(map(_written, made))


def _colour(seed: int) -> tuple[int, int, int]:
    """Something between pale and deep, neither white nor black."""
    red, green, blue = (70 + ((seed >> shift) & 0xFF) * 120 // 255 for shift in (0, 5, 11))
    return red, green, blue
