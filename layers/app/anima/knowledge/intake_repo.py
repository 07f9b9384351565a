"""SQL of taking documents in: where a content belongs, what is there of it already, entering and queuing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Place:
    """Where a content belongs, and what is there of it already."""

    position: int
    store_id: int | None
    document_id: int | None
    state: str | None
    storage_uri: str | None


@dataclass(frozen=True, slots=True)
class Entered:
    """A document that was entered or queued again, with its file; none where that is still to be fetched."""

    document_id: int
    state: str
    storage_uri: str | None


@dataclass(frozen=True, slots=True)
class NewRow:
    """A document to be entered. What is not known before it was fetched is null."""

    store_id: int
    title: str
    source_uri: str | None
    uri: str | None
    name: str | None
    doc_type: str
    mime_type: str | None
    content_sha256: str | None
    size_bytes: int
    storage_uri: str | None
    metadata: Mapping[str, Any]


PLACES = db.Query(
    Place,
    """
    select asked.position, s.store_id, d.document_id, d.state, d.storage_uri
    from unnest(%(sha256s)s::text[], %(uris)s::text[], %(purposes)s::text[])
        with ordinality as asked (content_sha256, uri, purpose, position)
    left join lateral (
        select store_id from vector_stores
        where owner_id = %(owner_id)s and purpose = asked.purpose and deleted_at is null
        order by store_id limit 1
    ) s on true
    left join lateral (
        select c.document_id, c.state, c.storage_uri from documents c
        where c.owner_id = %(owner_id)s and c.store_id = s.store_id and c.content_sha256 = asked.content_sha256
        union all
        select u.document_id, u.state, u.storage_uri from documents u
        where u.owner_id = %(owner_id)s and u.store_id = s.store_id and md5(u.uri) = md5(asked.uri)
        limit 1
    ) d on true
    order by asked.position
    """,
)

# A file of a person is a medium as well, where one was entered for it.
ADD = db.Query(
    Entered,
    """
    insert into documents (
        owner_id, store_id, title, source_uri, uri, name, doc_type, mime_type, content_sha256, size_bytes, storage_uri,
        metadata, media_id
    )
    select %(owner_id)s, n.*, m.media_id
    from unnest(
        %(store_ids)s::bigint[], %(titles)s::text[], %(source_uris)s::text[], %(uris)s::text[], %(names)s::text[],
        %(doc_types)s::text[], %(mime_types)s::text[], %(sha256s)s::text[], %(sizes)s::bigint[],
        %(storage_uris)s::text[], %(metadatas)s::jsonb[]
    ) as n (
        store_id, title, source_uri, uri, name, doc_type, mime_type, content_sha256, size_bytes, storage_uri, metadata
    )
    left join media m
        on m.owner_id = %(owner_id)s and m.checksum_sha256 = n.content_sha256 and m.mime_type = n.mime_type
    on conflict do nothing
    returning document_id, state, storage_uri
    """,
)

QUEUE_AGAIN = db.Query(
    Entered,
    """
    update documents d set state = 'queued', stage = 'queued', attempts = 0, reason = null, storage_uri = n.storage_uri
    from unnest(%(document_ids)s::bigint[], %(storage_uris)s::text[]) as n (document_id, storage_uri)
    where d.owner_id = %(owner_id)s and d.document_id = n.document_id and d.state = 'failed'
    returning d.document_id, d.state, d.storage_uri
    """,
)

# One that is there stays found while it is looked whether its address gives something else by now.
FETCH_AGAIN = db.Query(
    Entered,
    """
    update documents d set
        state = case when d.state = 'done' then 'done' else 'queued' end,
        stage = case when d.state = 'done' then 'again' else 'queued' end,
        attempts = 0, reason = null,
        content_sha256 = case when d.state = 'done' then d.content_sha256 end
    where d.owner_id = %(owner_id)s and d.document_id = any(%(document_ids)s)
        and d.state in ('done', 'failed', 'unsearchable') and d.uri is not null
    returning d.document_id, d.state, d.storage_uri
    """,
)


def places(
    tx: db.Transaction,
    owner_id: int,
    sha256s: Sequence[str | None],
    uris: Sequence[str | None],
    purposes: Sequence[str],
) -> db.Pending[Place]:
    """For each content or address and its purpose, in order: the store, and the document that is there already."""
    return tx.fetch(PLACES, owner_id=owner_id, sha256s=list(sha256s), uris=list(uris), purposes=list(purposes))


def add(tx: db.Transaction, owner_id: int, rows: Sequence[NewRow]) -> db.Pending[Entered]:
    """Enters documents; those whose content or address is there already are left out of the answer."""
    return tx.fetch(
        ADD,
        owner_id=owner_id,
        store_ids=[row.store_id for row in rows],
        titles=[row.title for row in rows],
        source_uris=[row.source_uri for row in rows],
        uris=[row.uri for row in rows],
        names=[row.name for row in rows],
        doc_types=[row.doc_type for row in rows],
        mime_types=[row.mime_type for row in rows],
        sha256s=[row.content_sha256 for row in rows],
        sizes=[row.size_bytes for row in rows],
        storage_uris=[row.storage_uri for row in rows],
        metadatas=[db.jsonb(dict(row.metadata)) for row in rows],
    )


def queue_again(tx: db.Transaction, owner_id: int, files: Mapping[int, str]) -> db.Pending[Entered]:
    """Queues those of the documents that had failed, each with the file that came now."""
    return tx.fetch(QUEUE_AGAIN, owner_id=owner_id, document_ids=list(files), storage_uris=list(files.values()))


def fetch_again(tx: db.Transaction, owner_id: int, document_ids: Sequence[int]) -> db.Pending[Entered]:
    """Has addresses looked at once more, of documents that have come to an end."""
    return tx.fetch(FETCH_AGAIN, owner_id=owner_id, document_ids=list(document_ids))
