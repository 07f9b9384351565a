"""SQL that compares a store of this database with the chunks that belong in it, and puts it right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Compared:
    """How many vectors there should be, how many there are, and what does not fit."""

    expected: int
    found: int
    missing: int
    extra: int
    other_model: int


@dataclass(frozen=True, slots=True)
class Unembedded:
    """A chunk without a vector."""

    chunk_id: int
    document_id: int
    embedding_model: str
    title: str
    headings: str | None
    text: str


COMPARED = db.Query(
    Compared,
    """
    with expected as materialized (
        select c.chunk_id::text as entity_id
        from documents d join chunks c on c.owner_id = d.owner_id and c.document_id = d.document_id
        where d.owner_id = %(owner_id)s and d.store_id = %(store_id)s and d.state = 'done'
    ),
    held as materialized (
        select e.entity_id, e.embedding_model = s.embedding_model as fits,
            e.embedding_model is not distinct from s.next_model as next
        from embeddings e join vector_stores s on s.store_id = e.store_id
        where e.owner_id = %(owner_id)s and e.store_id = %(store_id)s and e.entity_type = 'chunk'
    )
    select (select count(*) from expected) as expected,
        (select count(*) from held where fits) as found,
        (select count(*) from expected x
            where not exists (select from held h where h.entity_id = x.entity_id and h.fits)) as missing,
        (select count(*) from held h where not exists (
            select from chunks c where c.owner_id = %(owner_id)s and c.chunk_id::text = h.entity_id)) as extra,
        (select count(*) from held where fits is not true and not next) as other_model
    """,
)

DROP_EXTRA = db.Command(
    """
    delete from embeddings e using vector_stores s
    where e.owner_id = %(owner_id)s and e.store_id = %(store_id)s and e.entity_type = 'chunk'
        and s.store_id = e.store_id
        and (
            (e.embedding_model is distinct from s.embedding_model and e.embedding_model is distinct from s.next_model)
            or not exists (
                select from chunks c where c.owner_id = e.owner_id and c.chunk_id::text = e.entity_id)
        )
    """
)

UNEMBEDDED = db.Query(
    Unembedded,
    """
    select c.chunk_id, c.document_id, s.embedding_model, d.title, c.location ->> 'heading' as headings, c.text
    from documents d
    join chunks c on c.owner_id = d.owner_id and c.document_id = d.document_id
    join vector_stores s on s.store_id = d.store_id and s.provider = 'pgvector' and s.deleted_at is null
    where d.owner_id = %(owner_id)s and d.store_id = %(store_id)s and d.state = 'done' and not exists (
        select from embeddings e
        where e.owner_id = c.owner_id and e.entity_type = 'chunk' and e.entity_id = c.chunk_id::text
            and e.embedding_model = s.embedding_model
    )
    order by c.chunk_id
    limit %(limit)s
    """,
)

FILL = db.Command(
    """
    insert into embeddings (owner_id, store_id, entity_type, entity_id, external_id, embedding_model, vector)
    select c.owner_id, %(store_id)s, 'chunk', c.chunk_id::text, 'chunk:' || c.chunk_id, %(embedding_model)s,
        v.vector::vector
    from unnest(%(chunk_ids)s::bigint[], %(vectors)s::text[]) as v (chunk_id, vector)
    join chunks c on c.owner_id = %(owner_id)s and c.chunk_id = v.chunk_id
    on conflict do nothing
    """
)


def compared(tx: db.Transaction, owner_id: int, store_id: int) -> db.Pending[Compared]:
    """What a store should hold, and what it does."""
    return tx.fetch(COMPARED, owner_id=owner_id, store_id=store_id)


def drop_extra(tx: db.Transaction, owner_id: int, store_id: int) -> None:
    """Removes vectors of no chunk and of other models."""
    tx.execute(DROP_EXTRA, owner_id=owner_id, store_id=store_id)


def unembedded(tx: db.Transaction, owner_id: int, store_id: int, limit: int) -> db.Pending[Unembedded]:
    """Some chunks that lack their vector."""
    return tx.fetch(UNEMBEDDED, owner_id=owner_id, store_id=store_id, limit=limit)


def fill(
    tx: db.Transaction, owner_id: int, store_id: int, model: str, chunk_ids: Sequence[int], vectors: Sequence[str]
) -> db.Done:
    """Writes vectors of chunks that are still there."""
    return tx.execute(
        FILL,
        owner_id=owner_id,
        store_id=store_id,
        embedding_model=model,
        chunk_ids=list(chunk_ids),
        vectors=list(vectors),
    )
