"""What the caches of inference hold, and what they have saved."""

from __future__ import annotations

from dataclasses import replace

from anima.inference import caches_repo
from anima.inference.caches_model import KINDS, Cache
from anima.inference.sessions_service import owner_of
from anima.kernel import db

__all__ = ["Cache", "caches"]


def caches(principal: db.Principal) -> list[Cache]:
    """Each cache of somebody's, one of each kind: embeddings, activations, kv, slots."""
    with db.transaction(replace(principal, login="worker")) as tx:
        found = caches_repo.caches(tx, owner_of(principal), KINDS)
    return found.all()
