"""SQL of sessions that are summed up when they are quiet: whether one is, and what was said in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Expected:
    """A session for which nobody looks yet whether it is quiet."""

    session_id: int


@dataclass(frozen=True, slots=True)
class Silence:
    """How a session stands: its newest message, up to which it is summed up, and whether it is quiet."""

    session_id: int
    title: str | None
    avatar_name: str | None
    avatar_model: str | None
    private: bool
    document_id: int | None
    summed_up: int | None
    newest: int | None
    newest_at: datetime | None
    is_quiet: bool
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Utterance:
    """A message."""

    message_id: int
    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A session whose summary was noted."""

    session_id: int


# One row a session: `waiting` is set by the first turn that finds it unset, and by no other.
EXPECTED = db.Query(
    Expected,
    """
    insert into session_digests (owner_id, session_id)
    select s.user_id, s.session_id from sessions s
    where s.user_id = %(owner_id)s and s.session_id = %(session_id)s and not s.private and (
        select count(*) from messages m
        where m.owner_id = s.user_id and m.session_id = s.session_id and m.message_id > coalesce((
            select d.message_id from session_digests d where d.owner_id = s.user_id and d.session_id = s.session_id
        ), 0)
    ) >= %(least)s::integer
    on conflict (owner_id, session_id) do update set waiting = true where not session_digests.waiting
    returning session_id
    """,
)

SILENCE = db.Query(
    Silence,
    """
    select d.session_id, s.title, a.name as avatar_name, a.model as avatar_model, s.private, d.document_id,
        d.message_id as summed_up, last.message_id as newest, last.created_at as newest_at,
        coalesce(last.created_at <= now() - %(quiet)s::interval, false) as is_quiet, s.started_at
    from session_digests d
    join sessions s on s.user_id = d.owner_id and s.session_id = d.session_id
    left join avatars a on a.owner_id = s.user_id and a.avatar_id = s.avatar_id
    left join lateral (
        select m.message_id, m.created_at from messages m
        where m.owner_id = d.owner_id and m.session_id = d.session_id
        order by m.created_at desc, m.message_id desc
        limit 1
    ) last on true
    where d.owner_id = %(owner_id)s and d.session_id = %(session_id)s
    for update of d
    """,
)

RESTING = db.Command(
    """
    update session_digests set waiting = false where owner_id = %(owner_id)s and session_id = %(session_id)s
    """
)

UTTERANCES = db.Query(
    Utterance,
    """
    select message_id, role, content from messages
    where owner_id = %(owner_id)s and session_id = %(session_id)s and role in ('user', 'assistant')
    order by created_at, message_id
    limit %(limit)s
    """,
)

KEPT = db.Query(
    Kept,
    """
    update session_digests set message_id = %(message_id)s::bigint, document_id = %(document_id)s::bigint
    where owner_id = %(owner_id)s and session_id = %(session_id)s
    returning session_id
    """,
)


def expected(tx: db.Transaction, owner_id: int, session_id: int, least: int) -> db.Pending[Expected]:
    """Notes that somebody looks after a session with so many new messages; no row where somebody does already."""
    return tx.fetch(EXPECTED, owner_id=owner_id, session_id=session_id, least=least)


def silence(tx: db.Transaction, owner_id: int, session_id: int, quiet: timedelta) -> db.Pending[Silence]:
    """How a session stands, held until the transaction ends."""
    return tx.fetch(SILENCE, owner_id=owner_id, session_id=session_id, quiet=quiet)


def resting(tx: db.Transaction, owner_id: int, session_id: int) -> None:
    """Notes that nobody looks after a session any more."""
    tx.execute(RESTING, owner_id=owner_id, session_id=session_id)


def utterances(tx: db.Transaction, owner_id: int, session_id: int, limit: int) -> db.Pending[Utterance]:
    """What was said in a session, in order."""
    return tx.fetch(UTTERANCES, owner_id=owner_id, session_id=session_id, limit=limit)


def kept(
    tx: db.Transaction, owner_id: int, session_id: int, message_id: int, document_id: int | None
) -> db.Pending[Kept]:
    """Notes up to which message a session is summed up, and where; no row where it is gone."""
    return tx.fetch(KEPT, owner_id=owner_id, session_id=session_id, message_id=message_id, document_id=document_id)
