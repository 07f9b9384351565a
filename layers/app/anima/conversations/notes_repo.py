"""SQL of notes: messages that neither the person nor an avatar said, but a program wrote down for them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Note:
    """A note, by its message."""

    message_id: int
    session_id: int


# Nobody is its author: what bears another's name is not taken for the person's own words.
ADD = db.Query(
    Note,
    """
    insert into messages (session_id, owner_id, role, content, created_at, metadata)
    select s.session_id, s.user_id, 'user', %(content)s, %(at)s,
        jsonb_build_object('speaker', %(speaker)s::text, 'note', true)
    from sessions s
    where s.user_id = %(owner_id)s and s.session_id = %(session_id)s
    returning message_id, session_id
    """,
)

SAME = db.Query(
    Note,
    """
    select message_id, session_id from messages
    where owner_id = %(owner_id)s and session_id = %(session_id)s and metadata ? 'note'
        and md5(content) = md5(%(content)s) and content = %(content)s
    limit 1
    """,
)

REMOVE = db.Query(
    Note,
    """
    delete from messages m using sessions s
    where m.owner_id = %(owner_id)s and m.message_id = %(message_id)s and m.metadata ? 'note'
        and s.user_id = m.owner_id and s.session_id = m.session_id and s.avatar_id = %(avatar_id)s
    returning m.message_id, m.session_id
    """,
)


def add(
    tx: db.Transaction, owner_id: int, session_id: int, content: str, speaker: str, at: datetime
) -> db.Pending[Note]:
    """Writes a note into a session."""
    return tx.fetch(ADD, owner_id=owner_id, session_id=session_id, content=content, speaker=speaker, at=at)


def same(tx: db.Transaction, owner_id: int, session_id: int, content: str) -> db.Pending[Note]:
    """The note of a session that says just this."""
    return tx.fetch(SAME, owner_id=owner_id, session_id=session_id, content=content)


def remove(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, message_id: int) -> db.Pending[Note]:
    """Deletes a note to an avatar, and what it is found by; other messages stay."""
    return tx.fetch(REMOVE, owner_id=owner_id, avatar_id=avatar_id, message_id=message_id)
