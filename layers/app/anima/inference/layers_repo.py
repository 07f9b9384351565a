"""SQL of cached activations of transformers' layers. Rows are written in the order of their hashes."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Held:
    """An activation: its bytes, or the tensor that has them."""

    input_hash: bytes
    tensor: bytes
    tensor_id: uuid.UUID | None
    shape: list[int]
    dtype: str


@dataclass(frozen=True, slots=True)
class Gone:
    """An activation that was deleted."""

    input_hash: bytes


# Rows that another worker counts at this moment are read all the same, and not counted.
FOUND = db.Query(
    Held,
    """
    with found as materialized (
        select a.input_hash, a.tensor, a.tensor_id, a.shape, a.dtype from activation_cache a
        where a.owner_id = %(owner_id)s and a.model = %(model)s and a.layer = %(layer)s
            and a.input_hash = any (%(input_hashes)s::bytea[]) and a.expires_at > %(at)s
    ),
    free as materialized (
        select a.input_hash from activation_cache a
        where a.owner_id = %(owner_id)s and a.model = %(model)s and a.layer = %(layer)s
            and a.input_hash = any (%(input_hashes)s::bytea[]) and a.expires_at > %(at)s
        order by a.input_hash
        for update skip locked
    ),
    counted as (
        update activation_cache a
        set hits = a.hits + 1, expires_at = greatest(a.expires_at, %(at)s::timestamptz + %(kept)s::interval)
        from free
        where a.owner_id = %(owner_id)s and a.model = %(model)s and a.layer = %(layer)s
            and a.input_hash = free.input_hash
    )
    select input_hash, tensor, tensor_id, shape, dtype from found
    """,
)

# Nothing is kept for a document that was deleted meanwhile.
KEEP = db.Command(
    """
    with made_for as materialized (
        select d.document_id from documents d
        where d.owner_id = %(owner_id)s and d.document_id = %(document_id)s
        for key share
    )
    insert into activation_cache as a (
        owner_id, document_id, model, layer, input_hash, tensor, tensor_id, shape, dtype, created_at, expires_at
    )
    select %(owner_id)s, %(document_id)s, %(model)s, %(layer)s, i.input_hash, i.tensor, i.tensor_id,
        i.shape::integer[], %(dtype)s, %(at)s, %(at)s::timestamptz + %(kept)s::interval
    from unnest(
        %(input_hashes)s::bytea[], %(tensors)s::bytea[], %(tensor_ids)s::uuid[], %(shapes)s::text[]
    ) as i (input_hash, tensor, tensor_id, shape)
    where %(document_id)s::bigint is null or exists (select from made_for)
    order by i.input_hash
    on conflict (owner_id, model, layer, input_hash) do update
        set tensor = excluded.tensor, tensor_id = excluded.tensor_id, shape = excluded.shape, dtype = excluded.dtype,
            document_id = excluded.document_id, hits = 0, created_at = excluded.created_at,
            expires_at = excluded.expires_at
    """
)

FORGET = db.Command(
    """
    delete from activation_cache a
    where a.owner_id = %(owner_id)s and a.model = %(model)s and a.layer = %(layer)s
        and a.input_hash = any (%(input_hashes)s::bytea[])
    """
)

# Those whose use is the longest ago, until what is left fits. What was used last ends last.
OVER = db.Query(
    Gone,
    """
    with held as (
        select a.model, a.layer, a.input_hash,
            sum(coalesce(t.n_bytes, octet_length(a.tensor))) over (order by a.expires_at desc, a.input_hash) as so_far
        from activation_cache a
        left join tensor_metadata t on t.owner_id = a.owner_id and t.tensor_id = a.tensor_id
        where a.owner_id = %(owner_id)s and starts_with(a.model, 'weights:')
    )
    delete from activation_cache a using held h
    where a.owner_id = %(owner_id)s and a.model = h.model and a.layer = h.layer and a.input_hash = h.input_hash
        and h.so_far > %(most_bytes)s
    returning a.input_hash
    """,
)

EXPIRED = db.Query(
    Gone,
    """
    delete from activation_cache a
    where a.owner_id = %(owner_id)s and a.expires_at <= %(at)s and a.tensor_id is not null
    returning a.input_hash
    """,
)


def found(
    tx: db.Transaction,
    owner_id: int,
    place: tuple[str, str],
    input_hashes: Sequence[bytes],
    at: datetime,
    kept: timedelta,
) -> db.Pending[Held]:
    """What is known of these inputs at a place (model, layer); each found is counted, and kept for another while."""
    model, layer = place
    return tx.fetch(
        FOUND, owner_id=owner_id, model=model, layer=layer, input_hashes=list(input_hashes), at=at, kept=kept
    )


def keep(
    tx: db.Transaction,
    owner_id: int,
    document_id: int | None,
    place: tuple[str, str],
    rows: Sequence[Held],
    at: datetime,
    kept: timedelta,
) -> None:
    """Keeps activations, all of one type; they go with the document."""
    model, layer = place
    tx.execute(
        KEEP,
        owner_id=owner_id,
        document_id=document_id,
        model=model,
        layer=layer,
        dtype=rows[0].dtype,
        input_hashes=[row.input_hash for row in rows],
        tensors=[row.tensor for row in rows],
        tensor_ids=[row.tensor_id for row in rows],
        shapes=["{" + ",".join(map(str, row.shape)) + "}" for row in rows],
        at=at,
        kept=kept,
    )


def forget(tx: db.Transaction, owner_id: int, place: tuple[str, str], input_hashes: Sequence[bytes]) -> None:
    """Forgets what is known of these inputs at a place."""
    model, layer = place
    tx.execute(FORGET, owner_id=owner_id, model=model, layer=layer, input_hashes=list(input_hashes))


def over(tx: db.Transaction, owner_id: int, most_bytes: int) -> db.Pending[Gone]:
    """Deletes what was used the longest ago until no more than `most_bytes` are kept."""
    return tx.fetch(OVER, owner_id=owner_id, most_bytes=most_bytes)


def expired(tx: db.Transaction, owner_id: int, at: datetime) -> db.Pending[Gone]:
    """Deletes what has expired of what lies in the chunk store."""
    return tx.fetch(EXPIRED, owner_id=owner_id, at=at)
