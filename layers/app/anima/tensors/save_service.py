"""Saving tensors: chunks are hashed by several threads, what is not there yet is stored, and all of it becomes visible
in one transaction, with what the caller enters in it, or not at all.

Memory is bounded: two groups of chunks are at work at a time, and beside what is given each thread holds a few chunks.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from anima.kernel import db
from anima.tensors import arrays, chunking, codecs, commit_service, save_repo
from anima.tensors.commit_service import Kept
from anima.tensors.delta_service import Bases
from anima.tensors.errors import BadTensor, SaveStopped, StaleSave
from anima.tensors.model import CHUNK_BYTES, Compression, Given, Saved, itemsize
from anima.tensors.owners import owner_of
from anima.tensors.writing_service import INLINE_BYTES, NewChunk, OpenPack, Writing, writing
from anima.vendors import packs as vendor

T = TypeVar("T")
Progress = Callable[[int, int], None]
Stop = Callable[[], bool]

_GROUP_BYTES = 4 * CHUNK_BYTES
_GROUP_CHUNKS = 256
_HASHERS = max(2, min(4, os.cpu_count() or 1))
_WRITERS = 4
_FLIGHT = 2
"""How many groups are being written at a time."""
_TRIES = 5


@dataclass(slots=True, eq=False)
class Chunk:
    """A chunk of what is given; its bytes are held while it is at work."""

    kept: Kept
    index: int
    whole: memoryview | None
    n_bytes: int
    checksum: bytes = b""

    @property
    def held(self) -> memoryview:
        """The bytes."""
        if self.whole is None:
            raise LookupError("this chunk was done already")
        return self.whole[self.index * CHUNK_BYTES :][: self.n_bytes]


@dataclass(slots=True)
class Save:
    """One save at work."""

    principal: db.Principal
    owner_id: int
    compression: Compression
    place: Writing
    bases: Bases
    hashers: ThreadPoolExecutor
    writers: ThreadPoolExecutor
    progress: Progress | None
    stop: Stop | None
    total: int
    done: int = 0
    inline: dict[bytes, bool] = field(default_factory=dict)

    def store(self, kept: Sequence[Kept], only: frozenset[bytes] | None = None) -> None:
        """Hashes and stores all chunks, or those of `only` that were there when they were looked for and then gone."""
        flight: deque[list[Future[None]]] = deque()
        hashing: list[Chunk] = []
        for group in groups(kept, only):
            self._checked()
            futures = [self.hashers.submit(_hash, chunk) for chunk in group]
            flight.append(self._stored(hashing))
            while len(flight) > _FLIGHT:
                _all(flight.popleft())
            _all(futures)
            hashing = group
        flight.append(self._stored(hashing))
        for jobs in flight:
            _all(jobs)
        self.place.finish()

    def _stored(self, group: list[Chunk]) -> list[Future[None]]:
        """Has the unknown ones of a hashed group stored."""
        unknown = self._unknown(group)
        self.bases.look_up([(chunk.kept.base_chunks, chunk.index) for chunk in unknown])
        self._told(sum(chunk.n_bytes for chunk in group))
        jobs = [job for chunk in unknown for job in self._begun(chunk)]
        at_work = set(map(id, unknown))
        for chunk in group:
            if id(chunk) not in at_work:
                chunk.whole = None
        return jobs

    def _unknown(self, group: list[Chunk]) -> list[Chunk]:
        new = {chunk.checksum: chunk for chunk in group if chunk.checksum not in self.inline}
        if not new:
            return []
        with db.transaction(self.principal) as tx:
            known = tx.fetch(save_repo.KNOWN, owner_id=self.owner_id, checksums=list(new))
        self.inline |= {one.checksum: one.inline for one in known.all() if not one.damaged}
        self.place.damaged |= {one.checksum for one in known.all() if one.damaged}
        unknown = [chunk for checksum, chunk in new.items() if checksum not in self.inline]
        self.inline |= {chunk.checksum: False for chunk in unknown}
        return unknown

    def _begun(self, chunk: Chunk) -> Iterator[Future[None]]:
        """Has a thread store a chunk. One that is stored as it is gets its place here: a tensor lies in one piece."""
        if self.compression != "raw":
            yield self.hashers.submit(self._encode, chunk)
            return
        new = NewChunk(chunk.checksum, b"", chunk.n_bytes, chunk.n_bytes, codecs.RAW)
        if chunk.index == 0 and chunk.n_bytes <= INLINE_BYTES:
            new.quick_checksum = chunking.quick(chunk.held, chunk.checksum)
            block = self.place.put_small(new, chunk.held)
            chunk.whole = None
            if block is not None:
                yield self.writers.submit(block.write, self.place.reserve_block(block))
        else:
            yield self.writers.submit(_write, chunk, new, self.place.reserve(new, first=chunk.index == 0))

    def _encode(self, chunk: Chunk) -> None:
        new, size = _new(chunk), itemsize(chunk.kept.given.dtype)
        bases = [] if chunk.checksum in self.place.damaged else chunk.kept.base_chunks
        found = self.bases.difference(bases, chunk.index, chunk.held, size)
        if found is not None:
            new.codec, stored, new.base, new.depth = found
        else:
            new.codec, stored = codecs.packed(chunk.held, size)
        new.stored_bytes = len(stored)
        self.place.put(new, stored)
        chunk.whole = None

    def _checked(self) -> None:
        if self.stop is not None and self.stop():
            raise SaveStopped
        self.place.keep_alive()
        self.place.seal_full()

    def _told(self, n_bytes: int) -> None:
        self.done = min(self.done + n_bytes, self.total)
        if self.progress is not None and n_bytes:
            self.progress(self.done, self.total)


@contextmanager
def _pools(place: Writing) -> Iterator[tuple[ThreadPoolExecutor, ThreadPoolExecutor]]:
    """Threads that hash and threads that write: so that neither waits for the other's work while there is some.

    They begin nothing new once the block has ended badly, and wait for nothing that will not come.
    """
    hashers = ThreadPoolExecutor(_HASHERS, thread_name_prefix="tensors-hash")
    writers = ThreadPoolExecutor(_WRITERS, thread_name_prefix="tensors-write")
    try:
        yield hashers, writers
    except BaseException:
        place.abandon()
        raise
    finally:
        hashers.shutdown(wait=True, cancel_futures=True)
        writers.shutdown(wait=True, cancel_futures=True)


def _hash(chunk: Chunk) -> None:
    chunk.checksum = chunking.identity(chunk.held)
    chunk.kept.checksums[chunk.index] = chunk.checksum


def _new(chunk: Chunk) -> NewChunk:
    return NewChunk(
        chunk.checksum, chunking.quick(chunk.held, chunk.checksum), chunk.n_bytes, chunk.n_bytes, codecs.RAW
    )


def _write(chunk: Chunk, new: NewChunk, pack: OpenPack) -> None:
    new.quick_checksum = chunking.quick(chunk.held, chunk.checksum)
    pack.write(new.pack_offset or 0, chunk.held)
    chunk.whole = None


def _all(futures: Sequence[Future[None]]) -> None:
    for future in wait(futures, return_when=FIRST_EXCEPTION).done:  # others may wait for what has failed
        future.result()


def groups(kept: Sequence[Kept], only: frozenset[bytes] | None) -> Iterator[list[Chunk]]:
    """The chunks, some at a time; the bytes of a tensor are asked for when its turn has come."""
    group: list[Chunk] = []
    n_bytes = 0
    for one in kept:
        for chunk in _chunks(one, only):
            group.append(chunk)
            n_bytes += chunk.n_bytes
            if n_bytes >= _GROUP_BYTES or len(group) >= _GROUP_CHUNKS:
                yield group
                group, n_bytes = [], 0
    if group:
        yield group


def _chunks(kept: Kept, only: frozenset[bytes] | None) -> Iterator[Chunk]:
    if only is not None and only.isdisjoint(kept.checksums):
        return
    whole = arrays.bytes_of(kept.given)
    kept.n_bytes = len(whole)
    cuts = chunking.cuts(kept.n_bytes)
    if only is None:
        kept.checksums = [b""] * len(cuts)
    for index, (start, end) in enumerate(cuts):
        if only is None or kept.checksums[index] in only:
            yield Chunk(kept, index, whole, end - start)


def _checked(given: Iterable[Given]) -> list[Kept]:
    kept, names = [], set()
    for each in given:
        arrays.check(each)
        if each.name in names:
            raise BadTensor(name=each.name[:80], reason="two of this name are given")
        names.add(each.name)
        if each.n_bytes is None and not callable(each.data):
            arrays.bytes_of(each)
        kept.append(Kept(each))
    return kept


def save(
    principal: db.Principal,
    given: Iterable[Given],
    commit: Callable[[db.Transaction, Saved], T],
    *,
    compression: Compression = "raw",
    progress: Progress | None = None,
    stop: Stop | None = None,
    packs: vendor.Packs | None = None,
) -> T:
    """Saves tensors; see `anima.tensors.service.save`."""
    owner_id = owner_of(principal)
    kept = _checked(given)
    total = sum(one.given.n_bytes or 0 for one in kept)
    store = packs or vendor.packs()
    with writing(principal, owner_id, store) as place, _pools(place) as (hashers, writers):
        bases = Bases(principal, owner_id, store, enabled=compression == "delta")
        bases.begin(kept)
        work = Save(principal, owner_id, compression, place, bases, hashers, writers, progress, stop, total)
        work.store(kept)
        for _ in range(_TRIES):
            try:
                return commit_service.commit(principal, owner_id, kept, place, work.inline, compression, commit)
            except commit_service.Gone as gone:
                work.inline = {known: there for known, there in work.inline.items() if known not in gone.checksums}
                for one in kept:  # what a difference stood on may be among it
                    one.base_chunks = []
                work.store(kept, gone.checksums)
        raise StaleSave
