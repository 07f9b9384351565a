"""Erases an account that was closed: rows in batches, files with the packs of tensors, caches, what other engines hold,
then the account itself.

Cut off anywhere, it goes on with the next delivery of its event, or the next day. An engine that is gone keeps nothing
but itself: the number of the account and the address of that engine stay until it answers, all else is erased.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from anima.identity import closing_service
from anima.kernel import clock, db, outbox, telemetry
from anima.knowledge import stores_removal_service
from anima.memory import remember_service, search_service
from anima.snapshots import erase_jobs_service, erase_models_repo
from anima.snapshots import erase_repo as repo
from anima.snapshots.erase_repo import Batch, Files
from anima.vendors.blobs import ForeignBlob, blobs

_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=2), timedelta(hours=6)


def erase(event: outbox.Event) -> None:
    """Erases what is left of an account that was closed; done twice, it is the same."""
    owner, owner_id, tries = event.owner, event.owner_id, int(event.payload.get("tries", 0))
    with db.transaction(owner) as tx:
        for store in repo.close_outside(tx, owner_id).all():
            stores_removal_service.queue(tx, owner_id, store.store_id)
    erase_jobs_service.end_jobs(owner, owner_id)
    _erase_rows(owner, owner_id)
    closing_service.sweep(owner_id)
    with db.transaction(owner) as tx:
        left = repo.outside(tx, owner_id).all()
        if left:  # each of them has an event of its own, until its engine has answered
            _again(tx, owner_id, tries + 1)
    if left:
        telemetry.warning("account.waits", stores=len(left))
        return
    closing_service.erase(owner)
    if not closing_service.sweep(owner_id):  # what was being written when the account went
        telemetry.warning("account.cache_left")
    telemetry.info("account.erased")


def _erase_rows(owner: db.Principal, owner_id: int) -> None:
    with db.transaction(owner) as tx:
        remember_service.lock(tx, owner_id)
        search_service.erase(tx, owner_id)
    _batches(owner, owner_id, repo.messages)
    _batches(owner, owner_id, repo.requests)
    for delete in (repo.documents, repo.media, repo.uploads):
        _with_files(owner, owner_id, delete)
    for query in erase_models_repo.ORDER:
        while _models_batch(owner, owner_id, query):
            pass
    with db.transaction(owner) as tx:
        remember_service.lock(tx, owner_id)
        repo.rest(tx, owner_id)


def _batches(owner: db.Principal, owner_id: int, delete: Callable[[db.Transaction, int], db.Pending[Batch]]) -> None:
    while True:
        with db.transaction(owner) as tx:
            remember_service.lock(tx, owner_id)
            done = delete(tx, owner_id)
        if not done.one().n:
            return


def _models_batch(owner: db.Principal, owner_id: int, query: db.Query[erase_models_repo.Batch]) -> int:
    with db.transaction(owner) as tx:
        done = erase_models_repo.batch(tx, owner_id, query)
    return done.one().n


def _with_files(owner: db.Principal, owner_id: int, delete: Callable[[db.Transaction, int], db.Pending[Files]]) -> None:
    """Deletes rows and their files: before the commit, so that a row that is gone leaves none."""
    while True:
        with db.transaction(owner) as tx:
            rows = delete(tx, owner_id).all()
            for uri in {uri for row in rows for uri in (row.storage_uri, row.parsed_uri) if uri is not None}:
                with suppress(ForeignBlob):  # of a place for files that is used no more: nothing can be done there
                    blobs().delete(uri)
        if not rows:
            return


def _again(tx: db.Transaction, owner_id: int, tries: int) -> None:
    wait = min(_FIRST_WAIT * 2 ** min(tries - 1, 14), _LONGEST_WAIT)
    key, payload = f"account:{owner_id}:again", {"tries": tries}
    outbox.emit(tx, closing_service.CLOSED, key, owner_id, payload, not_before=clock.now() + wait)
