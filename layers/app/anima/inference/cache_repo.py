"""SQL of the activation cache. Rows are written in the order of their hashes: so writers cannot block each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Activation:
    """What a model made of the input with this hash: little-endian float32."""

    input_hash: bytes
    tensor: bytes


# Rows that another worker counts at this moment are read all the same, and not counted.
FOUND = db.Query(
    Activation,
    """
    with found as materialized (
        select a.input_hash, a.tensor from activation_cache a
        where a.owner_id = %(owner_id)s and a.model = %(model)s and a.layer = %(layer)s
            and a.input_hash = any (%(input_hashes)s::bytea[]) and a.expires_at > now()
    ),
    free as materialized (
        select a.input_hash from activation_cache a
        where a.owner_id = %(owner_id)s and a.model = %(model)s and a.layer = %(layer)s
            and a.input_hash = any (%(input_hashes)s::bytea[]) and a.expires_at > now()
        order by a.input_hash
        for update skip locked
    ),
    counted as (
        update activation_cache a set hits = a.hits + 1, expires_at = now() + %(kept)s::interval
        from free
        where a.owner_id = %(owner_id)s and a.model = %(model)s and a.layer = %(layer)s
            and a.input_hash = free.input_hash
    )
    select input_hash, tensor from found
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
    insert into activation_cache as a (owner_id, document_id, model, layer, input_hash, tensor, shape, expires_at)
    select %(owner_id)s, %(document_id)s, %(model)s, %(layer)s, i.input_hash,
        substring(%(tensors)s::bytea from (i.position::int - 1) * %(n_bytes)s::int + 1 for %(n_bytes)s::int),
        array[%(n_bytes)s::int / 4], now() + %(kept)s::interval
    from unnest(%(input_hashes)s::bytea[]) with ordinality as i (input_hash, position)
    where %(document_id)s::bigint is null or exists (select from made_for)
    order by i.input_hash
    on conflict (owner_id, model, layer, input_hash) do update
        set tensor = excluded.tensor, shape = excluded.shape, document_id = excluded.document_id, hits = 0,
            created_at = now(), expires_at = excluded.expires_at
        where a.expires_at <= now() or a.shape <> excluded.shape
    """
)


def found(
    tx: db.Transaction, owner_id: int, model: str, layer: str, input_hashes: Sequence[bytes], kept: timedelta
) -> db.Pending[Activation]:
    """What is known of these inputs; each found is counted, and kept for another while."""
    return tx.fetch(FOUND, owner_id=owner_id, model=model, layer=layer, input_hashes=list(input_hashes), kept=kept)


def keep(
    tx: db.Transaction,
    owner_id: int,
    document_id: int | None,
    model: str,
    layer: str,
    tensors: Mapping[bytes, bytes],
    kept: timedelta,
) -> None:
    """Keeps activations by the hashes of their inputs, all of one length; they go with the document."""
    joined = b"".join(tensors.values())
    tx.execute(
        KEEP,
        owner_id=owner_id,
        document_id=document_id,
        model=model,
        layer=layer,
        input_hashes=list(tensors),
        tensors=joined,
        n_bytes=len(joined) // len(tensors),
        kept=kept,
    )
