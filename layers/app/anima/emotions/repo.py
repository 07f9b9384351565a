"""SQL of session moods."""

from __future__ import annotations

from anima.emotions.model import SessionMood
from anima.kernel import db

MOOD = db.Query(
    SessionMood,
    """
    select m.current_mood, m.mood_intensity, m.mood_started_at, m.mood_history
    from session_moods m
    where m.user_id = %(owner_id)s and m.session_id = %(session_id)s
    """,
)

# A session that is gone by now gets no mood.
STORE = db.Command(
    """
    insert into session_moods (
        session_id, user_id, current_mood, mood_intensity, mood_started_at, mood_history
    )
    select s.session_id, s.user_id, %(mood)s, %(intensity)s, %(started_at)s, %(history)s
    from sessions s
    where s.user_id = %(owner_id)s and s.session_id = %(session_id)s
    on conflict (session_id) do update set
        current_mood = excluded.current_mood,
        mood_intensity = excluded.mood_intensity,
        mood_started_at = excluded.mood_started_at,
        mood_history = excluded.mood_history
    """
)


def mood(tx: db.Transaction, owner_id: int, session_id: int) -> db.Pending[SessionMood]:
    """The mood as it was last kept; no row where nothing has stirred it."""
    return tx.fetch(MOOD, owner_id=owner_id, session_id=session_id)


def store(tx: db.Transaction, owner_id: int, session_id: int, felt: SessionMood) -> None:
    """Keeps a mood."""
    tx.execute(
        STORE,
        owner_id=owner_id,
        session_id=session_id,
        mood=felt.current_mood,
        intensity=felt.mood_intensity,
        started_at=felt.mood_started_at,
        history=db.jsonb(felt.mood_history),
    )
