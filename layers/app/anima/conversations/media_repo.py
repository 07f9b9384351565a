"""SQL of media: files that messages and documents refer to."""

from __future__ import annotations

from collections.abc import Sequence

from anima.conversations.media_model import Attached, Medium, NewMedium
from anima.kernel import db

# One that is there keeps its file: another may be told of it already.
ADD = db.Command(
    """
    insert into media (owner_id, storage_uri, media_type, mime_type, size_bytes, checksum_sha256, metadata)
    select %(owner_id)s, n.storage_uri, n.media_type, n.mime_type, n.size_bytes, n.sha256,
        jsonb_strip_nulls(jsonb_build_object('name', n.name))
    from unnest(
        %(storage_uris)s::text[], %(media_types)s::text[], %(mime_types)s::text[], %(sizes)s::bigint[],
        %(sha256s)s::text[], %(names)s::text[]
    ) as n (storage_uri, media_type, mime_type, size_bytes, sha256, name)
    on conflict (owner_id, checksum_sha256, mime_type) do nothing
    """
)

KNOWN = db.Query(
    Medium,
    """
    select m.media_id, m.storage_uri, m.media_type, m.mime_type, m.size_bytes, m.checksum_sha256,
        m.metadata ->> 'name' as name, m.created_at
    from media m
    where m.owner_id = %(owner_id)s and m.checksum_sha256 = %(sha256)s and m.mime_type = %(mime_type)s
    """,
)

MEDIUM = db.Query(
    Medium,
    """
    select m.media_id, m.storage_uri, m.media_type, m.mime_type, m.size_bytes, m.checksum_sha256,
        m.metadata ->> 'name' as name, m.created_at
    from media m
    where m.owner_id = %(owner_id)s and m.media_id = %(media_id)s
    """,
)

ATTACHED = db.Query(
    Attached,
    """
    select m.media_id, m.storage_uri, m.media_type, m.mime_type, m.size_bytes, m.checksum_sha256,
        m.metadata ->> 'name' as name, said.message_id
    from media m
    cross join lateral (
        select k.message_id
        from message_media k
        join messages g on g.owner_id = k.owner_id and g.message_id = k.message_id
        join sessions s on s.user_id = g.owner_id and s.session_id = g.session_id
        where k.owner_id = m.owner_id and k.media_id = m.media_id and not s.private
        order by k.message_id desc
        limit 1
    ) said
    where m.owner_id = %(owner_id)s and m.media_id = any(%(media_ids)s::bigint[])
    order by m.media_id
    """,
)


def add(tx: db.Transaction, owner_id: int, new: Sequence[NewMedium]) -> None:
    """Enters files; those whose content is known are left as they are."""
    tx.execute(
        ADD,
        owner_id=owner_id,
        storage_uris=[one.storage_uri for one in new],
        media_types=[one.media_type for one in new],
        mime_types=[one.mime_type for one in new],
        sizes=[one.size_bytes for one in new],
        sha256s=[one.sha256 for one in new],
        names=[one.name for one in new],
    )


def known(tx: db.Transaction, owner_id: int, sha256: str, mime_type: str) -> db.Pending[Medium]:
    """The file with this content, if it is there."""
    return tx.fetch(KNOWN, owner_id=owner_id, sha256=sha256, mime_type=mime_type)


def medium(tx: db.Transaction, owner_id: int, media_id: int) -> db.Pending[Medium]:
    """One file's row."""
    return tx.fetch(MEDIUM, owner_id=owner_id, media_id=media_id)


def attached(tx: db.Transaction, owner_id: int, media_ids: Sequence[int]) -> db.Pending[Attached]:
    """Those of the media that came with a message of a session that is not private."""
    return tx.fetch(ATTACHED, owner_id=owner_id, media_ids=list(media_ids))
