"""What has been run: a line of JSON for each finished run, keyed by the digest of all that decides it.

A line is written and synced before the next run starts, so that a kill loses the run under way and nothing else; a
line that was cut off by a kill is dropped when the file is read again. Each task has a file of its own, so that suites
of different tasks may share a folder; two on one file are refused.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Record = dict[str, Any]


class LedgerInUse(Exception):
    """Another suite writes to this file."""


class Ledgers:
    """The ledgers of a folder, each opened when it is first asked for. Use it as a context manager."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: dict[str, Ledger] = {}

    def __enter__(self) -> Ledgers:
        return self

    def __exit__(self, *_: object) -> None:
        for ledger in self._open.values():
            ledger.close()

    def of(self, task: str) -> Ledger:
        """That of a task. Raises LedgerInUse."""
        if task not in self._open:
            self._open[task] = Ledger(self.folder, task)
        return self._open[task]


class Ledger:
    """The finished runs of a task, `<task>.jsonl` in the folder."""

    def __init__(self, folder: Path, task: str) -> None:
        """Raises LedgerInUse."""
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{task}.jsonl"
        self._file = self.path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as busy:
            self._file.close()
            raise LedgerInUse(str(self.path)) from busy
        self._runs = self._read()

    def close(self) -> None:
        """Lets others have the file."""
        self._file.close()

    def __len__(self) -> int:
        return len(self._runs)

    def find(self, configuration: Mapping[str, Any]) -> Record | None:
        """The result of a run that is done."""
        return self._runs.get(digest(configuration))

    def run(self, configuration: Mapping[str, Any], work: Callable[[], Record]) -> Record:
        """The result of this run, from the file or else from `work`, whose answer is kept."""
        key = digest(configuration)
        if key not in self._runs:
            result = work()
            self._append({"key": key, "configuration": configuration, "result": result})
            self._runs[key] = json.loads(json.dumps(result))
        return self._runs[key]

    def _append(self, line: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(line, sort_keys=True).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def _read(self) -> dict[str, Record]:
        self._file.seek(0)
        text = self._file.read()
        whole = text[: text.rfind(b"\n") + 1]
        if len(whole) < len(text):
            self._file.truncate(len(whole))
        lines = (json.loads(line) for line in whole.splitlines())
        return {line["key"]: line["result"] for line in lines}


def digest(configuration: Mapping[str, Any]) -> str:
    """The key of a configuration: the first 16 hex digits of the SHA-256 of its canonical JSON."""
    text = json.dumps(configuration, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
