"""The samples of a run as they are written, for all pages that watch it."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any

KEPT_SAMPLES = 2_000
"""What a page that is opened late is shown of the past."""
_MOST_READ = 1 << 20


class Samples:
    """The lines of `live.jsonl` as they come; the last of them are kept, each with its number.

    The writer cuts the file in half now and then: where it has become another file, reading goes on behind the line
    that was read last.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: deque[tuple[int, bytes]] = deque(maxlen=KEPT_SAMPLES)
        self._file: tuple[int, int] | None = None  # device and inode
        self._offset, self._count = 0, 0
        self._lock = threading.Lock()

    def after(self, number: int) -> list[tuple[int, bytes]]:
        """Lines with higher numbers than this, after a look at the file."""
        with self._lock:
            with suppress(OSError):
                self._look()
            return [one for one in self._kept if one[0] > number]

    def _look(self) -> None:
        with self._path.open("rb") as file:
            found = file.seek(0, 2)
            identity = (self._path.stat().st_dev, self._path.stat().st_ino)
            if identity != self._file or found < self._offset:
                self._offset = self._place_in(file)
                self._file = identity
            file.seek(self._offset)
            while chunk := file.read(_MOST_READ):
                whole = chunk.rfind(b"\n") + 1
                if not whole:
                    return
                self._offset += whole
                for line in chunk[:whole].splitlines():
                    self._count += 1
                    self._kept.append((self._count, line))
                file.seek(self._offset)

    def _place_in(self, file: Any) -> int:
        """Where to go on in a file that is new: behind the last line that is known, else at its beginning."""
        if not self._kept:
            return 0
        file.seek(0)
        text = file.read()
        last = self._kept[-1][1] + b"\n"
        place = text.rfind(last)
        return place + len(last) if place >= 0 else 0
