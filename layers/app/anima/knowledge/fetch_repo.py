"""SQL of documents whose content is not known before somebody has fetched it."""

from __future__ import annotations

from dataclasses import dataclass

from anima.kernel import db
from anima.knowledge.claim_repo import Claimed


@dataclass(frozen=True, slots=True)
class Content:
    """What a document turned out to be."""

    title: str
    doc_type: str
    name: str | None
    mime_type: str
    media_type: str | None
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Again:
    """A document that is done, and whose address is to be looked at again."""

    uri: str
    content_sha256: str | None


@dataclass(frozen=True, slots=True)
class Twin:
    """Another document of the store with the same content."""

    document_id: int
    state: str


@dataclass(frozen=True, slots=True)
class Written:
    """A document that a statement has written."""

    document_id: int


@dataclass(frozen=True, slots=True)
class Emptied:
    """A document whose content is to be fetched anew, and where the old one lies."""

    document_id: int
    storage_uri: str | None
    media_id: int | None


AGAIN = db.Query(
    Again,
    """
    select uri, content_sha256 from documents
    where owner_id = %(owner_id)s and document_id = %(document_id)s and state = 'done' and stage = 'again'
        and uri is not null
    """,
)

UNCHANGED = db.Command(
    """
    update documents set stage = 'done', reason = %(reason)s
    where owner_id = %(owner_id)s and document_id = %(document_id)s and state = 'done' and stage = 'again'
    """
)

EMPTIED = db.Query(
    Emptied,
    """
    with before as (
        select document_id, storage_uri, media_id from documents
        where owner_id = %(owner_id)s and document_id = %(document_id)s and state = 'done' and stage = 'again'
        for update
    )
    update documents d set
        state = 'queued', stage = 'queued', attempts = 0, reason = null, content_sha256 = null, storage_uri = null,
        media_id = null, chunks_done = 0, chunks_total = null, token_count = 0
    from before
    where d.owner_id = %(owner_id)s and d.document_id = before.document_id
    returning d.document_id, before.storage_uri, before.media_id
    """,
)

TWIN = db.Query(
    Twin,
    """
    select document_id, state from documents
    where owner_id = %(owner_id)s and store_id = %(store_id)s and content_sha256 = %(sha256)s
        and document_id <> %(document_id)s
    """,
)

WILL_LIE = db.Query(
    Written,
    """
    update documents set storage_uri = %(storage_uri)s
    where owner_id = %(owner_id)s and document_id = %(document_id)s and state = 'running' and claims = %(claims)s
    returning document_id
    """,
)

ENTER = db.Query(
    Written,
    """
    update documents set
        title = %(title)s, doc_type = %(doc_type)s, name = %(name)s, mime_type = %(mime_type)s,
        content_sha256 = %(sha256)s, size_bytes = %(size_bytes)s, storage_uri = %(storage_uri)s,
        media_id = (
            select m.media_id from media m
            where m.owner_id = %(owner_id)s and m.checksum_sha256 = %(sha256)s and m.mime_type = %(mime_type)s
        )
    where owner_id = %(owner_id)s and document_id = %(document_id)s and state = 'running' and claims = %(claims)s
    returning document_id
    """,
)

END_BY = db.Query(
    Written,
    """
    update documents set
        state = %(state)s, stage = %(state)s, reason = %(reason)s, storage_uri = null, content_sha256 = null
    where owner_id = %(owner_id)s and document_id = %(document_id)s and state = 'running' and claims = %(claims)s
    returning document_id
    """,
)


def again(tx: db.Transaction, owner_id: int, document_id: int) -> db.Pending[Again]:
    """The document, where its address is to be looked at again while it is found."""
    return tx.fetch(AGAIN, owner_id=owner_id, document_id=document_id)


def unchanged(tx: db.Transaction, owner_id: int, document_id: int, reason: str | None) -> None:
    """The address gave the same, or nothing for the reason."""
    tx.execute(UNCHANGED, owner_id=owner_id, document_id=document_id, reason=reason)


def emptied(tx: db.Transaction, owner_id: int, document_id: int) -> db.Pending[Emptied]:
    """Queues a document anew, as if it had never been fetched."""
    return tx.fetch(EMPTIED, owner_id=owner_id, document_id=document_id)


def twin(tx: db.Transaction, owner_id: int, claimed: Claimed, sha256: str) -> db.Pending[Twin]:
    """The other document with this content, if there is one."""
    return tx.fetch(TWIN, owner_id=owner_id, store_id=claimed.store_id, document_id=claimed.document_id, sha256=sha256)


def will_lie(tx: db.Transaction, owner_id: int, claimed: Claimed, storage_uri: str) -> db.Pending[Written]:
    """Says where the file of a claimed document will lie; no row where the claim no longer holds."""
    return tx.fetch(
        WILL_LIE,
        owner_id=owner_id,
        document_id=claimed.document_id,
        claims=claimed.claims,
        storage_uri=storage_uri,
    )


def enter(
    tx: db.Transaction, owner_id: int, claimed: Claimed, content: Content, storage_uri: str
) -> db.Pending[Written]:
    """Says what a claimed document is, and where its file lies; no row where the claim no longer holds."""
    return tx.fetch(
        ENTER,
        owner_id=owner_id,
        document_id=claimed.document_id,
        claims=claimed.claims,
        title=content.title,
        doc_type=content.doc_type,
        name=content.name,
        mime_type=content.mime_type,
        sha256=content.sha256,
        size_bytes=content.size_bytes,
        storage_uri=storage_uri,
    )


def end_by(tx: db.Transaction, owner_id: int, claimed: Claimed, state: str, reason: str) -> db.Pending[Written]:
    """Ends a claimed document whose content is another's."""
    return tx.fetch(
        END_BY,
        owner_id=owner_id,
        document_id=claimed.document_id,
        claims=claimed.claims,
        state=state,
        reason=reason,
    )
