"""Brings vectors to other engines and has them forgotten there: by events, in batches, each told to the database.

A batch is held while it is on its way, so that what is deleted meanwhile is forgotten after it has come, never before.
Writes are idempotent by the id of a point; a batch that was cut off is written again. An engine that cannot be reached
puts the whole store off, once for all that waits; what it refuses ends the documents that wait, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from anima.kernel import clock, db, outbox, secrets, telemetry
from anima.kernel.errors import AnimaError, DatabaseUnavailable, Unavailable
from anima.knowledge import (
    forgetting_service,
    ingest_service,
    outside_drift_repo,
    outside_repo,
    outside_service,
    outside_vectors_repo,
)
from anima.knowledge.outside_vectors_repo import Waiting
from anima.knowledge.stores_model import OutsideStore

if TYPE_CHECKING:
    from anima.vendors.vector_stores import Point, VectorStore

WAITING = "vectors.waiting"
_HOLD_UP = "the store {name} cannot be reached at the moment; its turn comes again by itself"


def queue(tx: db.Transaction, owner_id: int, document_id: int) -> None:
    """Has a document's vectors brought to their engine."""
    outbox.emit(tx, WAITING, f"document:{document_id}", owner_id, {"document_id": document_id})


def queue_store(tx: db.Transaction, owner_id: int, store_id: int) -> None:
    """Has all that waits in a store brought to its engine, and forgotten there."""
    outbox.emit(tx, WAITING, f"vectors:{store_id}", owner_id, {"store_id": store_id})


def write_document(owner: db.Principal, owner_id: int, document_id: int) -> None:
    """Brings what a document has waiting to its engine, and ends the document. Delivered twice, it works once."""
    with db.transaction(owner) as tx:
        found = outside_repo.outside_store(tx, owner_id, document_id=document_id)
    store = found.first()
    if store is not None:
        _guarded(owner, owner_id, store, [document_id])
        if store.moving_model is not None:  # by that one the document is still to be made
            with db.transaction(owner) as tx:
                queue_store(tx, owner_id, store.store_id)


def sweep(owner: db.Principal, owner_id: int, store_id: int) -> None:
    """Brings all that a store has waiting to its engine, and has forgotten there what is gone."""
    with db.transaction(owner) as tx:
        store = outside_repo.outside_store(tx, owner_id, store_id=store_id).first()
        if store is None:
            return
        if store.moving_model is not None:
            outside_drift_repo.list_chunks(tx, owner_id, store_id, store.moving_model)
        documents = outside_vectors_repo.waiting_documents(tx, owner_id, store_id)
    _guarded(owner, owner_id, store, [row.document_id for row in documents.all()])


def _guarded(owner: db.Principal, owner_id: int, store: OutsideStore, document_ids: Sequence[int]) -> None:
    """Writes and forgets; an engine's failure is noted, and no error of the event."""
    with db.transaction(owner) as tx:
        condition = outside_repo.condition(tx, owner_id, store.store_id)
        if outside_service.is_plain(store):
            cipher = secrets.encrypt(outside_service.api_key_of(store) or "")
            outside_repo.encrypt_key(tx, owner_id, store.store_id, bytes(store.api_key or b""), cipher)
    now = condition.first()
    if now is None or now.deleted:
        return
    if now.put_off:
        with db.transaction(owner) as tx:
            outside_repo.say_why(tx, owner_id, store.store_id, _HOLD_UP.format(name=store.store_name))
        return
    for document_id in document_ids:
        ended = _tried(owner, owner_id, store, partial(_write, owner, owner_id, store, document_id))
        if ended.away:
            return
        if ended.refused is not None:
            _fail(owner, owner_id, document_id, ended.refused)
    with db.transaction(owner) as tx:
        if outside_drift_repo.end_move(tx, owner_id, store.store_id).first() is not None:
            store = outside_repo.outside_store(tx, owner_id, store_id=store.store_id).one()
    _tried(owner, owner_id, store, partial(_forget_gone, owner, owner_id, store))


@dataclass(frozen=True, slots=True)
class _Ended:
    """How a try ended: well, with an engine that is away, or with one that does not take it, and why."""

    away: bool = False
    refused: str | None = None


def _tried(owner: db.Principal, owner_id: int, store: OutsideStore, act: Callable[[], None]) -> _Ended:
    """Does something with an engine; what fails is noted on the store. The database's own errors are raised."""
    try:
        act()
    except DatabaseUnavailable:
        raise
    except Unavailable as error:
        telemetry.warning("store.unavailable", provider=store.provider, reason=error.for_logs)
        _put_off(owner, owner_id, store, outside_service.told(store, error.detail))
        return _Ended(away=True)
    except AnimaError as error:
        reason = outside_service.told(store, error.detail)
        telemetry.warning("store.failed", provider=store.provider, reason=error.for_logs)
        _note(owner, owner_id, store, reason)
        return _Ended(refused=reason)
    except Exception as error:  # whatever a client raises, what waits must not be forgotten for it
        telemetry.error("store.unexpected", error, provider=store.provider)
        _put_off(owner, owner_id, store, f"an error of kind {type(error).__name__}")
        return _Ended(away=True)
    return _Ended()


def _fail(owner: db.Principal, owner_id: int, document_id: int, reason: str) -> None:
    """Ends a document that its engine does not take; one that was finished before stays as it is."""
    ingest_service.fail_outside(owner, owner_id, document_id, reason)
    with db.transaction(owner) as tx:
        forgetting_service.forget(tx, owner_id, document_id)


def _write(owner: db.Principal, owner_id: int, store: OutsideStore, document_id: int) -> None:
    ready: dict[str, VectorStore] = {}
    wrote = False
    while rows := _claim(owner, owner_id, store, document_id):
        for model, group in groupby(rows, key=lambda row: row.embedding_model):
            batch = list(group)
            try:
                _bring(owner, owner_id, store, model, batch, ready)
            except BaseException:
                with db.transaction(owner) as tx:
                    outside_vectors_repo.release(tx, owner_id, store.store_id, model, _ids(batch))
                raise
        wrote = True
    with db.transaction(owner) as tx:
        left = outside_vectors_repo.left(tx, owner_id, store.store_id, document_id).one()
        if wrote and (before := outside_repo.reached(tx, owner_id, store.store_id).first()) and before.failures:
            queue_store(tx, owner_id, store.store_id)  # what else waited for it
        if left.waiting or left.busy:  # another worker has them; if it died, their time ends
            payload = {"document_id": document_id}
            later = clock.now() + outside_vectors_repo.HELD
            outbox.emit(tx, WAITING, f"again:{document_id}", owner_id, payload, not_before=later)
        else:
            ingest_service.finish_outside(tx, owner_id, document_id)
    if wrote:
        outside_service.wake(store)


def _claim(owner: db.Principal, owner_id: int, store: OutsideStore, document_id: int) -> list[Waiting]:
    with db.transaction(owner) as tx:
        return outside_vectors_repo.claim_waiting(tx, owner_id, store.store_id, document_id, 100).all()


def _bring(
    owner: db.Principal,
    owner_id: int,
    store: OutsideStore,
    model: str,
    batch: Sequence[Waiting],
    ready: dict[str, VectorStore],
) -> None:
    points = _points(owner, owner_id, model, batch)
    if model not in ready:
        engine = outside_service.opened(store, model)
        _asked(engine, engine.ensure)
        ready[model] = engine
    engine = ready[model]
    for start in range(0, len(points), engine.batch):
        part = points[start : start + engine.batch]
        _asked(engine, partial(engine.upsert, part))
    with db.transaction(owner) as tx:
        outside_vectors_repo.written(tx, owner_id, store.store_id, model, _ids(batch))
    telemetry.count("stores.written", len(points), provider=store.provider)


def _asked(engine: VectorStore, call: Callable[[], None]) -> None:
    """Calls an engine; one that cannot be reached is looked up anew the next time."""
    from anima.vendors import vector_stores

    try:
        call()
    except Unavailable:
        vector_stores.forget(engine)
        raise


def _points(owner: db.Principal, owner_id: int, model: str, batch: Sequence[Waiting]) -> list[Point]:
    from anima.vendors.vector_stores import Point

    made = _made_anew(owner, owner_id, model, [row for row in batch if row.vector is None])
    vectors = [made[row.external_id] if row.vector is None else _numbers(row.vector) for row in batch]
    return [
        Point(row.external_id, vector, owner_id, row.document_id) for row, vector in zip(batch, vectors, strict=True)
    ]


def _numbers(vector: str) -> list[float]:
    return [float(value) for value in vector.strip("[]").split(",")]


def _made_anew(owner: db.Principal, owner_id: int, model: str, rows: Sequence[Waiting]) -> dict[str, list[float]]:
    """Vectors that are kept nowhere else: of the same text as at first, and so for nothing where it is cached."""
    if not rows:
        return {}
    from anima.inference import cache_service
    from anima.knowledge.chunker import indexed_text
    from anima.vendors.embeddings import embedder

    texts = [indexed_text(row.title, row.headings.split(" > ") if row.headings else [], row.text) for row in rows]
    vectors = cache_service.embed(owner, owner_id, embedder(model), texts, rows[0].document_id)
    return {row.external_id: vector.tolist() for row, vector in zip(rows, vectors, strict=True)}


def _ids(rows: Iterable[Waiting]) -> list[str]:
    return [row.external_id for row in rows]


def _forget_gone(owner: db.Principal, owner_id: int, store: OutsideStore) -> None:
    forgot = False
    while True:
        with db.transaction(owner) as tx:
            rows = outside_vectors_repo.gone(tx, owner_id, store.store_id, 100).all()
        if not rows:
            break
        for model, group in groupby(rows, key=lambda row: row.embedding_model):
            ids = [row.external_id for row in group]
            _forget(store, model, owner_id, ids)
            with db.transaction(owner) as tx:
                outside_vectors_repo.forgotten(tx, owner_id, store.store_id, model, ids)
        forgot = True
    with db.transaction(owner) as tx:
        if forgot:
            outside_repo.reached(tx, owner_id, store.store_id)
        left = outside_vectors_repo.gone_busy(tx, owner_id, store.store_id).one()
        if left.busy:
            later = clock.now() + outside_vectors_repo.HELD
            payload = {"store_id": store.store_id}
            outbox.emit(tx, forgetting_service.GONE, f"gone:{store.store_id}", owner_id, payload, not_before=later)


def _forget(store: OutsideStore, model: str, owner_id: int, external_ids: Sequence[str]) -> None:
    """Has the engine forget points; those of a model that serves no more go with their whole space."""
    if store.space_name is None and model not in (store.embedding_model, store.moving_model):
        outside_service.dropped(store, model, owner_id)
        return
    engine = outside_service.opened(store, model)
    for start in range(0, len(external_ids), engine.batch):
        _asked(engine, partial(engine.delete, owner_id, external_ids[start : start + engine.batch]))


def _put_off(owner: db.Principal, owner_id: int, store: OutsideStore, reason: str) -> None:
    """Notes that the engine is away, and arms one event for all that waits for it."""
    telemetry.count("stores.unavailable", provider=store.provider)
    with db.transaction(owner) as tx:
        armed = outside_repo.put_off(tx, owner_id, store.store_id, reason).first()
        outside_repo.say_why(tx, owner_id, store.store_id, _HOLD_UP.format(name=store.store_name))
        if armed is not None:
            payload = {"store_id": store.store_id}
            outbox.emit(tx, WAITING, f"vectors:{store.store_id}", owner_id, payload, not_before=armed.retry_at)


def _note(owner: db.Principal, owner_id: int, store: OutsideStore, reason: str) -> None:
    telemetry.count("stores.failed", provider=store.provider)
    with db.transaction(owner) as tx:
        outside_repo.failed(tx, owner_id, store.store_id, reason)
