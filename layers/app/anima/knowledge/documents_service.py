"""Documents and their chunks: what callers may do, and the transactions of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from anima.kernel import db, idempotency, serving
from anima.kernel.errors import BadInput, Conflict, FieldError, NotFound, Unauthenticated
from anima.kernel.pages import Page, decode, page
from anima.knowledge import documents_repo as repo
from anima.knowledge import intake_service, removal_service, shared_repo
from anima.knowledge.documents_model import ChunkInContext, Document, File, NewDocument, Queued, StoredChunk
from anima.vendors.blobs import Signing, blobs

_SIGNED_SECONDS = 300


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

    Raises EmptyDocument, TooLarge, UnknownPurpose, BadAddress, UploadMissing, NotUploaded; then nothing was entered.
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
    with db.transaction(principal) as tx:
        if not removal_service.remove(tx, _owner(principal), document_id):
            raise NotFound(what="document", id=document_id)


def get_file(principal: db.Principal, document_id: int) -> File:
    """Where the original of a document lies. Raises NotFound, and Conflict where it was not fetched yet."""
    with db.transaction(principal) as tx:
        found = repo.file(tx, _owner(principal), document_id)
    if (file := found.first()) is None:
        raise NotFound(what="document", id=document_id)
    if file.storage_uri is None or file.content_sha256 is None:
        raise Conflict(reason="the file of the document was not fetched")
    return file


def opened(file: File, start: int) -> BinaryIO:
    """The original from a byte on, to be closed. Raises BlobMissing."""
    return blobs().open(file.storage_uri or "", start)


def signed(file: File) -> str | None:
    """An address of the object store that gives the original for a while; nothing where this process gives it."""
    store = blobs()
    if not isinstance(store, Signing):
        return None
    kind, shown = serving.shown_as(file.mime_type)
    told = serving.disposition(file.name or file.title, shown)
    return store.presign_get(file.storage_uri or "", _SIGNED_SECONDS, kind, told)


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
    """One chunk with its neighbours, the caller's own or one of a shared store. Raises NotFound."""
    with db.transaction(principal) as tx:
        own = repo.chunk(tx, _owner(principal), chunk_id)
        shared = shared_repo.chunk(tx, chunk_id)
    if (chunk := own.first() or shared.first()) is None:
        raise NotFound(what="chunk", id=chunk_id)
    return chunk
