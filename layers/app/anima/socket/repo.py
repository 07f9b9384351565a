"""SQL of the connections of a deployed WebSocket API."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends over a connection, in which session; `good`: what it was opened with still holds."""

    user_id: int
    roles: list[str]
    session_id: int | None
    avatar_id: uuid.UUID | None
    joined: bool
    good: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """How many connections a person has, the new one not counted."""

    others: int


@dataclass(frozen=True, slots=True)
class Listening:
    """A connection that takes part in a session; `stops` is the request whose answer is to end."""

    connection_id: str
    resume_after: int | None
    stops: int | None


@dataclass(frozen=True, slots=True)
class Closed:
    """That a connection was forgotten."""

    closed: str | None


# What the gateway ended without a word is forgotten by the way.
OPENED = db.Query(
    Opened,
    """
    with over as (
        delete from socket_connections where owner_id = %(owner_id)s and connected_at < now() - %(longest)s::interval
    ), entered as (
        insert into socket_connections (connection_id, owner_id, key_secret, family_id, expires_at)
        values (%(connection)s, %(owner_id)s, %(key_secret)s, %(opened_family_id)s, %(expires_at)s)
        on conflict (connection_id) do nothing
    )
    select count(*)::integer as others from socket_connections
    where owner_id = %(owner_id)s and connected_at >= now() - %(longest)s::interval
    """,
)

CALLER = db.Query(
    Caller,
    """
    select user_id, roles, session_id, avatar_id, joined, good
    from socket_caller(%(connection)s)
    """,
)

CLOSED = db.Query(Closed, "select socket_closed(%(connection)s)::text as closed")

JOINED = db.Command(
    """
    update socket_connections set
        session_id = %(session_id)s, avatar_id = %(avatar_id)s, joined = true, resume_after = %(after)s, stops = null
    where owner_id = %(owner_id)s and connection_id = %(connection)s
    """
)

LEFT = db.Command(
    """
    update socket_connections set session_id = null, avatar_id = null, joined = false
    where owner_id = %(owner_id)s and connection_id = %(connection)s
    """
)

STOPPED = db.Command(
    """
    update socket_connections c set stops = (
        select max(q.request_id) from llm_requests q
        where q.owner_id = c.owner_id and q.session_id = c.session_id and q.state = 'pending'
    )
    where c.owner_id = %(owner_id)s and c.connection_id = %(connection)s
    """
)

LISTENING = db.Query(
    Listening,
    """
    select connection_id, resume_after, stops from socket_connections
    where owner_id = %(owner_id)s and session_id = %(session_id)s
    """,
)


def opened(
    tx: db.Transaction,
    owner_id: int,
    connection_id: str,
    *,
    key_secret: bytes | None,
    family_id: uuid.UUID | None,
    expires_at: datetime,
    longest: object,
) -> db.Pending[Opened]:
    """Enters a connection."""
    return tx.fetch(
        OPENED,
        owner_id=owner_id,
        connection=connection_id,
        key_secret=key_secret,
        opened_family_id=family_id,
        expires_at=expires_at,
        longest=longest,
    )


def caller(tx: db.Transaction, connection_id: str) -> db.Pending[Caller]:
    """Whose connection it is."""
    return tx.fetch(CALLER, connection=connection_id)


def closed(tx: db.Transaction, connection_id: str) -> db.Pending[Closed]:
    """Forgets a connection."""
    return tx.fetch(CLOSED, connection=connection_id)


def joined(
    tx: db.Transaction,
    owner_id: int,
    connection_id: str,
    session_id: int | None,
    avatar_id: uuid.UUID | None,
    after: int | None,
) -> None:
    """Notes in which session it takes part, and what it saw last of it."""
    tx.execute(
        JOINED,
        owner_id=owner_id,
        connection=connection_id,
        session_id=session_id,
        avatar_id=avatar_id,
        after=after,
    )


def left(tx: db.Transaction, owner_id: int, connection_id: str) -> None:
    """Notes that it takes part in none."""
    tx.execute(LEFT, owner_id=owner_id, connection=connection_id)


def stopped(tx: db.Transaction, owner_id: int, connection_id: str) -> None:
    """Notes that the answer is to end which its session is being given."""
    tx.execute(STOPPED, owner_id=owner_id, connection=connection_id)


def listening(tx: db.Transaction, owner_id: int, session_id: int) -> db.Pending[Listening]:
    """The connections that take part in a session."""
    return tx.fetch(LISTENING, owner_id=owner_id, session_id=session_id)
