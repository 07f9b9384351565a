"""Documents, their chunks and stores: what callers may do, and the transactions of it."""

from __future__ import annotations

from collections.abc import Sequence

from anima.kernel import db, idempotency
from anima.kernel.errors import BadInput, FieldError, NotFound, Unauthenticated
from anima.kernel.pages import Page, decode, page
from anima.knowledge import index_repo, intake_service, repo
from anima.knowledge.errors import StoreExists, UnsupportedStore
from anima.knowledge.model import ChunkInContext, Document, NewDocument, NewStore, Queued, Store, StoredChunk
from anima.vendors.blobs import blobs
from anima.vendors.embeddings import embedder


def _owner(principal: db.Principal) -> int:
    if principal.user_id is None:
        raise Unauthenticated(reason="this is for users")
    return principal.user_id


def _position(cursor: str | None) -> int | None:
    """The id or index that a cursor of ours names. Raises BadInput for another's."""
    position = decode(cursor, 1)
    if position is None or type(position[0]) is int:
        return None if position is None else position[0]
    raise BadInput(reason="unknown cursor", fields=[FieldError("cursor", "take it from next_cursor of a page")])


def queue_documents(
    principal: db.Principal, new: Sequence[NewDocument], key: idempotency.Key | None = None
) -> list[Queued]:
    """Enters documents and queues their ingestion; a content that is there already costs nothing.

    Raises EmptyDocument, TooLarge, UnknownPurpose; then nothing was entered.
    """
    return intake_service.queue_documents(principal, _owner(principal), new, key)


def list_documents(
    principal: db.Principal,
    limit: int = 50,
    cursor: str | None = None,
    *,
    state: str | None = None,
    purpose: str | None = None,
) -> Page[Document]:
    """The caller's documents, newest first."""
    before = _position(cursor)
    with db.transaction(principal) as tx:
        found = repo.documents(tx, _owner(principal), limit + 1, before, state, purpose)
    return page(found.all(), limit, lambda row: [row.document_id])


def get_document(principal: db.Principal, document_id: int) -> Document:
    """One document with its progress. Raises NotFound."""
    with db.transaction(principal) as tx:
        found = repo.document(tx, _owner(principal), document_id)
    if (document := found.first()) is None:
        raise NotFound(what="document", id=document_id)
    return document


def delete_document(principal: db.Principal, document_id: int) -> None:
    """Removes a document with its file, chunks, vectors, postings and counts. Raises NotFound."""
    owner_id = _owner(principal)
    with db.transaction(principal) as tx:
        kept = repo.locked(tx, owner_id, document_id).first()
        if kept is None:
            raise NotFound(what="document", id=document_id)
        index_repo.remove(tx, owner_id, document_id)
        repo.delete(tx, owner_id, document_id).one()
        # Before the commit: what was acknowledged as deleted leaves no file, even if we die here.
        blobs().delete(kept.storage_uri)


def list_chunks(
    principal: db.Principal, document_id: int, limit: int = 50, cursor: str | None = None
) -> Page[StoredChunk]:
    """The chunks of a document, in order. Raises NotFound."""
    after = _position(cursor)
    owner_id = _owner(principal)
    with db.transaction(principal) as tx:
        document = repo.document(tx, owner_id, document_id)
        found = repo.chunks(tx, owner_id, document_id, limit + 1, -1 if after is None else after)
    if document.first() is None:
        raise NotFound(what="document", id=document_id)
    return page(found.all(), limit, lambda row: [row.chunk_index])


def get_chunk(principal: db.Principal, chunk_id: int) -> ChunkInContext:
    """One chunk with its neighbours. Raises NotFound."""
    with db.transaction(principal) as tx:
        found = repo.chunk(tx, _owner(principal), chunk_id)
    if (chunk := found.first()) is None:
        raise NotFound(what="chunk", id=chunk_id)
    return chunk


def list_stores(principal: db.Principal, limit: int = 50, cursor: str | None = None) -> Page[Store]:
    """The caller's stores, in the order they were made."""
    after = _position(cursor) or 0
    with db.transaction(principal) as tx:
        found = repo.stores(tx, _owner(principal), limit + 1, after)
    return page(found.all(), limit, lambda row: [row.store_id])


def create_store(principal: db.Principal, new: NewStore) -> Store:
    """Makes a store in this database for the present embedder. Raises StoreExists, UnsupportedStore."""
    model = embedder()
    if new.provider != "pgvector":
        raise UnsupportedStore(reason=f"the provider is pgvector, not {new.provider}")
    if new.dimension not in (None, model.dimension):
        raise UnsupportedStore(reason=f"{model.name} gives {model.dimension} dimensions, not {new.dimension}")
    with db.transaction(principal) as tx:
        made = repo.add_store(
            tx,
            _owner(principal),
            name=new.store_name,
            purpose=new.purpose,
            embedding_model=model.name,
            dimension=model.dimension,
            metric=new.metric,
            metadata=new.metadata,
        )
    if (store := made.first()) is None:
        raise StoreExists(reason="the name is taken", name=new.store_name)
    return store
