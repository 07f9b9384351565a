"""SQL of bringing past conversations in: where they belong, what is there of them already, and their list."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from anima.kernel import db
from anima.snapshots.transcripts_model import Brought, Transcript


@dataclass(frozen=True, slots=True)
class Place:
    """The store whose row the document refers to."""

    store_id: int


@dataclass(frozen=True, slots=True)
class There:
    """A document that stands for past conversations, and whom they were brought to.

    `asked` is what its owner said that they are called in it, `me` who was recognised, of `everyone` that speaks.
    """

    document_id: int
    state: str
    avatar_id: uuid.UUID | None
    origin: str | None
    asked: list[str]
    me: list[str]
    speakers: list[dict[str, Any]]
    everyone: int


PLACE = db.Query(
    Place,
    """
    select store_id from vector_stores
    where owner_id = %(owner_id)s and deleted_at is null
    order by purpose <> 'context', provider <> 'pgvector', store_id limit 1
    """,
)

THERE = db.Query(
    There,
    """
    select d.document_id, d.state, t.avatar_id, t.origin, t.me as asked,
        case when jsonb_typeof(d.metadata -> 'me') = 'array'
            then array(select jsonb_array_elements_text(d.metadata -> 'me')) else '{}' end as me,
        coalesce(d.metadata -> 'speakers', '[]') as speakers,
        coalesce((t.counts ->> 'speakers')::integer, 0) as everyone
    from documents d join transcripts t on t.owner_id = d.owner_id and t.document_id = d.document_id
    where d.owner_id = %(owner_id)s
        and (d.document_id = %(document_id)s or d.content_sha256 = %(content_sha256)s and t.avatar_id = %(avatar_id)s)
    order by d.document_id limit 1
    """,
)

ADD = db.Query(
    Brought,
    """
    with entered as (
        insert into documents (owner_id, store_id, title, name, doc_type, content_sha256, size_bytes, storage_uri,
            metadata)
        values (%(owner_id)s, %(store_id)s, %(title)s, %(name)s, 'transcript', %(content_sha256)s, %(size_bytes)s,
            %(storage_uri)s, jsonb_build_object('avatar_id', %(avatar_id)s::uuid))
        on conflict do nothing
        returning document_id, state
    ), brought as (
        insert into transcripts (document_id, owner_id, avatar_id, me, names, proposals)
        select e.document_id, u.user_id, %(avatar_id)s, %(me)s::text[],
            array_remove(array[u.username::text, u.full_name], null), %(proposals)s
        from entered e join users u on u.user_id = %(owner_id)s
    )
    select document_id, state from entered
    """,
)

QUEUE_AGAIN = db.Query(
    Brought,
    """
    with again as (
        update documents set state = 'queued', stage = 'queued', attempts = 0, reason = null
        where owner_id = %(owner_id)s and document_id = %(document_id)s and state = 'failed'
        returning document_id, state
    ), asked as (
        update transcripts t set me = %(me)s::text[], proposals = %(proposals)s
        from again a where t.owner_id = %(owner_id)s and t.document_id = a.document_id
    )
    select document_id, state from again
    """,
)

# Whoever is at it finds out by `claims` that it is no longer his; what it brought goes in the same transaction.
REDO = db.Query(
    Brought,
    """
    with again as (
        update documents set state = 'queued', stage = 'queued', attempts = 0, claims = claims + 1, reason = null,
            metadata = metadata - array['me', 'note']
        where owner_id = %(owner_id)s and document_id = %(document_id)s
        returning document_id, state
    ), asked as (
        update transcripts t set me = %(me)s::text[], proposals = %(proposals)s
        from again a where t.owner_id = %(owner_id)s and t.document_id = a.document_id
    )
    select document_id, state from again
    """,
)

TRANSCRIPTS = db.Query(
    Transcript,
    """
    select d.document_id, t.avatar_id, d.title, d.state, d.stage, d.reason, t.origin,
        coalesce(s.sessions, 0) as sessions, coalesce(s.messages, 0) as messages,
        coalesce(d.metadata -> 'speakers', '[]') as speakers, nullif(d.metadata -> 'me', 'null') as me,
        d.metadata ->> 'note' as note, t.counts, d.created_at, d.updated_at
    from transcripts t
    join documents d on d.owner_id = t.owner_id and d.document_id = t.document_id
    left join lateral (
        select count(*) as sessions, sum(b.turns) as messages from transcript_sessions b
        where b.owner_id = t.owner_id and b.document_id = t.document_id
    ) s on true
    where t.owner_id = %(owner_id)s and t.avatar_id = %(avatar_id)s
        and (%(before)s::bigint is null or t.document_id < %(before)s)
    order by t.document_id desc
    limit %(limit)s
    """,
)


def place(tx: db.Transaction, owner_id: int) -> db.Pending[Place]:
    """The store that the document of a transcript is entered in: none of its words come there."""
    return tx.fetch(PLACE, owner_id=owner_id)


def there(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    content_sha256: str | None,
    document_id: int | None = None,
) -> db.Pending[There]:
    """The same content brought to the same avatar before, or the transcript with this id."""
    return tx.fetch(
        THERE, owner_id=owner_id, avatar_id=avatar_id, content_sha256=content_sha256, document_id=document_id
    )


def add(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    *,
    store_id: int,
    title: str,
    name: str | None,
    content_sha256: str | None,
    size_bytes: int,
    storage_uri: str,
    me: Sequence[str],
    proposals: int,
) -> db.Pending[Brought]:
    """Enters a document for past conversations; no row where their content is there already."""
    return tx.fetch(
        ADD,
        owner_id=owner_id,
        avatar_id=avatar_id,
        store_id=store_id,
        title=title,
        name=name,
        content_sha256=content_sha256,
        size_bytes=size_bytes,
        storage_uri=storage_uri,
        me=list(me),
        proposals=proposals,
    )


def queue_again(
    tx: db.Transaction, owner_id: int, document_id: int, me: Sequence[str], proposals: int
) -> db.Pending[Brought]:
    """Queues an import again that had failed."""
    return tx.fetch(QUEUE_AGAIN, owner_id=owner_id, document_id=document_id, me=list(me), proposals=proposals)


def redo(tx: db.Transaction, owner_id: int, document_id: int, me: Sequence[str], proposals: int) -> db.Pending[Brought]:
    """Queues an import anew, whatever state it is in; what it has brought is not touched."""
    return tx.fetch(REDO, owner_id=owner_id, document_id=document_id, me=list(me), proposals=proposals)


def transcripts(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, limit: int, before: int | None
) -> db.Pending[Transcript]:
    """What was brought to an avatar, newest first."""
    return tx.fetch(TRANSCRIPTS, owner_id=owner_id, avatar_id=avatar_id, limit=limit, before=before)
