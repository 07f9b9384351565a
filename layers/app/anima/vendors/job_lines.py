"""The lines of a file that a job writes, read as they come; the job cuts the older part off now and then."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

_MOST_READ = 1 << 20
"""At a time. A line that is longer comes in pieces."""
_KNOWN = 1 << 12
"""Bytes before the place that are remembered, by which it is found again."""
_MOST_SEARCHED = 1 << 26


class JobLines:
    """Whole lines of a file that grows, that may be cut, and that need not be there yet: none twice, none left out.

    `most_at_first` bytes at the end of the file are read at first; None: all of it. Where the file was cut, reading
    goes on behind what was read last; where nothing of that is in it any more, at its beginning.
    """

    def __init__(self, path: Path, *, most_at_first: int | None = None) -> None:
        self._path, self._most_at_first = path, most_at_first
        self._at: int | None = None
        self._known = b""

    def new(self) -> Iterator[bytes]:
        """Lines since the last call, without their ends, of the file as long as it is now."""
        with suppress(OSError), self._path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            self._at = self._place(file, size) if size else self._at
            while self._at is not None and self._at < size:
                file.seek(self._at)
                chunk = file.read(min(_MOST_READ, size - self._at))
                whole = chunk.rfind(b"\n") + 1 or (len(chunk) if len(chunk) == _MOST_READ else 0)
                if not whole:
                    return
                self._at += whole
                self._known = (self._known + chunk[:whole])[-_KNOWN:]
                yield from chunk[:whole].removesuffix(b"\n").split(b"\n")

    def _place(self, file: BinaryIO, size: int) -> int | None:
        """Where to go on; None where no line begins yet."""
        if self._at is None:
            return self._first(file, size)
        file.seek(self._at - len(self._known))
        if file.read(len(self._known)) == self._known:
            return self._at
        start = max(0, size - _MOST_SEARCHED)
        file.seek(start)
        place = start + _behind(self._known, file.read(size - start))
        self._known = self._known[max(0, len(self._known) - place) :]  # what is still there of it
        return place

    def _first(self, file: BinaryIO, size: int) -> int | None:
        start = 0 if self._most_at_first is None else max(0, size - self._most_at_first)
        file.seek(start)
        if start and not file.readline(_MOST_READ).endswith(b"\n"):
            return None
        place = file.tell()
        file.seek(max(0, place - _KNOWN))
        self._known = file.read(min(place, _KNOWN))
        return place


def _behind(known: bytes, text: bytes) -> int:
    """The place in a text behind what is known, which may lack its beginning there; 0 where nothing of it is left."""
    line = known[known.rfind(b"\n", 0, -1) + 1 :]
    end = len(text)
    while line and (found := text.rfind(line, 0, end)) >= 0:
        place = found + len(line)
        if text.endswith(known, 0, place) or known.endswith(text[:place]):
            return place
        end = place - 1
    return 0
