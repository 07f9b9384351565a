"""Rules of media: small files that come along with messages."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from anima.conversations import repo
from anima.conversations.media_model import kind_of
from anima.conversations.model import Medium
from anima.conversations.turn_service import MediaNotFound
from anima.kernel import db
from anima.kernel.errors import BadInput, FieldError, TooLarge
from anima.vendors.blobs import blobs

MAX_BYTES = 1_000_000


class UnknownMedium(BadInput):
    """This file is no image, sound, video, PDF or text that is known."""

    status = 415
    slug = "unknown-medium"


@dataclass(frozen=True, slots=True)
class Content:
    """A file's bytes with their MIME type."""

    data: bytes
    mime_type: str


def store(principal: db.Principal, data: bytes) -> Medium:
    """Stores a file once, however often it comes. Raises UnknownMedium, TooLarge."""
    if len(data) > MAX_BYTES:
        raise TooLarge(what="file", size=len(data), limit=MAX_BYTES)
    kind = kind_of(data)
    if kind is None:
        raise UnknownMedium(fields=[FieldError("file", "an image, audio, video, PDF or UTF-8 text file")])
    owner_id = _owner(principal)
    sha256 = hashlib.sha256(data).hexdigest()
    uri = blobs().put(f"{owner_id}/media/{sha256}", data)
    with db.transaction(principal) as tx:
        stored = repo.add_medium(
            tx,
            owner_id,
            storage_uri=uri,
            media_type=kind.media_type,
            mime_type=kind.mime_type,
            size_bytes=len(data),
            sha256=sha256,
        )
    return stored.one()


def get(principal: db.Principal, media_id: int) -> Medium:
    """One file's row. Raises MediaNotFound."""
    with db.transaction(principal) as tx:
        found = repo.medium(tx, _owner(principal), media_id)
    medium = found.first()
    if medium is None:
        raise MediaNotFound(media_ids=media_id)
    return medium


def content(principal: db.Principal, media_id: int) -> Content:
    """A file's bytes. Raises MediaNotFound."""
    medium = get(principal, media_id)
    return Content(blobs().get(medium.storage_uri), medium.mime_type)


def _owner(principal: db.Principal) -> int:
    assert principal.user_id is not None, "files belong to somebody"
    return principal.user_id
