"""Collection: what nobody refers to goes, step by step, each step whole; a save that runs meanwhile loses nothing.

A save takes the owner's lock when it makes itself visible and looks again at all chunks that it found there; each step
here takes the same lock. What is younger than the grace stays, so that a save seldom has to write anything twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from anima.kernel import clock, db, telemetry
from anima.tensors import collect_repo, repo, save_repo
from anima.tensors.compact_service import compact
from anima.tensors.home_model import BRANCHES_KEY
from anima.tensors.model import Collected
from anima.tensors.owners import owner_of
from anima.tensors.writing_service import GRACE, collect_later, pack_tag, pack_tag_of
from anima.vendors import packs as vendor

_TENSORS = 500
_CHUNKS = 5000


def collect(principal: db.Principal, grace: timedelta = GRACE, packs: vendor.Packs | None = None) -> Collected:
    """See `anima.tensors.service.collect`."""
    owner_id, store, before = owner_of(principal), packs or vendor.packs(), clock.now() - grace
    principal = db.Principal(owner_id, login="worker")  # who sees all that may refer to a tensor
    with db.transaction(principal) as tx:
        home = tx.fetch(save_repo.HOME).one().home
        branched = tx.fetch(collect_repo.BRANCHED, home=home, key=BRANCHES_KEY, now=clock.now())
    tag = pack_tag(home)
    tensors = sum(_tensors(principal, owner_id, before))
    chunks = sum(_chunks(principal, owner_id, before))
    moved = compact(principal, owner_id, store, tag, before)
    _bury(principal, owner_id, before)
    packs_gone, n_bytes = _remove(principal, owner_id, store, tag, keep=branched.one().branched)
    strays = _strays(principal, owner_id, store, tag, before)
    gone = Collected(tensors, chunks, packs_gone + strays, n_bytes - moved)
    telemetry.info("tensors.collected", tensors=tensors, chunks=chunks, packs=gone.packs, bytes=gone.bytes)
    return gone


def again_if_needed(principal: db.Principal) -> None:
    """Has a later collection done where something waits for its grace to pass."""
    owner_id = owner_of(principal)
    with db.transaction(principal) as tx:
        if tx.fetch(collect_repo.WAITING, owner_id=owner_id).one().waiting:
            collect_later(tx, owner_id)


def _tensors(principal: db.Principal, owner_id: int, before: datetime) -> Iterator[int]:
    """Removes tensors to which nobody refers, some at a time; yields how many."""
    while True:
        with db.transaction(principal) as tx:
            tx.execute(repo.LOCK, owner_id=owner_id)
            free = tx.fetch(collect_repo.CANDIDATES, owner_id=owner_id, before=before, most=_TENSORS).all()
            if not free:
                return
            named = [one.tensor_id for one in free]
            gone = tx.fetch(collect_repo.FREE_TENSORS, owner_id=owner_id, tensor_ids=named).all()
        yield len(gone)
        if len(free) < _TENSORS:
            return


def _chunks(principal: db.Principal, owner_id: int, before: datetime) -> Iterator[int]:
    """Removes chunks that no tensor and no difference needs; what a difference stood on becomes free with it."""
    while True:
        with db.transaction(principal) as tx:
            tx.execute(repo.LOCK, owner_id=owner_id)
            gone = tx.fetch(collect_repo.FREE_CHUNKS, owner_id=owner_id, before=before, most=_CHUNKS)
        if not gone.all():
            return
        yield len(gone.all())


def _bury(principal: db.Principal, owner_id: int, before: datetime) -> None:
    with db.transaction(principal) as tx:
        tx.execute(repo.LOCK, owner_id=owner_id)
        tx.fetch(collect_repo.BURY_PACKS, owner_id=owner_id, before=before, now=clock.now())


def _remove(principal: db.Principal, owner_id: int, store: vendor.Packs, tag: int, *, keep: bool) -> tuple[int, int]:
    """Removes dead packs, the file before the row; a pack of the trunk's is forgotten, and its file stays.

    With `keep` ours stay dead until a collection after the last branch that may read them is gone.
    """
    with db.transaction(principal) as tx:
        dead = tx.fetch(collect_repo.DEAD_PACKS, owner_id=owner_id)
    theirs = [pack for pack in dead.all() if pack_tag_of(pack.pack_id) != tag]
    ours = [] if keep else [pack for pack in dead.all() if pack_tag_of(pack.pack_id) == tag]
    for pack in ours:
        store.delete(owner_id, pack.pack_id)
    _forget(principal, owner_id, [pack.pack_id for pack in (*ours, *theirs)])
    return len(ours), sum(pack.n_bytes for pack in ours)


def _forget(principal: db.Principal, owner_id: int, pack_ids: Sequence[UUID]) -> None:
    if pack_ids:
        with db.transaction(principal) as tx:
            tx.execute(save_repo.FORGET_PACKS, owner_id=owner_id, pack_ids=list(pack_ids))


def _strays(principal: db.Principal, owner_id: int, store: vendor.Packs, tag: int, before: datetime) -> int:
    """Removes files of this database's that have no row: a row is there before the file, and goes after it."""
    found = [
        pack.pack_id
        for pack in store.listed(owner_id)
        if pack_tag_of(pack.pack_id) == tag and pack.modified_at < before
    ]
    if not found:
        return 0
    with db.transaction(principal) as tx:
        there = tx.fetch(collect_repo.PACKS_THERE, owner_id=owner_id, pack_ids=found)
    known = {pack.pack_id for pack in there.all()}
    strays = [pack_id for pack_id in found if pack_id not in known]
    for pack_id in strays:
        store.delete(owner_id, pack_id)
    return len(strays)
