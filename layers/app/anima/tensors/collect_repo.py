"""What nobody needs any more: tensors without a reference, chunks without a tensor, packs without chunks."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class FreeTensor:
    """A tensor that was removed, or may be."""

    tensor_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class FreeChunk:
    """A chunk that was removed."""

    checksum: bytes


@dataclass(frozen=True, slots=True)
class Branched:
    """Whether a branch of this database may still read what it has let go."""

    branched: bool


@dataclass(frozen=True, slots=True)
class OldPack:
    """A pack, and how long it is."""

    pack_id: uuid.UUID
    n_bytes: int


@dataclass(frozen=True, slots=True)
class Stored:
    """A chunk in a pack, as it is stored."""

    checksum: bytes
    stored_bytes: int
    pack_offset: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """Whether something is there that only time makes free."""

    waiting: bool


# Rows first, so that what is about to refer to one of them waits; then a look with fresh eyes at who refers to it.
CANDIDATES = db.Query(
    FreeTensor,
    """
    select t.tensor_id from tensor_metadata t
    where t.owner_id = %(owner_id)s and t.created_at < %(before)s
        and not exists (select from model_weights r where r.owner_id = t.owner_id and r.tensor_id = t.tensor_id)
        and not exists (
            select from model_weights r where r.owner_id = t.owner_id and r.gradient_tensor_id = t.tensor_id
        )
        and not exists (select from model_files r where r.owner_id = t.owner_id and r.literal_tensor_id = t.tensor_id)
        and not exists (select from checkpoint_tensors r where r.owner_id = t.owner_id and r.tensor_id = t.tensor_id)
        and not exists (
            select from optimizer_state r where r.owner_id = t.owner_id and r.momentum_tensor_id = t.tensor_id
        )
        and not exists (
            select from optimizer_state r where r.owner_id = t.owner_id and r.variance_tensor_id = t.tensor_id
        )
        and not exists (select from activation_cache r where r.owner_id = t.owner_id and r.tensor_id = t.tensor_id)
        and not exists (select from kv_cache r where r.owner_id = t.owner_id and r.tensor_id = t.tensor_id)
        and not exists (select from attention_patterns r where r.owner_id = t.owner_id and r.tensor_id = t.tensor_id)
    order by t.tensor_id
    limit %(most)s
    for update
    """,
)

FREE_TENSORS = db.Query(
    FreeTensor,
    """
    delete from tensor_metadata t
    where t.owner_id = %(owner_id)s and t.tensor_id = any (%(tensor_ids)s)
        and not exists (select from model_weights r where r.owner_id = t.owner_id and r.tensor_id = t.tensor_id)
        and not exists (
            select from model_weights r where r.owner_id = t.owner_id and r.gradient_tensor_id = t.tensor_id
        )
        and not exists (select from model_files r where r.owner_id = t.owner_id and r.literal_tensor_id = t.tensor_id)
        and not exists (select from checkpoint_tensors r where r.owner_id = t.owner_id and r.tensor_id = t.tensor_id)
        and not exists (
            select from optimizer_state r where r.owner_id = t.owner_id and r.momentum_tensor_id = t.tensor_id
        )
        and not exists (
            select from optimizer_state r where r.owner_id = t.owner_id and r.variance_tensor_id = t.tensor_id
        )
        and not exists (select from activation_cache r where r.owner_id = t.owner_id and r.tensor_id = t.tensor_id)
        and not exists (select from kv_cache r where r.owner_id = t.owner_id and r.tensor_id = t.tensor_id)
        and not exists (select from attention_patterns r where r.owner_id = t.owner_id and r.tensor_id = t.tensor_id)
    returning t.tensor_id
    """,
)

FREE_CHUNKS = db.Query(
    FreeChunk,
    """
    delete from tensor_chunks
    where owner_id = %(owner_id)s and checksum = any (array(
        select checksum from tensor_chunks
        where owner_id = %(owner_id)s and refs = 0 and created_at < %(before)s
        limit %(most)s
    ))
    returning checksum
    """,
)

# Of writers that were silent for too long, and packs that nothing lies in any more.
BURY_PACKS = db.Query(
    OldPack,
    """
    update tensor_packs p set state = 'dead', touched_at = %(now)s
    where p.owner_id = %(owner_id)s and p.touched_at < %(before)s and (
        p.state = 'writing' or (p.state = 'sealed' and not exists (
            select from tensor_chunks c where c.owner_id = p.owner_id and c.pack_id = p.pack_id
        ))
    )
    returning p.pack_id, p.n_bytes
    """,
)

DEAD_PACKS = db.Query(
    OldPack, "select pack_id, n_bytes from tensor_packs where owner_id = %(owner_id)s and state = 'dead'"
)

# A note that a copy of another database brought along is about the branches of that one.
BRANCHED = db.Query(
    Branched,
    """
    select count(*) > 0 as branched from settings s
    cross join jsonb_each_text(case when s.value ->> 'home' = %(home)s then s.value -> 'branches' end) b
    where s.key = %(key)s and (b.value is null or b.value::timestamptz > %(now)s)
    """,
)

PACKS_THERE = db.Query(
    OldPack,
    "select pack_id, n_bytes from tensor_packs where owner_id = %(owner_id)s and pack_id = any (%(pack_ids)s)",
)

SPARSE_PACKS = db.Query(
    OldPack,
    """
    select p.pack_id, p.n_bytes from tensor_packs p, lateral (
        select sum(c.stored_bytes) as n from tensor_chunks c where c.owner_id = p.owner_id and c.pack_id = p.pack_id
    ) live
    where p.owner_id = %(owner_id)s and p.state = 'sealed' and p.touched_at < %(before)s
        and live.n < p.n_bytes * %(share)s::float8 and p.n_bytes > %(least)s
    order by p.pack_id
    limit %(most)s
    """,
)

STORED_IN = db.Query(
    Stored,
    """
    select checksum, stored_bytes, pack_offset from tensor_chunks
    where owner_id = %(owner_id)s and pack_id = %(pack_id)s
    order by pack_offset
    """,
)

MOVE_CHUNKS = db.Command(
    """
    update tensor_chunks c set pack_id = n.pack_id, pack_offset = n.pack_offset
    from unnest(%(checksums)s::bytea[], %(pack_ids)s::uuid[], %(offsets)s::bigint[])
        as n (checksum, pack_id, pack_offset)
    where c.owner_id = %(owner_id)s and c.checksum = n.checksum and c.pack_id = %(from_pack_id)s
    """
)

WAITING = db.Query(
    Waiting,
    """
    select exists (select from tensor_chunks where owner_id = %(owner_id)s and refs = 0)
        or exists (select from tensor_packs where owner_id = %(owner_id)s and state <> 'sealed') as waiting
    """,
)
