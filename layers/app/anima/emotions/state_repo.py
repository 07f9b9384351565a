"""SQL that reads what an avatar feels and felt; it writes nothing."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from anima.emotions.model import SessionMood
from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Point:
    """What a turn made of what an avatar felt."""

    feeling_id: uuid.UUID
    at: datetime
    valence: float
    arousal: float
    mood: str
    mood_intensity: float
    sentiment: float
    concentrations: list[float]
    session_id: int | None
    message_id: int | None
    cause: str


@dataclass(frozen=True, slots=True)
class Resting:
    """What is kept of an avatar's state, with where it comes to rest."""

    concentrations: list[float]
    baselines: list[float]
    as_of: datetime


RESTING_STATE = db.Query(
    Resting,
    """
    select concentrations, baselines, as_of from avatar_feelings
    where owner_id = %(owner_id)s and avatar_id = %(avatar_id)s
    """,
)

# Of the session in which something was felt last; a private one's mood is its own.
LAST_MOOD = db.Query(
    SessionMood,
    """
    select m.current_mood, m.mood_intensity, m.mood_started_at, m.mood_history
    from session_moods m
    join sessions s on s.user_id = m.user_id and s.session_id = m.session_id
    where m.user_id = %(owner_id)s and s.avatar_id = %(avatar_id)s and not s.private
        and m.mood_history <> '[]'
    order by (m.mood_history -> -1 ->> 'at')::timestamptz desc, m.session_id desc
    limit 1
    """,
)

POINTS = db.Query(
    Point,
    """
    select feeling_id, at, valence, arousal, mood, mood_intensity, sentiment, concentrations, session_id, message_id,
        cause
    from feelings_history
    where owner_id = %(owner_id)s and avatar_id = %(avatar_id)s
        and (%(begin)s::timestamptz is null or at >= %(begin)s::timestamptz)
        and (%(end)s::timestamptz is null or at < %(end)s::timestamptz)
        and (%(after)s::timestamptz is null or (at, feeling_id) > (%(after)s::timestamptz, %(after_id)s::uuid))
    order by at, feeling_id
    limit %(limit)s
    """,
)


def resting_state(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID) -> db.Pending[Resting]:
    """The state with its baselines; no row where nothing was felt yet."""
    return tx.fetch(RESTING_STATE, owner_id=owner_id, avatar_id=avatar_id)


def last_mood(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID) -> db.Pending[SessionMood]:
    """The mood of the avatar's last session that was stirred; maybe none."""
    return tx.fetch(LAST_MOOD, owner_id=owner_id, avatar_id=avatar_id)


def points(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    *,
    begin: datetime | None,
    end: datetime | None,
    after: datetime | None,
    after_id: uuid.UUID | None,
    limit: int,
) -> db.Pending[Point]:
    """The history in the order of time, from `begin` to before `end`, behind a point."""
    return tx.fetch(
        POINTS,
        owner_id=owner_id,
        avatar_id=avatar_id,
        begin=begin,
        end=end,
        after=after,
        after_id=after_id,
        limit=limit,
    )
