"""Writing: packs that are begun, kept and sealed, and the one transaction in which all of a save becomes visible."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from anima.kernel import db
from anima.tensors import home_model
from anima.tensors.model import TensorRef


@dataclass(frozen=True, slots=True)
class Home:
    """Which database this is: a branch is another, though it has the same rows."""

    home: str


@dataclass(frozen=True, slots=True)
class Known:
    """A chunk that is there already."""

    checksum: bytes
    inline: bool
    damaged: bool


@dataclass(frozen=True, slots=True)
class PackOf:
    """A pack whose state was changed."""

    pack_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Awaited:
    """Whether a collection of the owner's is due later already."""

    awaited: bool


HOME = db.Query(Home, home_model.HOME)

KNOWN = db.Query(
    Known,
    """
    select checksum, pack_id is null as inline, damaged_at is not null as damaged from tensor_chunks
    where owner_id = %(owner_id)s and checksum = any (%(checksums)s)
    """,
)

BEGIN_PACK = db.Command(
    """
    insert into tensor_packs (pack_id, owner_id, created_at, touched_at)
    values (%(pack_id)s, %(owner_id)s, %(now)s, %(now)s)
    """
)

TOUCH_PACKS = db.Query(
    PackOf,
    """
    update tensor_packs set touched_at = %(now)s
    where owner_id = %(owner_id)s and pack_id = any (%(pack_ids)s) and state = 'writing'
    returning pack_id
    """,
)

SEAL_PACKS = db.Query(
    PackOf,
    """
    update tensor_packs p set state = 'sealed', n_bytes = given.n_bytes, touched_at = %(now)s
    from unnest(%(pack_ids)s::uuid[], %(sizes)s::bigint[]) as given (pack_id, n_bytes)
    where p.owner_id = %(owner_id)s and p.pack_id = given.pack_id and p.state = 'writing'
    returning p.pack_id
    """,
)

GIVE_UP_PACKS = db.Query(
    PackOf,
    """
    update tensor_packs set state = 'dead', touched_at = %(now)s
    where owner_id = %(owner_id)s and pack_id = any (%(pack_ids)s) and state = 'writing'
    returning pack_id
    """,
)

FORGET_PACKS = db.Command(
    """
    delete from tensor_packs where owner_id = %(owner_id)s and pack_id = any (%(pack_ids)s) and state = 'dead'
    """
)

HELD = db.Query(
    Known,
    """
    select checksum, pack_id is null as inline, damaged_at is not null as damaged from tensor_chunks
    where owner_id = %(owner_id)s and checksum = any (%(checksums)s)
    order by checksum
    for key share
    """,
)

ADD_CHUNKS = db.Command(
    """
    insert into tensor_chunks (owner_id, checksum, quick_checksum, n_bytes, stored_bytes, codec, base, depth, pack_id,
        pack_offset, data, created_at)
    select %(owner_id)s, n.checksum, n.quick_checksum, n.n_bytes, n.stored_bytes, n.codec, n.base, n.depth, n.pack_id,
        n.pack_offset, n.data, %(now)s
    from unnest(%(checksums)s::bytea[], %(quick_checksums)s::bytea[], %(sizes)s::integer[], %(stored)s::integer[],
        %(codecs)s::text[], %(bases)s::bytea[], %(depths)s::smallint[], %(pack_ids)s::uuid[], %(offsets)s::bigint[],
        %(data)s::bytea[])
        as n (checksum, quick_checksum, n_bytes, stored_bytes, codec, base, depth, pack_id, pack_offset, data)
    on conflict (owner_id, checksum) do nothing
    """
)

# Of chunks that could not be read any more: what they stood on is needed by one less, for they stand by themselves now.
LET_BASES_GO = db.Command(
    """
    update tensor_chunks c set refs = c.refs - n.count
    from (
        select base, count(*) from tensor_chunks
        where owner_id = %(owner_id)s and checksum = any (%(checksums)s) and damaged_at is not null
        group by base
    ) n
    where c.owner_id = %(owner_id)s and c.checksum = n.base
    """
)

HEAL = db.Command(
    """
    update tensor_chunks c set quick_checksum = n.quick_checksum, n_bytes = n.n_bytes, stored_bytes = n.stored_bytes,
        codec = n.codec, base = null, depth = 0, pack_id = n.pack_id, pack_offset = n.pack_offset, data = n.data,
        damaged_at = null
    from unnest(%(checksums)s::bytea[], %(quick_checksums)s::bytea[], %(sizes)s::integer[], %(stored)s::integer[],
        %(codecs)s::text[], %(pack_ids)s::uuid[], %(offsets)s::bigint[], %(data)s::bytea[])
        as n (checksum, quick_checksum, n_bytes, stored_bytes, codec, pack_id, pack_offset, data)
    where c.owner_id = %(owner_id)s and c.checksum = n.checksum and c.damaged_at is not null
    """
)

ADD_TENSORS = db.Command(
    """
    insert into tensor_metadata (tensor_id, owner_id, name, shape, dtype, storage, compression, checksum, n_bytes,
        created_at)
    select n.tensor_id, %(owner_id)s, n.name, n.shape::bigint[], n.dtype, n.storage, %(compression)s, n.checksum,
        n.n_bytes, %(now)s
    from unnest(%(tensor_ids)s::uuid[], %(names)s::text[], %(shapes)s::text[], %(dtypes)s::text[],
        %(storages)s::text[], %(checksums)s::bytea[], %(sizes)s::bigint[])
        as n (tensor_id, name, shape, dtype, storage, checksum, n_bytes)
    on conflict (owner_id, checksum, name) do nothing
    """
)

# Only of tensors that were entered just now: one that was there has its chunks, and another id.
ADD_CHUNKS_OF = db.Command(
    """
    insert into tensor_data (owner_id, tensor_id, chunk_index, checksum)
    select t.owner_id, t.tensor_id, n.chunk_index, n.checksum
    from unnest(%(tensor_ids)s::uuid[], %(indexes)s::integer[], %(checksums)s::bytea[])
        as n (tensor_id, chunk_index, checksum)
    join tensor_metadata t on t.owner_id = %(owner_id)s and t.tensor_id = n.tensor_id
    """
)

ENTERED = db.Query(
    TensorRef,
    """
    select t.tensor_id, t.name, t.dtype, t.shape, t.n_bytes, t.checksum
    from unnest(%(checksums)s::bytea[], %(names)s::text[]) as n (checksum, name)
    join tensor_metadata t on t.owner_id = %(owner_id)s and t.checksum = n.checksum and t.name = n.name
    """,
)

AWAITED = db.Query(
    Awaited,
    """
    select exists (
        select from outbox
        where owner_id = %(owner_id)s and topic = %(topic)s and delivered_at is null and dead_at is null
            and attempts = 0 and next_attempt_at > %(from_then)s
    ) as awaited
    """,
)
