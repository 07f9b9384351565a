"""SQL of feelings: the mood of a session, the state of an avatar, and the history of both."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anima.emotions.model import SessionMood, Strike
from anima.kernel import db


@dataclass(frozen=True, slots=True)
class State:
    """What is kept of an avatar's state."""

    concentrations: list[float]
    as_of: datetime


MOOD = db.Query(
    SessionMood,
    """
    select m.current_mood, m.mood_intensity, m.mood_started_at, m.mood_history
    from session_moods m
    where m.user_id = %(owner_id)s and m.session_id = %(session_id)s
    """,
)

STATE = db.Query(
    State,
    """
    select concentrations, as_of from avatar_feelings
    where owner_id = %(owner_id)s and avatar_id = %(avatar_id)s
    """,
)

# A session that is gone by now gets no mood. Where another turn was quicker, this one's strike is added to what that
# left, by the same rules as in `model.stirred`; what passed meanwhile is too short to fade.
STORE_MOOD = db.Command(
    """
    insert into session_moods as m (
        session_id, user_id, current_mood, mood_intensity, mood_started_at, mood_history
    )
    select s.session_id, s.user_id, %(mood)s, %(intensity)s::real, %(started_at)s::timestamptz, %(history)s::jsonb
    from sessions s
    where s.user_id = %(owner_id)s and s.session_id = %(session_id)s
    on conflict (session_id) do update set
        (current_mood, mood_intensity, mood_started_at, mood_history) = (
            select case when f.same then excluded.current_mood else f.mood end,
                case when f.same then excluded.mood_intensity else f.intensity end,
                case when f.same then excluded.mood_started_at when f.mood = m.current_mood then m.mood_started_at
                    else %(at)s::timestamptz end,
                case when f.same then excluded.mood_history when f.strength = 0 then m.mood_history
                    else m.mood_history || jsonb_build_object(
                        'mood', f.mood, 'intensity', round(f.intensity::numeric, 4), 'at', %(at_text)s::text
                    ) end
            from (
                select o.same, o.strength,
                    case when o.strength > 0 and o.strength >= o.before then %(strike)s else m.current_mood end as mood,
                    case when o.strength = 0 then m.mood_intensity
                        when %(strike)s = m.current_mood then 1 - (1 - o.before) * (1 - o.strength)
                        when o.strength >= o.before then o.strength
                        else o.before - o.strength / 2 end as intensity
                from (
                    select m.mood_history -> -1 is not distinct from %(seen)s::jsonb as same,
                        %(strength)s::real as strength,
                        case when m.mood_history = '[]' then 0 else m.mood_intensity end as before
                ) o
            ) f
        )
    """
)

# Decay and this turn's drives are computed on what is there now, so that two turns at once both count. A clock that was
# set back by more than a few minutes starts anew from its own time.
STORE_STATE = db.Command(
    """
    with felt as (
        insert into avatar_feelings as f (owner_id, avatar_id, concentrations, baselines, as_of)
        select a.owner_id, a.avatar_id, feeling_moved(%(baselines)s::float8[], %(drives)s::float8[]),
            %(baselines)s::float8[], %(at)s::timestamptz
        from avatars a where a.owner_id = %(owner_id)s and a.avatar_id = %(avatar_id)s
        on conflict (owner_id, avatar_id) do update set
            concentrations = feeling_moved(
                feeling_after(
                    f.concentrations, excluded.baselines, extract(epoch from excluded.as_of - f.as_of)::float8
                ), %(drives)s::float8[]
            ),
            baselines = excluded.baselines,
            as_of = case when f.as_of > excluded.as_of + interval '5 minutes' then excluded.as_of
                else greatest(f.as_of, excluded.as_of) end
        returning owner_id, avatar_id, concentrations, feeling_after(concentrations, baselines, 0) as now
    )
    insert into feelings_history (
        feeling_id, owner_id, avatar_id, at, valence, arousal, mood, mood_intensity, sentiment, concentrations,
        session_id, message_id, cause
    )
    select %(feeling_id)s::uuid, felt.owner_id, felt.avatar_id, %(at)s::timestamptz, felt.now[7], felt.now[8],
        %(mood)s, %(intensity)s, %(sentiment)s, felt.concentrations,
        (
            select s.session_id from sessions s
            where s.user_id = %(owner_id)s and s.session_id = %(session_id)s
        ),
        (
            select m.message_id from messages m
            where m.owner_id = %(owner_id)s and m.message_id = %(message_id)s
        ),
        %(cause)s
    from felt
    on conflict do nothing
    """
)


def mood(tx: db.Transaction, owner_id: int, session_id: int) -> db.Pending[SessionMood]:
    """The mood as it was last kept; no row where nothing has stirred it."""
    return tx.fetch(MOOD, owner_id=owner_id, session_id=session_id)


def state(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID) -> db.Pending[State]:
    """The state as it was last kept; no row where nothing was felt yet."""
    return tx.fetch(STATE, owner_id=owner_id, avatar_id=avatar_id)


def store_mood(
    tx: db.Transaction,
    owner_id: int,
    session_id: int,
    seen: dict[str, Any] | None,
    felt: SessionMood,
    strike: Strike | None,
) -> None:
    """Keeps a mood, which was made of one whose history ended with `seen`."""
    at = felt.mood_history[-1]["at"] if felt.mood_history else felt.mood_started_at.isoformat()
    tx.execute(
        STORE_MOOD,
        owner_id=owner_id,
        session_id=session_id,
        mood=felt.current_mood,
        intensity=felt.mood_intensity,
        started_at=felt.mood_started_at,
        history=db.jsonb(felt.mood_history),
        seen=None if seen is None else db.jsonb(seen),
        strike=strike.mood if strike else felt.current_mood,
        strength=strike.strength if strike else 0.0,
        at=datetime.fromisoformat(at),
        at_text=at,
    )


def store_state(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    *,
    feeling_id: uuid.UUID,
    drives: Sequence[float],
    baselines: Sequence[float],
    mood: SessionMood,
    sentiment: float,
    session_id: int,
    message_id: int | None,
    cause: str,
    at: datetime,
) -> None:
    """Moves an avatar's state by a turn's drives, and notes where it went."""
    tx.execute(
        STORE_STATE,
        owner_id=owner_id,
        avatar_id=avatar_id,
        feeling_id=feeling_id,
        drives=list(drives),
        baselines=list(baselines),
        mood=mood.current_mood,
        intensity=mood.mood_intensity,
        sentiment=sentiment,
        session_id=session_id,
        message_id=message_id,
        cause=cause,
        at=at,
    )
