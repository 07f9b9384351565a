"""The samples of a run as they are written, for all pages that watch it."""

from __future__ import annotations

import threading
from collections import deque
from pathlib import Path

from anima.vendors.job_lines import JobLines

KEPT_SAMPLES = 2_000
"""What a page that is opened late is shown of the past."""


class Samples:
    """The lines of `live.jsonl` as they come; the last of them are kept, each with its number."""

    def __init__(self, path: Path) -> None:
        self._lines = JobLines(path)
        self._kept: deque[tuple[int, bytes]] = deque(maxlen=KEPT_SAMPLES)
        self._count = 0
        self._lock = threading.Lock()

    def after(self, number: int) -> list[tuple[int, bytes]]:
        """Lines with higher numbers than this, after a look at the file."""
        with self._lock:
            for line in self._lines.new():
                self._count += 1
                self._kept.append((self._count, line))
            return [one for one in self._kept if one[0] > number]
