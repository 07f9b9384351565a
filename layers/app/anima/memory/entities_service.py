"""Whom and what an avatar has heard its owner speak of."""

from __future__ import annotations

import uuid

from anima.kernel import db, pages
from anima.memory import entities_repo, index_repo, owned_service
from anima.memory.entities_model import HeardOf


def entities(
    principal: db.Principal, avatar_id: uuid.UUID, *, kind: str | None, limit: int, cursor: str | None
) -> pages.Page[HeardOf]:
    """A page of the entities that an avatar has heard of, newest first. Raises AvatarNotFound, BadInput (cursor)."""
    owner_id, before = owned_service.owner(principal), owned_service.before(cursor)
    with db.transaction(principal) as tx:
        known = index_repo.known(tx, owner_id, avatar_id)
        found = entities_repo.heard_of(tx, owner_id, avatar_id, kind=kind, before=before, limit=limit + 1)
    owned_service.existing(known, avatar_id)
    return pages.page(found.all(), limit, lambda entity: [entity.entity_id])
