"""Rules of pictures: what an avatar looks like. A picture is what its bytes are, whatever somebody says of it."""

from __future__ import annotations

import uuid

from anima.avatars import pictures_repo, service
from anima.avatars.model import Avatar
from anima.avatars.pictures_repo import Picture
from anima.kernel import db
from anima.kernel.errors import BadInput, FieldError, NotFound, TooLarge, Unauthenticated
from anima.personality import cards

MAX_BYTES = cards.MAX_PICTURE_BYTES


class NoPicture(NotFound):
    """The avatar has no picture."""

    slug = "no-picture"


class UnknownPicture(BadInput):
    """This is no picture that is known: PNG, JPEG, WebP or GIF."""

    status = 415
    slug = "unknown-picture"


def get(principal: db.Principal, avatar_id: uuid.UUID) -> Picture:
    """The picture of an avatar. Raises NoPicture, also where there is no such avatar."""
    found = find(principal, avatar_id)
    if found is None:
        raise NoPicture
    return found


def find(principal: db.Principal, avatar_id: uuid.UUID) -> Picture | None:
    """The picture of an avatar, if it has one."""
    with db.transaction(principal) as tx:
        found = pictures_repo.picture(tx, _owner(principal), avatar_id)
    return found.first()


def put(principal: db.Principal, avatar_id: uuid.UUID, data: bytes) -> None:
    """Keeps a picture. Raises AvatarNotFound, UnknownPicture, TooLarge."""
    service.get(principal, avatar_id)
    mime_type = checked(data)
    with db.transaction(principal) as tx:
        kept = pictures_repo.put(tx, _owner(principal), avatar_id, mime_type, data)
    if kept.first() is None:
        raise service.AvatarNotFound(avatar=avatar_id)


def keep(tx: db.Transaction, avatar: Avatar, data: bytes) -> None:
    """Keeps the picture of an avatar in a transaction. Raises UnknownPicture, TooLarge."""
    pictures_repo.put(tx, avatar.owner_id, avatar.avatar_id, checked(data), data)


def checked(data: bytes) -> str:
    """What kind of picture some bytes are. Raises UnknownPicture, TooLarge."""
    if len(data) > MAX_BYTES:
        raise TooLarge(what="picture", size=f"{len(data)} bytes", limit=f"{MAX_BYTES} bytes")
    mime_type = cards.mime_of(data)
    if mime_type is None:
        raise UnknownPicture(fields=[FieldError("body", "the bytes of a PNG, JPEG, WebP or GIF")])
    return mime_type


def delete(principal: db.Principal, avatar_id: uuid.UUID) -> None:
    """Removes the picture. Raises NoPicture."""
    with db.transaction(principal) as tx:
        removed = pictures_repo.delete(tx, _owner(principal), avatar_id).count()
    if not removed:
        raise NoPicture


def _owner(principal: db.Principal) -> int:
    if principal.user_id is None:
        raise Unauthenticated(reason="nobody is signed in")
    return principal.user_id
