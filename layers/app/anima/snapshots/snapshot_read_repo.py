"""SQL of writing snapshots: the rows of an avatar, as the lines that they become, a page at a time.

A row is turned into text by the database, so that no number loses a digit on its way; what refers to other rows comes
beside it, for it has other names in the file. Rows come in an order that does not depend on their ids here.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Line:
    """A row: where it stands (its id in snapshots), what it refers to by field, and its text, an object of JSON."""

    place: uuid.UUID
    links: dict[str, Any]
    line: str


@dataclass(frozen=True, slots=True)
class Spoken:
    """A session with its place in the order, and how much was said in it."""

    place: uuid.UUID
    session_id: int
    messages: int
    line: str


@dataclass(frozen=True, slots=True)
class Said:
    """A message, with what it refers to."""

    message_id: int
    links: dict[str, Any]
    line: str


@dataclass(frozen=True, slots=True)
class Plain:
    """A row that refers to nothing."""

    line: str


@dataclass(frozen=True, slots=True)
class File:
    """A file that came with a message, and where it lies."""

    media_id: int
    sha256: str
    size_bytes: int
    storage_uri: str
    line: str


@dataclass(frozen=True, slots=True)
class Origin:
    """The id that something has in snapshots, and the one that it has here."""

    origin_id: uuid.UUID
    id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Zone:
    """The time zone that times are written in."""

    zone: str


UTC = db.Query(Zone, "select set_config('TimeZone', 'UTC', true) as zone")

ORIGINS = db.Query(
    Origin,
    "select origin_id, id from snapshot_ids where owner_id = %(owner_id)s and avatar_id = %(avatar_id)s",
)

AVATAR = db.Query(
    Plain,
    """
    select jsonb_build_object('name', a.name::text, 'bio', a.bio, 'personality_name', a.personality_name,
        'personality', a.personality, 'visibility', a.visibility, 'model', a.model, 'switches', a.switches,
        'egress', a.egress, 'state', a.state, 'created_at', a.created_at, 'updated_at', a.updated_at,
        'searches_a_day', c.searches_a_day)::text as line
    from avatars a
    left join curiosity_minds c on c.owner_id = a.owner_id and c.avatar_id = a.avatar_id
    where a.owner_id = %(owner_id)s and a.avatar_id = %(avatar_id)s
    """,
)

AFFINITY = db.Query(
    Plain,
    """
    select (to_jsonb(u) - array['user_id', 'avatar_id'])::text as line from user_affinity u
    where u.user_id = %(owner_id)s and u.avatar_id = %(avatar_id)s
    order by convert_to(u.personality_name, 'utf8')
    """,
)

VERSIONS = db.Query(
    Plain,
    """
    select (to_jsonb(v) - array['owner_id', 'avatar_id'])::text as line from avatar_versions v
    where v.owner_id = %(owner_id)s and v.avatar_id = %(avatar_id)s
    order by v.version
    """,
)

PICTURE = db.Query(
    Plain,
    """
    select jsonb_build_object('mime_type', p.mime_type, 'updated_at', p.updated_at,
        'picture', replace(encode(p.picture, 'base64'), e'\n', ''))::text as line
    from avatar_pictures p
    where p.owner_id = %(owner_id)s and p.avatar_id = %(avatar_id)s
    """,
)

FEELINGS = db.Query(
    Plain,
    """
    select (to_jsonb(f) - array['owner_id', 'avatar_id'])::text as line from avatar_feelings f
    where f.owner_id = %(owner_id)s and f.avatar_id = %(avatar_id)s
    """,
)

MEDIA = db.Query(
    File,
    """
    select m.media_id, m.checksum_sha256 as sha256, m.size_bytes, m.storage_uri,
        (to_jsonb(m) - array['media_id', 'owner_id', 'storage_uri'])::text as line
    from media m
    where m.owner_id = %(owner_id)s and exists (
        select from message_media k
        join messages g on g.owner_id = k.owner_id and g.message_id = k.message_id
        join sessions s on s.user_id = g.owner_id and s.session_id = g.session_id
        where k.owner_id = m.owner_id and k.media_id = m.media_id and s.avatar_id = %(avatar_id)s and not s.private
    )
    order by m.checksum_sha256, convert_to(m.mime_type, 'utf8')
    """,
)

# Whose id here is a number gets one that no other has anywhere: of the avatar, that number and the time of its begin.
SESSIONS = db.Query(
    Spoken,
    """
    select coalesce(o.origin_id, own.id) as place, s.session_id, said.n as messages,
        (jsonb_build_object('title', s.title, 'started_at', s.started_at, 'ended_at', s.ended_at,
            'metadata', s.metadata - 'transcript_id',
            'mood', to_jsonb(m) - array['session_id', 'user_id']))::text as line
    from sessions s
    cross join lateral (
        select md5(concat_ws(':', s.avatar_id, s.session_id, extract(epoch from s.started_at)))::uuid as id
    ) own
    cross join lateral (
        select count(*)::integer as n from messages g where g.owner_id = s.user_id and g.session_id = s.session_id
    ) said
    left join snapshot_ids o on o.owner_id = s.user_id and o.avatar_id = s.avatar_id and o.id = own.id
    left join session_moods m on m.user_id = s.user_id and m.session_id = s.session_id
    where s.user_id = %(owner_id)s and s.avatar_id = %(avatar_id)s and not s.private
    order by s.started_at, 1
    """,
)

# A message is found where it is in the index of words, or was said since the index was last written.
MESSAGES = db.Query(
    Said,
    """
    with listed as (
        select m.*, s.place from unnest(%(session_ids)s::bigint[]) with ordinality s (session_id, place)
        join messages m on m.owner_id = %(owner_id)s and m.session_id = s.session_id
    ),
    indexed as (
        select coalesce(max(p.message_id), 0) as last from message_postings p
        where p.user_id = %(owner_id)s and p.avatar_id = %(avatar_id)s and p.term = ''
    )
    select m.message_id,
        jsonb_strip_nulls(jsonb_build_object('session', m.session_id, 'parent', m.parent_message_id,
            'edits', case when m.metadata ->> 'edits' ~ '^[0-9]{1,18}$' then (m.metadata ->> 'edits')::bigint end,
            'media', case when %(with_files)s then (
                select jsonb_agg(k.media_id) from message_media k
                where k.owner_id = m.owner_id and k.message_id = m.message_id
            ) end)) as links,
        (jsonb_build_object('role', m.role, 'content', m.content, 'created_at', m.created_at,
            'metadata', m.metadata - array['edits', 'transcript_id'],
            'by_person', coalesce(m.author_id = m.owner_id, false), 'by_avatar', m.avatar_id is not null,
            'forgotten', m.message_id <= a.remembers_after,
            'found', exists (
                select from message_postings p
                where p.user_id = m.owner_id and p.avatar_id = a.avatar_id and p.term = ''
                    and p.message_id = m.message_id
            ) or (m.message_id > greatest(a.remembers_after, i.last) and m.role <> 'system'
                and coalesce((a.switches ->> 'semantic_recall')::boolean, true))
        ))::text as line
    from listed m
    join avatars a on a.owner_id = m.owner_id and a.avatar_id = %(avatar_id)s
    cross join indexed i
    order by m.place, m.message_id
    """,
)

ENTITIES = db.Query(
    Line,
    """
    select coalesce(o.origin_id, e.entity_id) as place, jsonb_build_object('messages', coalesce((
            select jsonb_agg(m.message_id) from entity_mentions m
            where m.owner_id = e.owner_id and m.avatar_id = %(avatar_id)s and m.entity_id = e.entity_id
        ), '[]')) as links,
        (to_jsonb(e) - array['entity_id', 'owner_id'])::text as line
    from entities e
    left join snapshot_ids o on o.owner_id = e.owner_id and o.avatar_id = %(avatar_id)s and o.id = e.entity_id
    where e.owner_id = %(owner_id)s and (
            exists (
                select from entity_mentions m
                where m.owner_id = e.owner_id and m.avatar_id = %(avatar_id)s and m.entity_id = e.entity_id
            ) or exists (
                select from user_facts f
                where f.user_id = e.owner_id and f.avatar_id = %(avatar_id)s and f.entity_id = e.entity_id
            ) or exists (
                select from curiosity_gaps g
                where g.owner_id = e.owner_id and g.avatar_id = %(avatar_id)s and g.entity_id = e.entity_id
            )
        )
        and (%(after)s::uuid is null or coalesce(o.origin_id, e.entity_id) > %(after)s::uuid)
    order by 1 limit %(most)s::integer
    """,
)

FACTS = db.Query(
    Line,
    """
    select coalesce(o.origin_id, f.id) as place,
        jsonb_strip_nulls(jsonb_build_object('session', f.session_id, 'source', f.source_message_id, 'superseded_by',
            f.superseded_by, 'entity', f.entity_id)) || jsonb_build_object('mentions', coalesce((
            select jsonb_agg(jsonb_build_object('message', m.message_id) || to_jsonb(m)
                - array['owner_id', 'fact_id', 'message_id'])
            from fact_mentions m where m.owner_id = f.user_id and m.fact_id = f.id
        ), '[]')) as links,
        (to_jsonb(f) - array['id', 'user_id', 'avatar_id', 'session_id', 'source_message_id', 'superseded_by',
            'entity_id', 'terms', 'embedding', 'embedding_model', 'next_embedding', 'next_model'])::text as line
    from user_facts f
    left join snapshot_ids o on o.owner_id = f.user_id and o.avatar_id = f.avatar_id and o.id = f.id
    where f.user_id = %(owner_id)s and f.avatar_id = %(avatar_id)s
        and (%(after)s::uuid is null or coalesce(o.origin_id, f.id) > %(after)s::uuid)
    order by 1 limit %(most)s::integer
    """,
)

# Which messages told each part of an episode that was made of several stands beside the parts.
EPISODES = db.Query(
    Line,
    """
    select coalesce(o.origin_id, e.id) as place,
        jsonb_strip_nulls(jsonb_build_object('session', e.session_id, 'messages', to_jsonb(e.context_messages), 'facts',
            to_jsonb(e.related_facts), 'episodes', to_jsonb(e.related_episodes), 'made_of', made.of)) as links,
        (to_jsonb(e) - array['id', 'user_id', 'avatar_id', 'session_id', 'context_messages', 'related_facts',
            'related_episodes', 'terms', 'embedding', 'embedding_model', 'next_embedding', 'next_model']
            || jsonb_build_object('metadata', case when made.of is null then e.metadata
                else jsonb_set(e.metadata, '{parts}', made.parts) end))::text as line
    from episodes e
    cross join lateral (
        select jsonb_agg(coalesce(p.part -> 'message_ids', '[]') order by p.n) as of,
            jsonb_agg(p.part - 'message_ids' order by p.n) as parts
        from jsonb_array_elements(
            case when jsonb_typeof(e.metadata -> 'parts') = 'array' then e.metadata -> 'parts' end
        ) with ordinality p (part, n)
    ) made
    left join snapshot_ids o on o.owner_id = e.user_id and o.avatar_id = e.avatar_id and o.id = e.id
    where e.user_id = %(owner_id)s and e.avatar_id = %(avatar_id)s
        and (%(after)s::uuid is null or coalesce(o.origin_id, e.id) > %(after)s::uuid)
    order by 1 limit %(most)s::integer
    """,
)

FELT = db.Query(
    Line,
    """
    select coalesce(o.origin_id, h.feeling_id) as place,
        jsonb_strip_nulls(jsonb_build_object('session', h.session_id, 'message', h.message_id)) as links,
        (to_jsonb(h) - array['feeling_id', 'owner_id', 'avatar_id', 'session_id', 'message_id'])::text as line
    from feelings_history h
    left join snapshot_ids o on o.owner_id = h.owner_id and o.avatar_id = h.avatar_id and o.id = h.feeling_id
    where h.owner_id = %(owner_id)s and h.avatar_id = %(avatar_id)s
        and (%(after)s::uuid is null or coalesce(o.origin_id, h.feeling_id) > %(after)s::uuid)
    order by 1 limit %(most)s::integer
    """,
)

# One that is being looked for is open: nobody looks for it elsewhere.
QUESTIONS = db.Query(
    Line,
    """
    select coalesce(o.origin_id, g.gap_id) as place,
        jsonb_strip_nulls(jsonb_build_object('message', g.message_id, 'fact', g.fact_id, 'entity', g.entity_id))
            as links,
        (to_jsonb(g) - array['gap_id', 'owner_id', 'avatar_id', 'message_id', 'fact_id', 'entity_id', 'document_id',
            'search_id'] || jsonb_build_object('state', replace(g.state, 'researching', 'open')))::text as line
    from curiosity_gaps g
    left join snapshot_ids o on o.owner_id = g.owner_id and o.avatar_id = g.avatar_id and o.id = g.gap_id
    join messages m on m.owner_id = g.owner_id and m.message_id = g.message_id
    join sessions s on s.user_id = m.owner_id and s.session_id = m.session_id and s.avatar_id = g.avatar_id
    where g.owner_id = %(owner_id)s and g.avatar_id = %(avatar_id)s and not s.private
        and (%(after)s::uuid is null or coalesce(o.origin_id, g.gap_id) > %(after)s::uuid)
    order by 1 limit %(most)s::integer
    """,
)


def utc(tx: db.Transaction) -> None:
    """Has times written and read in UTC until the transaction ends."""
    tx.fetch(UTC)


def origins(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID) -> db.Pending[Origin]:
    """Which ids of an avatar's have another name in snapshots."""
    return tx.fetch(ORIGINS, owner_id=owner_id, avatar_id=avatar_id)


def plain(tx: db.Transaction, query: db.Query[Plain], owner_id: int, avatar_id: uuid.UUID) -> db.Pending[Plain]:
    """Rows of a part that is small and refers to nothing."""
    return tx.fetch(query, owner_id=owner_id, avatar_id=avatar_id)


def media(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID) -> db.Pending[File]:
    """The files that came with messages of an avatar's sessions."""
    return tx.fetch(MEDIA, owner_id=owner_id, avatar_id=avatar_id)


def sessions(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID) -> db.Pending[Spoken]:
    """The sessions with an avatar that are not private, oldest first."""
    return tx.fetch(SESSIONS, owner_id=owner_id, avatar_id=avatar_id)


def messages(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, session_ids: Sequence[int], *, with_files: bool
) -> db.Pending[Said]:
    """What was said in some sessions, by session in the order given."""
    return tx.fetch(
        MESSAGES, owner_id=owner_id, avatar_id=avatar_id, session_ids=list(session_ids), with_files=with_files
    )


def page(
    tx: db.Transaction,
    query: db.Query[Line],
    owner_id: int,
    avatar_id: uuid.UUID,
    after: uuid.UUID | None,
    most: int,
) -> db.Pending[Line]:
    """Rows of a part from behind one, by their ids in snapshots."""
    return tx.fetch(query, owner_id=owner_id, avatar_id=avatar_id, after=after, most=most)
