"""Packs as files below a folder, past the page cache where the file system takes it (O_DIRECT)."""

from __future__ import annotations

import mmap
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import UUID
from weakref import WeakValueDictionary

from anima.kernel.errors import Unavailable
from anima.vendors.packs.buffers import Buffers, copy, is_aligned
from anima.vendors.packs.drafts import FileWriter, draft_of, file_of, named
from anima.vendors.packs.files import open_file, read_into
from anima.vendors.packs.model import ALIGNMENT, Found, PackMissing, PackTruncated, PackUnreadable, Piece, padded
from anima.vendors.packs.runs import FILE_THREADS, Run, read_all, runs

_BUFFER_BYTES = 4 * 2**20
_TOGETHER_BYTES = _BUFFER_BYTES - ALIGNMENT
_REMOVALS = 20
_GAP_BYTES = 64 * 2**10
"""What lies between two pieces is read with them when it is less."""


class FolderPacks:
    """Packs at `<folder>/<owner_id>/<pack_id>.pack`; drafts beside them, under names that no pack has."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._buffers = Buffers(_BUFFER_BYTES, FILE_THREADS)
        self._mapped: WeakValueDictionary[tuple[int, int, int], mmap.mmap] = WeakValueDictionary()

    def writer(self, owner_id: int, pack_id: UUID) -> FileWriter:
        """Begins a draft, which `seal` moves into its place."""
        return FileWriter(self._owner(owner_id), pack_id, self._buffers)

    def read(self, owner_id: int, pieces: Sequence[Piece], done: Callable[[int], None] | None = None) -> None:
        """Fills the pieces; what the system could not read is tried once more."""
        wanted = runs(pieces, _TOGETHER_BYTES, _GAP_BYTES)
        read_all(wanted, FILE_THREADS, partial(self._read, self._owner(owner_id)), done)

    def map(self, owner_id: int, pack_id: UUID) -> memoryview:
        """The file as memory; it stays readable when the pack is deleted.

        Whoever maps it meanwhile shares it: each mapping holds a descriptor, of which a process has a thousand or so.
        """
        with _opened(self._owner(owner_id), pack_id) as file:
            about = os.fstat(file)
            if about.st_size == 0:
                return memoryview(b"")
            which = (about.st_dev, about.st_ino, about.st_size)
            mapped = self._mapped.get(which)
            if mapped is None:
                mapped = self._mapped[which] = mmap.mmap(file, about.st_size, prot=mmap.PROT_READ)
            return memoryview(mapped)

    def delete(self, owner_id: int, pack_id: UUID) -> None:
        """Removes the draft first: whoever would seal it now cannot, and what was sealed just before goes as well."""
        try:
            draft_of(self._owner(owner_id), pack_id).unlink(missing_ok=True)
            file_of(self._owner(owner_id), pack_id).unlink(missing_ok=True)
        except OSError as error:
            raise Unavailable(what="The folder of tensors, of which something cannot be removed,") from error

    def delete_owner(self, owner_id: int) -> None:
        """Removes the owner's folder, and what comes into it meanwhile. Raises Unavailable where that does not go."""
        for _ in range(_REMOVALS):
            shutil.rmtree(folder := self._owner(owner_id), ignore_errors=True)
            if not folder.exists():
                return
        raise Unavailable(what="The folder of tensors, of which something cannot be removed,")

    def listed(self, owner_id: int) -> Iterator[Found]:
        """The owner's packs and drafts."""
        with suppress(FileNotFoundError), os.scandir(self._owner(owner_id)) as entries:
            for entry in entries:
                which = named(entry.name)
                if which is None:
                    continue
                with suppress(FileNotFoundError):  # deleted or sealed meanwhile
                    about = entry.stat()
                    yield Found(which[0], about.st_size, datetime.fromtimestamp(about.st_mtime, UTC), which[1])

    def _owner(self, owner_id: int) -> Path:
        return self._folder / str(int(owner_id))

    def _read(self, folder: Path, run: Run) -> None:
        with _opened(folder, run.pack_id) as file:
            piece = run.members[0][1]
            if len(run.members) == 1 and len(piece.out) >= ALIGNMENT:
                self._read_one(file, piece)
            else:
                self._read_near(file, run)

    def _read_one(self, file: int, piece: Piece) -> None:
        """Straight into its place as far as it consists of pages; the rest by way of a buffer."""
        lies_well = piece.offset % ALIGNMENT == 0 and is_aligned(piece.out)
        whole = len(piece.out) - len(piece.out) % ALIGNMENT if lies_well else 0
        _filled(file, piece.pack_id, piece.out[:whole], piece.offset, whole)
        for start in range(whole, len(piece.out), _TOGETHER_BYTES):
            part = Piece(piece.pack_id, piece.offset + start, piece.out[start : start + _TOGETHER_BYTES])
            self._read_near(file, Run(piece.pack_id, part.offset, part.offset + len(part.out), ((0, part),)))

    def _read_near(self, file: int, run: Run) -> None:
        """All of the run into a buffer that lies well, and from there every piece into its place."""
        start = run.start - run.start % ALIGNMENT
        with self._buffers.lent() as buffer:
            _filled(file, run.pack_id, buffer[: padded(run.end - start)], start, run.end - start)
            for _index, piece in run.members:
                begin = piece.offset - start
                copy(buffer[begin : begin + len(piece.out)], piece.out)


def _filled(file: int, pack_id: UUID, out: memoryview, offset: int, needed: int) -> None:
    try:
        found = read_into(file, out, offset)
    except OSError as error:
        raise PackUnreadable(what="The pack", pack_id=pack_id, reason=str(error)) from error
    if found < needed:
        raise PackTruncated(pack_id=pack_id, end=offset + needed)


@contextmanager
def _opened(folder: Path, pack_id: UUID) -> Iterator[int]:
    try:
        file = open_file(file_of(folder, pack_id), os.O_RDONLY)
    except FileNotFoundError:
        raise PackMissing(pack_id=pack_id) from None
    except OSError as error:
        raise PackUnreadable(what="The pack", pack_id=pack_id, reason=str(error)) from error
    try:
        yield file
    finally:
        os.close(file)
