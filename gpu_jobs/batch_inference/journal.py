"""What was answered, as it came: rows appended to parts, made durable in batches, read again after any end.

A row of the journal is a head of five words (number of the line, digest of what was asked or `-`, tokens of prompt and
answer, and what it is: asked, cached or error), a tab, and the row of the output as JSON. A torn last row is cut off.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anima.kernel.errors import AnimaError, Conflict
from anima.vendors.job_contract import Hold, held, naming

from .table import Table

PART_BYTES = 32 << 20
_PLACE = "checkpoint.json"
_SHIFT = 44
"""Bits of a place within its part."""
_NOTHING = "-"


class OtherInput(Conflict):
    """The checkpoints in {folder} belong to another {what}: give the job a folder of its own."""

    slug = "checkpoint-of-another"


class FolderInUse(Conflict):
    """Another process is at work in {folder}."""

    slug = "folder-in-use"


class BrokenJournal(AnimaError):
    """The checkpoints in {folder} are damaged in {row} of {part}, before what was made durable."""

    slug = "checkpoint-damaged"


@dataclass(slots=True)
class Counted:
    """What was done so far, by all processes of the job."""

    done: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cache_hits: int = 0
    cache_saved_tokens: int = 0

    def add(self, what: str, prompt: int, completion: int) -> None:
        """Counts a row; a cached one costs nothing, and saved its tokens."""
        self.done += 1
        self.failed += what == "error"
        if what == "cached":
            self.cache_hits += 1
            self.cache_saved_tokens += prompt + completion
        else:
            self.prompt_tokens += prompt
            self.completion_tokens += completion


@dataclass(slots=True)
class Journal:
    """The rows of one job. `lines` knows where the row of a line lies, `answers` where that of a content does."""

    folder: Path
    lines: Table
    answers: Table
    counted: Counted = field(default_factory=Counted)
    _part: int = 0
    _size: int = 0
    _file: int = -1
    _readers: dict[int, int] = field(default_factory=dict)
    _unsynced: bool = False
    _kept: dict[str, Any] = field(default_factory=dict)
    _lock: Hold | None = None

    @classmethod
    def opened(cls, folder: Path, work: Path, identity: Mapping[str, str], lock: Hold | None = None) -> Journal:
        """The journal of a job with this identity, gone on with. Raises OtherInput, BrokenJournal,
        FolderInUse, OSError.
        """
        lock = lock or locked(folder)
        work.mkdir(parents=True, exist_ok=True)
        try:
            made = cls(folder, Table(work / "lines"), Table(work / "answers"), _lock=lock)
            made._take_up(identity)
        except BaseException:
            lock.close()
            raise
        return made

    @property
    def state(self) -> str:
        """answering, delivering, done."""
        return str(self._kept["state"])

    def note(self, **what: Any) -> None:
        """Writes the checkpoint: whole or not at all, after the rows that it speaks of."""
        self.sync()
        self._kept |= {"part": self._part, "size": self._size, **what}
        draft = self.folder / f".{_PLACE}"
        with draft.open("w") as file:
            json.dump(self._kept, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.folder / _PLACE)
        _sync(self.folder)

    def append(self, number: int, digest: bytes | None, what: str, tokens: tuple[int, int], row: bytes) -> None:
        """Enters the row of a line. When this returns, it outlives the process; `sync` has it outlive the machine.

        Raises OSError, and then holds no half of a row.
        """
        head = f"{number} {digest.hex() if digest else _NOTHING} {tokens[0]} {tokens[1]} {what}\t".encode()
        if self._size >= PART_BYTES:
            self.note()
            self._open(self._part + 1, 0)
        self._write(head + row + b"\n")
        place = self._part << _SHIFT | (self._size + len(head))
        self._size += len(head) + len(row) + 1
        self._enter(number, digest, what, tokens, (place, len(row)))

    def row(self, place: tuple[int, int]) -> bytes:
        """A row of the output by its place and length."""
        part = place[0] >> _SHIFT
        if part not in self._readers:
            self._readers[part] = os.open(self._path(part), os.O_RDONLY)
        return os.pread(self._readers[part], place[1], place[0] & (1 << _SHIFT) - 1)

    def sync(self) -> None:
        """Makes what was appended durable."""
        if self._unsynced:
            os.fsync(self._file)
            self._unsynced = False

    def close(self) -> None:
        """Lets go of all files; the tables go, the rows stay."""
        for descriptor in (self._file, *self._readers.values()):
            if descriptor >= 0:
                os.close(descriptor)
        self._file = -1
        if self._lock is not None:
            self._lock.close()
        self._readers.clear()
        self.lines.close()
        self.answers.close()

    def forget(self) -> None:
        """Removes the rows, once they are where they belong."""
        for path in self.folder.glob("answers-*.part"):
            path.unlink()

    def _take_up(self, identity: Mapping[str, str]) -> None:
        path = self.folder / _PLACE
        if not path.exists():
            self._kept = {"identity": dict(identity), "state": "answering"}
            self.forget()
            self._open(0, 0)
            self.note()
            return
        self._kept = json.loads(path.read_text())
        for what, value in identity.items():
            if self._kept["identity"].get(what) != value:
                raise OtherInput(folder=self.folder, what=what)
        if self.state == "done":
            self.counted = Counted(**self._kept["counted"])
            return
        self._read_again()

    def _read_again(self) -> None:
        part, size = 0, 0
        while self._path(part).exists():
            durable = self._path(part + 1).exists() or part < self._kept["part"]
            size = self._read_part(part, self._kept["size"] if part == self._kept["part"] else 0, whole=durable)
            part += 1
        last = max(part - 1, 0)
        if (last, size) < (self._kept["part"], self._kept["size"]):
            raise BrokenJournal(folder=self.folder, row="that was the last", part=self._path(last).name)
        self._open(last, size)
        os.ftruncate(self._file, size)

    def _read_part(self, part: int, durable: int, *, whole: bool) -> int:
        """Enters the rows of a part; answers how many bytes of it hold whole ones."""
        at = 0
        with self._path(part).open("rb") as file:
            for number, raw in enumerate(file, 1):
                parsed = _parsed(raw)
                if parsed is None:
                    if whole or at < durable:
                        raise BrokenJournal(folder=self.folder, row=f"row {number}", part=self._path(part).name)
                    break
                line, digest, what, tokens, head, length = parsed
                self._enter(line, digest, what, tokens, (part << _SHIFT | (at + head), length))
                at += len(raw)
        return at

    def _enter(
        self, number: int, digest: bytes | None, what: str, tokens: tuple[int, int], place: tuple[int, int]
    ) -> None:
        self.lines.put(key_of_line(number), *place)
        if digest is not None and what == "asked":
            self.answers.put(digest, *place)
        self.counted.add(what, *tokens)

    def _write(self, whole: bytes) -> None:
        try:
            with naming(self._path(self._part)):
                written = os.write(self._file, whole)
                while written < len(whole):
                    written += os.write(self._file, whole[written:])
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._unsynced = True

    def _open(self, part: int, size: int) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._file = os.open(self._path(part), os.O_WRONLY | os.O_CREAT, 0o600)
        os.lseek(self._file, size, os.SEEK_SET)
        self._part, self._size = part, size
        _sync(self.folder)

    def _path(self, part: int) -> Path:
        return self.folder / f"answers-{part:05}.part"


def key_of_line(number: int) -> bytes:
    """The key of a line in a table."""
    return (number * 0x9E3779B97F4A7C15 % 2**64).to_bytes(8, "little") + number.to_bytes(8, "little")


def _parsed(raw: bytes) -> tuple[int, bytes | None, str, tuple[int, int], int, int] | None:
    """A row of the journal; None where it is torn, or holes of a crash lie in it."""
    head, tab, row = raw.partition(b"\t")
    words = head.decode("ascii", "replace").split(" ")
    if not tab or not row.startswith(b"{") or not row.endswith(b"}\n") or len(words) != 5:
        return None
    try:
        digest = None if words[1] == _NOTHING else bytes.fromhex(words[1])
        tokens = (int(words[2]), int(words[3]))
        return int(words[0]), digest, words[4], tokens, len(head) + 1, len(row) - 1
    except ValueError:
        return None


def locked(folder: Path) -> Hold:
    """A lock that goes with the process, however it ends. Raises FolderInUse."""
    folder.mkdir(parents=True, exist_ok=True)
    found = held(folder / "lock")
    if found is None:
        raise FolderInUse(folder=folder)
    return found


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
