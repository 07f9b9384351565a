"""SQL of sessions, their history, and media."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from anima.conversations.model import Message, Session
from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Found:
    """A session that is there."""

    session_id: int


SESSION = db.Query(
    Session,
    """
    select s.session_id, s.avatar_id, a.name as avatar_name, s.title, s.private, s.started_at, s.ended_at
    from sessions s
    left join avatars a on a.owner_id = s.user_id and a.avatar_id = s.avatar_id
    where s.user_id = %(owner_id)s and s.session_id = %(session_id)s
    """,
)

SESSIONS = db.Query(
    Session,
    """
    select s.session_id, s.avatar_id, a.name as avatar_name, s.title, s.private, s.started_at, s.ended_at
    from sessions s
    left join avatars a on a.owner_id = s.user_id and a.avatar_id = s.avatar_id
    where s.user_id = %(owner_id)s
        and (%(avatar_id)s::uuid is null or s.avatar_id = %(avatar_id)s)
        and (%(before)s::timestamptz is null
            or (s.started_at, s.session_id) < (%(before)s::timestamptz, %(before_id)s::bigint))
    order by s.started_at desc, s.session_id desc
    limit %(limit)s
    """,
)

OWN_SESSION = db.Query(
    Found,
    """
    select s.session_id from sessions s where s.user_id = %(owner_id)s and s.session_id = %(session_id)s
    """,
)

DELETE_SESSION = db.Command(
    """
    delete from sessions where user_id = %(owner_id)s and session_id = %(session_id)s
    """
)

# A request whose time is over while it is pending was cut, though nobody may have closed it yet.
_MESSAGE: LiteralString = """
    select m.message_id, m.parent_message_id, m.role, m.content, m.created_at, m.avatar_id,
        (
            select coalesce(jsonb_agg(jsonb_build_object(
                'media_id', f.media_id, 'media_type', f.media_type, 'mime_type', f.mime_type
            ) order by f.media_id), '[]')
            from message_media k
            join media f on f.owner_id = k.owner_id and f.media_id = k.media_id
            where k.owner_id = m.owner_id and k.message_id = m.message_id
        ) as media_refs,
        p.response_id,
        (
            select count(*) from response_citations c
            where c.owner_id = m.owner_id and c.response_id = p.response_id
        ) + (
            select count(*) from shared_citations c
            where c.owner_id = m.owner_id and c.response_id = p.response_id
        ) as citations,
        q.state
    from messages m
    left join lateral (
        select r.response_id
        from llm_responses r
        where r.owner_id = m.owner_id and r.message_id = m.message_id
        order by r.response_id desc
        limit 1
    ) p on true
    left join lateral (
        select case when r.state = 'pending' and r.expires_at < now() then 'interrupted' else r.state end
            as state
        from llm_requests r
        where r.owner_id = m.owner_id and r.message_id = m.message_id
        order by r.request_id desc
        limit 1
    ) q on true
    where m.owner_id = %(owner_id)s and m.session_id = %(session_id)s
"""

OLDEST_MESSAGES = db.Query(
    Message,
    _MESSAGE
    + """
        and (%(after)s::timestamptz is null
            or (m.created_at, m.message_id) > (%(after)s::timestamptz, %(after_id)s::bigint))
    order by m.created_at, m.message_id
    limit %(limit)s
    """,
)

NEWEST_MESSAGES = db.Query(
    Message,
    _MESSAGE
    + """
        and (%(before)s::timestamptz is null
            or (m.created_at, m.message_id) < (%(before)s::timestamptz, %(before_id)s::bigint))
    order by m.created_at desc, m.message_id desc
    limit %(limit)s
    """,
)


def session(tx: db.Transaction, owner_id: int, session_id: int) -> db.Pending[Session]:
    """One session."""
    return tx.fetch(SESSION, owner_id=owner_id, session_id=session_id)


def sessions(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID | None,
    before: tuple[datetime, int] | None,
    limit: int,
) -> db.Pending[Session]:
    """Sessions, newest first."""
    time, last = before or (None, None)
    return tx.fetch(SESSIONS, owner_id=owner_id, avatar_id=avatar_id, before=time, before_id=last, limit=limit)


def own_session(tx: db.Transaction, owner_id: int, session_id: int) -> db.Pending[Found]:
    """Whether a session is there."""
    return tx.fetch(OWN_SESSION, owner_id=owner_id, session_id=session_id)


def delete_session(tx: db.Transaction, owner_id: int, session_id: int) -> db.Done:
    """Removes a session with all that was said in it."""
    return tx.execute(DELETE_SESSION, owner_id=owner_id, session_id=session_id)


def oldest_messages(
    tx: db.Transaction, owner_id: int, session_id: int, after: tuple[datetime, int] | None, limit: int
) -> db.Pending[Message]:
    """Messages of a session, oldest first."""
    time, last = after or (None, None)
    return tx.fetch(OLDEST_MESSAGES, owner_id=owner_id, session_id=session_id, after=time, after_id=last, limit=limit)


def newest_messages(
    tx: db.Transaction, owner_id: int, session_id: int, before: tuple[datetime, int] | None, limit: int
) -> db.Pending[Message]:
    """Messages of a session, newest first."""
    time, last = before or (None, None)
    return tx.fetch(NEWEST_MESSAGES, owner_id=owner_id, session_id=session_id, before=time, before_id=last, limit=limit)
