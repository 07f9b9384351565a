"""SQL of sessions, their history, and media."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from anima.conversations.model import Added, Message, Session
from anima.conversations.turn_repo import BESIDES
from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Found:
    """A session that is there."""

    session_id: int


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message that is there."""

    message_id: int


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

OWN_MESSAGE = db.Query(
    Spoken,
    """
    select m.message_id from messages m
    where m.owner_id = %(owner_id)s and m.session_id = %(session_id)s and m.message_id = %(message_id)s
    """,
)

# The branch that leads to the newest message, or to the newest one below one that was chosen. A message that has no
# parent follows the one before it (an import may have none), but where it replaces another it begins the session. Turns
# that went on at the same time hang below each other's messages: all of them are shown, each with its answer. Times of
# an import may lead back to where a path was already: there it ends.
# A request whose time is over while it is pending was cut, though nobody may have closed it yet; one without a process
# waits for its person.
_MESSAGE: LiteralString = (
    """
    with recursive below as (
        select m.message_id, m.created_at from messages m
        where m.owner_id = %(owner_id)s and m.session_id = %(session_id)s and m.message_id = %(leaf)s::bigint
        union all
        select m.message_id, m.created_at
        from below b
        join messages m on m.owner_id = %(owner_id)s and m.parent_message_id = b.message_id
    ), newest as (
        (select b.message_id, false as is_last from below b order by b.created_at desc, b.message_id desc limit 1)
        union all
        (
            select m.message_id, true from messages m
            where m.owner_id = %(owner_id)s and m.session_id = %(session_id)s and %(leaf)s::bigint is null
            order by m.created_at desc, m.message_id desc
            limit 1
        )
    ),
    """  # noqa: S608 (a piece of this room's own SQL)
    + BESIDES
    + """
    tip as (
        select coalesce(
            (
                select b.message_id from besides b where b.role = 'user'
                order by b.created_at desc, b.message_id desc limit 1
            ),
            n.message_id
        ) as message_id
        from newest n
    ), path as (
        select t.message_id from tip t where not %(whole)s::boolean
        union
        select coalesce(m.parent_message_id, case when not m.metadata ? 'edits' then (
            select b.message_id from messages b
            where b.owner_id = m.owner_id and b.session_id = m.session_id
                and (b.created_at, b.message_id) < (m.created_at, m.message_id)
            order by b.created_at desc, b.message_id desc
            limit 1
        ) end)
        from path p
        join messages m on m.owner_id = %(owner_id)s and m.message_id = p.message_id
    ), root as (
        select m.message_id from messages m
        where m.owner_id = %(owner_id)s and m.session_id = %(session_id)s
        order by m.created_at, m.message_id
        limit 1
    )
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
        q.state,
        jsonb_build_object(
            'index', coalesce(array_position(beside.ids, m.message_id), 1),
            'of', greatest(cardinality(beside.ids), 1),
            'siblings', coalesce(to_jsonb(beside.ids), jsonb_build_array(m.message_id))
        ) as branch
    from messages m
    left join lateral (
        select array_agg(s.message_id order by s.created_at, s.message_id) as ids
        from messages s
        where m.parent_message_id is not null
            and s.owner_id = m.owner_id and s.parent_message_id = m.parent_message_id and s.role = m.role
        having count(*) > 0
        union all
        select array_agg(s.message_id order by s.created_at, s.message_id)
        from messages s
        where m.parent_message_id is null and s.parent_message_id is null
            and s.owner_id = m.owner_id and s.session_id = m.session_id and s.role = m.role
            and (m.metadata ? 'edits' or m.message_id = (select r.message_id from root r))
            and (s.metadata ? 'edits' or s.message_id = (select r.message_id from root r))
        having count(*) > 0
    ) beside on true
    left join lateral (
        select r.response_id
        from llm_responses r
        where r.owner_id = m.owner_id and r.message_id = m.message_id
        order by r.response_id desc
        limit 1
    ) p on true
    left join lateral (
        select case
            when r.state <> 'pending' then r.state
            when r.parameters ? 'waiting' and r.instance is null then 'waiting'
            when r.expires_at < now() then 'interrupted'
            else r.state
        end as state
        from llm_requests r
        where r.owner_id = m.owner_id and r.message_id = m.message_id
        order by r.request_id desc
        limit 1
    ) q on true
    where m.owner_id = %(owner_id)s and m.session_id = %(session_id)s
        and (
            %(whole)s::boolean
            or m.message_id in (select p.message_id from path p)
            or m.message_id in (
                select (
                    select a.message_id from messages a
                    where a.owner_id = %(owner_id)s and a.parent_message_id = p.message_id and a.role = 'assistant'
                    order by a.created_at desc, a.message_id desc
                    limit 1
                )
                from path p
                where not exists (
                    select from messages a
                    where a.owner_id = %(owner_id)s and a.parent_message_id = p.message_id and a.role = 'assistant'
                        and a.message_id in (select o.message_id from path o)
                )
            )
        )
    """
)


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


ADD_MESSAGE = db.Query(
    Added,
    """
    with added as (
        insert into messages (owner_id, session_id, author_id, avatar_id, parent_message_id, role, content)
        values (
            %(owner_id)s, %(session_id)s, case when %(role)s::text = 'user' then %(owner_id)s::bigint end,
            %(avatar_id)s, %(parent_message_id)s, %(role)s, %(content)s
        )
        returning message_id, created_at
    ), tied as (
        insert into message_media (owner_id, message_id, media_id)
        select m.owner_id, a.message_id, m.media_id
        from added a
        join media m on m.owner_id = %(owner_id)s and m.media_id = any(%(media_ids)s::bigint[])
        returning media_id
    )
    select a.message_id, a.created_at, (select count(*) from tied) as media
    from added a
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


def own_message(tx: db.Transaction, owner_id: int, session_id: int, message_id: int) -> db.Pending[Spoken]:
    """Whether a message is there in a session."""
    return tx.fetch(OWN_MESSAGE, owner_id=owner_id, session_id=session_id, message_id=message_id)


def oldest_messages(
    tx: db.Transaction,
    owner_id: int,
    session_id: int,
    after: tuple[datetime, int] | None,
    limit: int,
    leaf: int | None,
    whole: bool,
) -> db.Pending[Message]:
    """Messages of a branch of a session (`leaf`: one on it; none: the newest one), or of all, oldest first."""
    time, last = after or (None, None)
    return tx.fetch(
        OLDEST_MESSAGES,
        owner_id=owner_id,
        session_id=session_id,
        after=time,
        after_id=last,
        limit=limit,
        leaf=leaf,
        whole=whole,
    )


def newest_messages(
    tx: db.Transaction,
    owner_id: int,
    session_id: int,
    before: tuple[datetime, int] | None,
    limit: int,
    leaf: int | None,
    whole: bool,
) -> db.Pending[Message]:
    """Messages of a branch of a session (`leaf`: one on it; none: the newest one), or of all, newest first."""
    time, last = before or (None, None)
    return tx.fetch(
        NEWEST_MESSAGES,
        owner_id=owner_id,
        session_id=session_id,
        before=time,
        before_id=last,
        limit=limit,
        leaf=leaf,
        whole=whole,
    )


def add_message(
    tx: db.Transaction,
    owner_id: int,
    session_id: int,
    role: str,
    content: str,
    parent_message_id: int | None,
    avatar_id: uuid.UUID | None,
    media_ids: Sequence[int],
) -> db.Pending[Added]:
    """A new message with its media."""
    return tx.fetch(
        ADD_MESSAGE,
        owner_id=owner_id,
        session_id=session_id,
        role=role,
        content=content,
        parent_message_id=parent_message_id,
        avatar_id=avatar_id,
        media_ids=list(media_ids),
    )
