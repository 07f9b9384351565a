"""Takes documents in: checks them, keeps their files, enters them and queues their ingestion."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from anima.conversations import media_service
from anima.kernel import db, idempotency, outbox
from anima.kernel.errors import BadInput, Conflict, DatabaseUnavailable, FieldError
from anima.knowledge import documents_repo, intake_repo, uploads_service
from anima.knowledge.documents_model import NewDocument, Queued
from anima.knowledge.errors import UnknownPurpose
from anima.knowledge.intake_repo import Entered, NewRow, Place
from anima.knowledge.prepared import Prepared, prepared
from anima.vendors.blobs import blobs

MAX_AT_ONCE = 100
TOPIC = "document.queued"
_WRONG_PURPOSE = FieldError("purpose", "the purpose of one of your vector stores, such as context")


def queue_documents(
    principal: db.Principal, owner_id: int, new: Sequence[NewDocument], key: idempotency.Key | None
) -> list[Queued]:
    """Enters documents that are not there yet and queues them; answers the state of each, in order.

    A content that is there already is not taken again; one that had failed is queued again. An address that is there
    is looked at again. Raises EmptyDocument, TooLarge, UnknownPurpose, BadAddress, UploadMissing, NotUploaded,
    UploadUsed; then nothing was entered.
    """
    if not 1 <= len(new) <= MAX_AT_ONCE:
        raise BadInput(reason=f"1 to {MAX_AT_ONCE} documents at once")
    checked = [prepared(each) for each in new]
    with db.transaction(principal) as tx:
        entered = idempotency.enter(tx, owner_id, key)
        answer = idempotency.settled(tx, owner_id, key, entered)
    if answer is not None:
        return [Queued(**each) for each in answer]
    try:
        return _taken(principal, owner_id, uploads_service.joined(principal, owner_id, checked), key)
    except BaseException:
        if key is not None:
            with db.transaction(principal) as tx:
                idempotency.forget(tx, owner_id, key)
        raise


def _taken(
    principal: db.Principal, owner_id: int, wanted: Sequence[Prepared], key: idempotency.Key | None
) -> list[Queued]:
    with db.transaction(principal) as tx:
        found = _places(tx, owner_id, wanted).all()
        places = [_of_upload(place, each) for place, each in zip(found, wanted, strict=True)]
        keys = _keys(owner_id, wanted, places)
        # On record before they are kept: whoever dies in between leaves none that nobody knows of.
        noted = uploads_service.expect(tx, owner_id, [blobs().uri_of(key) for key in keys if key is not None])
    rows = _fresh(wanted, places, keys)
    again = _stored_again(wanted, places, keys)
    files = {*(row.storage_uri for row in rows), *again.values()}
    try:
        with db.transaction(principal) as tx:
            entered = _entered(tx, owner_id, wanted, places, rows, again)
            queued = _answer(_places(tx, owner_id, wanted).all(), wanted, entered)
            uploads_service.use(tx, owner_id, wanted, queued)
            uploads_service.unexpect(tx, owner_id, noted)
            # What was replaced is removed after the commit; should we die before, it goes in a day.
            uploads_service.expect(tx, owner_id, _replaced(places, again))
            idempotency.finish(tx, owner_id, key, [asdict(each) for each in queued])
    except DatabaseUnavailable:
        raise  # the commit may have come through: better a file too many than one too few
    except BaseException:
        _remove(files - {each.storage_uri for each in wanted})
        raise
    # What was not taken, what was replaced, and uploads of what was there already.
    left = files | {each.storage_uri for each in wanted} | {place.storage_uri for place in places}
    remove_free(principal, owner_id, left)
    return queued


def _of_upload(place: Place, each: Prepared) -> Place:
    """What was made of an upload before is what its content belongs to."""
    if each.document_id is None or place.document_id is not None:
        return place
    return Place(place.position, place.store_id, each.document_id, each.state, each.storage_uri)


def _entered(
    tx: db.Transaction,
    owner_id: int,
    wanted: Sequence[Prepared],
    places: Sequence[Place],
    rows: Sequence[NewRow],
    again: Mapping[int, str],
) -> list[Entered]:
    media_service.enter(tx, owner_id, [m for each in wanted if (m := each.as_medium(_uri_of(each, rows))) is not None])
    looked_at = [p.document_id for p, each in zip(places, wanted, strict=True) if p.document_id and each.new.uri]
    entered = [
        *(intake_repo.add(tx, owner_id, rows).all() if rows else []),
        *(intake_repo.queue_again(tx, owner_id, again).all() if again else []),
        *(intake_repo.fetch_again(tx, owner_id, looked_at).all() if looked_at else []),
    ]
    for row in entered:
        outbox.emit(tx, TOPIC, f"document:{row.document_id}", owner_id, {"document_id": row.document_id})
    return entered


def _uri_of(each: Prepared, rows: Sequence[NewRow]) -> str | None:
    """Where a content that is entered now lies; nothing for one that was there."""
    return next((row.storage_uri for row in rows if row.content_sha256 == each.sha256), None)


def _places(tx: db.Transaction, owner_id: int, wanted: Sequence[Prepared]) -> db.Pending[Place]:
    purposes = [each.new.purpose for each in wanted]
    return intake_repo.places(
        tx, owner_id, [each.sha256 for each in wanted], [each.new.uri for each in wanted], purposes
    )


def _keys(owner_id: int, wanted: Sequence[Prepared], places: Sequence[Place]) -> list[str | None]:
    """Where the files will lie that are to be kept, each under a key of its own, so that nobody else removes them.

    Raises UnknownPurpose.
    """
    keys: list[str | None] = []
    for each, place in zip(wanted, places, strict=True):
        if place.store_id is None:
            purpose = each.new.purpose
            raise UnknownPurpose(what="vector store", id=purpose, purpose=purpose, fields=[_WRONG_PURPOSE])
        is_kept = each.new.content is not None and (place.document_id is None or place.state == "failed")
        keys.append(f"documents/{owner_id}/{each.sha256}/{uuid.uuid4().hex}" if is_kept else None)
    return keys


def _fresh(wanted: Sequence[Prepared], places: Sequence[Place], keys: Sequence[str | None]) -> list[NewRow]:
    """The rows of what is not there yet, each content once a store, with their files kept."""
    fresh: dict[tuple[int, str], tuple[Prepared, str | None]] = {}
    for each, place, key in zip(wanted, places, keys, strict=True):
        if place.document_id is None and place.store_id is not None:
            fresh.setdefault((place.store_id, each.identity), (each, key))
    return [_row(store_id, each, _kept(each, key)) for (store_id, _), (each, key) in fresh.items()]


def _row(store_id: int, each: Prepared, storage_uri: str | None) -> NewRow:
    return NewRow(
        store_id=store_id,
        title=each.title,
        source_uri=each.new.source_uri or each.new.uri,
        uri=each.new.uri,
        name=each.name,
        doc_type=each.doc_type,
        mime_type=each.medium.mime_type if each.medium else None,
        content_sha256=each.sha256,
        size_bytes=each.size,
        storage_uri=storage_uri,
        metadata=each.new.metadata,
    )


def _kept(each: Prepared, key: str | None) -> str | None:
    """Keeps a file under its key; an upload's is kept already."""
    if each.new.content is None or key is None:
        return each.storage_uri
    return blobs().put(key, each.new.content)


def _stored_again(wanted: Sequence[Prepared], places: Sequence[Place], keys: Sequence[str | None]) -> dict[int, str]:
    """Keeps the files of documents that had failed anew: the first may be what was wrong."""
    failed = {
        place.document_id: (each, key)
        for each, place, key in zip(wanted, places, keys, strict=True)
        if place.document_id is not None and place.state == "failed" and each.sha256 is not None
    }
    kept = ((document_id, _kept(each, key)) for document_id, (each, key) in failed.items())
    return {document_id: uri for document_id, uri in kept if uri is not None}


def _replaced(places: Sequence[Place], again: Mapping[int, str]) -> set[str]:
    """Files that others have taken the place of."""
    return {place.storage_uri for place in places if place.document_id in again and place.storage_uri is not None}


def _answer(places: Sequence[Place], wanted: Sequence[Prepared], entered: Sequence[Entered]) -> list[Queued]:
    by_file = {row.storage_uri: row for row in entered if row.storage_uri is not None}
    queued: list[Queued] = []
    for place, each in zip((_of_upload(*pair) for pair in zip(places, wanted, strict=True)), wanted, strict=True):
        if place.document_id is not None and place.state is not None:
            queued.append(Queued(place.document_id, place.state))
        elif (row := by_file.get(each.storage_uri or "")) is not None:
            queued.append(Queued(row.document_id, row.state))
    if len(queued) != len(places):
        raise Conflict(reason="a document was deleted while it was sent again; send it once more")
    return queued


def remove_free(principal: db.Principal, owner_id: int, uris: Iterable[str | None]) -> None:
    """Removes those of the files that nothing refers to any more."""
    asked = {uri for uri in uris if uri is not None}
    if asked:
        with db.transaction(principal) as tx:
            free = documents_repo.free(tx, owner_id, sorted(asked))
        _remove(row.uri for row in free.all())


def _remove(uris: Iterable[str | None]) -> None:
    for uri in uris:
        if uri is not None:
            blobs().delete(uri)
