"""SQL of documents as they are read and deleted, and of their chunks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

from anima.kernel import db
from anima.knowledge.documents_model import ChunkInContext, Document, File, StoredChunk


@dataclass(frozen=True, slots=True)
class Touched:
    """A document that a statement has written."""

    document_id: int


@dataclass(frozen=True, slots=True)
class Kept:
    """Where what belongs to a document lies: its file, and what a reader job made of it."""

    document_id: int
    store_id: int
    storage_uri: str | None
    parsed_uri: str | None
    media_id: int | None


@dataclass(frozen=True, slots=True)
class Medium:
    """A medium, held until the transaction ends, and where its file lies."""

    media_id: int
    storage_uri: str


@dataclass(frozen=True, slots=True)
class Free:
    """The uri of a file that nothing refers to."""

    uri: str


_DOCUMENT: LiteralString = """
    select d.document_id, d.store_id, s.purpose, d.title, d.source_uri, d.uri, d.name, d.doc_type, d.mime_type,
        d.media_id, d.size_bytes, d.state, d.stage, d.unit, d.units_done, d.units_total,
        case
            when d.state <> 'running' then null
            when d.stage in ('parse', 'read', 'fetch') and d.units_total > d.units_done and d.units_done > d.stage_from
                then extract(epoch from d.updated_at - d.stage_started_at)::float8
                    * (d.units_total - d.units_done) / (d.units_done - d.stage_from)
            when d.stage in ('embed', 'extract') and d.chunks_total > d.chunks_done and d.chunks_done > d.stage_from
                then extract(epoch from d.updated_at - d.stage_started_at)::float8
                    * (d.chunks_total - d.chunks_done) / (d.chunks_done - d.stage_from)
        end as seconds_left,
        d.chunks_done, d.chunks_total, d.token_count, d.unread, d.attempts, d.reason, d.language, d.created_at,
        d.updated_at, d.metadata
    from documents d join vector_stores s on s.store_id = d.store_id
    where d.owner_id = %(owner_id)s
"""

DOCUMENTS = db.Query(
    Document,
    _DOCUMENT
    + """
        and (%(before)s::bigint is null or d.document_id < %(before)s)
        and (%(state)s::text is null or d.state = %(state)s)
        and (%(purpose)s::text is null or s.purpose = %(purpose)s)
    order by d.document_id desc
    limit %(limit)s
    """,
)

DOCUMENT = db.Query(
    Document,
    _DOCUMENT
    + """
        and d.document_id = %(document_id)s
    """,
)

FILE = db.Query(
    File,
    """
    select document_id, storage_uri, content_sha256, size_bytes, mime_type, name, title
    from documents
    where owner_id = %(owner_id)s and document_id = %(document_id)s
    """,
)

LOCKED = db.Query(
    Kept,
    """
    select document_id, store_id, storage_uri, parsed_uri, media_id from documents
    where owner_id = %(owner_id)s and document_id = %(document_id)s
    for update
    """,
)

# Held before it is looked whether anything refers to it: who makes a reference waits, or is seen.
MEDIUM = db.Query(
    Medium,
    """
    select media_id, storage_uri from media
    where owner_id = %(owner_id)s and media_id = %(media_id)s
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

DELETE_MEDIUM = db.Command(
    """
    delete from media m
    where m.owner_id = %(owner_id)s and m.media_id = %(media_id)s
        and not exists (
            select from message_media k where k.owner_id = m.owner_id and k.media_id = m.media_id
        )
        and not exists (select from documents d where d.owner_id = m.owner_id and d.media_id = m.media_id)
    """
)

# Of past conversations that it stands for.
WRITTEN_OF = db.Query(
    Touched,
    """
    select distinct g.document_id from transcript_sessions t
    join session_digests g on g.owner_id = t.owner_id and g.session_id = t.session_id
    where t.owner_id = %(owner_id)s and t.document_id = %(document_id)s and g.document_id is not null
    """,
)

FREE = db.Query(
    Free,
    """
    select asked.uri from unnest(%(uris)s::text[]) as asked (uri)
    where not exists (select from documents d where d.owner_id = %(owner_id)s and d.storage_uri = asked.uri)
        and not exists (select from media m where m.owner_id = %(owner_id)s and m.storage_uri = asked.uri)
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


def documents(
    tx: db.Transaction, owner_id: int, limit: int, before: int | None, state: str | None, purpose: str | None
) -> db.Pending[Document]:
    """Documents, newest first."""
    return tx.fetch(DOCUMENTS, owner_id=owner_id, limit=limit, before=before, state=state, purpose=purpose)


def document(tx: db.Transaction, owner_id: int, document_id: int) -> db.Pending[Document]:
    """One document."""
    return tx.fetch(DOCUMENT, owner_id=owner_id, document_id=document_id)


def file(tx: db.Transaction, owner_id: int, document_id: int) -> db.Pending[File]:
    """The original of a document."""
    return tx.fetch(FILE, owner_id=owner_id, document_id=document_id)


def locked(tx: db.Transaction, owner_id: int, document_id: int) -> db.Pending[Kept]:
    """One document, held until the transaction ends."""
    return tx.fetch(LOCKED, owner_id=owner_id, document_id=document_id)


def medium(tx: db.Transaction, owner_id: int, media_id: int) -> db.Pending[Medium]:
    """One medium, held until the transaction ends."""
    return tx.fetch(MEDIUM, owner_id=owner_id, media_id=media_id)


def delete(tx: db.Transaction, owner_id: int, document_id: int) -> db.Pending[Touched]:
    """Deletes a document, and by it chunks, vectors, postings and citations."""
    return tx.fetch(DELETE, owner_id=owner_id, document_id=document_id)


def delete_medium(tx: db.Transaction, owner_id: int, media_id: int) -> None:
    """Deletes a medium that no message and no document refers to."""
    tx.execute(DELETE_MEDIUM, owner_id=owner_id, media_id=media_id)


def written_of(tx: db.Transaction, owner_id: int, document_id: int) -> db.Pending[Touched]:
    """The summaries of sessions that a document has brought."""
    return tx.fetch(WRITTEN_OF, owner_id=owner_id, document_id=document_id)


def free(tx: db.Transaction, owner_id: int, uris: Sequence[str]) -> db.Pending[Free]:
    """Those of the files that no document and no medium refers to."""
    return tx.fetch(FREE, owner_id=owner_id, uris=list(uris))


def chunks(tx: db.Transaction, owner_id: int, document_id: int, limit: int, after: int) -> db.Pending[StoredChunk]:
    """Chunks of a document in order, those after index `after`."""
    return tx.fetch(CHUNKS, owner_id=owner_id, document_id=document_id, limit=limit, after=after)


def chunk(tx: db.Transaction, owner_id: int, chunk_id: int) -> db.Pending[ChunkInContext]:
    """One chunk with its neighbours."""
    return tx.fetch(CHUNK, owner_id=owner_id, chunk_id=chunk_id)
