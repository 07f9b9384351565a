"""Removes a deleted store: its documents with their files, what its engine holds, then its row.

Cut off at any time, it goes on with the next delivery of its event.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from anima.kernel import clock, db, outbox, telemetry
from anima.kernel.errors import AnimaError, DatabaseUnavailable, NotFound, Unavailable
from anima.knowledge import documents_service, outside_repo, outside_service, outside_vectors_repo, stores_repo
from anima.knowledge.stores_model import OutsideStore

TOPIC = "store.deleted"
_BATCH = 20
_MOST_REFUSALS = 5
_MOST_FAILURES = 200  # with ever longer waits: some weeks


def queue(tx: db.Transaction, owner_id: int, store_id: int) -> None:
    """Has a store removed that was marked as deleted."""
    outbox.emit(tx, TOPIC, f"store:{store_id}", owner_id, {"store_id": store_id})


def remove(owner: db.Principal, owner_id: int, store_id: int) -> None:
    """Removes a store for good. Its documents go first; then its engine is emptied, tried again where it is away."""
    with db.transaction(owner) as tx:
        condition = outside_repo.condition(tx, owner_id, store_id)
        outside = outside_repo.outside_store(tx, owner_id, store_id=store_id)
    now = condition.first()
    if now is None or not now.deleted:
        return
    _remove_documents(owner, owner_id, store_id)
    there = outside.first()
    if there is not None and (
        _being_written(owner, owner_id, store_id) or not _emptied(owner, owner_id, there, now.failures)
    ):
        return
    with db.transaction(owner) as tx:
        stores_repo.held(tx, owner_id, store_id)
        late = stores_repo.documents(tx, owner_id, store_id, 1)
        if late.first() is None:
            stores_repo.remove_store(tx, owner_id, store_id)
        else:  # it was on its way in as the store was deleted: it goes as the others went
            queue(tx, owner_id, store_id)


def _being_written(owner: db.Principal, owner_id: int, store_id: int) -> bool:
    """Whether a worker is writing to the engine: what comes there after all was dropped would stay for ever.

    Then the removal goes on when that worker has ended, or is taken for dead.
    """
    with db.transaction(owner) as tx:
        busy = outside_vectors_repo.gone_busy(tx, owner_id, store_id).one().busy
        if busy:
            later = clock.now() + outside_vectors_repo.HELD
            payload = {"store_id": store_id}
            outbox.emit(tx, TOPIC, f"store:{store_id}", owner_id, payload, not_before=later)
    return busy > 0


def _remove_documents(owner: db.Principal, owner_id: int, store_id: int) -> None:
    with db.transaction(owner) as tx:
        stores_repo.move_transcripts(tx, owner_id, store_id)
    while True:
        with db.transaction(owner) as tx:
            rows = stores_repo.documents(tx, owner_id, store_id, _BATCH).all()
        if not rows:
            return
        for row in rows:
            with suppress(NotFound):  # another worker was faster
                documents_service.delete_document(owner, row.document_id)


def _emptied(owner: db.Principal, owner_id: int, store: OutsideStore, failures: int) -> bool:
    """Drops what the engine holds; False where it has to be tried again."""
    with db.transaction(owner) as tx:
        models = outside_vectors_repo.models(tx, owner_id, store.store_id)
    try:
        for model in sorted({store.embedding_model, *(row.embedding_model for row in models.all())}):
            outside_service.dropped(store, model, owner_id)
    except DatabaseUnavailable:
        raise
    except AnimaError as error:
        most = _MOST_FAILURES if isinstance(error, Unavailable) else _MOST_REFUSALS
        if failures >= most:
            telemetry.error("store.left", error, provider=store.provider, store_id=store.store_id)
            return True
        _again(owner, owner_id, store, error)
        return False
    return True


def _again(owner: db.Principal, owner_id: int, store: OutsideStore, error: AnimaError) -> None:
    telemetry.warning("store.not_removed", provider=store.provider, reason=error.for_logs)
    with db.transaction(owner) as tx:
        armed = outside_repo.put_off(tx, owner_id, store.store_id, outside_service.told(store, error.detail)).first()
        later = armed.retry_at if armed is not None else clock.now() + timedelta(minutes=1)
        payload = {"store_id": store.store_id}
        outbox.emit(tx, TOPIC, f"store:{store.store_id}", owner_id, payload, not_before=later)
