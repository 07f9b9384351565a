"""Where an affinity stands. All that a turn needs of this room."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from anima.kernel import clock, db
from anima.personality.model import Level, Personality, level_for
from anima.relationships import model, repo
from anima.relationships.model import Affinity, Standing

__all__ = ["Affinity", "Standing", "affinity", "hours_since", "next_level", "points_at", "present"]

NEW = Affinity(0.0, "", 0, 0, 0, 0.0, None)
"""What is kept before the first turn."""


def affinity(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, personality_name: str) -> db.Pending[Affinity]:
    """What is kept of a person, an avatar and its personality, as part of a transaction; maybe no row yet."""
    return repo.affinity(tx, owner_id, avatar_id, personality_name)


def present(kept: Affinity | None, personality: Personality, at: datetime | None = None) -> Standing:
    """Where the affinity stands now: what is kept, less what absence took. Pure."""
    kept = kept or NEW
    points = points_at(kept, personality, at or clock.now())
    return Standing(round(points, 2), level_for(personality, points).name)


def next_level(personality: Personality, points: float) -> Level | None:
    """The level after the one that holds the points; none after the last."""
    return next((level for level in personality.levels if level.low > points), None)


def points_at(kept: Affinity, personality: Personality, at: datetime) -> float:
    """The points now: what is kept, less what absence took.

    What an absence took that a clock ahead of its time had made up is given back once the clock is right.
    """
    if model.went_back(kept.last_interaction, at):
        return min(model.HIGHEST, kept.affinity_points + kept.absence_took)
    floor = level_for(personality, kept.affinity_points).low
    return model.faded(kept.affinity_points, floor, hours_since(kept, at) / 24.0)


def hours_since(kept: Affinity, at: datetime) -> float:
    """Hours since the last interaction; none before the first."""
    if kept.last_interaction is None:
        return 0.0
    return (at - kept.last_interaction) / timedelta(hours=1)
