"""What is felt in a turn: begun with what is kept, felt without the database, stored in one go.

The state belongs to the avatar, the mood to the session. A private session has a mood and leaves nothing else.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from anima.emotions import repo
from anima.emotions.feeling import Feeling, Kept, as_mood, felt, shown, still
from anima.emotions.model import SessionMood
from anima.kernel import db, ids

__all__ = [
    "Feeling",
    "Kept",
    "PendingFeeling",
    "SessionMood",
    "as_mood",
    "begin",
    "felt",
    "shown",
    "still",
    "store",
]


@dataclass(frozen=True, slots=True)
class PendingFeeling:
    """What is kept, on its way."""

    mood: db.Pending[SessionMood]
    state: db.Pending[repo.State] | None

    def kept(self) -> Kept:
        """What is kept of the mood and the state."""
        state = self.state.first() if self.state else None
        return Kept(self.mood.first(), state.concentrations if state else None, state.as_of if state else None)


def begin(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID | None, session_id: int) -> PendingFeeling:
    """Asks for what is kept, as part of a transaction; nothing is looked at."""
    state = None if avatar_id is None else repo.state(tx, owner_id, avatar_id)
    return PendingFeeling(repo.mood(tx, owner_id, session_id), state)


def store(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID | None,
    session_id: int,
    feeling: Feeling,
    *,
    message_id: int | None = None,
    private: bool = False,
    cause: str = "turn",
) -> None:
    """Keeps what a turn did, once, as part of its transaction; nothing is looked at."""
    repo.store_mood(tx, owner_id, session_id, feeling.seen, feeling.mood, feeling.strike)
    if avatar_id is None or private:
        return
    repo.store_state(
        tx,
        owner_id,
        avatar_id,
        feeling_id=ids.uuid7(),
        drives=feeling.drives,
        baselines=feeling.baselines,
        mood=feeling.mood,
        sentiment=feeling.appraisal.sentiment,
        session_id=session_id,
        message_id=message_id,
        cause=cause,
        at=feeling.at,
    )
