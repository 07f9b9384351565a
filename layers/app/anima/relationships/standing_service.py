"""How close one of a person's avatars is to them, for whoever asks outside a turn."""

from __future__ import annotations

import uuid

from anima import personality as personalities
from anima.avatars import service as avatars
from anima.kernel import db
from anima.personality.model import Level
from anima.relationships import repo, service
from anima.relationships.model import Affinity, Standing


def of_avatar(principal: db.Principal, avatar_id: uuid.UUID) -> tuple[str, Affinity, Standing, Level | None]:
    """The personality's name, what is kept, where it stands, and the level that comes next. Raises AvatarNotFound."""
    avatar = avatars.get(principal, avatar_id)
    with db.transaction(principal) as tx:
        found = repo.affinity(tx, avatar.owner_id, avatar_id, avatar.personality_name)
    kept = found.first()
    personality = personalities.parse(avatar.personality)
    standing = service.present(kept, personality)
    return avatar.personality_name, kept or service.NEW, standing, service.next_level(personality, standing.points)
