"""Keeps the caches within their bounds, owner by owner: what has expired goes, and gives its tensors back."""

from __future__ import annotations

from anima.inference import kv_repo, layers_repo, slots_repo, slots_service, upkeep_repo
from anima.kernel import clock, db, telemetry
from anima.kernel.config import settings
from anima.tensors import service as tensors

_NOBODY = db.Principal(user_id=None, login="worker")


def keep_bounds() -> int:
    """Deletes what has expired of everybody, and what is over the bounds of those; answers how many rows."""
    with db.transaction(_NOBODY) as tx:
        due = upkeep_repo.due(tx)
    return sum(keep_bounds_of(one.owner_id) for one in due.all())


def keep_bounds_of(owner_id: int) -> int:
    """Deletes what has expired of somebody, and what is over the bounds; answers how many rows."""
    at = clock.now()
    with db.transaction(db.Principal(owner_id, login="worker")) as tx:
        activations = (
            layers_repo.expired(tx, owner_id, at),
            layers_repo.over(tx, owner_id, settings().activation_cache_bytes),
        )
        others = kv_repo.expired(tx, owner_id, at), kv_repo.over(tx, owner_id, settings().kv_cache_bytes)
        slots = slots_repo.over(tx, owner_id, slots_service.MOST_OF_AVATAR, settings().prompt_cache_bytes)
        rows = sum(len(one.all()) for one in activations) + sum(len(one.all()) for one in others) + len(slots.all())
        if rows:
            tensors.released(tx, owner_id)
    if rows:
        telemetry.count("inference.cache_evicted", rows)
    return rows
