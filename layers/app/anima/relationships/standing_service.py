"""How close one of a person's avatars is to them, for whoever asks outside a turn."""

from __future__ import annotations

import uuid

from anima import personality as personalities
from anima.avatars import service as avatars
from anima.kernel import db
from anima.relationships import repo, service
from anima.relationships.model import Affinity, Standing


def of_avatar(principal: db.Principal, avatar_id: uuid.UUID) -> tuple[str, Affinity, Standing]:
    """The personality's name, what is kept, and where it stands. Raises AvatarNotFound."""
    avatar = avatars.get(principal, avatar_id)
    with db.transaction(principal) as tx:
        found = repo.affinity(tx, avatar.owner_id, avatar_id, avatar.personality_name)
    kept = found.first()
    standing = service.present(kept, personalities.parse(avatar.personality))
    return avatar.personality_name, kept or service.NEW, standing
