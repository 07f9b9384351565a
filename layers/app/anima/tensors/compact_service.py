"""Packs of which most is dead: what lives in them is written anew, as it is stored, and they go."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from anima.kernel import clock, db, telemetry
from anima.kernel.errors import AnimaError
from anima.tensors import collect_repo, repo, save_repo
from anima.tensors.collect_repo import Stored
from anima.tensors.errors import StaleSave
from anima.tensors.writing_service import discard, tagged_pack_id
from anima.vendors import packs as vendor

_SHARE = 0.5
_LEAST_BYTES = 1 << 20
_PACKS = 16
_BLOCK_BYTES = 8 << 20
_CLOSE = 64


def compact(principal: db.Principal, owner_id: int, store: vendor.Packs, tag: int, before: datetime) -> int:
    """Writes anew what lives in packs that are mostly dead; answers how many bytes the new packs have."""
    with db.transaction(principal) as tx:
        sparse = tx.fetch(
            collect_repo.SPARSE_PACKS,
            owner_id=owner_id,
            before=before,
            share=_SHARE,
            least=_LEAST_BYTES,
            most=_PACKS,
        )
    written = 0
    for pack in sparse.all():
        try:
            written += _move(principal, owner_id, store, tag, pack.pack_id)
        except AnimaError as error:  # a damaged pack stays as it is, for verification to name
            telemetry.warning("tensors.not_compacted", reason=error.for_logs, pack_id=str(pack.pack_id))
    return written


def _move(principal: db.Principal, owner_id: int, store: vendor.Packs, tag: int, old: UUID) -> int:
    new = tagged_pack_id(tag)
    with db.transaction(principal) as tx:
        tx.execute(save_repo.BEGIN_PACK, pack_id=new, owner_id=owner_id, now=clock.now())
        stored = tx.fetch(collect_repo.STORED_IN, owner_id=owner_id, pack_id=old)
    try:
        writer = store.writer(owner_id, new)
        try:
            offsets = _copied(store, owner_id, old, writer, stored.all())
            n_bytes = writer.seal()
        except BaseException:
            writer.abandon()
            raise
        _switch(principal, owner_id, old, new, offsets, n_bytes)
    except BaseException:
        discard(principal, owner_id, store, [new])
        raise
    return n_bytes


def _copied(
    store: vendor.Packs, owner_id: int, old: UUID, writer: vendor.PackWriter, stored: list[Stored]
) -> dict[bytes, int]:
    """Copies chunks in their order, some at a time; answers where each lies now."""
    offsets: dict[bytes, int] = {}
    for group in _groups(stored):
        places, end = [], 0
        for chunk in group:
            places.append(end)
            end += -(-chunk.stored_bytes // _CLOSE) * _CLOSE
        block = memoryview(bytearray(end))
        store.read(
            owner_id,
            [
                vendor.Piece(old, chunk.pack_offset, block[at : at + chunk.stored_bytes])
                for chunk, at in zip(group, places, strict=True)
            ],
        )
        start = writer.append(block)
        offsets |= {chunk.checksum: start + at for chunk, at in zip(group, places, strict=True)}
    return offsets


def _groups(stored: list[Stored]) -> Iterator[list[Stored]]:
    group: list[Stored] = []
    n_bytes = 0
    for chunk in stored:
        if group and n_bytes + chunk.stored_bytes > _BLOCK_BYTES:
            yield group
            group, n_bytes = [], 0
        group.append(chunk)
        n_bytes += chunk.stored_bytes
    if group:
        yield group


def _switch(
    principal: db.Principal, owner_id: int, old: UUID, new: UUID, offsets: dict[bytes, int], n_bytes: int
) -> None:
    """From now on the chunks lie in the new pack; nothing new has come into the old one, for it was sealed."""
    with db.transaction(principal) as tx:
        tx.execute(repo.LOCK, owner_id=owner_id)
        sealed = tx.fetch(save_repo.SEAL_PACKS, owner_id=owner_id, pack_ids=[new], sizes=[n_bytes], now=clock.now())
        tx.execute(
            collect_repo.MOVE_CHUNKS,
            owner_id=owner_id,
            checksums=list(offsets),
            pack_ids=[new] * len(offsets),
            offsets=list(offsets.values()),
            from_pack_id=old,
        )
        if not sealed.all():
            raise StaleSave
