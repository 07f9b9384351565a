"""A table of fixed size entries in a file: what a job must remember of millions of lines without holding it in memory.

Open addressing with linear probing (Knuth, TAOCP 3, 6.4). The file is mapped, so the machine takes its pages back when
it needs them; it is made anew from the journal at each start, and nothing has to be durable.
"""

from __future__ import annotations

import mmap
import os
import struct
from hashlib import blake2b
from pathlib import Path

from anima.vendors.job_contract import naming

_SLOT = struct.Struct("<16sqq")
_EMPTY = bytes(16)
_FULL = 0.6
_FIRST = 1024


def key_of(*parts: bytes) -> bytes:
    """16 bytes that stand for these parts, never those of an empty entry."""
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    made = digest.digest()
    return made if made != _EMPTY else b"\1" * 16


def _reserve(descriptor: int, n_bytes: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, n_bytes)
        return
    zeros = bytes(1 << 20)
    for at in range(0, n_bytes, len(zeros)):
        os.write(descriptor, zeros[: n_bytes - at])


class Table:
    """Pairs of whole numbers (64 bits) by keys of 16 bytes. Raises OSError where the disk is full."""

    def __init__(self, path: Path) -> None:
        self._path, self._n, self._slots = path, 0, _FIRST
        self._map = self._mapped(path, _FIRST)

    def __len__(self) -> int:
        return self._n

    def get(self, key: bytes) -> tuple[int, int] | None:
        """What lies under a key."""
        found, first, second = _SLOT.unpack_from(self._map, self._place(key) * _SLOT.size)
        return (first, second) if found == key else None

    def put(self, key: bytes, first: int, second: int = 0) -> None:
        """Enters a pair, in place of what was there."""
        if self._n >= _FULL * self._slots:
            self._grow()
        at = self._place(key) * _SLOT.size
        self._n += self._map[at : at + 16] == _EMPTY
        _SLOT.pack_into(self._map, at, key, first, second)

    def close(self) -> None:
        """Lets go of the file, and removes it."""
        self._map.close()
        self._path.unlink(missing_ok=True)

    def _place(self, key: bytes) -> int:
        """The slot of a key, or the free one that it would take."""
        place, whole = int.from_bytes(key[:8], "little") % self._slots, self._map
        while True:
            at = place * _SLOT.size
            there = whole[at : at + 16]
            if there in (key, _EMPTY):
                return place
            place = (place + 1) % self._slots

    def _grow(self) -> None:
        before, draft = self._map, self._path.with_suffix(".draft")
        self._map, self._slots = self._mapped(draft, 2 * self._slots), 2 * self._slots
        for slot in _SLOT.iter_unpack(before):
            if slot[0] != _EMPTY:
                _SLOT.pack_into(self._map, self._place(slot[0]) * _SLOT.size, *slot)
        before.close()
        draft.replace(self._path)

    @staticmethod
    def _mapped(path: Path, slots: int) -> mmap.mmap:
        """A new file of zeros with room of its own: to write into a hole of a full disk would end the process."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            n_bytes = slots * _SLOT.size
            with naming(path):
                _reserve(descriptor, n_bytes)
            return mmap.mmap(descriptor, n_bytes)
        finally:
            os.close(descriptor)
