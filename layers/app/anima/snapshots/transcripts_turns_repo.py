"""SQL of what is known of past conversations, and of writing what was said in them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from anima.kernel import db
from anima.snapshots.transcripts_model import Claimed, NewMessage, NewSession


@dataclass(frozen=True, slots=True)
class Marked:
    """How many messages are marked that a model is asked about."""

    total: int


@dataclass(frozen=True, slots=True)
class Known:
    """A session that is there of a conversation."""

    conversation: bytes
    session_id: int


@dataclass(frozen=True, slots=True)
class KnownTurn:
    """A turn that is there: its id at its service, and the MD5 of its words."""

    message_id: int
    turn_id: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Taken:
    """How much a document has brought so far."""

    sessions: int
    turns: int


@dataclass(frozen=True, slots=True)
class NewId:
    """An id that no other row will get."""

    id: int


KNOWN = db.Query(
    Known,
    """
    select conversation, session_id from transcript_sessions
    where owner_id = %(owner_id)s and avatar_id = %(avatar_id)s and conversation = any(%(conversations)s::bytea[])
    order by conversation, session_id
    """,
)

KNOWN_TURNS = db.Query(
    KnownTurn,
    """
    select message_id, coalesce(metadata ->> 'turn_id', '') as turn_id, decode(md5(content), 'hex') as digest
    from messages
    where owner_id = %(owner_id)s and session_id = %(session_id)s and message_id > %(after)s
    order by message_id
    limit %(limit)s
    """,
)

TAKEN = db.Query(
    Taken,
    """
    select count(*)::integer as sessions, coalesce(sum(turns), 0)::integer as turns from transcript_sessions
    where owner_id = %(owner_id)s and document_id = %(document_id)s
    """,
)

SESSION_IDS = db.Query(
    NewId, "select nextval('sessions_session_id_seq') as id from generate_series(1, %(count)s::integer)"
)

MESSAGE_IDS = db.Query(
    NewId, "select nextval('messages_message_id_seq') as id from generate_series(1, %(count)s::integer)"
)

ADD_SESSIONS = db.Command(
    """
    with made as (
        insert into sessions (session_id, user_id, avatar_id, title, started_at, ended_at, metadata)
        overriding system value
        select n.session_id, %(owner_id)s, a.avatar_id, n.title, n.started_at, n.ended_at,
            jsonb_build_object('transcript_id', t.document_id, 'origin', %(origin)s::text,
                'conversation', n.name)
        from unnest(%(new_session_ids)s::bigint[], %(names)s::text[], %(titles)s::text[],
            %(starts)s::timestamptz[], %(ends)s::timestamptz[])
            as n (session_id, name, title, started_at, ended_at)
        join avatars a on a.owner_id = %(owner_id)s and a.avatar_id = %(avatar_id)s
        join transcripts t on t.owner_id = %(owner_id)s and t.document_id = %(document_id)s
        returning session_id, avatar_id
    ), joined as (
        insert into session_participants (session_id, owner_id, user_id, avatar_id)
        select m.session_id, %(owner_id)s, p.user_id, p.avatar_id
        from made m
        cross join lateral (values (%(owner_id)s::bigint, null::uuid), (null, m.avatar_id)) p (user_id, avatar_id)
    )
    insert into transcript_sessions (session_id, owner_id, document_id, avatar_id, conversation, turns)
    select m.session_id, %(owner_id)s, t.document_id, m.avatar_id, n.conversation, n.turns
    from made m
    join unnest(%(new_session_ids)s::bigint[], %(conversations)s::bytea[], %(turns)s::integer[])
        as n (session_id, conversation, turns) using (session_id)
    join transcripts t on t.owner_id = %(owner_id)s and t.document_id = %(document_id)s
    """
)

ADD_MESSAGES = db.Command(
    """
    insert into messages (message_id, session_id, owner_id, author_id, parent_message_id, role, content, created_at,
        metadata)
    overriding system value
    select n.message_id, s.session_id, %(owner_id)s, case when n.own then %(owner_id)s::bigint end, n.parent, n.role,
        n.content, n.created_at, n.metadata
    from unnest(%(new_message_ids)s::bigint[], %(session_ids)s::bigint[], %(parent_message_ids)s::bigint[],
        %(roles)s::text[], %(owns)s::boolean[], %(contents)s::text[], %(times)s::timestamptz[], %(metadatas)s::jsonb[])
        as n (message_id, session_id, parent, role, own, content, created_at, metadata)
    join sessions s on s.user_id = %(owner_id)s and s.session_id = n.session_id
    """
)

TELLING_COUNT = db.Query(
    Marked,
    """
    select count(*)::integer as total
    from transcript_sessions t
    join messages m on m.owner_id = t.owner_id and m.session_id = t.session_id
    where t.owner_id = %(owner_id)s and t.document_id = %(document_id)s and m.metadata ? 'telling'
    """,
)


def known(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, conversations: Sequence[bytes]) -> db.Pending[Known]:
    """The sessions that an avatar has of these conversations, whichever document brought them."""
    return tx.fetch(KNOWN, owner_id=owner_id, avatar_id=avatar_id, conversations=list(conversations))


def known_turns(tx: db.Transaction, owner_id: int, session_id: int, after: int, limit: int) -> db.Pending[KnownTurn]:
    """What was said in a session, as turns are told apart."""
    return tx.fetch(KNOWN_TURNS, owner_id=owner_id, session_id=session_id, after=after, limit=limit)


def taken(tx: db.Transaction, owner_id: int, document_id: int) -> db.Pending[Taken]:
    """How much a document has brought so far."""
    return tx.fetch(TAKEN, owner_id=owner_id, document_id=document_id)


def session_ids(tx: db.Transaction, count: int) -> db.Pending[NewId]:
    """So many ids for sessions, rising."""
    return tx.fetch(SESSION_IDS, count=count)


def message_ids(tx: db.Transaction, count: int) -> db.Pending[NewId]:
    """So many ids for messages, rising."""
    return tx.fetch(MESSAGE_IDS, count=count)


def add_sessions(
    tx: db.Transaction, owner_id: int, claimed: Claimed, origin: str, sessions: Sequence[NewSession]
) -> None:
    """Writes sessions of a transcript with the avatar; none where that is gone."""
    tx.execute(
        ADD_SESSIONS,
        owner_id=owner_id,
        avatar_id=claimed.avatar_id,
        document_id=claimed.document_id,
        origin=origin,
        new_session_ids=[each.session_id for each in sessions],
        names=[each.name for each in sessions],
        titles=[each.title for each in sessions],
        starts=[each.started_at for each in sessions],
        ends=[each.ended_at for each in sessions],
        conversations=[each.conversation for each in sessions],
        turns=[each.turns for each in sessions],
    )


def add_messages(tx: db.Transaction, owner_id: int, messages: Sequence[NewMessage]) -> None:
    """Writes messages of sessions that were just written."""
    tx.execute(
        ADD_MESSAGES,
        owner_id=owner_id,
        new_message_ids=[each.message_id for each in messages],
        session_ids=[each.session_id for each in messages],
        parent_message_ids=[each.parent for each in messages],
        roles=[each.role for each in messages],
        owns=[each.own for each in messages],
        contents=[each.content for each in messages],
        times=[each.created_at for each in messages],
        metadatas=[db.jsonb(each.metadata) for each in messages],
    )


def telling_count(tx: db.Transaction, owner_id: int, document_id: int) -> db.Pending[Marked]:
    """How many messages are marked that a model is asked about."""
    return tx.fetch(TELLING_COUNT, owner_id=owner_id, document_id=document_id)
