"""Reading tensors: chunks go from the disk straight to their place in memory, where they are checked as they come."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from numpy.typing import NDArray

from anima.kernel import db
from anima.kernel.errors import AnimaError
from anima.tensors import arrays, chunking, codecs, repo
from anima.tensors.errors import DamagedTensor, TensorMissing
from anima.tensors.loading_service import Loader, Wrong
from anima.tensors.model import BLOCKS, CHUNK_BYTES, TensorRef, itemsize
from anima.tensors.owners import owner_of
from anima.vendors import packs as vendor

_THREADS = 4
_TOGETHER, _TOGETHER_BYTES = 200, 32 << 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """A chunk, and the place in memory that it is to fill."""

    tensor: str
    index: int
    checksum: bytes
    out: memoryview


def loader(principal: db.Principal, *, verify: bool = True) -> Loader:
    """Brings chunks of the principal's from the store of the settings."""
    return Loader(principal, owner_of(principal), vendor.packs(), verify)


def chunks_of(load: Loader, refs: Sequence[TensorRef]) -> list[list[bytes]]:
    """What the chunks of each tensor are known by, in order. Raises TensorMissing, DamagedTensor."""
    with db.transaction(load.principal) as tx:
        there = tx.fetch(repo.TENSORS, owner_id=load.owner_id, tensor_ids=[ref.tensor_id for ref in refs])
        rows = tx.fetch(repo.CHUNKS_OF, owner_id=load.owner_id, tensor_ids=[ref.tensor_id for ref in refs])
    kept = {ref.tensor_id: ref for ref in there.all()}
    chunks: dict[UUID, list[bytes]] = {}
    for row in rows.all():
        chunks.setdefault(row.tensor_id, []).append(row.checksum)
    for ref in refs:
        if (now := kept.get(ref.tensor_id)) is None:
            raise TensorMissing(id=ref.tensor_id)
        _check(now, chunks.get(ref.tensor_id, []))
        if replace(ref, name=now.name) != now:
            raise DamagedTensor(tensor=ref.name, reason="its type, shape or content is not what is said of it")
    return [chunks.get(ref.tensor_id, []) for ref in refs]


def _check(ref: TensorRef, chunks: list[bytes]) -> None:
    if chunking.tensor_identity(ref.dtype, ref.shape, chunks) != ref.checksum:
        raise DamagedTensor(tensor=ref.name, reason="its chunks are not those that were saved")
    plain = not ref.dtype.startswith(BLOCKS)
    if len(chunks) != len(chunking.cuts(ref.n_bytes)) or (
        plain and ref.n_bytes != math.prod(ref.shape) * itemsize(ref.dtype)
    ):
        raise DamagedTensor(tensor=ref.name, reason="it has not the chunks that its size says")


def read_all(principal: db.Principal, refs: Sequence[TensorRef], *, verify: bool = True) -> list[NDArray[Any]]:
    """See `anima.tensors.service.read_all`."""
    load = loader(principal, verify=verify)
    rooms = [arrays.room(ref.n_bytes) for ref in refs]
    wanted = [
        Wanted(ref.name, index, checksum, room[index * CHUNK_BYTES : (index + 1) * CHUNK_BYTES])
        for ref, room, chunks in zip(refs, rooms, chunks_of(load, refs), strict=True)
        for index, checksum in enumerate(chunks)
    ]
    bring(load, wanted)
    return [arrays.as_array(room, ref.dtype, ref.shape) for ref, room in zip(refs, rooms, strict=True)]


def bring(load: Loader, wanted: Sequence[Wanted]) -> None:
    """Fills all of them: what lies as it is in one sweep over the packs, what is packed by several threads."""
    load.look_up(one.checksum for one in wanted)
    plain = [one for one in wanted if _is_plain(load, one)]
    came = _swept(load, plain)

    def fill(one: Wanted) -> None:
        fetch = load.fill_again if id(one) in came else load.fill
        fetch(one.tensor, one.index, one.checksum, one.out)

    left = [one for one in wanted if not came.get(id(one))]
    if len(left) == 1:
        fill(left[0])
    elif left:
        with ThreadPoolExecutor(min(_THREADS, len(left)), thread_name_prefix="tensors") as pool:
            list(pool.map(fill, left))


def _is_plain(load: Loader, one: Wanted) -> bool:
    place = load.places.get(one.checksum)
    return (
        place is not None
        and place.codec == codecs.RAW
        and place.pack_id is not None
        and (place.n_bytes == place.stored_bytes == len(one.out))
    )


def _swept(load: Loader, plain: list[Wanted]) -> dict[int, bool]:
    """Reads what lies as it is; answers what came, and whether it is right. The rest is fetched one by one."""
    came: dict[int, bool] = {}

    def check(index: int) -> None:
        one = plain[index]
        try:
            load.check(load.places[one.checksum], one.out)
        except Wrong:
            came[id(one)] = False
        else:
            came[id(one)] = True

    pieces = []
    for one in plain:
        place = load.places[one.checksum]
        if place.pack_id is not None and place.pack_offset is not None:
            pieces.append(vendor.Piece(place.pack_id, place.pack_offset, one.out))
    with suppress(AnimaError):  # which one it was shows when each is read by itself
        load.packs.read(load.owner_id, pieces, check)
    return came


def together(refs: Iterable[TensorRef]) -> Iterator[list[TensorRef]]:
    """Neighbours that are few bytes in all, so that they can be asked for at once; what is large stays alone."""
    batch: list[TensorRef] = []
    n_bytes = 0
    for ref in refs:
        if batch and (n_bytes + ref.n_bytes > _TOGETHER_BYTES or len(batch) == _TOGETHER):
            yield batch
            batch, n_bytes = [], 0
        batch.append(ref)
        n_bytes += ref.n_bytes
    if batch:
        yield batch


def chunks(principal: db.Principal, refs: Iterable[TensorRef]) -> Iterator[memoryview]:
    """The bytes of tensors, one after the other, chunk by chunk; a few are read ahead."""
    load = loader(principal)
    for batch in together(refs):
        load.places.clear()
        if len(batch) == 1:
            yield from _chunks_of_one(load, batch[0])
            continue
        pieces = [
            Wanted(ref.name, index, checksum, arrays.room(end - start))
            for ref, checksums in zip(batch, chunks_of(load, batch), strict=True)
            for index, (checksum, (start, end)) in enumerate(zip(checksums, chunking.cuts(ref.n_bytes), strict=True))
        ]
        bring(load, pieces)
        yield from (one.out for one in pieces)


def _chunks_of_one(load: Loader, ref: TensorRef) -> Iterator[memoryview]:
    [checksums] = chunks_of(load, [ref])
    cuts = chunking.cuts(ref.n_bytes)
    numbered = enumerate(zip(checksums, cuts, strict=True))
    while batch := list(itertools.islice(numbered, _THREADS)):
        outs = [arrays.room(end - start) for _, (_, (start, end)) in batch]
        bring(
            load,
            [Wanted(ref.name, index, checksum, out) for (index, (checksum, _)), out in zip(batch, outs, strict=True)],
        )
        yield from outs
