"""SQL of taking snapshots in: sessions with their moods, messages, and the files that came with them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class There:
    """A session that is there, by its id in snapshots."""

    place: uuid.UUID
    session_id: int


@dataclass(frozen=True, slots=True)
class Said:
    """A message that is there, as messages are told apart: its words by their MD5."""

    message_id: int
    session_id: int
    role: str
    created_at: datetime
    digest: str


@dataclass(frozen=True, slots=True)
class Same:
    """The id that a session has in snapshots where nobody gave it another."""

    session_id: int
    id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that is there."""

    media_id: int
    sha256: str
    mime_type: str


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows a statement has written."""

    n: int


THERE = db.Query(
    There,
    """
    select coalesce(o.origin_id, own.id) as place, s.session_id from sessions s
    cross join lateral (
        select md5(concat_ws(':', s.avatar_id, s.session_id, extract(epoch from s.started_at)))::uuid as id
    ) own
    left join snapshot_ids o on o.owner_id = s.user_id and o.avatar_id = s.avatar_id and o.id = own.id
    where s.user_id = %(owner_id)s and s.avatar_id = %(avatar_id)s and not s.private
    """,
)

ADD_SESSIONS = db.Query(
    Same,
    """
    with made as (
        insert into sessions (session_id, user_id, avatar_id, title, started_at, ended_at, metadata)
        overriding system value
        select n.session, a.owner_id, a.avatar_id, n.title, n.started_at, n.ended_at, n.metadata
        from jsonb_to_recordset(%(rows)s::jsonb) as n (session bigint, title text, started_at timestamptz,
            ended_at timestamptz, metadata jsonb)
        join avatars a on a.owner_id = %(owner_id)s and a.avatar_id = %(avatar_id)s
        returning session_id, user_id, avatar_id, started_at
    ), joined as (
        insert into session_participants (session_id, owner_id, user_id, avatar_id, joined_at)
        select m.session_id, m.user_id, p.user_id, p.avatar_id, m.started_at
        from made m
        cross join lateral (values (m.user_id, null::uuid), (null::bigint, m.avatar_id)) p (user_id, avatar_id)
    )
    select m.session_id, md5(concat_ws(':', m.avatar_id, m.session_id, extract(epoch from m.started_at)))::uuid as id
    from made m
    """,
)

# The end of one that was open here, and a title where it had none.
CHANGE_SESSIONS = db.Query(
    Count,
    """
    with changed as (
        update sessions s set ended_at = coalesce(s.ended_at, n.ended_at), title = coalesce(s.title, n.title)
        from jsonb_to_recordset(%(rows)s::jsonb) as n (session bigint, title text, ended_at timestamptz)
        where s.user_id = %(owner_id)s and s.session_id = n.session
            and (s.ended_at is null and n.ended_at >= s.started_at or s.title is null and n.title is not null)
        returning s.session_id
    )
    select count(*)::integer as n from changed
    """,
)

MOODS = db.Command(
    """
    insert into session_moods as m (session_id, user_id, current_mood, mood_intensity, mood_started_at, mood_history)
    select s.session_id, s.user_id, k.current_mood, k.mood_intensity, k.mood_started_at, k.mood_history
    from jsonb_to_recordset(%(rows)s::jsonb) as n (session bigint, mood jsonb)
    join sessions s on s.user_id = %(owner_id)s and s.session_id = n.session
    cross join lateral jsonb_to_record(n.mood) as k (current_mood text, mood_intensity real,
        mood_started_at timestamptz, mood_history jsonb)
    where jsonb_typeof(n.mood) = 'object'
    on conflict (session_id) do update set current_mood = excluded.current_mood,
        mood_intensity = excluded.mood_intensity, mood_started_at = excluded.mood_started_at,
        mood_history = excluded.mood_history
    where excluded.mood_started_at > m.mood_started_at
    """
)

SAID = db.Query(
    Said,
    """
    select m.message_id, m.session_id, m.role, m.created_at, md5(m.content) as digest from messages m
    where m.owner_id = %(owner_id)s and m.session_id = any(%(session_ids)s::bigint[])
    order by m.message_id
    """,
)

ADD_MESSAGES = db.Query(
    Count,
    """
    with n as (
        select * from jsonb_to_recordset(%(rows)s::jsonb) as n (message bigint, session bigint, parent bigint,
            edits bigint, role text, content text, created_at timestamptz, metadata jsonb, by_person boolean,
            by_avatar boolean, found boolean)
    ),
    made as (
        insert into messages (message_id, session_id, owner_id, author_id, avatar_id, parent_message_id, role, content,
            created_at, metadata)
        overriding system value
        select n.message, s.session_id, s.user_id, case when n.by_person then s.user_id end,
            case when n.by_avatar then s.avatar_id end, n.parent, n.role, n.content, n.created_at,
            n.metadata || jsonb_strip_nulls(jsonb_build_object('edits', n.edits))
        from n
        join sessions s on s.user_id = %(owner_id)s and s.session_id = n.session
        returning message_id
    )
    select count(*)::integer as n from made
    """,
)

# What is to be found stands in the index of words with no words yet: what is behind the import completes it.
MARK_FOUND = db.Command(
    """
    insert into message_postings (user_id, avatar_id, term, message_id, tf, dl)
    select m.owner_id, %(avatar_id)s, '', m.message_id, 1, 0
    from jsonb_to_recordset(%(rows)s::jsonb) as n (message bigint, found boolean)
    join messages m on m.owner_id = %(owner_id)s and m.message_id = n.message
    where n.found
    on conflict do nothing
    """
)

ATTACH = db.Command(
    """
    insert into message_media (owner_id, message_id, media_id)
    select %(owner_id)s, n.message, n.medium
    from jsonb_to_recordset(%(rows)s::jsonb) as n (message bigint, medium bigint)
    on conflict do nothing
    """
)

ADD_MEDIA = db.Query(
    Count,
    """
    with made as (
        insert into media (owner_id, storage_uri, media_type, mime_type, size_bytes, checksum_sha256, created_at,
            metadata)
        select %(owner_id)s, n.storage_uri, n.media_type, n.mime_type, n.size_bytes, n.checksum_sha256, n.created_at,
            n.metadata
        from jsonb_to_recordset(%(rows)s::jsonb) as n (storage_uri text, media_type text, mime_type text,
            size_bytes bigint, checksum_sha256 text, created_at timestamptz, metadata jsonb)
        on conflict (owner_id, checksum_sha256, mime_type) do nothing
        returning media_id
    )
    select count(*)::integer as n from made
    """,
)

MEDIA_THERE = db.Query(
    Kept,
    """
    select m.media_id, m.checksum_sha256 as sha256, m.mime_type from media m
    where m.owner_id = %(owner_id)s and m.checksum_sha256 = any(%(sha256s)s::text[])
    """,
)


def there(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID) -> db.Pending[There]:
    """The sessions that an avatar has, by their ids in snapshots."""
    return tx.fetch(THERE, owner_id=owner_id, avatar_id=avatar_id)


def add_sessions(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, rows: str) -> db.Pending[Same]:
    """Writes sessions with who takes part in them; the ids that they would have in snapshots."""
    return tx.fetch(ADD_SESSIONS, owner_id=owner_id, avatar_id=avatar_id, rows=rows)


def change_sessions(tx: db.Transaction, owner_id: int, rows: str) -> db.Pending[Count]:
    """Completes sessions that are there."""
    return tx.fetch(CHANGE_SESSIONS, owner_id=owner_id, rows=rows)


def moods(tx: db.Transaction, owner_id: int, rows: str) -> None:
    """The moods of sessions; the later one holds."""
    tx.execute(MOODS, owner_id=owner_id, rows=rows)


def said(tx: db.Transaction, owner_id: int, session_ids: Sequence[int]) -> db.Pending[Said]:
    """What was said in some sessions, as messages are told apart."""
    return tx.fetch(SAID, owner_id=owner_id, session_ids=list(session_ids))


def add_messages(tx: db.Transaction, owner_id: int, rows: str) -> db.Pending[Count]:
    """Writes messages of sessions that are there."""
    return tx.fetch(ADD_MESSAGES, owner_id=owner_id, rows=rows)


def mark_found(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, rows: str) -> None:
    """Enters messages in the index of words, to be completed."""
    tx.execute(MARK_FOUND, owner_id=owner_id, avatar_id=avatar_id, rows=rows)


def attach(tx: db.Transaction, owner_id: int, rows: str) -> None:
    """Notes which file came with which message."""
    tx.execute(ATTACH, owner_id=owner_id, rows=rows)


def add_media(tx: db.Transaction, owner_id: int, rows: str) -> db.Pending[Count]:
    """Enters files; those whose content is known keep theirs."""
    return tx.fetch(ADD_MEDIA, owner_id=owner_id, rows=rows)


def media_there(tx: db.Transaction, owner_id: int, sha256s: Sequence[str]) -> db.Pending[Kept]:
    """The files with these contents that are there."""
    return tx.fetch(MEDIA_THERE, owner_id=owner_id, sha256s=list(sha256s))
