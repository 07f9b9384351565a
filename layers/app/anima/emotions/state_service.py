"""What one of a person's avatars feels now, and what it felt. Reading changes nothing."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from anima.avatars import service as avatars
from anima.emotions import drives, feeling, repo, state_repo
from anima.emotions.state_repo import Point
from anima.kernel import clock, db, pages
from anima.personality.build import build
from anima.personality.model import Emotions, Personality

__all__ = ["Point", "State", "acetylcholine", "history", "of_avatar"]


@dataclass(frozen=True, slots=True)
class State:
    """What an avatar feels at a time; concentrations in nM by name, attention 1 at rest."""

    mood: str
    intensity: float
    emotions: Emotions
    attention: float
    concentrations: dict[str, float]
    as_of: datetime


def of_avatar(principal: db.Principal, avatar_id: uuid.UUID) -> State:
    """What an avatar feels now. Raises AvatarNotFound."""
    avatar = avatars.get(principal, avatar_id)
    with db.transaction(principal) as tx:
        state = repo.state(tx, avatar.owner_id, avatar_id)
        mood = state_repo.last_mood(tx, avatar.owner_id, avatar_id)
    on, kept, at = avatar.switches.get("moods", True), state.first(), clock.now()
    whole = build(avatar.personality)
    known = feeling.Kept(mood.first(), kept.concentrations, kept.as_of) if kept else feeling.Kept(mood.first())
    now = feeling.felt(known if on else feeling.Kept(), whole, "", at=at)
    name, intensity = _mood(whole, now)
    return State(name, intensity, now.emotions, now.attention, now.concentrations, at)


def history(
    principal: db.Principal,
    avatar_id: uuid.UUID,
    *,
    begin: datetime | None = None,
    end: datetime | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> pages.Page[Point]:
    """What an avatar felt after each turn, in the order of time. Raises AvatarNotFound, BadInput."""
    avatar = avatars.get(principal, avatar_id)
    at, after_id = _place(cursor)
    with db.transaction(principal) as tx:
        found = state_repo.points(
            tx, avatar.owner_id, avatar_id, begin=begin, end=end, after=at, after_id=after_id, limit=limit + 1
        )
    return pages.page(found.all(), limit, lambda point: (point.at.isoformat(), str(point.feeling_id)))


def acetylcholine(owner: db.Principal, owner_id: int, avatar_id: uuid.UUID) -> float:
    """How much acetylcholine an avatar has now, 0-1 (0.5 at rest): how much its sleep replays."""
    with db.transaction(owner) as tx:
        found = state_repo.resting_state(tx, owner_id, avatar_id)
    state = found.first()
    if state is None:
        return 0.5
    profile = drives.resting_at(state.baselines)
    seconds = max(0.0, (clock.now() - state.as_of).total_seconds())
    return drives.replay(profile, drives.after(profile, state.concentrations, seconds))


def _mood(whole: Personality, now: feeling.Feeling) -> tuple[str, float]:
    """By the personality's own rules where it has some, else by valence and arousal."""
    if whole.moods:
        return now.mood.current_mood, now.mood.mood_intensity
    name = feeling.named(now.valence, now.arousal, whole.default_mood)
    strength = abs(now.valence) + max(0.0, now.arousal - drives.REST)
    return name, (min(1.0, strength) if name != whole.default_mood else now.mood.mood_intensity)


def _place(cursor: str | None) -> tuple[datetime | None, uuid.UUID | None]:
    return pages.time_and_id(cursor) or (None, None)
