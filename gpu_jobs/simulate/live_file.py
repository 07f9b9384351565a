"""The live samples of a run, a line each, for the pages that show it while it goes on."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from .trajectory import disk_guarded

MOST_BYTES = 5_000_000
"""Above it the older half is given up."""


class LiveFile:
    """`live.jsonl`: at most `hz` samples a second. Raises NoRoomForRecord and RecordLost."""

    def __init__(self, path: Path, hz: float) -> None:
        self._path, self._pause, self._next = path, 1.0 / hz, 0.0
        with disk_guarded(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._whole_lines()
            self._file = path.open("ab", buffering=0)
            self._bytes = path.stat().st_size

    def due(self, now: float) -> bool:
        """Whether it is time for a sample; if so, the next is due a pause later."""
        if now < self._next:
            return False
        self._next = max(self._next + self._pause, now + self._pause / 2)
        return True

    def add(self, sample: dict[str, Any]) -> None:
        """Adds one; the older half goes when there are too many."""
        line = json.dumps(sample).encode() + b"\n"
        with disk_guarded(self._path.parent):
            self._file.write(line)
            self._bytes += len(line)
            if self._bytes > MOST_BYTES:
                self._cut()

    def _cut(self) -> None:
        self._file.close()
        held = self._path.read_bytes()
        draft = self._path.with_suffix(".draft")
        draft.write_bytes(held[held.index(b"\n", len(held) // 2) + 1 :])
        draft.replace(self._path)
        self._file = self._path.open("ab", buffering=0)
        self._bytes = self._path.stat().st_size

    def _whole_lines(self) -> None:
        """Gives up half a line that a killed run has left."""
        if self._path.exists():
            held = self._path.read_bytes()
            os.truncate(self._path, held.rfind(b"\n") + 1)  # in place: who reads it loses nothing
