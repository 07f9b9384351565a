"""Notes: what another program writes down for a person and an avatar, in one session of the two."""

from __future__ import annotations

import uuid

from anima.conversations import notes_repo, pins_service
from anima.conversations.notes_repo import Note
from anima.kernel import clock, db

__all__ = ["Note", "add", "place", "remove", "same"]

_PLACE, _TITLE = "notes", "Notes of other programs"


def place(principal: db.Principal, avatar_id: uuid.UUID) -> int:
    """The session that holds the notes to an avatar. Raises AvatarNotFound."""
    return pins_service.pin(principal, avatar_id, _PLACE, client="mcp", title=_TITLE).session_id


def same(tx: db.Transaction, owner_id: int, session_id: int, content: str) -> db.Pending[Note]:
    """The note that says just this, if there is one."""
    return notes_repo.same(tx, owner_id, session_id, content)


def add(tx: db.Transaction, owner_id: int, session_id: int, content: str, speaker: str) -> db.Pending[Note]:
    """Writes a note into its session, by whoever says to be its writer."""
    return notes_repo.add(tx, owner_id, session_id, content, speaker, clock.now())


def remove(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, message_id: int) -> db.Pending[Note]:
    """Deletes a note to an avatar; other messages stay."""
    return notes_repo.remove(tx, owner_id, avatar_id, message_id)
