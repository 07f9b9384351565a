"""SQL of pictures of avatars."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Picture:
    """What an avatar looks like: the bytes of an image, and what kind of image."""

    mime_type: str
    picture: bytes
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """The avatar whose picture was kept."""

    avatar_id: uuid.UUID


PICTURE = db.Query(
    Picture,
    """
    select p.mime_type, p.picture, p.updated_at from avatar_pictures p
    where p.owner_id = %(owner_id)s and p.avatar_id = %(avatar_id)s
    """,
)

# No row where there is no such avatar.
PUT = db.Query(
    Kept,
    """
    insert into avatar_pictures (owner_id, avatar_id, mime_type, picture)
    select a.owner_id, a.avatar_id, %(mime_type)s, %(picture)s::bytea from avatars a
    where a.owner_id = %(owner_id)s and a.avatar_id = %(avatar_id)s
    on conflict (owner_id, avatar_id) do update
        set mime_type = excluded.mime_type, picture = excluded.picture, updated_at = now()
    returning avatar_id
    """,
)

DELETE = db.Command("delete from avatar_pictures where owner_id = %(owner_id)s and avatar_id = %(avatar_id)s")


def picture(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID) -> db.Pending[Picture]:
    """The picture of an avatar, if it has one."""
    return tx.fetch(PICTURE, owner_id=owner_id, avatar_id=avatar_id)


def put(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, mime_type: str, data: bytes) -> db.Pending[Kept]:
    """Keeps a picture instead of what was there; no row where the avatar is not there."""
    return tx.fetch(PUT, owner_id=owner_id, avatar_id=avatar_id, mime_type=mime_type, picture=data)


def delete(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID) -> db.Done:
    """Removes the picture."""
    return tx.execute(DELETE, owner_id=owner_id, avatar_id=avatar_id)
