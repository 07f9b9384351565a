"""SQL of uploads."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from anima.kernel import db
from anima.knowledge.documents_model import Upload


@dataclass(frozen=True, slots=True)
class Expired:
    """An upload whose time is over."""

    owner_id: int
    upload_id: uuid.UUID


ADD = db.Query(
    Upload,
    """
    insert into uploads (upload_id, owner_id, name, media_type, size_bytes, storage_uri, expires_at)
    values (
        %(upload_id)s, %(owner_id)s, %(name)s, %(media_type)s, %(size_bytes)s, %(storage_uri)s, now() + %(lifetime)s
    )
    returning upload_id, name, media_type, size_bytes, storage_uri, checksum_sha256, state, document_id, media_id,
        expires_at
    """,
)

FOUND = db.Query(
    Upload,
    """
    select upload_id, name, media_type, size_bytes, storage_uri, checksum_sha256, state, document_id, media_id,
        expires_at
    from uploads
    where owner_id = %(owner_id)s and upload_id = any(%(upload_ids)s) and (expires_at > now() or state = 'used')
    """,
)

# Said before the file is kept, so that whoever dies in between leaves none that nobody knows of.
WILL_LIE = db.Query(
    Upload,
    """
    update uploads set storage_uri = %(storage_uri)s
    where owner_id = %(owner_id)s and upload_id = %(upload_id)s and state = 'open' and expires_at > now()
        and coalesce(storage_uri, %(storage_uri)s) = %(storage_uri)s
    returning upload_id, name, media_type, size_bytes, storage_uri, checksum_sha256, state, document_id, media_id,
        expires_at
    """,
)

EXPECT = db.Command(
    """
    insert into uploads (upload_id, owner_id, name, size_bytes, storage_uri, expires_at)
    select n.upload_id, %(owner_id)s, 'file', 1, n.storage_uri, now() + %(lifetime)s
    from unnest(%(upload_ids)s::uuid[], %(storage_uris)s::text[]) as n (upload_id, storage_uri)
    """
)

UNEXPECT = db.Command(
    "delete from uploads where owner_id = %(owner_id)s and upload_id = any(%(upload_ids)s) and state = 'open'"
)

STORED = db.Query(
    Upload,
    """
    update uploads set
        state = 'stored', storage_uri = %(storage_uri)s, checksum_sha256 = %(sha256)s, size_bytes = %(size_bytes)s
    where owner_id = %(owner_id)s and upload_id = %(upload_id)s and state = 'open' and expires_at > now()
    returning upload_id, name, media_type, size_bytes, storage_uri, checksum_sha256, state, document_id, media_id,
        expires_at
    """,
)

# Of several calls that use an upload at once one gets it.
USED = db.Query(
    Upload,
    """
    update uploads u set state = 'used', document_id = n.document_id, media_id = n.media_id
    from unnest(%(upload_ids)s::uuid[], %(document_ids)s::bigint[], %(media_ids)s::bigint[])
        as n (upload_id, document_id, media_id)
    where u.owner_id = %(owner_id)s and u.upload_id = n.upload_id and u.state <> 'used'
    returning u.upload_id, u.name, u.media_type, u.size_bytes, u.storage_uri, u.checksum_sha256, u.state, u.document_id,
        u.media_id, u.expires_at
    """,
)

EXPIRED = db.Query(Expired, "select owner_id, upload_id from expired_uploads()")

REMOVED = db.Query(
    Upload,
    """
    delete from uploads
    where owner_id = %(owner_id)s and upload_id = %(upload_id)s and expires_at <= now()
    returning upload_id, name, media_type, size_bytes, storage_uri, checksum_sha256, state, document_id, media_id,
        expires_at
    """,
)


def add(
    tx: db.Transaction,
    owner_id: int,
    upload_id: uuid.UUID,
    name: str,
    media_type: str | None,
    size_bytes: int,
    storage_uri: str | None,
    lifetime: timedelta,
) -> db.Pending[Upload]:
    """Announces an upload; `storage_uri` is where it will lie, where another machine takes it."""
    return tx.fetch(
        ADD,
        owner_id=owner_id,
        upload_id=upload_id,
        name=name,
        media_type=media_type,
        size_bytes=size_bytes,
        storage_uri=storage_uri,
        lifetime=lifetime,
    )


def found(tx: db.Transaction, owner_id: int, upload_ids: Sequence[uuid.UUID]) -> db.Pending[Upload]:
    """Uploads that are there, and whose time is not over."""
    return tx.fetch(FOUND, owner_id=owner_id, upload_ids=list(upload_ids))


def stored(
    tx: db.Transaction, owner_id: int, upload_id: uuid.UUID, storage_uri: str, sha256: str, size_bytes: int
) -> db.Pending[Upload]:
    """The file of an upload came; no row where one had come before."""
    return tx.fetch(
        STORED,
        owner_id=owner_id,
        upload_id=upload_id,
        storage_uri=storage_uri,
        sha256=sha256,
        size_bytes=size_bytes,
    )


def will_lie(tx: db.Transaction, owner_id: int, upload_id: uuid.UUID, storage_uri: str) -> db.Pending[Upload]:
    """Says where the file of an upload will lie; no row where one had come before, or another is coming."""
    return tx.fetch(WILL_LIE, owner_id=owner_id, upload_id=upload_id, storage_uri=storage_uri)


def expect(tx: db.Transaction, owner_id: int, files: Mapping[uuid.UUID, str], lifetime: timedelta) -> None:
    """Notes files that may be left behind: each goes at its time's end, unless something refers to it."""
    tx.execute(
        EXPECT,
        owner_id=owner_id,
        upload_ids=list(files),
        storage_uris=list(files.values()),
        lifetime=lifetime,
    )


def unexpect(tx: db.Transaction, owner_id: int, upload_ids: Sequence[uuid.UUID]) -> None:
    """Forgets what was noted so."""
    tx.execute(UNEXPECT, owner_id=owner_id, upload_ids=list(upload_ids))


def used(
    tx: db.Transaction,
    owner_id: int,
    upload_ids: Sequence[uuid.UUID],
    document_ids: Sequence[int | None],
    media_ids: Sequence[int | None],
) -> db.Pending[Upload]:
    """What was made of uploads; those that something was made of already are left out of the answer."""
    return tx.fetch(
        USED,
        owner_id=owner_id,
        upload_ids=list(upload_ids),
        document_ids=list(document_ids),
        media_ids=list(media_ids),
    )


def expired(tx: db.Transaction) -> db.Pending[Expired]:
    """Uploads of anybody whose time is over."""
    return tx.fetch(EXPIRED)


def removed(tx: db.Transaction, owner_id: int, upload_id: uuid.UUID) -> db.Pending[Upload]:
    """Removes an upload whose time is over."""
    return tx.fetch(REMOVED, owner_id=owner_id, upload_id=upload_id)
