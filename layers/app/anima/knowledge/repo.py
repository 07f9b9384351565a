"""SQL of documents, their chunks, and the stores they lie in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anima.kernel import db
from anima.knowledge.model import ChunkInContext, Document, Store, StoredChunk


@dataclass(frozen=True, slots=True)
class Place:
    """Where a content belongs, and what is there of it already."""

    position: int
    store_id: int | None
    document_id: int | None
    state: str | None
    storage_uri: str | None


@dataclass(frozen=True, slots=True)
class Touched:
    """A document that a statement has written."""

    document_id: int


@dataclass(frozen=True, slots=True)
class Kept:
    """Where the file of a document lies."""

    document_id: int
    storage_uri: str


@dataclass(frozen=True, slots=True)
class NewRow:
    """A document to be entered."""

    store_id: int
    title: str
    source_uri: str | None
    doc_type: str
    content_sha256: str
    size_bytes: int
    storage_uri: str
    metadata: Mapping[str, Any]


PLACES = db.Query(
    Place,
    """
    select asked.position, s.store_id, d.document_id, d.state, d.storage_uri
    from unnest(%(sha256s)s::text[], %(purposes)s::text[]) with ordinality as asked (content_sha256, purpose, position)
    left join lateral (
        select store_id from vector_stores
        where owner_id = %(owner_id)s and purpose = asked.purpose and provider = 'pgvector'
        order by store_id limit 1
    ) s on true
    left join documents d
        on d.owner_id = %(owner_id)s and d.store_id = s.store_id and d.content_sha256 = asked.content_sha256
    order by asked.position
    """,
)

ADD = db.Query(
    Kept,
    """
    insert into documents (
        owner_id, store_id, title, source_uri, doc_type, content_sha256, size_bytes, storage_uri, metadata
    )
    select %(owner_id)s, n.*
    from unnest(
        %(store_ids)s::bigint[], %(titles)s::text[], %(source_uris)s::text[], %(doc_types)s::text[],
        %(sha256s)s::text[], %(sizes)s::bigint[], %(storage_uris)s::text[], %(metadatas)s::jsonb[]
    ) as n
    on conflict (owner_id, store_id, content_sha256) do nothing
    returning document_id, storage_uri
    """,
)

QUEUE_AGAIN = db.Query(
    Kept,
    """
    update documents d set state = 'queued', stage = 'queued', attempts = 0, reason = null, storage_uri = n.storage_uri
    from unnest(%(document_ids)s::bigint[], %(storage_uris)s::text[]) as n (document_id, storage_uri)
    where d.owner_id = %(owner_id)s and d.document_id = n.document_id and d.state = 'failed'
    returning d.document_id, d.storage_uri
    """,
)

DOCUMENTS = db.Query(
    Document,
    """
    select d.document_id, d.store_id, s.purpose, d.title, d.source_uri, d.doc_type, d.size_bytes, d.state, d.stage,
        d.chunks_done, d.chunks_total, d.token_count, d.attempts, d.reason, d.language, d.created_at, d.updated_at,
        d.metadata
    from documents d join vector_stores s on s.store_id = d.store_id
    where d.owner_id = %(owner_id)s
        and (%(before)s::bigint is null or d.document_id < %(before)s)
        and (%(state)s::text is null or d.state = %(state)s)
        and (%(purpose)s::text is null or s.purpose = %(purpose)s)
    order by d.document_id desc
    limit %(limit)s
    """,
)

DOCUMENT = db.Query(
    Document,
    """
    select d.document_id, d.store_id, s.purpose, d.title, d.source_uri, d.doc_type, d.size_bytes, d.state, d.stage,
        d.chunks_done, d.chunks_total, d.token_count, d.attempts, d.reason, d.language, d.created_at, d.updated_at,
        d.metadata
    from documents d join vector_stores s on s.store_id = d.store_id
    where d.owner_id = %(owner_id)s and d.document_id = %(document_id)s
    """,
)

LOCKED = db.Query(
    Kept,
    """
    select document_id, storage_uri from documents
    where owner_id = %(owner_id)s and document_id = %(document_id)s
    for update
    """,
)

DELETE = db.Query(
    Touched,
    """
    delete from documents where owner_id = %(owner_id)s and document_id = %(document_id)s
    returning document_id
    """,
)

CHUNKS = db.Query(
    StoredChunk,
    """
    select chunk_id, document_id, chunk_index, text, token_count, location
    from chunks
    where owner_id = %(owner_id)s and document_id = %(document_id)s and chunk_index > %(after)s
    order by chunk_index
    limit %(limit)s
    """,
)

CHUNK = db.Query(
    ChunkInContext,
    """
    select c.chunk_id, c.document_id, c.chunk_index, c.text, c.token_count, c.location, d.title, d.source_uri,
        before.chunk_id as previous_chunk_id, before.text as previous_text,
        after.chunk_id as next_chunk_id, after.text as next_text
    from chunks c
    join documents d on d.owner_id = c.owner_id and d.document_id = c.document_id
    left join chunks before on before.owner_id = c.owner_id and before.document_id = c.document_id
        and before.chunk_index = c.chunk_index - 1
    left join chunks after on after.owner_id = c.owner_id and after.document_id = c.document_id
        and after.chunk_index = c.chunk_index + 1
    where c.owner_id = %(owner_id)s and c.chunk_id = %(chunk_id)s
    """,
)

STORES = db.Query(
    Store,
    """
    select store_id, store_name, provider, embedding_model, dimension, metric, purpose, created_at, metadata
    from vector_stores
    where owner_id = %(owner_id)s and store_id > %(after)s
    order by store_id
    limit %(limit)s
    """,
)

ADD_STORE = db.Query(
    Store,
    """
    insert into vector_stores (owner_id, store_name, embedding_model, dimension, metric, purpose, metadata)
    values (%(owner_id)s, %(name)s, %(embedding_model)s, %(dimension)s, %(metric)s, %(purpose)s, %(metadata)s)
    on conflict (owner_id, store_name) do nothing
    returning store_id, store_name, provider, embedding_model, dimension, metric, purpose, created_at, metadata
    """,
)


def places(tx: db.Transaction, owner_id: int, sha256s: Sequence[str], purposes: Sequence[str]) -> db.Pending[Place]:
    """For each content and purpose, in order: the store, and the document that is there already."""
    return tx.fetch(PLACES, owner_id=owner_id, sha256s=list(sha256s), purposes=list(purposes))


def add(tx: db.Transaction, owner_id: int, rows: Sequence[NewRow]) -> db.Pending[Kept]:
    """Enters documents; those whose content is there already are left out of the answer."""
    return tx.fetch(
        ADD,
        owner_id=owner_id,
        store_ids=[row.store_id for row in rows],
        titles=[row.title for row in rows],
        source_uris=[row.source_uri for row in rows],
        doc_types=[row.doc_type for row in rows],
        sha256s=[row.content_sha256 for row in rows],
        sizes=[row.size_bytes for row in rows],
        storage_uris=[row.storage_uri for row in rows],
        metadatas=[db.jsonb(dict(row.metadata)) for row in rows],
    )


def queue_again(tx: db.Transaction, owner_id: int, files: Mapping[int, str]) -> db.Pending[Kept]:
    """Queues those of the documents that had failed, each with the file that came now."""
    return tx.fetch(QUEUE_AGAIN, owner_id=owner_id, document_ids=list(files), storage_uris=list(files.values()))


def documents(
    tx: db.Transaction, owner_id: int, limit: int, before: int | None, state: str | None, purpose: str | None
) -> db.Pending[Document]:
    """Documents, newest first."""
    return tx.fetch(DOCUMENTS, owner_id=owner_id, limit=limit, before=before, state=state, purpose=purpose)


def document(tx: db.Transaction, owner_id: int, document_id: int) -> db.Pending[Document]:
    """One document."""
    return tx.fetch(DOCUMENT, owner_id=owner_id, document_id=document_id)


def locked(tx: db.Transaction, owner_id: int, document_id: int) -> db.Pending[Kept]:
    """One document, held until the transaction ends."""
    return tx.fetch(LOCKED, owner_id=owner_id, document_id=document_id)


def delete(tx: db.Transaction, owner_id: int, document_id: int) -> db.Pending[Touched]:
    """Deletes a document, and by it chunks, vectors, postings and citations."""
    return tx.fetch(DELETE, owner_id=owner_id, document_id=document_id)


def chunks(tx: db.Transaction, owner_id: int, document_id: int, limit: int, after: int) -> db.Pending[StoredChunk]:
    """Chunks of a document in order, those after index `after`."""
    return tx.fetch(CHUNKS, owner_id=owner_id, document_id=document_id, limit=limit, after=after)


def chunk(tx: db.Transaction, owner_id: int, chunk_id: int) -> db.Pending[ChunkInContext]:
    """One chunk with its neighbours."""
    return tx.fetch(CHUNK, owner_id=owner_id, chunk_id=chunk_id)


def stores(tx: db.Transaction, owner_id: int, limit: int, after: int) -> db.Pending[Store]:
    """The owner's stores in the order they were made."""
    return tx.fetch(STORES, owner_id=owner_id, limit=limit, after=after)


def add_store(
    tx: db.Transaction,
    owner_id: int,
    *,
    name: str,
    purpose: str,
    embedding_model: str,
    dimension: int,
    metric: str,
    metadata: Mapping[str, Any],
) -> db.Pending[Store]:
    """Makes a store; no row where the name is taken."""
    return tx.fetch(
        ADD_STORE,
        owner_id=owner_id,
        name=name,
        purpose=purpose,
        embedding_model=embedding_model,
        dimension=dimension,
        metric=metric,
        metadata=db.jsonb(dict(metadata)),
    )
