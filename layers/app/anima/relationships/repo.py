"""SQL of affinity."""

from __future__ import annotations

import uuid

from anima.kernel import db
from anima.relationships.model import Affinity

AFFINITY = db.Query(
    Affinity,
    """
    select u.affinity_points, u.current_level, u.total_messages, u.positive_interactions,
        u.negative_interactions, u.recent_interactions, u.last_interaction, u.absence_took, u.level_history
    from user_affinity u
    where u.user_id = %(owner_id)s and u.avatar_id = %(avatar_id)s
        and u.personality_name = %(personality_name)s
    """,
)


def affinity(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, personality_name: str) -> db.Pending[Affinity]:
    """What is kept; no row before the first turn."""
    return tx.fetch(AFFINITY, owner_id=owner_id, avatar_id=avatar_id, personality_name=personality_name)
