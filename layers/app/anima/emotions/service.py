"""Rules of moods: what a session's mood is now, what a message does to it, and how it is kept."""

from __future__ import annotations

from datetime import datetime

from anima.emotions import model, repo
from anima.emotions.model import SessionMood
from anima.kernel import clock, db
from anima.personality.model import Mood, Personality, mood_kind

__all__ = ["SessionMood", "as_mood", "felt", "mood", "store"]


def mood(tx: db.Transaction, owner_id: int, session_id: int) -> db.Pending[SessionMood]:
    """The mood as it was last kept, as part of a transaction; no row where nothing has stirred it."""
    return repo.mood(tx, owner_id, session_id)


def felt(kept: SessionMood | None, personality: Personality, text: str, at: datetime | None = None) -> SessionMood:
    """The mood now, faded and then stirred by what is said. Pure; `store` keeps it."""
    at = at or clock.now()
    now = kept or model.settled(personality.default_mood, at)
    now = model.faded(now, at, mood_kind(personality, now.current_mood).decay, personality.default_mood)
    triggers = [model.Trigger(kind.name, kind.triggers) for kind in personality.moods]
    return model.stirred(now, text, triggers, at)


def as_mood(felt: SessionMood) -> Mood:
    """The mood as a prompt is compiled for it."""
    return Mood(felt.current_mood, round(felt.mood_intensity, 3))


def store(tx: db.Transaction, owner_id: int, session_id: int, felt: SessionMood) -> None:
    """Keeps the mood, as part of a transaction; nothing is looked at."""
    repo.store(tx, owner_id, session_id, felt)
