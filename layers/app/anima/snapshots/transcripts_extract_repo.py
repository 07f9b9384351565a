"""SQL of reading past conversations for facts: what is left to be read, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are, and how many of them were read."""

    total: int
    done: int


@dataclass(frozen=True, slots=True)
class Unread:
    """A session whose messages were not all read for facts; `read_until` is the last that was."""

    session_id: int
    read_until: int


@dataclass(frozen=True, slots=True)
class Own:
    """A message of the owner's own."""

    message_id: int
    content: str
    telling: bool


UNREAD = db.Query(
    Unread,
    """
    select t.session_id, t.read_until from transcript_sessions t
    join sessions s on s.user_id = t.owner_id and s.session_id = t.session_id
    where t.owner_id = %(owner_id)s and t.document_id = %(document_id)s and not t.is_read
    order by s.started_at, t.session_id
    limit %(limit)s
    """,
)

OWN = db.Query(
    Own,
    """
    select message_id, content, coalesce((metadata ->> 'telling')::boolean, false) as telling from messages
    where owner_id = %(owner_id)s and session_id = %(session_id)s and message_id > %(after)s
        and role = 'user' and author_id = owner_id
    order by message_id
    limit %(limit)s
    """,
)

OWN_COUNT = db.Query(
    Count,
    """
    select count(*)::integer as total,
        count(*) filter (where t.is_read or m.message_id <= t.read_until)::integer as done
    from transcript_sessions t
    join messages m on m.owner_id = t.owner_id and m.session_id = t.session_id
    where t.owner_id = %(owner_id)s and t.document_id = %(document_id)s and m.role = 'user' and m.author_id = m.owner_id
    """,
)

READ = db.Command(
    """
    update transcript_sessions set read_until = greatest(read_until, %(until)s), is_read = %(is_read)s
    where owner_id = %(owner_id)s and session_id = %(session_id)s
    """
)


def unread(tx: db.Transaction, owner_id: int, document_id: int, limit: int) -> db.Pending[Unread]:
    """Sessions of a document that were not read for facts, oldest first."""
    return tx.fetch(UNREAD, owner_id=owner_id, document_id=document_id, limit=limit)


def own(tx: db.Transaction, owner_id: int, session_id: int, after: int, limit: int) -> db.Pending[Own]:
    """The owner's own messages of a session, in order."""
    return tx.fetch(OWN, owner_id=owner_id, session_id=session_id, after=after, limit=limit)


def own_count(tx: db.Transaction, owner_id: int, document_id: int) -> db.Pending[Count]:
    """How many messages of the owner's own a document has brought, and how many were read for facts."""
    return tx.fetch(OWN_COUNT, owner_id=owner_id, document_id=document_id)


def read(tx: db.Transaction, owner_id: int, session_id: int, until: int, is_read: bool) -> None:
    """Notes how far a session was read for facts."""
    tx.execute(READ, owner_id=owner_id, session_id=session_id, until=until, is_read=is_read)
