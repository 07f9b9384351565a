"""SQL of sessions that are summed up when they are quiet: whether one is, and what was said in it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

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
    avatar_id: uuid.UUID | None
    avatar_model: str | None
    egress: dict[str, Any] | None
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
    select d.session_id, s.title, a.name as avatar_name, a.avatar_id, a.model as avatar_model,
        a.egress, s.private, d.document_id,
        d.message_id as summed_up, last.message_id as newest, last.created_at as newest_at,
        coalesce(last.created_at <= %(at)s::timestamptz - %(quiet)s::interval or last.created_at > %(at)s, false)
            as is_quiet,
        s.started_at
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

# The newest ones before a message (all: where it is null), in order; not what was said before memory was erased, nor
# what was edited away with its answers, nor answers that were given anew.
UTTERANCES = db.Query(
    Utterance,
    """
    with edited as (
        select (metadata ->> 'edits')::bigint as message_id from messages
        where owner_id = %(owner_id)s and session_id = %(session_id)s and metadata ? 'edits'
    )
    select message_id, role, content from (
        select m.message_id, m.role, m.content, m.created_at from messages m
        where m.owner_id = %(owner_id)s and m.session_id = %(session_id)s and m.role in ('user', 'assistant')
            and m.message_id > coalesce((
                select a.remembers_after from sessions s
                join avatars a on a.owner_id = s.user_id and a.avatar_id = s.avatar_id
                where s.user_id = %(owner_id)s and s.session_id = %(session_id)s
            ), 0)
            and m.message_id not in (select message_id from edited)
            and coalesce(m.parent_message_id, 0) not in (select message_id from edited)
            and not (m.role = 'assistant' and exists (
                select from messages anew
                where anew.owner_id = m.owner_id and anew.parent_message_id = m.parent_message_id
                    and anew.role = 'assistant' and anew.avatar_id is not distinct from m.avatar_id
                    and anew.message_id > m.message_id
            ))
            and (%(before_id)s::bigint is null or (m.created_at, m.message_id) < (
                select b.created_at, b.message_id from messages b
                where b.owner_id = %(owner_id)s and b.message_id = %(before_id)s
            ))
        order by m.created_at desc, m.message_id desc
        limit %(limit)s
    ) newest
    order by created_at, message_id
    """,
)

# Of the newest sessions those that are long, have been quiet, and have gone on since they were summed up; an event that
# is under way for one will do it.
STALE = db.Query(
    Kept,
    """
    with recent as (
        select user_id, session_id from sessions
        where user_id = %(owner_id)s and avatar_id = %(avatar_id)s and not private
        order by session_id desc
        limit %(most_looked)s::integer
    ),
    stale as (
        select s.user_id, s.session_id, last.created_at
        from recent s
        left join session_digests d on d.owner_id = s.user_id and d.session_id = s.session_id
        cross join lateral (
            select m.message_id, m.created_at from messages m
            where m.owner_id = s.user_id and m.session_id = s.session_id
            order by m.created_at desc, m.message_id desc
            limit 1
        ) last
        where d.message_id is distinct from last.message_id and not coalesce(d.waiting, false)
            and last.created_at <= %(at)s::timestamptz - %(quiet)s::interval
            and (
                select count(*) from (
                    select from messages m where m.owner_id = s.user_id and m.session_id = s.session_id
                    limit %(least)s::integer
                ) counted
            ) >= %(least)s::integer
        order by last.created_at desc
        limit %(limit)s
    )
    insert into session_digests as d (owner_id, session_id, waiting)
    select user_id, session_id, false from stale
    on conflict (owner_id, session_id) do update set waiting = d.waiting
    returning session_id
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


def silence(tx: db.Transaction, owner_id: int, session_id: int, quiet: timedelta, at: datetime) -> db.Pending[Silence]:
    """How a session stands, held until the transaction ends; one whose messages are from the future is quiet."""
    return tx.fetch(SILENCE, owner_id=owner_id, session_id=session_id, quiet=quiet, at=at)


def resting(tx: db.Transaction, owner_id: int, session_id: int) -> None:
    """Notes that nobody looks after a session any more."""
    tx.execute(RESTING, owner_id=owner_id, session_id=session_id)


def utterances(
    tx: db.Transaction, owner_id: int, session_id: int, limit: int, before_id: int | None = None
) -> db.Pending[Utterance]:
    """The newest of what was said in a session (before a message), in order."""
    return tx.fetch(UTTERANCES, owner_id=owner_id, session_id=session_id, limit=limit, before_id=before_id)


def stale(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    *,
    least: int,
    most_looked: int,
    limit: int,
    quiet: timedelta,
    at: datetime,
) -> db.Pending[Kept]:
    """Long sessions of an avatar that are not summed up to their end, the newest first; each has a digest then."""
    return tx.fetch(
        STALE,
        owner_id=owner_id,
        avatar_id=avatar_id,
        least=least,
        most_looked=most_looked,
        limit=limit,
        quiet=quiet,
        at=at,
    )


def kept(
    tx: db.Transaction, owner_id: int, session_id: int, message_id: int, document_id: int | None
) -> db.Pending[Kept]:
    """Notes up to which message a session is summed up, and where; no row where it is gone."""
    return tx.fetch(KEPT, owner_id=owner_id, session_id=session_id, message_id=message_id, document_id=document_id)
