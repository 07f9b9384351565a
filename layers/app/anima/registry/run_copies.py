"""Copies of arrays that training goes on to change, in memory that is used again by the next save."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from anima.vendors.packs import aligned

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALL = 1 << 16
"""Arrays of fewer bytes are copied anywhere."""


def as_it_lies(array: NDArray[Any]) -> NDArray[Any]:
    """The array itself where its numbers lie one after the other, else a copy in which they do."""
    import numpy as np

    return array if array.flags.c_contiguous else np.array(array, order="C", copy=True)


class Copies:
    """A pool of memory, by size. Fresh pages cost more than the copy itself, so those of the last save are kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free: defaultdict[int, list[memoryview]] = defaultdict(list)
        self._held: dict[int, memoryview] = {}

    def copied(self, array: NDArray[Any]) -> NDArray[Any]:
        """A C-contiguous copy of its own; large ones lie at a page's begin, as direct writing wants it."""
        import numpy as np

        if array.nbytes < SMALL:
            return np.array(array, order="C", copy=True)
        with self._lock:
            free = self._free[array.nbytes]
            memory = free.pop() if free else None
        memory = aligned(array.nbytes) if memory is None else memory
        made: NDArray[Any] = np.frombuffer(memory, dtype=np.uint8).view(array.dtype).reshape(array.shape)
        np.copyto(made, array)
        with self._lock:
            self._held[made.ctypes.data] = memory
        return made

    def give_back(self, array: NDArray[Any]) -> None:
        """Its memory may be used again."""
        with self._lock:
            memory = self._held.pop(array.ctypes.data, None)
            if memory is not None:
                self._free[array.nbytes].append(memory)

    def clear(self) -> None:
        """Lets go of all memory."""
        with self._lock:
            self._free.clear()
            self._held.clear()
