"""Reading a part of a tensor: only the chunks in which it lies are read, a few at a time, and each is checked whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from anima.kernel import db
from anima.tensors import arrays, read_service, slices
from anima.tensors.loading_service import Loader
from anima.tensors.model import CHUNK_BYTES, TensorRef
from anima.tensors.read_service import Wanted

_WINDOW = 6
_MOST_RUNS = 1 << 18

Bytes = NDArray[np.uint8]


@dataclass(slots=True)
class _Source:
    """The chunks of one tensor, of which the last one that was read is kept for the runs that go on in it."""

    load: Loader
    ref: TensorRef
    checksums: list[bytes]
    last: dict[int, memoryview] = field(default_factory=dict)

    def size(self, index: int) -> int:
        return min(CHUNK_BYTES, self.ref.n_bytes - index * CHUNK_BYTES)

    def bring(self, places: dict[int, memoryview]) -> None:
        """Fills each of these places with the chunk of that number."""
        wanted = []
        for index, out in places.items():
            if index in self.last:
                out[:] = self.last[index]
            else:
                wanted.append(Wanted(self.ref.name, index, self.checksums[index], out))
        read_service.bring(self.load, wanted)
        newest = max(places)
        self.last = {newest: places[newest]}

    def copy(self, start: int, out: Bytes) -> None:
        """Fills `out` with the bytes from `start` on; chunks that lie wholly in it need no other place."""
        end = start + len(out)
        for first in range(start // CHUNK_BYTES, -(-end // CHUNK_BYTES), _WINDOW):
            window = range(first, min(first + _WINDOW, -(-end // CHUNK_BYTES)))
            places = {index: self._place(index, start, out) for index in window}
            self.bring(places)
            for index, place in places.items():
                at = index * CHUNK_BYTES
                low, high = max(start, at), min(end, at + len(place))
                if high - low < len(place):
                    out[low - start : high - start] = np.frombuffer(place, np.uint8)[low - at : high - at]

    def _place(self, index: int, start: int, out: Bytes) -> memoryview:
        at, size = index * CHUNK_BYTES - start, self.size(index)
        return memoryview(out.data)[at : at + size] if at >= 0 and at + size <= len(out) else arrays.room(size)

    def gather(self, starts: NDArray[np.int64], run: int, out: Bytes) -> int:
        """Fills rows of `out` with the runs at `starts`, as many as lie in one window of chunks; answers how many."""
        needed = np.unique(np.concatenate([starts // CHUNK_BYTES, (starts + run - 1) // CHUNK_BYTES]))
        if len(needed) > _WINDOW:
            most = int(needed[_WINDOW])
            starts = starts[: max(1, int(np.searchsorted(starts + run - 1, most * CHUNK_BYTES)))]
            needed = np.unique(np.concatenate([starts // CHUNK_BYTES, (starts + run - 1) // CHUNK_BYTES]))
        buffer = arrays.room(len(needed) * CHUNK_BYTES)
        places = {
            int(index): buffer[rank * CHUNK_BYTES : rank * CHUNK_BYTES + self.size(int(index))]
            for rank, index in enumerate(needed)
        }
        self.bring(places)
        flat = np.frombuffer(buffer, np.uint8)
        ranks = np.searchsorted(needed, starts // CHUNK_BYTES)
        rows = as_strided(flat, (len(flat) - run + 1, run), (1, 1))
        out[: len(starts)] = rows[ranks * CHUNK_BYTES + starts % CHUNK_BYTES]
        return len(starts)


def read_slice(principal: db.Principal, ref: TensorRef, wanted: Sequence[slices.Index]) -> NDArray[Any]:
    """See `anima.tensors.service.read_slice`."""
    kind = arrays.numpy_dtype(ref.dtype)
    part = slices.part(arrays.shape_in_memory(ref.dtype, ref.shape, ref.n_bytes), kind.itemsize, wanted)
    load = read_service.loader(principal)
    [checksums] = read_service.chunks_of(load, [ref])
    source = _Source(load, ref, checksums)
    out = np.frombuffer(arrays.room(part.n_bytes), np.uint8) if part.n_bytes else np.empty(0, np.uint8)
    if part.n_runs == 1 or part.run_bytes >= CHUNK_BYTES:
        for number in range(part.n_runs):
            start = int(part.starts(number, number + 1)[0])
            source.copy(start, out[number * part.run_bytes : (number + 1) * part.run_bytes])
    elif part.n_runs:
        _gathered(source, part, out.reshape(part.n_runs, part.run_bytes))
    return part.finished(out.view(kind).reshape(part.shape))


def _gathered(source: _Source, part: slices.Part, rows: Bytes) -> None:
    done = 0
    while done < part.n_runs:
        starts = part.starts(done, min(done + _MOST_RUNS, part.n_runs))
        done += source.gather(starts, part.run_bytes, rows[done:])
