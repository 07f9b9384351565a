"""Slots of the local server, kept in the chunk store: by avatar, and by what the prompt began with.

They hold what every prompt of an avatar begins with, and nothing that anybody said. One that is lost is made again.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from anima.inference import slots_repo as repo
from anima.inference.sessions_service import owner_of
from anima.inference.slots_model import Slot, tokens_of
from anima.inference.slots_repo import Kept
from anima.kernel import clock, db, ids, telemetry
from anima.kernel.config import settings
from anima.kernel.errors import NotFound
from anima.tensors import errors as broken
from anima.tensors import service as tensors
from anima.tensors.model import Given, Saved

if TYPE_CHECKING:
    import mmap

__all__ = ["Kept", "Slot", "drop", "forget", "keep", "kept", "owners", "used", "written"]

KEPT = timedelta(days=30)
"""A slot that nobody used for so long goes with the next maintenance."""
MOST_OF_AVATAR = 3
_NOBODY = db.Principal(user_id=None, login="worker")
_LOST = (broken.Unreadable, NotFound)


def keep(owner: db.Principal, slot: Slot, data: bytes | memoryview | mmap.mmap) -> bool:
    """Keeps the bytes of a slot's file; False where they are none. `owner` acts through the worker's login.

    Nothing is kept of an avatar that is gone. What is over the bounds goes.
    """
    owner_id, tokens = owner_of(owner), tokens_of(bytes(data[:12]))
    if tokens is None or len(slot.prompt_hash) != 32:
        return False
    name = f"slot {slot.avatar_id} {slot.prompt_hash.hex()} {slot.model[:200]}"

    def enter(tx: db.Transaction, saved: Saved) -> None:
        new = repo.New(slot, ids.uuid7(), tokens, saved.tensors[name].tensor_id)
        entered = repo.keep(tx, owner_id, new, clock.now(), KEPT)
        over = repo.over(tx, owner_id, MOST_OF_AVATAR, settings().prompt_cache_bytes)
        if over.all() or not entered.all():
            tensors.released(tx, owner_id)

    tensors.save(owner, [Given(name, "uint8", (len(data),), data)], enter)
    return True


def kept(owner: db.Principal) -> list[Kept]:
    """The slots of somebody, the last used first."""
    with db.transaction(owner) as tx:
        found = repo.kept(tx, owner_of(owner), clock.now())
    return found.all()


def written(owner: db.Principal, one: Kept, write: Callable[[memoryview], object]) -> bool:
    """Has the bytes of a slot's file written piece by piece; False where the store has lost any of them, and then the
    slot is dropped.
    """
    owner_id = owner_of(owner)
    try:
        with db.transaction(owner) as tx:
            [ref] = tensors.refs(tx, owner_id, [one.tensor_id])
        for piece in tensors.chunks(owner, ref):
            write(piece)
    except _LOST as error:
        telemetry.warning("inference.cache_lost", cache="slots", reason=str(error))
        telemetry.count("inference.cache_lost", cache="slots")
        drop(owner, one)
        return False
    return True


def drop(owner: db.Principal, one: Kept) -> None:
    """Drops a slot, as one that the server did not take."""
    with db.transaction(owner) as tx:
        repo.drop(tx, owner_of(owner), one.kv_id)
        tensors.released(tx, owner_of(owner))


def used(owner: db.Principal, uses: dict[uuid.UUID, int]) -> None:
    """Counts uses, by the id of the slot."""
    with db.transaction(owner) as tx:
        for kv_id in sorted(uses):
            repo.used(tx, owner_of(owner), kv_id, uses[kv_id], clock.now(), KEPT)


def forget(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID) -> int:
    """Deletes the slots of an avatar, which is about to go; answers how many."""
    gone = len(repo.forget(tx, owner_id, avatar_id).all())
    if gone:
        tensors.released(tx, owner_id)
    return gone


def owners() -> list[db.Principal]:
    """Everybody who has slots, each acting through the worker's login."""
    with db.transaction(_NOBODY) as tx:
        found = repo.owners(tx)
    return [db.Principal(one.owner_id, login="worker") for one in found.all()]
