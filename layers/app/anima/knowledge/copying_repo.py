"""SQL that copies an admin's store into the shared tables, and takes out of them what it no longer holds."""

from __future__ import annotations

from dataclasses import dataclass

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Copied:
    """How many chunks a step has copied or deleted."""

    n: int


@dataclass(frozen=True, slots=True)
class Held:
    """What a shared store holds."""

    documents: int
    chunks: int


# Chunks do not change: those of a document that was read again have other ids. Not all at once, for each takes its
# postings with it.
DROP_CHUNKS = db.Query(
    Copied,
    """
    with gone as (
        delete from shared_chunks where chunk_id = any (array(
            select k.chunk_id from shared_documents d join shared_chunks k using (document_id)
            where d.store_id = %(shared_id)s and not exists (
                select from chunks o
                join documents p on p.owner_id = o.owner_id and p.document_id = o.document_id
                where o.owner_id = %(owner_id)s and o.chunk_id = k.chunk_id and p.store_id = %(store_id)s
                    and p.state = 'done'
            )
            limit %(limit)s
        ))
        returning chunk_id
    )
    select count(*) as n from gone
    """,
)

DROP_DOCUMENTS = db.Command(
    """
    delete from shared_documents d
    where d.store_id = %(shared_id)s and not exists (
        select from documents o
        where o.owner_id = %(owner_id)s and o.store_id = %(store_id)s and o.document_id = d.document_id
            and o.state = 'done'
    )
    """
)

COPY_DOCUMENTS = db.Command(
    """
    insert into shared_documents (
        document_id, store_id, title, source_uri, doc_type, content_sha256, size_bytes, chunks_total, token_count,
        language, created_at, updated_at, metadata
    )
    select document_id, %(shared_id)s, title, source_uri, doc_type, content_sha256, size_bytes, chunks_total,
        token_count, language, created_at, updated_at, metadata
    from documents
    where owner_id = %(owner_id)s and store_id = %(store_id)s and state = 'done'
        and (select current_tenant_is_admin())
    on conflict (document_id) do update set
        store_id = excluded.store_id, title = excluded.title, source_uri = excluded.source_uri,
        doc_type = excluded.doc_type, content_sha256 = excluded.content_sha256, size_bytes = excluded.size_bytes,
        chunks_total = excluded.chunks_total, token_count = excluded.token_count, language = excluded.language,
        updated_at = excluded.updated_at, metadata = excluded.metadata
    """
)

DROP_VECTORS = db.Command(
    """
    delete from shared_embeddings e using vector_stores s
    where s.store_id = %(shared_id)s and e.store_id = s.store_id and e.embedding_model <> s.embedding_model
    """
)

COPY_CHUNKS = db.Query(
    Copied,
    """
    with added as (
        insert into shared_chunks (
            chunk_id, document_id, chunk_index, text, token_count, location, speaker, created_at, metadata
        )
        select k.chunk_id, k.document_id, k.chunk_index, k.text, k.token_count, k.location, k.speaker, k.created_at,
            k.metadata
        from shared_documents d
        join chunks k on k.owner_id = %(owner_id)s and k.document_id = d.document_id
        where d.store_id = %(shared_id)s and (select current_tenant_is_admin())
            and not exists (select from shared_chunks s where s.chunk_id = k.chunk_id)
        limit %(limit)s
        returning chunk_id
    ), posted as (
        insert into shared_postings (store_id, term, chunk_id, tf, dl)
        select %(shared_id)s, p.term, p.chunk_id, p.tf, p.dl
        from added a join postings p on p.owner_id = %(owner_id)s and p.chunk_id = a.chunk_id
    )
    select count(*) as n from added
    """,
)

COPY_VECTORS = db.Query(
    Copied,
    """
    with added as (
        insert into shared_embeddings (
            store_id, entity_type, entity_id, external_id, vector, metadata, created_at, embedding_model
        )
        select s.store_id, e.entity_type, e.entity_id, e.external_id, e.vector, e.metadata,
            e.created_at, e.embedding_model
        from vector_stores s
        join embeddings e on e.owner_id = %(owner_id)s and e.store_id = %(store_id)s
            and e.embedding_model = s.embedding_model and e.entity_type = 'chunk'
        where s.store_id = %(shared_id)s and (select current_tenant_is_admin())
            and exists (select from shared_chunks k where k.chunk_id = e.entity_id::bigint)
            and not exists (
                select from shared_embeddings x
                where x.store_id = s.store_id and x.embedding_model = e.embedding_model
                    and x.external_id = e.external_id
            )
        limit %(limit)s
        returning embedding_id
    )
    select count(*) as n from added
    """,
)

DROP_LEXICON = db.Command("delete from shared_lexicon where store_id = %(shared_id)s")

COUNT_LEXICON = db.Command(
    """
    insert into shared_lexicon (store_id, term, df)
    select store_id, term, count(*) from shared_postings
    where store_id = %(shared_id)s and (select current_tenant_is_admin())
    group by store_id, term
    """
)

COUNT_CORPUS = db.Command(
    """
    insert into shared_corpora (store_id, n, total_len)
    select %(shared_id)s,
        (
            select count(*) from shared_documents d join shared_chunks k using (document_id)
            where d.store_id = %(shared_id)s
        ),
        (select coalesce(sum(tf), 0) from shared_postings where store_id = %(shared_id)s)
    where (select current_tenant_is_admin())
    on conflict (store_id) do update set n = excluded.n, total_len = excluded.total_len
    """
)

HELD = db.Query(
    Held,
    """
    select count(distinct d.document_id) as documents, count(k.chunk_id) as chunks
    from shared_documents d left join shared_chunks k using (document_id)
    where d.store_id = %(shared_id)s
    """,
)

EMPTY = db.Query(
    Copied,
    """
    with gone as (
        delete from shared_chunks where chunk_id = any (array(
            select k.chunk_id from shared_documents d join shared_chunks k using (document_id)
            where d.store_id = %(shared_id)s limit %(limit)s
        ))
        returning chunk_id
    )
    select count(*) as n from gone
    """,
)


def drop_chunks(tx: db.Transaction, owner_id: int, store_id: int, shared_id: int, limit: int) -> db.Pending[Copied]:
    """Takes out so many chunks that are no longer in the store."""
    return tx.fetch(DROP_CHUNKS, owner_id=owner_id, store_id=store_id, shared_id=shared_id, limit=limit)


def copy_documents(tx: db.Transaction, owner_id: int, store_id: int, shared_id: int) -> None:
    """Enters the documents of the store, and takes out those that are no longer in it."""
    tx.execute(DROP_DOCUMENTS, owner_id=owner_id, store_id=store_id, shared_id=shared_id)
    tx.execute(COPY_DOCUMENTS, owner_id=owner_id, store_id=store_id, shared_id=shared_id)
    tx.execute(DROP_VECTORS, shared_id=shared_id)


def copy_chunks(tx: db.Transaction, owner_id: int, shared_id: int, limit: int) -> db.Pending[Copied]:
    """Copies so many chunks that are not there yet, with their postings."""
    return tx.fetch(COPY_CHUNKS, owner_id=owner_id, shared_id=shared_id, limit=limit)


def copy_vectors(tx: db.Transaction, owner_id: int, store_id: int, shared_id: int, limit: int) -> db.Pending[Copied]:
    """Copies so many vectors that are not there yet."""
    return tx.fetch(COPY_VECTORS, owner_id=owner_id, store_id=store_id, shared_id=shared_id, limit=limit)


def end_copy(tx: db.Transaction, shared_id: int) -> db.Pending[Held]:
    """Counts words and chunks anew; answers how much there is."""
    for command in (DROP_LEXICON, COUNT_LEXICON, COUNT_CORPUS):
        tx.execute(command, shared_id=shared_id)
    return tx.fetch(HELD, shared_id=shared_id)


def empty(tx: db.Transaction, shared_id: int, limit: int) -> db.Pending[Copied]:
    """Deletes so many chunks of a shared store."""
    return tx.fetch(EMPTY, shared_id=shared_id, limit=limit)
