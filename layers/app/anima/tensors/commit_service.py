"""The one transaction of a save: packs are sealed, chunks and tensors entered, and what the caller has to enter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from anima.kernel import clock, db, ids, telemetry
from anima.kernel.errors import DatabaseUnavailable
from anima.tensors import chunking, repo, save_repo
from anima.tensors.errors import StaleSave
from anima.tensors.model import Compression, Given, Saved, TensorRef
from anima.tensors.writing_service import NewChunk, Writing

T = TypeVar("T")

_TRIES = 3
_DEADLOCK = "40P01"


class Gone(Exception):
    """Chunks that were there when they were looked for have been collected since."""

    def __init__(self, checksums: frozenset[bytes]) -> None:
        super().__init__()
        self.checksums = checksums


@dataclass(slots=True, eq=False)
class Kept:
    """A tensor that is being saved: what its chunks are known by, and those of its base."""

    given: Given
    n_bytes: int = 0
    checksums: list[bytes] = field(default_factory=list)
    base_chunks: list[bytes] = field(default_factory=list)

    @property
    def identity(self) -> bytes:
        """What the tensor is known by."""
        return chunking.tensor_identity(self.given.dtype, self.given.shape, self.checksums)


def commit(
    principal: db.Principal,
    owner_id: int,
    kept: list[Kept],
    place: Writing,
    inline: dict[bytes, bool],
    compression: Compression,
    act: Callable[[db.Transaction, Saved], T],
) -> T:
    """Makes all of it visible; tried again where it stood in another's way. Raises Gone, StaleSave."""
    for left in reversed(range(_TRIES)):
        try:
            with db.transaction(principal) as tx:
                saved = _enter(tx, owner_id, kept, place, inline, compression)
                return act(tx, saved)
        except DatabaseUnavailable as error:
            if not left or getattr(error.__cause__, "sqlstate", None) != _DEADLOCK:
                raise
            telemetry.count("tensors.deadlocks")
    raise AssertionError("every try returns or raises")


def _enter(
    tx: db.Transaction,
    owner_id: int,
    kept: list[Kept],
    place: Writing,
    inline: dict[bytes, bool],
    compression: Compression,
) -> Saved:
    tx.execute(repo.LOCK, owner_id=owner_id)
    _hold(tx, owner_id, kept, place)
    _seal(tx, owner_id, place)
    _add_chunks(tx, owner_id, list(place.chunks.values()))
    _heal(tx, owner_id, [chunk for checksum, chunk in place.chunks.items() if checksum in place.damaged])
    names = [one.given.name for one in kept]
    _add_tensors(tx, owner_id, kept, place, inline, compression)
    entered = tx.fetch(save_repo.ENTERED, owner_id=owner_id, checksums=[one.identity for one in kept], names=names)
    refs: dict[str, TensorRef] = {ref.name: ref for ref in entered.all()}
    new = sum(chunk.stored_bytes for chunk in place.chunks.values())
    return Saved({name: refs[name] for name in names}, new, sum(one.n_bytes for one in kept))


def _hold(tx: db.Transaction, owner_id: int, kept: list[Kept], place: Writing) -> None:
    """Keeps the collection from what is needed and was there. Raises Gone for what is not there any more."""
    new = place.chunks
    needed = {checksum for one in kept for checksum in one.checksums if checksum not in new}
    bases = {chunk.base for chunk in new.values() if chunk.base and chunk.base not in new}
    held = tx.fetch(save_repo.HELD, owner_id=owner_id, checksums=[*needed, *bases])
    there = {one.checksum for one in held.all()}
    lost = bases - there
    gone = (needed - there) | {chunk.checksum for chunk in new.values() if chunk.base in lost}
    if gone:
        raise Gone(frozenset(gone))


def _seal(tx: db.Transaction, owner_id: int, place: Writing) -> None:
    sizes = place.sealed
    if not sizes:
        return
    sealed = tx.fetch(
        save_repo.SEAL_PACKS, owner_id=owner_id, pack_ids=list(sizes), sizes=list(sizes.values()), now=clock.now()
    )
    if len(sealed.all()) != len(sizes):
        raise StaleSave


def _add_chunks(tx: db.Transaction, owner_id: int, chunks: list[NewChunk]) -> None:
    if not chunks:
        return
    bases, depths = [chunk.base for chunk in chunks], [chunk.depth for chunk in chunks]
    tx.execute(save_repo.ADD_CHUNKS, owner_id=owner_id, now=clock.now(), bases=bases, depths=depths, **_columns(chunks))


def _heal(tx: db.Transaction, owner_id: int, chunks: list[NewChunk]) -> None:
    """Puts what was stored anew in the place of what could not be read."""
    if not chunks:
        return
    columns = _columns(chunks)
    tx.execute(save_repo.LET_BASES_GO, owner_id=owner_id, checksums=columns["checksums"])
    tx.execute(save_repo.HEAL, owner_id=owner_id, **columns)


def _columns(chunks: list[NewChunk]) -> dict[str, list[Any]]:
    """What is known of chunks and where they lie, column by column."""
    return {
        "checksums": [chunk.checksum for chunk in chunks],
        "quick_checksums": [chunk.quick_checksum for chunk in chunks],
        "sizes": [chunk.n_bytes for chunk in chunks],
        "stored": [chunk.stored_bytes for chunk in chunks],
        "codecs": [chunk.codec for chunk in chunks],
        "pack_ids": [chunk.pack_id for chunk in chunks],
        "offsets": [chunk.pack_offset for chunk in chunks],
        "data": [chunk.data for chunk in chunks],
    }


def _add_tensors(
    tx: db.Transaction,
    owner_id: int,
    kept: list[Kept],
    place: Writing,
    inline: dict[bytes, bool],
    compression: Compression,
) -> None:
    named = [ids.uuid7() for _ in kept]
    tx.execute(
        save_repo.ADD_TENSORS,
        owner_id=owner_id,
        now=clock.now(),
        compression=compression,
        tensor_ids=named,
        names=[one.given.name for one in kept],
        shapes=["{" + ",".join(map(str, one.given.shape)) + "}" for one in kept],
        dtypes=[one.given.dtype for one in kept],
        storages=["packed" if any(_packed(c, place, inline) for c in one.checksums) else "inline" for one in kept],
        checksums=[one.identity for one in kept],
        sizes=[one.n_bytes for one in kept],
    )
    tx.execute(
        save_repo.ADD_CHUNKS_OF,
        owner_id=owner_id,
        tensor_ids=[tensor_id for tensor_id, one in zip(named, kept, strict=True) for _ in one.checksums],
        indexes=[index for one in kept for index in range(len(one.checksums))],
        checksums=[checksum for one in kept for checksum in one.checksums],
    )


def _packed(checksum: bytes, place: Writing, inline: dict[bytes, bool]) -> bool:
    new = place.chunks.get(checksum)
    return new.pack_id is not None if new else not inline.get(checksum, False)
