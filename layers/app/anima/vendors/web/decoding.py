"""Bodies as they were before they were packed for the way, unpacked within a limit."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

_STEP = 1 << 20
_ANY_HEADER = 47
"""Window bits that take gzip and zlib alike."""


class Packed(Exception):
    """A body was packed in a way that is not read, or is damaged; the message says which."""


def unpacked(body: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The body in pieces of a megabyte at most, so that whoever counts can stop a bomb. Raises Packed."""
    if encoding in ("", "identity"):
        return iter(body)
    if encoding in ("gzip", "x-gzip", "deflate"):
        return _inflated(body)
    raise Packed("it is packed in a way that was not asked for")


def _inflated(body: Iterable[bytes]) -> Iterator[bytes]:
    machine = zlib.decompressobj(_ANY_HEADER)
    try:
        for chunk in body:
            waiting = chunk
            while waiting and not machine.eof:
                if piece := machine.decompress(waiting, _STEP):
                    yield piece
                waiting = machine.unconsumed_tail
        if rest := machine.flush(_STEP):
            yield rest
    except zlib.error:
        raise Packed("it cannot be unpacked") from None
    if not machine.eof:
        raise Packed("it ends before its end")
