"""Reading what is kept: tensors, their chunks in order, where each chunk lies, and what that was taken against."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from anima.kernel import db
from anima.tensors.model import TensorRef, Usage


@dataclass(frozen=True, slots=True)
class ChunkOf:
    """One chunk of a tensor, in its order."""

    tensor_id: uuid.UUID
    chunk_index: int
    checksum: bytes


@dataclass(frozen=True, slots=True)
class Place:
    """Where a chunk lies and how it is stored; inline where `data` is there."""

    checksum: bytes
    quick_checksum: bytes
    n_bytes: int
    stored_bytes: int
    codec: str
    base: bytes | None
    depth: int
    pack_id: uuid.UUID | None
    pack_offset: int | None
    data: bytes | None


# Whoever refers to tensors that are there already, or removes what nobody refers to, holds this lock of the owner's.
LOCK = db.Command("select pg_advisory_xact_lock(hashtextextended('tensors:' || %(owner_id)s::bigint, 0))")

# What stands on a chunk that cannot be read cannot be read either.
MARK_DAMAGED = db.Command(
    """
    with recursive spoilt as (
        select %(checksum)s::bytea as checksum
        union
        select c.checksum from tensor_chunks c join spoilt s on c.base = s.checksum where c.owner_id = %(owner_id)s
    )
    update tensor_chunks c set damaged_at = %(now)s
    from spoilt s
    where c.owner_id = %(owner_id)s and c.checksum = s.checksum and c.damaged_at is null
    """
)

TENSORS = db.Query(
    TensorRef,
    """
    select tensor_id, name, dtype, shape, n_bytes, checksum from tensor_metadata
    where owner_id = %(owner_id)s and tensor_id = any (%(tensor_ids)s)
    """,
)

TENSORS_AFTER = db.Query(
    TensorRef,
    """
    select tensor_id, name, dtype, shape, n_bytes, checksum from tensor_metadata
    where owner_id = %(owner_id)s and (%(after)s::uuid is null or tensor_id > %(after)s)
    order by tensor_id
    limit %(most)s
    """,
)

CHUNKS_OF = db.Query(
    ChunkOf,
    """
    select tensor_id, chunk_index, checksum from tensor_data
    where owner_id = %(owner_id)s and tensor_id = any (%(tensor_ids)s)
    order by tensor_id, chunk_index
    """,
)

PLACES = db.Query(
    Place,
    """
    with recursive needed as (
        select checksum, base from tensor_chunks
        where owner_id = %(owner_id)s and checksum = any (%(checksums)s)
        union
        select c.checksum, c.base from needed n
        join tensor_chunks c on c.owner_id = %(owner_id)s and c.checksum = n.base
    )
    select c.checksum, c.quick_checksum, c.n_bytes, c.stored_bytes, c.codec, c.base, c.depth, c.pack_id,
        c.pack_offset, c.data
    from needed n join tensor_chunks c on c.owner_id = %(owner_id)s and c.checksum = n.checksum
    """,
)

USAGE = db.Query(
    Usage,
    """
    select t.tensors, t.n_bytes, c.chunks, c.chunk_bytes, c.stored_bytes, p.packs, p.pack_bytes
    from (
        select count(*) as tensors, coalesce(sum(n_bytes), 0)::bigint as n_bytes
        from tensor_metadata where owner_id = %(owner_id)s
    ) t, (
        select count(*) as chunks, coalesce(sum(n_bytes), 0)::bigint as chunk_bytes,
            coalesce(sum(stored_bytes), 0)::bigint as stored_bytes
        from tensor_chunks where owner_id = %(owner_id)s
    ) c, (
        select count(*) as packs, coalesce(sum(n_bytes), 0)::bigint as pack_bytes
        from tensor_packs where owner_id = %(owner_id)s and state = 'sealed'
    ) p
    """,
)
