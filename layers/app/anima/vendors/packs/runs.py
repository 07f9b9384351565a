"""Which pieces are read together, and how many such reads go on at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from uuid import UUID

from anima.vendors.packs.model import PackUnreadable, Piece

FILE_THREADS = max(4, min(8, 2 * (os.cpu_count() or 1)))


@dataclass(frozen=True, slots=True)
class Run:
    """Pieces of one pack that lie near one another, with their indices, ascending by offset."""

    pack_id: UUID
    start: int
    end: int
    members: tuple[tuple[int, Piece], ...]


def runs(pieces: Sequence[Piece], most_bytes: int, gap: int) -> Iterator[Run]:
    """Neighbours at most `gap` apart are one run of at most `most_bytes`; a larger piece is one by itself."""
    order = sorted(range(len(pieces)), key=lambda index: (pieces[index].pack_id.bytes, pieces[index].offset))
    members: list[tuple[int, Piece]] = []
    start = end = 0
    for index in order:
        piece = pieces[index]
        stop = piece.offset + len(piece.out)
        fits = members and members[0][1].pack_id == piece.pack_id
        if members and not (fits and piece.offset <= end + gap and max(end, stop) - start <= most_bytes):
            yield Run(members[0][1].pack_id, start, end, tuple(members))
            members = []
        if not members:
            start = end = piece.offset
        members.append((index, piece))
        end = max(end, stop)
    if members:
        yield Run(members[0][1].pack_id, start, end, tuple(members))


def read_all(
    wanted: Iterable[Run], threads: int, read: Callable[[Run], None], done: Callable[[int], None] | None
) -> None:
    """Calls `read` for every run, in their order; the first failure stops the rest and is raised.

    What could not be read for a reason that may pass is read once more; `done` hears each piece's index.
    """
    each = list(wanted)
    if len(each) <= 1:
        for run in each:
            _read(run, read, done)
        return
    with ThreadPoolExecutor(min(threads, len(each)), thread_name_prefix="packs") as pool:
        waiting = [pool.submit(_read, run, read, done) for run in each]
        try:
            for future in as_completed(waiting):
                future.result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _read(run: Run, read: Callable[[Run], None], done: Callable[[int], None] | None) -> None:
    try:
        read(run)
    except PackUnreadable:
        read(run)
    if done is not None:
        for index, _piece in run.members:
            done(index)
