"""Rules of affinity: where it stands, what a turn and a rating do to it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

from anima import personality as personalities
from anima.kernel import clock, db
from anima.personality import Personality
from anima.relationships import model, repo
from anima.relationships.model import Affinity, Standing

__all__ = ["Affinity", "Standing", "affinity", "after_feedback", "after_turn", "present"]

NEW = Affinity(0.0, "", 0, 0, 0, 0.0, None)
"""What is kept before the first turn."""


def affinity(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, personality_name: str) -> db.Pending[Affinity]:
    """What is kept of a person, an avatar and its personality, as part of a transaction; maybe no row yet."""
    return repo.affinity(tx, owner_id, avatar_id, personality_name)


def present(kept: Affinity | None, personality: Personality, at: datetime | None = None) -> Standing:
    """Where the affinity stands now: what is kept, less what absence took. Pure."""
    kept = kept or NEW
    points = _points_at(kept, personality, at or clock.now())
    return Standing(round(points, 2), personalities.level_for(personality, points).name)


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
    first = personalities.level_for(personality, 0.0).name
    kept = repo.locked(tx, owner_id, avatar_id, personality_name, first).one()
    recent = model.recent_now(kept.recent_interactions, _hours(kept, at))
    points = by(_points_at(kept, personality, at), recent)
    level = personalities.level_for(personality, points).name
    repo.move(
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


def _points_at(kept: Affinity, personality: Personality, at: datetime) -> float:
    floor = personalities.level_for(personality, kept.affinity_points).low
    return model.faded(kept.affinity_points, floor, _hours(kept, at) / 24.0)


def _hours(kept: Affinity, at: datetime) -> float:
    if kept.last_interaction is None:
        return 0.0
    return (at - kept.last_interaction) / timedelta(hours=1)
