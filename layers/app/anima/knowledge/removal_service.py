"""Takes a document away with all that is of it: file, medium, chunks, vectors here and elsewhere, counts."""

from __future__ import annotations

from collections.abc import Sequence

from anima.kernel import db
from anima.knowledge import documents_repo, forgetting_service, index_repo
from anima.vendors.blobs import blobs


def remove(tx: db.Transaction, owner_id: int, document_id: int) -> bool:
    """Removes a document as part of the running transaction; whether it was there.

    Past conversations that it has brought go with it, and what was written of those. A medium goes unless a message or
    another document refers to it, and files go with the last that did.
    """
    kept = documents_repo.locked(tx, owner_id, document_id).first()
    if kept is None:
        return False
    if kept.media_id is not None:
        documents_repo.medium(tx, owner_id, kept.media_id)
    for summary in documents_repo.written_of(tx, owner_id, document_id).all():
        remove(tx, owner_id, summary.document_id)
    index_repo.remove(tx, owner_id, document_id)
    forgetting_service.forget(tx, owner_id, document_id)
    documents_repo.delete(tx, owner_id, document_id).one()
    let_go(tx, owner_id, kept.media_id, [kept.storage_uri, kept.parsed_uri])
    return True


def let_go(tx: db.Transaction, owner_id: int, media_id: int | None, uris: Sequence[str | None]) -> None:
    """Removes a medium and files that a document referred to, where nothing does any more."""
    asked = {uri for uri in uris if uri is not None}
    held = documents_repo.medium(tx, owner_id, media_id).first() if media_id is not None else None
    if held is not None:
        documents_repo.delete_medium(tx, owner_id, held.media_id)
        asked.add(held.storage_uri)
    # Before the commit: what was acknowledged as deleted leaves no file, even if we die here.
    for row in documents_repo.free(tx, owner_id, sorted(asked)).all():
        blobs().delete(row.uri)
