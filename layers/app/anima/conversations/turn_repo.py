"""SQL that a turn needs of its conversation: the session, the branch so far, and the messages it adds."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from anima.conversations.model import Enclosed, Past
from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Opened:
    """A session with its avatar, side by side."""

    session_id: int
    avatar_id: uuid.UUID | None
    avatar_name: str | None
    title: str | None
    private: bool
    started_at: datetime
    ended_at: datetime | None
    personality_name: str | None
    personality: dict[str, Any] | None
    model: str | None
    switches: dict[str, Any] | None
    egress: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A medium as an answer names it."""

    media_id: int
    media_type: str
    mime_type: str


@dataclass(frozen=True, slots=True)
class Edited:
    """A message that is to be replaced by another."""

    message_id: int
    role: str


@dataclass(frozen=True, slots=True)
class ToAnswer:
    """A message that is to be answered (again), and whether it was answered before."""

    message_id: int
    session_id: int
    content: str
    answered: bool


# The lock makes turns of one session follow each other: the second reads what the first has entered.
SESSION = db.Query(
    Opened,
    """
    select s.session_id, a.avatar_id, a.name as avatar_name, s.title, s.private, s.started_at, s.ended_at,
        a.personality_name, a.personality, a.model, a.switches, a.egress
    from sessions s
    left join avatars a on a.owner_id = s.user_id and a.avatar_id = s.avatar_id
    where s.user_id = %(owner_id)s and s.session_id = %(session_id)s
    for no key update of s
    """,
)

# With neither id nor name the person's first avatar takes part, if there is one.
NEW_SESSION = db.Query(
    Opened,
    """
    with chosen as (
        select a.avatar_id, a.name, a.personality_name, a.personality, a.model, a.switches, a.egress
        from avatars a
        where a.owner_id = %(owner_id)s
            and (%(avatar_id)s::uuid is null or a.avatar_id = %(avatar_id)s)
            and (%(name)s::text is null or a.name = %(name)s::citext)
        order by a.avatar_id
        limit 1
    ), made as (
        insert into sessions (user_id, avatar_id, title, private, started_at, ended_at)
        select %(owner_id)s, c.avatar_id, %(title)s, %(private)s, %(at)s,
            case when %(closed)s::boolean then %(at)s::timestamptz end
        from (select 1) always
        left join chosen c on true
        where c.avatar_id is not null or (%(avatar_id)s::uuid is null and %(name)s::text is null)
        returning session_id, avatar_id, title, private, started_at, ended_at
    ), joined as (
        insert into session_participants (session_id, owner_id, user_id, avatar_id)
        select m.session_id, %(owner_id)s, p.user_id, p.avatar_id
        from made m
        cross join lateral (
            values (%(owner_id)s::bigint, null::uuid), (null, m.avatar_id)
        ) p (user_id, avatar_id)
        where num_nonnulls(p.user_id, p.avatar_id) = 1
    )
    select m.session_id, m.avatar_id, c.name as avatar_name, m.title, m.private, m.started_at, m.ended_at,
        c.personality_name, c.personality, c.model, c.switches, c.egress
    from made m
    left join chosen c on true
    """,
)

# Turns that went on at the same time as the one that ended last: what hangs below the same message as it.
BESIDES: LiteralString = """
    besides as (
        select u.message_id, u.created_at, u.role
        from newest n
        join messages a on a.owner_id = %(owner_id)s and a.message_id = n.message_id and a.role = 'assistant'
        join messages p on p.owner_id = a.owner_id and p.message_id = a.parent_message_id and p.role = 'user'
        join messages u on u.owner_id = a.owner_id and u.parent_message_id = p.message_id and u.role = 'user'
        where n.is_last
        union all
        select m.message_id, m.created_at, m.role
        from besides b
        join messages m on m.owner_id = %(owner_id)s and m.parent_message_id = b.message_id
    ),
"""

# A message without a parent follows the one before it, as an import may have it; one that replaces another does not.
# What somebody else said in an imported talk bears their name: it is not the person's own.
BRANCH = db.Query(
    Past,
    """
    with recursive newest as (
        select m.message_id, %(message_id)s::bigint is null and %(edits)s::bigint is null as is_last
        from messages m
        where m.owner_id = %(owner_id)s and m.session_id = %(session_id)s
            and (%(message_id)s::bigint is null or m.message_id = %(message_id)s)
            and (%(edits)s::bigint is null or m.message_id = (
                select e.parent_message_id from messages e
                where e.owner_id = %(owner_id)s and e.session_id = %(session_id)s and e.message_id = %(edits)s
            ))
        order by m.created_at desc, m.message_id desc
        limit 1
    ),
    """  # noqa: S608 (a piece from this file)
    + BESIDES
    + """
    tip as (
        select coalesce(
            (
                select coalesce(
                    (
                        select a.message_id from messages a
                        where a.owner_id = %(owner_id)s and a.parent_message_id = b.message_id
                            and a.role = 'assistant'
                        order by a.created_at desc, a.message_id desc limit 1
                    ),
                    b.message_id
                )
                from besides b where b.role = 'user'
                order by b.created_at desc, b.message_id desc limit 1
            ),
            n.message_id
        ) as message_id
        from newest n
    ), branch as (
        select m.message_id, m.parent_message_id, m.role, m.content, m.created_at, 1 as depth, m.metadata, m.author_id
        from messages m
        where m.owner_id = %(owner_id)s and m.message_id = (select t.message_id from tip t)
        union all
        select m.message_id, m.parent_message_id, m.role, m.content, m.created_at, depth + 1, m.metadata, m.author_id
        from branch b
        join messages m on m.owner_id = %(owner_id)s
            and m.message_id = coalesce(b.parent_message_id, case when not b.metadata ? 'edits' then (
                select e.message_id from messages e
                where e.owner_id = %(owner_id)s and e.session_id = %(session_id)s
                    and (e.created_at, e.message_id) < (b.created_at, b.message_id)
                order by e.created_at desc, e.message_id desc
                limit 1
            ) end)
        where b.depth < %(limit)s
    )
    select message_id, parent_message_id, role, created_at,
        concat(case when role = 'user' and author_id is null then metadata ->> 'speaker' || ': ' end, content) content
    from branch
    order by depth desc
    """,
)

EDITED = db.Query(
    Edited,
    """
    select message_id, role from messages
    where owner_id = %(owner_id)s and session_id = %(session_id)s and message_id = %(message_id)s
    """,
)

# Of an answer, the message that it answers; of a message of the person, itself.
TO_ANSWER = db.Query(
    ToAnswer,
    """
    select u.message_id, u.session_id, u.content,
        exists (
            select from messages a
            where a.owner_id = u.owner_id and a.parent_message_id = u.message_id and a.role = 'assistant'
        ) as answered
    from messages m
    join messages u on u.owner_id = m.owner_id and u.role = 'user'
        and u.message_id = case m.role when 'user' then m.message_id else m.parent_message_id end
    where m.owner_id = %(owner_id)s and m.message_id = %(message_id)s
    """,
)

# Those that are named, and those of a message that is stored.
MEDIA = db.Query(
    Enclosed,
    """
    select m.media_id, m.media_type, m.mime_type, m.size_bytes, m.storage_uri, m.metadata ->> 'name' as name,
        (
            select left(c.text, 1000)
            from documents d
            join chunks c on c.owner_id = d.owner_id and c.document_id = d.document_id
            where d.owner_id = m.owner_id and d.media_id = m.media_id
            order by c.chunk_index
            limit 1
        ) as told
    from media m
    where m.owner_id = %(owner_id)s and (
        m.media_id = any(%(media_ids)s::bigint[])
        or m.media_id in (
            select k.media_id from message_media k
            where k.owner_id = %(owner_id)s and k.message_id = %(message_id)s::bigint
        )
    )
    order by m.media_id
    """,
)

SHOWN = db.Query(
    Shown,
    """
    select media_id, media_type, mime_type from media
    where owner_id = %(owner_id)s and media_id = any(%(media_ids)s::bigint[])
    order by media_id
    """,
)


def session(tx: db.Transaction, owner_id: int, session_id: int) -> db.Pending[Opened]:
    """The session, locked until the transaction ends."""
    return tx.fetch(SESSION, owner_id=owner_id, session_id=session_id)


def new_session(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID | None,
    name: str | None,
    title: str | None,
    private: bool,
    at: datetime,
    closed: bool = False,
) -> db.Pending[Opened]:
    """A new session with its participants; no row where the avatar that was named is not there. `closed`: over as it
    begins.
    """
    return tx.fetch(
        NEW_SESSION,
        owner_id=owner_id,
        avatar_id=avatar_id,
        name=name,
        title=title,
        private=private,
        at=at,
        closed=closed,
    )


def branch(
    tx: db.Transaction, owner_id: int, session_id: int, message_id: int | None, limit: int, edits: int | None = None
) -> db.Pending[Past]:
    """Up to `limit` messages that lead to a message (none: the newest), oldest first; where one is edited, those that
    led to it.
    """
    return tx.fetch(BRANCH, owner_id=owner_id, session_id=session_id, message_id=message_id, limit=limit, edits=edits)


def edited(tx: db.Transaction, owner_id: int, session_id: int, message_id: int) -> db.Pending[Edited]:
    """The message that is to be replaced."""
    return tx.fetch(EDITED, owner_id=owner_id, session_id=session_id, message_id=message_id)


def to_answer(tx: db.Transaction, owner_id: int, message_id: int) -> db.Pending[ToAnswer]:
    """What is to be answered where an answer, or what it answers, is named."""
    return tx.fetch(TO_ANSWER, owner_id=owner_id, message_id=message_id)


def media(
    tx: db.Transaction, owner_id: int, media_ids: Sequence[int], message_id: int | None = None
) -> db.Pending[Enclosed]:
    """Those of the media that are the owner's, and those of a stored message."""
    return tx.fetch(MEDIA, owner_id=owner_id, media_ids=list(media_ids), message_id=message_id)


def shown(tx: db.Transaction, owner_id: int, media_ids: Sequence[int]) -> db.Pending[Shown]:
    """Media as an answer names them."""
    return tx.fetch(SHOWN, owner_id=owner_id, media_ids=list(media_ids))
