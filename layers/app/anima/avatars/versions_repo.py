"""SQL of versions: a trigger keeps one of every personality that is written (migration 0029)."""

from __future__ import annotations

import uuid

from anima.avatars.model import Avatar
from anima.avatars.versions_model import Version, WholeVersion
from anima.kernel import db

VERSIONS = db.Query(
    Version,
    """
    select v.version, v.personality_name, v.restored_from, v.created_at,
        v.version = (
            select max(w.version) from avatar_versions w
            where w.owner_id = %(owner_id)s and w.avatar_id = %(avatar_id)s
        ) as is_present
    from avatar_versions v
    where v.owner_id = %(owner_id)s and v.avatar_id = %(avatar_id)s
        and (%(before)s::integer is null or v.version < %(before)s::integer)
    order by v.version desc
    limit %(limit)s
    """,
)

# Without a number the present one.
VERSION = db.Query(
    WholeVersion,
    """
    select v.version, v.personality_name, v.restored_from, v.created_at, v.version = newest.version as is_present,
        v.personality
    from avatar_versions v, (
        select max(w.version) as version from avatar_versions w
        where w.owner_id = %(owner_id)s and w.avatar_id = %(avatar_id)s
    ) newest
    where v.owner_id = %(owner_id)s and v.avatar_id = %(avatar_id)s
        and v.version = coalesce(%(version)s::integer, newest.version)
    """,
)

RESTORE = db.Query(
    Avatar,
    """
    update avatars a set personality = v.personality, personality_name = v.personality_name
    from avatar_versions v
    where a.owner_id = %(owner_id)s and a.avatar_id = %(avatar_id)s
        and v.owner_id = %(owner_id)s and v.avatar_id = %(avatar_id)s and v.version = %(version)s
    returning a.avatar_id, a.owner_id, a.name, a.bio, a.personality_name, a.personality, a.model,
        a.visibility, a.switches, a.egress, a.created_at, a.updated_at
    """,
)

# The version that was made in this transaction, if it made one: the present one brought back is no new one.
NAME_ORIGIN = db.Command(
    """
    update avatar_versions v set restored_from = %(version)s
    where v.owner_id = %(owner_id)s and v.avatar_id = %(avatar_id)s and v.created_at = now()
        and v.version > %(version)s and v.version = (
            select max(w.version) from avatar_versions w
            where w.owner_id = %(owner_id)s and w.avatar_id = %(avatar_id)s
        )
    """
)


def versions(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, before: int | None, limit: int
) -> db.Pending[Version]:
    """Versions, the newest first, from below a number."""
    return tx.fetch(VERSIONS, owner_id=owner_id, avatar_id=avatar_id, before=before, limit=limit)


def version(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, number: int | None) -> db.Pending[WholeVersion]:
    """One version; without a number the present one."""
    return tx.fetch(VERSION, owner_id=owner_id, avatar_id=avatar_id, version=number)


def restore(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, number: int) -> db.Pending[Avatar]:
    """The avatar with the personality of a version, which thereby becomes the newest one too."""
    restored = tx.fetch(RESTORE, owner_id=owner_id, avatar_id=avatar_id, version=number)
    tx.execute(NAME_ORIGIN, owner_id=owner_id, avatar_id=avatar_id, version=number)
    return restored
