"""Has other engines forget the vectors of what was deleted here."""

from __future__ import annotations

from anima.kernel import db, outbox
from anima.knowledge import outside_vectors_repo

GONE = "vectors.gone"


def forget(tx: db.Transaction, owner_id: int, document_id: int) -> None:
    """To be called where chunks of a document were deleted: an event has their engine forget them, if one has them."""
    for row in outside_vectors_repo.gone_stores(tx, owner_id, document_id).all():
        queue(tx, owner_id, row.store_id)


def queue(tx: db.Transaction, owner_id: int, store_id: int) -> None:
    """Has a store's engine forget what is gone."""
    outbox.emit(tx, GONE, f"gone:{store_id}", owner_id, {"store_id": store_id})
