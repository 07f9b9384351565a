"""Takes documents in: checks them, keeps their files, enters them and queues their ingestion."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath

from anima.kernel import db, idempotency, outbox
from anima.kernel.config import settings
from anima.kernel.errors import BadInput, Conflict, DatabaseUnavailable, FieldError, TooLarge
from anima.knowledge import repo
from anima.knowledge.errors import EmptyDocument, UnknownPurpose
from anima.knowledge.model import NewDocument, Queued
from anima.knowledge.parsers import content
from anima.vendors.blobs import blobs

MAX_AT_ONCE = 100
TOPIC = "document.queued"
_TITLE_CHARS = 200


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A document that was checked, and the hash that tells whether it is there already."""

    new: NewDocument
    sha256: str
    title: str
    doc_type: str


def queue_documents(
    principal: db.Principal, owner_id: int, new: Sequence[NewDocument], key: idempotency.Key | None
) -> list[Queued]:
    """Enters documents that are not there yet and queues them; answers the state of each, in order.

    A content that is there already is not taken again; one that had failed is queued again.
    Raises EmptyDocument, TooLarge, UnknownPurpose; then nothing was entered.
    """
    if not 1 <= len(new) <= MAX_AT_ONCE:
        raise BadInput(reason=f"1 to {MAX_AT_ONCE} documents at once")
    prepared = [_prepared(each) for each in new]
    with db.transaction(principal) as tx:
        entered = idempotency.enter(tx, owner_id, key)
        pending = _places(tx, owner_id, prepared)
        answer = idempotency.settled(tx, owner_id, key, entered)
        places = pending.all()
    if answer is not None:
        return [Queued(**each) for each in answer]
    try:
        return _enter(principal, owner_id, prepared, places, key)
    except BaseException:
        if key is not None:
            with db.transaction(principal) as tx:
                idempotency.forget(tx, owner_id, key)
        raise


def _prepared(new: NewDocument) -> _Prepared:
    limit = settings().max_document_bytes
    if len(new.content) > limit:
        raise TooLarge(what="document", size=f"{len(new.content)} bytes", limit=f"{limit} bytes")
    if not new.content.strip():
        raise EmptyDocument(fields=[FieldError("text", "some text, or a file that is not empty")])
    declared = new.doc_type or _declared(new)
    kind = content.kind(new.content, declared)
    doc_type = declared or kind or "unknown"
    return _Prepared(new, hashlib.sha256(new.content).hexdigest(), _title(new, kind), doc_type)


def _declared(new: NewDocument) -> str | None:
    """What a file says that it is, where that matters: one that is called a PDF and is none is an error."""
    name = (new.name or "").lower()
    if new.media_type == "application/pdf" or name.endswith(".pdf"):
        return "pdf"
    if new.media_type == "text/markdown" or name.endswith((".md", ".markdown")):
        return "markdown" if content.kind(new.content, "markdown") == "markdown" else None
    return None


def _title(new: NewDocument, kind: str | None) -> str:
    """The title given, else the file's name, else the first line that says something."""
    if new.title:
        return new.title
    if new.name:
        return PurePosixPath(new.name.replace("\\", "/")).name[:_TITLE_CHARS] or "Untitled"
    if kind in ("text", "markdown"):
        lines = content.decode(new.content[:4_000]).split("\n")
        return next((line.strip(" #*=-")[:_TITLE_CHARS] for line in lines if line.strip(" #*=-")), "Untitled")
    return "Untitled"


def _places(tx: db.Transaction, owner_id: int, prepared: Sequence[_Prepared]) -> db.Pending[repo.Place]:
    return repo.places(tx, owner_id, [each.sha256 for each in prepared], [each.new.purpose for each in prepared])


def _enter(
    principal: db.Principal,
    owner_id: int,
    prepared: Sequence[_Prepared],
    places: Sequence[repo.Place],
    key: idempotency.Key | None,
) -> list[Queued]:
    """Keeps the files first, outside the transaction; a file that then belongs to no document is removed."""
    rows = _stored(owner_id, _fresh(prepared, places))
    again = _stored_again(owner_id, prepared, places)
    files = {*(row.storage_uri for row in rows), *again.values()}
    try:
        with db.transaction(principal) as tx:
            entered = [
                *(repo.add(tx, owner_id, rows).all() if rows else []),
                *(repo.queue_again(tx, owner_id, again).all() if again else []),
            ]
            for row in entered:
                payload = {"document_id": row.document_id}
                outbox.emit(tx, TOPIC, f"document:{row.document_id}", owner_id, payload)
            queued = _answer(_places(tx, owner_id, prepared).all())
            idempotency.finish(tx, owner_id, key, [asdict(each) for each in queued])
    except DatabaseUnavailable:
        raise  # the commit may have come through: better a file too many than one too few
    except BaseException:
        _remove(files)
        raise
    replaced = {place.storage_uri for place in places if place.document_id in {row.document_id for row in entered}}
    _remove((files - {row.storage_uri for row in entered}) | {uri for uri in replaced if uri})
    return queued


def _remove(uris: Iterable[str]) -> None:
    for uri in uris:
        blobs().delete(uri)


def _stored_again(owner_id: int, prepared: Sequence[_Prepared], places: Sequence[repo.Place]) -> dict[int, str]:
    """Keeps the files of documents that had failed anew: the first may be what was wrong."""
    failed = {
        place.document_id: each
        for each, place in zip(prepared, places, strict=True)
        if place.document_id is not None and place.state == "failed"
    }
    return {document_id: _put(owner_id, each) for document_id, each in failed.items()}


def _put(owner_id: int, each: _Prepared) -> str:
    """Keeps a file under a key of its own, so that no other's removal can take it away."""
    return blobs().put(f"documents/{owner_id}/{each.sha256}/{uuid.uuid4().hex}", each.new.content)


def _fresh(prepared: Sequence[_Prepared], places: Sequence[repo.Place]) -> dict[tuple[int, str], _Prepared]:
    """What is not there yet, each content once a store."""
    fresh: dict[tuple[int, str], _Prepared] = {}
    for each, place in zip(prepared, places, strict=True):
        if place.store_id is None:
            raise UnknownPurpose(
                what="vector store", id=each.new.purpose, purpose=each.new.purpose, fields=[_WRONG_PURPOSE]
            )
        if place.document_id is None:
            fresh.setdefault((place.store_id, each.sha256), each)
    return fresh


_WRONG_PURPOSE = FieldError("purpose", "the purpose of one of your vector stores, such as context")


def _stored(owner_id: int, fresh: dict[tuple[int, str], _Prepared]) -> list[repo.NewRow]:
    """The rows of documents that are not there yet, with their files kept."""
    return [
        repo.NewRow(
            store_id=store_id,
            title=each.title,
            source_uri=each.new.source_uri,
            doc_type=each.doc_type,
            content_sha256=sha256,
            size_bytes=len(each.new.content),
            storage_uri=_put(owner_id, each),
            metadata=each.new.metadata,
        )
        for (store_id, sha256), each in fresh.items()
    ]


def _answer(places: Sequence[repo.Place]) -> list[Queued]:
    queued = [Queued(place.document_id, place.state) for place in places if place.document_id and place.state]
    if len(queued) != len(places):
        raise Conflict(reason="a document was deleted while it was sent again; send it once more")
    return queued
