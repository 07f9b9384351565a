"""Memory that files are read into and written from without a copy: pages of it, fresh or lent from a bounded pool."""

from __future__ import annotations

import mmap
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from anima.vendors.packs.model import ALIGNMENT

_HUGE = 2 * 2**20
_ADVICE = getattr(mmap, "MADV_HUGEPAGE", None)


def aligned(n_bytes: int) -> memoryview:
    """Fresh writable zeros that begin at a page; given back to the system with the last view of them."""
    # Shared memory, which is the default, gets no huge pages.
    memory = mmap.mmap(-1, max(n_bytes, 1), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if _ADVICE is not None and n_bytes >= _HUGE:
        with suppress(OSError):  # a kernel without huge pages
            memory.madvise(_ADVICE)
    return memoryview(memory)[:n_bytes]


def is_aligned(data: memoryview) -> bool:
    """Whether the address of its first byte is a multiple of 4096."""
    import numpy

    return int(numpy.frombuffer(data, numpy.uint8).ctypes.data) % ALIGNMENT == 0 if len(data) else True


def as_bytes(data: memoryview) -> memoryview:
    """The same memory, counted in bytes."""
    return data if data.format == "B" and data.ndim == 1 else data.cast("B")


def copy(source: memoryview, target: memoryview) -> None:
    """Copies bytes while other threads go on, which an assignment would hold up."""
    import numpy

    if len(source):
        numpy.copyto(numpy.frombuffer(target, numpy.uint8), numpy.frombuffer(source, numpy.uint8))


class Buffers:
    """At most `count` pieces of aligned memory of `n_bytes` each, made when first needed and used again."""

    def __init__(self, n_bytes: int, count: int) -> None:
        self.n_bytes = n_bytes
        self._free: list[memoryview] = []
        self._left = threading.Semaphore(count)

    @contextmanager
    def lent(self) -> Iterator[memoryview]:
        """One of them for a while; waits while all are lent. What it holds is what the last user left."""
        with self._left:
            try:
                buffer = self._free.pop()
            except IndexError:
                buffer = aligned(self.n_bytes)
            try:
                yield buffer
            finally:
                self._free.append(buffer)
