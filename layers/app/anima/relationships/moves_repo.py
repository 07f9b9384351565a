"""SQL that moves an affinity: the row, begun and locked, and what becomes of it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from anima.kernel import db
from anima.relationships.model import Affinity

BEGIN = db.Command(
    """
    insert into user_affinity (user_id, avatar_id, personality_name, current_level)
    values (%(owner_id)s, %(avatar_id)s, %(personality_name)s, %(level)s)
    on conflict do nothing
    """
)

LOCKED_AFFINITY = db.Query(
    Affinity,
    """
    select u.affinity_points, u.current_level, u.total_messages, u.positive_interactions,
        u.negative_interactions, u.recent_interactions, u.last_interaction, u.absence_took, u.level_history
    from user_affinity u
    where u.user_id = %(owner_id)s and u.avatar_id = %(avatar_id)s
        and u.personality_name = %(personality_name)s
    for no key update
    """,
)

MOVE = db.Command(
    """
    update user_affinity set
        affinity_points = %(points)s,
        current_level = %(level)s,
        total_messages = total_messages + %(messages)s,
        positive_interactions = greatest(0, positive_interactions + %(positive)s),
        negative_interactions = greatest(0, negative_interactions + %(negative)s),
        recent_interactions = %(recent)s,
        last_interaction = %(at)s,
        absence_took = %(absence_took)s,
        level_history = %(history)s
    where user_id = %(owner_id)s and avatar_id = %(avatar_id)s and personality_name = %(personality_name)s
    """
)


def locked(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, personality_name: str, level: str
) -> db.Pending[Affinity]:
    """What is kept, begun where nothing was, and locked until the transaction ends."""
    tx.execute(BEGIN, owner_id=owner_id, avatar_id=avatar_id, personality_name=personality_name, level=level)
    return tx.fetch(LOCKED_AFFINITY, owner_id=owner_id, avatar_id=avatar_id, personality_name=personality_name)


def move(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    personality_name: str,
    *,
    points: float,
    level: str,
    recent: float,
    absence_took: float,
    history: list[dict[str, Any]],
    messages: int,
    positive: int,
    negative: int,
    at: datetime,
) -> None:
    """Writes where the affinity went."""
    tx.execute(
        MOVE,
        owner_id=owner_id,
        avatar_id=avatar_id,
        personality_name=personality_name,
        points=points,
        level=level,
        recent=recent,
        absence_took=absence_took,
        history=db.jsonb(history),
        messages=messages,
        positive=positive,
        negative=negative,
        at=at,
    )
