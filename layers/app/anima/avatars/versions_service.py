"""Rules of versions: what an avatar's personality has been, how two differ, and one of them brought back."""

from __future__ import annotations

import uuid

from anima import personality as personalities
from anima.avatars import repo, service, versions_repo
from anima.avatars.model import Avatar
from anima.avatars.versions_model import Version, WholeVersion
from anima.kernel import db, pages
from anima.kernel.errors import BadInput, FieldError, NotFound, Unauthenticated
from anima.personality.diff import Change

MAX_VERSION = 2_000_000_000


class VersionNotFound(NotFound):
    """There is no version {version} of this avatar's personality; the hundred newest are kept."""

    slug = "version-not-found"


def list_versions(
    principal: db.Principal, avatar_id: uuid.UUID, *, cursor: str | None, limit: int
) -> pages.Page[Version]:
    """What an avatar's personality has been, the newest first. Raises AvatarNotFound."""
    before = _position(cursor)
    owner_id = _owner(principal)
    with db.transaction(principal) as tx:
        avatar = repo.avatar(tx, owner_id, avatar_id)
        found = versions_repo.versions(tx, owner_id, avatar_id, before, limit + 1)
    _expected(avatar.first(), avatar_id)
    return pages.page(found.all(), limit, lambda one: (one.version,))


def get(principal: db.Principal, avatar_id: uuid.UUID, number: int | None = None) -> WholeVersion:
    """One version (without a number the present one). Raises AvatarNotFound, VersionNotFound."""
    owner_id = _owner(principal)
    with db.transaction(principal) as tx:
        avatar = repo.avatar(tx, owner_id, avatar_id)
        found = versions_repo.version(tx, owner_id, avatar_id, number)
    _expected(avatar.first(), avatar_id)
    version = found.first()
    if version is None:
        raise VersionNotFound(version=number)
    return version


def difference(
    principal: db.Principal, avatar_id: uuid.UUID, number: int, other: int | None
) -> tuple[WholeVersion, WholeVersion, list[Change]]:
    """Two versions, and what changed from the first to the other (none: the present one)."""
    before, after = get(principal, avatar_id, number), get(principal, avatar_id, other)
    return before, after, personalities.difference(before.personality, after.personality)


def restore(principal: db.Principal, avatar_id: uuid.UUID, number: int) -> Avatar:
    """Brings a version back, as a new one; nothing between is lost. Raises InvalidPersonality too."""
    version = get(principal, avatar_id, number)
    personalities.parse(version.personality)  # rules may have become stricter since
    with db.transaction(principal) as tx:
        restored = versions_repo.restore(tx, _owner(principal), avatar_id, number)
    avatar = restored.first()
    if avatar is None:
        raise VersionNotFound(version=number)
    return avatar


def _expected(avatar: Avatar | None, avatar_id: uuid.UUID) -> None:
    if avatar is None:
        raise service.AvatarNotFound(avatar=avatar_id)


def _position(cursor: str | None) -> int | None:
    decoded = pages.decode(cursor, 1)
    if decoded is None:
        return None
    if not isinstance(decoded[0], int) or not 0 < decoded[0] <= MAX_VERSION:
        wrong = FieldError("cursor", "take it from next_cursor of a page")
        raise BadInput(reason="unknown cursor", fields=[wrong])
    return decoded[0]


def _owner(principal: db.Principal) -> int:
    if principal.user_id is None:
        raise Unauthenticated(reason="nobody is signed in")
    return principal.user_id
