"""SQL that a turn needs of its conversation: the session, the branch so far, and the messages it adds."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anima.conversations.model import Added, Past
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
class Owned:
    """A medium that is there."""

    media_id: int


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
        insert into sessions (user_id, avatar_id, title, private)
        select %(owner_id)s, c.avatar_id, %(title)s, %(private)s
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

BRANCH = db.Query(
    Past,
    """
    with recursive tip as (
        select m.message_id
        from messages m
        where m.owner_id = %(owner_id)s and m.session_id = %(session_id)s
            and (%(message_id)s::bigint is null or m.message_id = %(message_id)s)
        order by m.created_at desc, m.message_id desc
        limit 1
    ), branch as (
        select m.message_id, m.parent_message_id, m.role, m.content, m.created_at, 1 as depth
        from messages m
        where m.owner_id = %(owner_id)s and m.message_id = (select t.message_id from tip t)
        union all
        select m.message_id, m.parent_message_id, m.role, m.content, m.created_at, b.depth + 1
        from branch b
        join messages m on m.owner_id = %(owner_id)s and m.message_id = b.parent_message_id
        where b.depth < %(limit)s
    )
    select message_id, parent_message_id, role, content, created_at
    from branch
    order by depth desc
    """,
)

MEDIA = db.Query(
    Owned, "select media_id from media where owner_id = %(owner_id)s and media_id = any(%(media_ids)s::bigint[])"
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
) -> db.Pending[Opened]:
    """A new session with its participants; no row where the avatar that was named is not there."""
    return tx.fetch(NEW_SESSION, owner_id=owner_id, avatar_id=avatar_id, name=name, title=title, private=private)


def branch(tx: db.Transaction, owner_id: int, session_id: int, message_id: int | None, limit: int) -> db.Pending[Past]:
    """Up to `limit` messages that lead to a message (none: the newest), oldest first."""
    return tx.fetch(BRANCH, owner_id=owner_id, session_id=session_id, message_id=message_id, limit=limit)


def media(tx: db.Transaction, owner_id: int, media_ids: Sequence[int]) -> db.Pending[Owned]:
    """Those of the media that are the owner's."""
    return tx.fetch(MEDIA, owner_id=owner_id, media_ids=list(media_ids))


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
