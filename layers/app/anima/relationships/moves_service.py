"""Rules of affinity: what a turn and a rating do to it."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from anima.kernel import clock, db
from anima.personality.model import Personality, level_for
from anima.relationships import model, moves_repo
from anima.relationships.model import Standing
from anima.relationships.service import hours_since, points_at


def after_turn(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    personality_name: str,
    personality: Personality,
    *,
    text: str,
    sentiment: float,
) -> Standing:
    """Moves the affinity by what a person said (sentiment in -1..1). Looks once; call it once a turn."""

    def turn(points: float, recent: float) -> float:
        return model.moved(points, sentiment=sentiment, effort=model.effort(text), recent=recent)

    return _move(tx, owner_id, avatar_id, personality_name, personality, turn, model.verdict(sentiment), 1)


def after_feedback(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    personality_name: str,
    personality: Personality,
    *,
    rating: int,
) -> Standing:
    """Moves the affinity by a rating (1-5) of a reply. Looks once; call it once a rating."""

    def rated(points: float, recent: float) -> float:
        return model.moved(points, rating=rating, recent=recent)

    return _move(tx, owner_id, avatar_id, personality_name, personality, rated, (rating > 3) - (rating < 3), 0)


def _move(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    personality_name: str,
    personality: Personality,
    by: Callable[[float, float], float],
    verdict: int,
    messages: int,
) -> Standing:
    at = clock.now()
    first = level_for(personality, 0.0).name
    kept = moves_repo.locked(tx, owner_id, avatar_id, personality_name, first).one()
    recent = model.recent_now(kept.recent_interactions, hours_since(kept, at))
    points = by(points_at(kept, personality, at), recent)
    level = level_for(personality, points).name
    moves_repo.move(
        tx,
        owner_id,
        avatar_id,
        personality_name,
        points=points,
        level=level,
        recent=recent + 1.0,
        messages=messages,
        verdict=verdict,
        at=at,
    )
    return Standing(round(points, 2), level)
