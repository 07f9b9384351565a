"""Where the new chunks of one save go: into packs, or, while they are few bytes in all, nowhere yet.

A pack is entered before its file is begun, so that whatever dies leaves a row by which the collection finds what to
remove. A pack belongs to the database that wrote it: the end of its id says so, and a branch, which has the same rows,
removes none of its trunk's.
"""

from __future__ import annotations

import hashlib
import itertools
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from anima.kernel import clock, db, ids, outbox
from anima.kernel.errors import AnimaError
from anima.tensors import save_repo
from anima.tensors.errors import StaleSave
from anima.vendors import packs as vendor

INLINE_BYTES = 1 << 20
"""A save of at most so many new bytes lies in the database."""

PACK_BYTES = 256 << 20
"""A pack that is longer takes no more tensors."""

GRACE = timedelta(hours=1)
"""Who is silent for so long is taken for dead; what is younger is never collected."""

TOPIC = "tensors.collect"
_HEARTBEAT = timedelta(minutes=1)
_CLOSE = 64  # small chunks begin at multiples of this many bytes in the block that they share
_TAG_BITS = 32


def pack_tag(home: str) -> int:
    """What the ids of the packs of a database end with."""
    return int.from_bytes(hashlib.blake2s(home.encode(), digest_size=_TAG_BITS // 8).digest(), "big")


def pack_tag_of(pack_id: uuid.UUID) -> int:
    """The end of a pack's id."""
    return pack_id.int & ((1 << _TAG_BITS) - 1)


def tagged_pack_id(tag: int) -> uuid.UUID:
    """A new id with this end."""
    return uuid.UUID(int=ids.uuid7().int >> _TAG_BITS << _TAG_BITS | tag)


@dataclass(slots=True)
class NewChunk:
    """A chunk that was not there: how it is stored, and where; inline where `data` is kept."""

    checksum: bytes
    quick_checksum: bytes
    n_bytes: int
    stored_bytes: int
    codec: str
    base: bytes | None = None
    depth: int = 0
    pack_id: uuid.UUID | None = None
    pack_offset: int | None = None
    data: bytes | None = None


@dataclass(slots=True)
class Block:
    """Small chunks that are written as one, side by side."""

    chunks: list[NewChunk]
    pack_id: uuid.UUID | None = None
    start: int = 0

    @property
    def offsets(self) -> list[int]:
        """Where each begins in the block."""
        sizes = (-(-chunk.stored_bytes // _CLOSE) * _CLOSE for chunk in self.chunks)
        return list(itertools.accumulate(sizes, initial=0))

    @property
    def n_bytes(self) -> int:
        """How long the block is."""
        return self.offsets[-1]

    def write(self, pack: OpenPack) -> None:
        """Writes all into the place that the block was given."""
        whole = bytearray(self.n_bytes)
        for chunk, offset in zip(self.chunks, self.offsets, strict=False):
            whole[offset : offset + chunk.stored_bytes] = chunk.data or b""
        pack.write(self.start, memoryview(whole))
        for chunk, offset in zip(self.chunks, self.offsets, strict=False):
            chunk.pack_id, chunk.pack_offset, chunk.data = self.pack_id, self.start + offset, None


@dataclass(slots=True)
class OpenPack:
    """A pack at work: places in it that were given and are not filled yet; its length once it is sealed."""

    pack_id: uuid.UUID
    writer: vendor.PackWriter
    n_bytes: int | None = None
    _unfilled: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def quiet(self) -> bool:
        """Whether every place that was given is filled."""
        return not self._unfilled

    def reserve(self, n_bytes: int) -> int:
        """Gives a place; answers its offset."""
        with self._lock:
            self._unfilled += 1
            return self.writer.reserve(n_bytes)

    def write(self, offset: int, data: memoryview) -> None:
        """Fills a place."""
        self.writer.write(offset, data)
        with self._lock:
            self._unfilled -= 1

    def seal(self) -> None:
        """Makes it whole and durable. Raises StaleSave where the collection has removed it."""
        try:
            self.n_bytes = self.writer.seal()
        except vendor.PackMissing as error:
            raise StaleSave from error


@dataclass(slots=True)
class Writing:
    """The packs of one save, and what is small and waits. `put` may be called from several threads."""

    principal: db.Principal
    owner_id: int
    packs: vendor.Packs
    tag: int
    chunks: dict[bytes, NewChunk] = field(default_factory=dict)
    damaged: set[bytes] = field(default_factory=set)
    """Chunks that are there and cannot be read: they are stored anew, and stand by themselves."""
    _waiting: list[NewChunk] = field(default_factory=list)
    _waiting_bytes: int = 0
    _opened: list[OpenPack] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _heard: datetime = field(default_factory=clock.now)

    def reserve(self, chunk: NewChunk, *, first: bool) -> OpenPack:
        """Gives a chunk that is stored as it is the next place in a pack, to be filled by whoever has the pack.

        Chunks that get their places one after the other lie so, unless a pack is full; a tensor's `first` one sees to
        it that the others find room. Places are filled in the order in which they were given.
        """
        pack, chunk.pack_offset = self._placed(chunk.stored_bytes, PACK_BYTES if first else 2 * PACK_BYTES)
        chunk.pack_id = pack.pack_id
        self._enter(chunk)
        return pack

    def put(self, chunk: NewChunk, stored: Any) -> None:
        """Stores one chunk; several threads may, where none has reserved places that are not filled yet."""
        if len(stored) <= INLINE_BYTES:
            block = self.put_small(chunk, stored)
            if block is not None:
                block.write(self.reserve_block(block))
            return
        pack, chunk.pack_offset = self._placed(len(stored))
        chunk.pack_id = pack.pack_id
        pack.write(chunk.pack_offset, memoryview(stored))
        self._enter(chunk)

    def put_small(self, chunk: NewChunk, stored: Any) -> Block | None:
        """Has a small chunk wait for others; a block of them, where so many wait that it is to be written."""
        chunk.data = bytes(stored)
        self._enter(chunk)
        with self._lock:
            self._waiting.append(chunk)
            self._waiting_bytes += chunk.stored_bytes
            if self._waiting_bytes <= INLINE_BYTES:
                return None
            block, self._waiting, self._waiting_bytes = Block(self._waiting), [], 0
        return block

    @property
    def packed(self) -> bool:
        """Whether anything lies in a pack so far."""
        return bool(self._opened)

    @property
    def sealed(self) -> dict[uuid.UUID, int]:
        """The packs that are whole, and their lengths."""
        return {pack.pack_id: pack.n_bytes for pack in self._opened if pack.n_bytes is not None}

    def keep_alive(self) -> None:
        """Says that this save lives, now and then. Raises StaleSave where it was taken for dead."""
        if not self._opened or clock.now() - self._heard < _HEARTBEAT:
            return
        self._heard = clock.now()
        named = [pack.pack_id for pack in self._opened]
        with db.transaction(self.principal) as tx:
            alive = tx.fetch(save_repo.TOUCH_PACKS, owner_id=self.owner_id, pack_ids=named, now=self._heard)
        if len(alive.all()) != len(named):
            raise StaleSave

    def finish(self) -> None:
        """Makes all that lies in packs durable. What is little in all stays inline. Raises StaleSave."""
        with self._lock:
            waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        if self._opened and waiting:
            block = Block(waiting)
            block.write(self.reserve_block(block))
        for pack in self._opened:
            if pack.n_bytes is None:
                pack.seal()

    def seal_full(self) -> None:
        """Seals packs that take no more, so that a save however large has few of them open."""
        for pack in self._opened[:-1]:
            if pack.n_bytes is None and pack.quiet:
                pack.seal()

    def abandon(self) -> None:
        """Ends all writing; threads that wait for their turn are released. What is sealed stays."""
        for pack in self._opened:
            with suppress(AnimaError, OSError):
                pack.writer.abandon()

    def give_up(self) -> None:
        """Removes what was written, unless it became visible."""
        self.abandon()
        discard(self.principal, self.owner_id, self.packs, [pack.pack_id for pack in self._opened])

    def reserve_block(self, block: Block) -> OpenPack:
        """Gives a block its place, as `reserve` does."""
        pack, block.start = self._placed(block.n_bytes)
        block.pack_id = pack.pack_id
        return pack

    def _enter(self, chunk: NewChunk) -> None:
        with self._lock:
            self.chunks[chunk.checksum] = chunk

    def _placed(self, n_bytes: int, most: int | None = None) -> tuple[OpenPack, int]:
        """A place in the pack that takes more; one that has `most` bytes is left for a new one."""
        with self._lock:
            last = self._opened[-1] if self._opened else None
            if last is None or last.n_bytes is not None or last.writer.n_bytes >= (most or PACK_BYTES):
                last = self._begin()
                self._opened.append(last)
            return last, last.reserve(n_bytes)

    def _begin(self) -> OpenPack:
        pack_id, now = tagged_pack_id(self.tag), clock.now()
        with db.transaction(self.principal) as tx:
            tx.execute(save_repo.BEGIN_PACK, pack_id=pack_id, owner_id=self.owner_id, now=now)
            collect_later(tx, self.owner_id)
        try:
            return OpenPack(pack_id, self.packs.writer(self.owner_id, pack_id))
        except BaseException:
            discard(self.principal, self.owner_id, self.packs, [pack_id])
            raise


def collect_later(tx: db.Transaction, owner_id: int) -> None:
    """Has a collection done after the grace, unless one is due later already."""
    due = clock.now() + GRACE + _HEARTBEAT
    awaited = tx.fetch(save_repo.AWAITED, owner_id=owner_id, topic=TOPIC, from_then=clock.now() + GRACE)
    if not awaited.one().awaited:
        payload = {"owner_id": owner_id}
        outbox.emit(tx, TOPIC, f"tensors:{owner_id}:{uuid.uuid4()}", owner_id, payload, not_before=due)


def discard(principal: db.Principal, owner_id: int, packs: vendor.Packs, pack_ids: list[uuid.UUID]) -> None:
    """Removes those of these packs that were not sealed: first so that nobody can seal them, then file, then row.

    It is called when something else has failed, which is what is to be told: what cannot be removed now the collection
    removes.
    """
    if not pack_ids:
        return
    with suppress(AnimaError):
        with db.transaction(principal) as tx:
            given_up = tx.fetch(save_repo.GIVE_UP_PACKS, owner_id=owner_id, pack_ids=pack_ids, now=clock.now())
        named = [pack.pack_id for pack in given_up.all()]
        for pack_id in named:
            packs.delete(owner_id, pack_id)
        with db.transaction(principal) as tx:
            tx.execute(save_repo.FORGET_PACKS, owner_id=owner_id, pack_ids=named)


@contextmanager
def writing(principal: db.Principal, owner_id: int, packs: vendor.Packs) -> Iterator[Writing]:
    """A place for new chunks; whatever ends the block badly removes what was written."""
    with db.transaction(principal) as tx:
        home = tx.fetch(save_repo.HOME)
    place = Writing(principal, owner_id, packs, pack_tag(home.one().home))
    try:
        yield place
    except BaseException:
        place.give_up()
        raise
