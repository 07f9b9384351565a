"""Rules of affinity: what a turn and a rating do to it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anima.kernel import clock, db
from anima.personality.model import Personality, level_for
from anima.relationships import moves_model as model
from anima.relationships import moves_repo
from anima.relationships.model import Affinity, Standing
from anima.relationships.moves_model import Counted, Push, freshness
from anima.relationships.service import hours_since, next_level, points_at

__all__ = ["Counted", "Moved", "Standing", "after_feedback", "after_turn", "freshness"]


@dataclass(frozen=True, slots=True)
class Moved(Standing):
    """Where an affinity stands after it was moved `by` so many points."""

    by: float


def after_turn(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    personality_name: str,
    personality: Personality,
    *,
    text: str,
    sentiment: float,
    fresh: float = 1.0,
) -> Standing:
    """Moves the affinity by what a person said (sentiment in -1..1, `fresh`: how much of it is new, 0-1). Looks once;
    call it once a turn.
    """

    def turn(points: float, recent: float) -> float:
        return model.moved(points, sentiment=sentiment, effort=model.effort(text), recent=recent, fresh=fresh)

    verdict = model.verdict(sentiment)
    push = Push(turn, 1, int(verdict > 0), int(verdict < 0))
    return _move(tx, owner_id, avatar_id, personality_name, personality, push)


def after_feedback(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    personality_name: str,
    personality: Personality,
    *,
    rating: int,
    instead_of: Counted | None = None,
) -> Moved:
    """Moves the affinity by a rating (1-5) of a reply, as if the one that it takes the place of had never been given.

    Looks once; call it once a rating.
    """
    was = instead_of.rating if instead_of else 3
    positive, negative = int(rating > 3) - int(was > 3), int(rating < 3) - int(was < 3)

    def rated(points: float, recent: float) -> float:
        return model.moved(points, rating=rating, recent=recent)

    push = Push(rated, 0, positive, negative, instead_of)
    return _move(tx, owner_id, avatar_id, personality_name, personality, push)


def _move(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    personality_name: str,
    personality: Personality,
    push: Push,
) -> Moved:
    at = clock.now()
    first = level_for(personality, 0.0).name
    kept = moves_repo.locked(tx, owner_id, avatar_id, personality_name, first).one()
    before = points_at(kept, personality, at)
    recent = model.recent_now(kept.recent_interactions, hours_since(kept, at))
    bare, weight = before, recent
    if push.undone:  # it has its place in what lies behind already
        bare, weight = model.within(before - push.undone.points), max(0.0, recent - 1.0)
    points = _allowed(kept, personality, before, push.to(bare, weight), at)
    level = level_for(personality, points).name
    moves_repo.move(
        tx,
        owner_id,
        avatar_id,
        personality_name,
        points=points,
        level=level,
        recent=recent if push.undone else recent + 1.0,
        absence_took=_taken(kept, before),
        history=model.entered(_known(kept, first, at), level, points, at),
        messages=push.messages,
        positive=push.positive,
        negative=push.negative,
        at=at,
    )
    return Moved(round(points, 2), level, points - bare)


def _allowed(kept: Affinity, personality: Personality, before: float, points: float, at: datetime) -> float:
    """The points as far as the next level may be entered by now."""
    following = next_level(personality, before)
    level = level_for(personality, before).name
    if following is None or model.may_rise(_known(kept, level, at), level, at):
        return points
    return model.held_below(points, following.low)


def _known(kept: Affinity, first: str, at: datetime) -> list[dict[str, Any]]:
    """The levels so far; at the very first interaction the one that they begin with."""
    return kept.level_history if kept.last_interaction else model.entered([], first, 0.0, at)


def _taken(kept: Affinity, before: float) -> float:
    """What the last long absence took, until it is given back."""
    taken = kept.affinity_points - before
    return kept.absence_took if taken == 0.0 else max(0.0, taken)
