"""SQL of vectors that lie in other engines: what waits, what was written, what must be forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from anima.kernel import db

HELD = timedelta(minutes=2)
"""A worker that has said nothing for so long of what it writes is taken for dead."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A vector that its engine must get; `vector` is null where it has to be made anew."""

    external_id: str
    embedding_model: str
    document_id: int
    vector: str | None
    title: str
    headings: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Gone:
    """A vector that its engine must forget."""

    external_id: str
    embedding_model: str


@dataclass(frozen=True, slots=True)
class Left:
    """What of a document or a store is still to be written, and what of it somebody holds."""

    waiting: int
    busy: int


@dataclass(frozen=True, slots=True)
class DocumentId:
    """A document."""

    document_id: int


@dataclass(frozen=True, slots=True)
class StoreId:
    """A store."""

    store_id: int


@dataclass(frozen=True, slots=True)
class Model:
    """A model of which an engine has vectors."""

    embedding_model: str


MODELS = db.Query(
    Model,
    """
    select distinct embedding_model from outside_vectors
    where owner_id = %(owner_id)s and store_id = %(store_id)s
    """,
)

CLAIM_WAITING = db.Query(
    Waiting,
    """
    with due as materialized (
        select o.embedding_model, o.external_id from outside_vectors o
        where o.owner_id = %(owner_id)s and o.store_id = %(store_id)s and o.document_id = %(document_id)s
            and o.written_at is null and not o.gone and (o.busy_until is null or o.busy_until <= now())
        order by o.embedding_model, o.chunk_id
        limit %(limit)s
        for update skip locked
    ),
    held as (
        update outside_vectors o set busy_until = now() + %(held)s
        from due
        where o.owner_id = %(owner_id)s and o.store_id = %(store_id)s and o.embedding_model = due.embedding_model
            and o.external_id = due.external_id
        returning o.embedding_model, o.external_id, o.document_id, o.chunk_id, o.vector::text as vector
    )
    select h.external_id, h.embedding_model, h.document_id, h.vector, d.title,
        c.location ->> 'heading' as headings, c.text
    from held h
    join chunks c on c.owner_id = %(owner_id)s and c.chunk_id = h.chunk_id
    join documents d on d.owner_id = c.owner_id and d.document_id = c.document_id
    order by h.embedding_model, h.chunk_id
    """,
)

# What was deleted meanwhile stays to be forgotten.
WRITTEN = db.Command(
    """
    update outside_vectors set written_at = now(), busy_until = null, vector = null
    where owner_id = %(owner_id)s and store_id = %(store_id)s and embedding_model = %(embedding_model)s
        and external_id = any (%(external_ids)s::text[])
    """
)

RELEASE = db.Command(
    """
    update outside_vectors set busy_until = null
    where owner_id = %(owner_id)s and store_id = %(store_id)s and embedding_model = %(embedding_model)s
        and external_id = any (%(external_ids)s::text[])
    """
)

LEFT = db.Query(
    Left,
    """
    select count(*) filter (where busy_until is null or busy_until <= now()) as waiting,
        count(*) filter (where busy_until > now()) as busy
    from outside_vectors
    where owner_id = %(owner_id)s and store_id = %(store_id)s and document_id = %(document_id)s
        and written_at is null and not gone
    """,
)

WAITING_DOCUMENTS = db.Query(
    DocumentId,
    """
    select distinct document_id from outside_vectors
    where owner_id = %(owner_id)s and store_id = %(store_id)s and written_at is null and not gone
    union
    select document_id from documents
    where owner_id = %(owner_id)s and store_id = %(store_id)s and state = 'running' and stage = 'index'
    order by document_id
    """,
)

# Those that a worker is writing at this moment are waited for: a write under way would bring them back.
GONE = db.Query(
    Gone,
    """
    select external_id, embedding_model from outside_vectors
    where owner_id = %(owner_id)s and store_id = %(store_id)s and gone
        and (busy_until is null or busy_until <= now())
    order by embedding_model, external_id
    limit %(limit)s
    """,
)

GONE_STORES = db.Query(
    StoreId,
    """
    select distinct store_id from outside_vectors
    where owner_id = %(owner_id)s and document_id = %(document_id)s and gone
    """,
)

GONE_BUSY = db.Query(
    Left,
    """
    select count(*) as waiting, count(*) filter (where busy_until > now()) as busy from outside_vectors
    where owner_id = %(owner_id)s and store_id = %(store_id)s and gone
    """,
)

FORGOTTEN = db.Command(
    """
    delete from outside_vectors
    where owner_id = %(owner_id)s and store_id = %(store_id)s and embedding_model = %(embedding_model)s
        and external_id = any (%(external_ids)s::text[]) and gone
    """
)


def models(tx: db.Transaction, owner_id: int, store_id: int) -> db.Pending[Model]:
    """The models of which the engine has, or had, vectors."""
    return tx.fetch(MODELS, owner_id=owner_id, store_id=store_id)


def claim_waiting(
    tx: db.Transaction, owner_id: int, store_id: int, document_id: int, limit: int
) -> db.Pending[Waiting]:
    """Takes some vectors of a document that its engine has not got."""
    return tx.fetch(
        CLAIM_WAITING, owner_id=owner_id, store_id=store_id, document_id=document_id, limit=limit, held=HELD
    )


def written(tx: db.Transaction, owner_id: int, store_id: int, model: str, external_ids: Sequence[str]) -> None:
    """The engine has these now."""
    tx.execute(WRITTEN, owner_id=owner_id, store_id=store_id, embedding_model=model, external_ids=list(external_ids))


def release(tx: db.Transaction, owner_id: int, store_id: int, model: str, external_ids: Sequence[str]) -> None:
    """Lets go of these: they wait again."""
    tx.execute(RELEASE, owner_id=owner_id, store_id=store_id, embedding_model=model, external_ids=list(external_ids))


def left(tx: db.Transaction, owner_id: int, store_id: int, document_id: int) -> db.Pending[Left]:
    """What of a document is still to be written."""
    return tx.fetch(LEFT, owner_id=owner_id, store_id=store_id, document_id=document_id)


def waiting_documents(tx: db.Transaction, owner_id: int, store_id: int) -> db.Pending[DocumentId]:
    """Documents that wait for the engine of a store."""
    return tx.fetch(WAITING_DOCUMENTS, owner_id=owner_id, store_id=store_id)


def gone(tx: db.Transaction, owner_id: int, store_id: int, limit: int) -> db.Pending[Gone]:
    """Some vectors that the engine must forget."""
    return tx.fetch(GONE, owner_id=owner_id, store_id=store_id, limit=limit)


def gone_stores(tx: db.Transaction, owner_id: int, document_id: int) -> db.Pending[StoreId]:
    """The stores whose engine must forget something of a document."""
    return tx.fetch(GONE_STORES, owner_id=owner_id, document_id=document_id)


def gone_busy(tx: db.Transaction, owner_id: int, store_id: int) -> db.Pending[Left]:
    """How many are still to be forgotten, and how many of them are being written."""
    return tx.fetch(GONE_BUSY, owner_id=owner_id, store_id=store_id)


def forgotten(tx: db.Transaction, owner_id: int, store_id: int, model: str, external_ids: Sequence[str]) -> None:
    """The engine has forgotten these."""
    tx.execute(FORGOTTEN, owner_id=owner_id, store_id=store_id, embedding_model=model, external_ids=list(external_ids))
