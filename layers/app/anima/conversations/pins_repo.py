"""SQL of sessions that an outside client knows by an id of its own."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Made:
    """A session that was made just now."""

    session_id: int


@dataclass(frozen=True, slots=True)
class Pinned:
    """The session that a client means, and what was said last in it: by the person, and to them."""

    session_id: int
    avatar_id: uuid.UUID
    message_id: int | None
    message: str | None
    answer: str | None


# Of two that come at once one makes it, and the other waits for that and finds it.
MAKE = db.Query(
    Made,
    """
    with made as (
        insert into sessions (user_id, avatar_id, title, private, started_at, client_id, metadata)
        select a.owner_id, a.avatar_id, %(title)s, %(private)s, %(at)s, %(client_id)s,
            jsonb_build_object('client', %(client)s::text)
        from avatars a
        where a.owner_id = %(owner_id)s
            and (a.avatar_id = %(avatar_id)s::uuid or %(avatar_id)s::uuid is null and a.name = %(name)s::citext)
        on conflict (user_id, avatar_id, client_id) where client_id is not null do nothing
        returning session_id, avatar_id
    ), joined as (
        insert into session_participants (session_id, owner_id, user_id, avatar_id)
        select m.session_id, %(owner_id)s, p.user_id, p.avatar_id
        from made m
        cross join lateral (values (%(owner_id)s::bigint, null::uuid), (null, m.avatar_id)) p (user_id, avatar_id)
    )
    select session_id from made
    """,
)

PINNED = db.Query(
    Pinned,
    """
    select s.session_id, s.avatar_id, u.message_id, u.content as message, t.content as answer
    from avatars a
    join sessions s on s.user_id = a.owner_id and s.avatar_id = a.avatar_id and s.client_id = %(client_id)s
    left join lateral (
        select m.message_id, m.content from messages m
        where m.owner_id = s.user_id and m.session_id = s.session_id and m.role = 'user'
        order by m.created_at desc, m.message_id desc limit 1
    ) u on true
    left join lateral (
        select m.content from messages m
        where m.owner_id = s.user_id and m.parent_message_id = u.message_id and m.role = 'assistant'
        order by m.created_at desc, m.message_id desc limit 1
    ) t on true
    where a.owner_id = %(owner_id)s
        and (a.avatar_id = %(avatar_id)s::uuid or %(avatar_id)s::uuid is null and a.name = %(name)s::citext)
    """,
)


def make(
    tx: db.Transaction,
    owner_id: int,
    avatar: uuid.UUID | str,
    client_id: str,
    *,
    client: str,
    title: str | None,
    private: bool,
    at: datetime,
) -> db.Pending[Made]:
    """Begins the session that a client means by this id; no row where it is there, or the avatar is not."""
    avatar_id, name = _named(avatar)
    return tx.fetch(
        MAKE,
        owner_id=owner_id,
        avatar_id=avatar_id,
        name=name,
        client_id=client_id,
        client=client,
        title=title,
        private=private,
        at=at,
    )


def pinned(tx: db.Transaction, owner_id: int, avatar: uuid.UUID | str, client_id: str) -> db.Pending[Pinned]:
    """The session that a client means by this id."""
    avatar_id, name = _named(avatar)
    return tx.fetch(PINNED, owner_id=owner_id, avatar_id=avatar_id, name=name, client_id=client_id)


def _named(avatar: uuid.UUID | str) -> tuple[uuid.UUID | None, str | None]:
    return (avatar, None) if isinstance(avatar, uuid.UUID) else (None, avatar)
