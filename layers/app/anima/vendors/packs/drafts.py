"""A pack that is being written into a file: a draft beside its place, moved into it when everything is durable."""

from __future__ import annotations

import errno
import math
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

from anima.vendors.blobs import NoRoom
from anima.vendors.packs.buffers import Buffers, as_bytes, copy, is_aligned
from anima.vendors.packs.files import make_folder, open_file, set_aside, sync_folder, write_from
from anima.vendors.packs.model import ALIGNMENT, PackMissing, PackUnwritable, padded

_LEAST_ROOM, _MOST_ROOM = 16 * 2**20, 128 * 2**20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def file_of(folder: Path, pack_id: UUID) -> Path:
    """Where a pack lies."""
    return folder / f"{pack_id}.pack"


def draft_of(folder: Path, pack_id: UUID) -> Path:
    """Where it is written."""
    return folder / f".{pack_id}.part"


def named(file_name: str) -> tuple[UUID, bool] | None:
    """Which pack a file is, and whether it is whole; None for what is no pack of ours."""
    for start, end, sealed in (("", ".pack", True), (".", ".part", False)):
        try:
            pack_id = UUID(file_name.removeprefix(start).removesuffix(end))
        except ValueError:
            continue
        if file_name == f"{start}{pack_id}{end}":
            return pack_id, sealed
    return None


class FileWriter:
    """Threads take their places under a lock and write at the same time."""

    def __init__(self, folder: Path, pack_id: UUID, buffers: Buffers) -> None:
        self._pack_id, self._buffers = pack_id, buffers
        self._draft, self._place = draft_of(folder, pack_id), file_of(folder, pack_id)
        self._lock = threading.Lock()
        self._end, self._busy, self._over = 0, 0, False
        self._room: float = 0
        with self._told():
            make_folder(folder)
            self._file = open_file(self._draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL)

    @property
    def n_bytes(self) -> int:
        """How long the pack is so far."""
        return self._end

    def append(self, data: memoryview) -> int:
        """Writes `data`, without a copy where it begins at a page."""
        offset = self.reserve(data.nbytes)
        self.write(offset, data)
        return offset

    def reserve(self, n_bytes: int) -> int:
        """The place behind what is there."""
        with self._lock:
            offset, self._end = self._end, self._end + padded(n_bytes)
            if self._end > self._room and not self._over:
                self._grow()
            return offset

    def write(self, offset: int, data: memoryview) -> None:
        """Writes into a place that was reserved, whatever else is being written."""
        self._enter()
        try:
            with self._told():
                self._write(as_bytes(data), offset)
        finally:
            self._leave()

    def seal(self) -> int:
        """Content first, then the name: whatever happens in between, nothing of the pack is seen."""
        self._enter(last=True)
        try:
            with self._told():
                os.ftruncate(self._file, self._end)
                os.fsync(self._file)
                self._move()
        finally:
            self._leave()
        return self._end

    def abandon(self) -> None:
        """Removes the draft."""
        with self._lock:
            if self._over:
                return
            self._over = True
            self._remove()
            if not self._busy:
                os.close(self._file)

    def _remove(self) -> None:
        with suppress(OSError):  # a disk that takes nothing any more; who sweeps the folder finds it
            self._draft.unlink(missing_ok=True)

    def _grow(self) -> None:
        """Has the file system set blocks aside: writing into them goes a fifth faster. Where it does not, no matter."""
        more = min(max(self._end, _LEAST_ROOM), _MOST_ROOM)
        self._room = self._end + more if set_aside(self._file, self._end + more) else math.inf

    def _write(self, data: memoryview, offset: int) -> None:
        whole = len(data) - len(data) % ALIGNMENT if is_aligned(data) else 0
        write_from(self._file, data[:whole], offset)
        for start in range(whole, len(data), self._buffers.n_bytes):
            with self._buffers.lent() as buffer:
                part = data[start : start + self._buffers.n_bytes]
                end = padded(len(part))
                copy(part, buffer[: len(part)])
                buffer[len(part) : end] = bytes(end - len(part))
                write_from(self._file, buffer[:end], offset + start)

    def _move(self) -> None:
        try:
            self._draft.rename(self._place)
        except FileNotFoundError:
            raise PackMissing(pack_id=self._pack_id) from None
        sync_folder(self._place.parent)

    def _enter(self, *, last: bool = False) -> None:
        with self._lock:
            if self._over or (last and self._busy):
                raise PackUnwritable(what="The pack", pack_id=self._pack_id, reason="it is written no more, or still")
            self._over, self._busy = last, self._busy + 1

    def _leave(self) -> None:
        with self._lock:
            self._busy -= 1
            if self._over and not self._busy:
                os.close(self._file)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Raises NoRoom, PackUnwritable; the draft is lost then."""
        try:
            yield
        except OSError as error:
            with self._lock:
                self._over = True
            self._remove()
            if error.errno in _FULL:
                raise NoRoom from error
            raise PackUnwritable(what="The pack", pack_id=self._pack_id, reason=str(error)) from error
