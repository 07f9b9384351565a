"""Rules of media: files that come along with messages, and those that documents are made of."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import BinaryIO

from anima.conversations import media_repo
from anima.conversations.media_model import Attached, Medium, NewMedium
from anima.conversations.turn_service import MediaNotFound
from anima.kernel import db
from anima.kernel.errors import BadInput, FieldError, TooLarge
from anima.vendors.blobs import blobs

MAX_BYTES = 1_000_000


class UnknownMedium(BadInput):
    """This file is no image, sound, video, PDF or text that is known."""

    status = 415
    slug = "unknown-medium"


def store(principal: db.Principal, data: bytes, name: str | None = None, limit: int = MAX_BYTES) -> Medium:
    """Stores a small file once, however often it comes. Raises UnknownMedium, TooLarge."""
    if len(data) > limit:
        raise TooLarge(what="file", size=len(data), limit=f"{limit} (larger ones come by POST /uploads)")
    from anima.vendors.readers.content import medium_of

    kind = medium_of(data, name=name)
    if kind.media_type is None or not data:
        raise UnknownMedium(fields=[FieldError("file", "an image, audio, video, PDF or text file")])
    owner_id = _owner(principal)
    sha256 = hashlib.sha256(data).hexdigest()
    with db.transaction(principal) as tx:
        known = media_repo.known(tx, owner_id, sha256, kind.mime_type)
    if (medium := known.first()) is not None:
        return medium
    uri = blobs().put(f"{owner_id}/media/{sha256}", data)
    with db.transaction(principal) as tx:
        enter(tx, owner_id, [NewMedium(uri, kind.media_type, kind.mime_type, len(data), sha256, name)])
        stored = media_repo.known(tx, owner_id, sha256, kind.mime_type)
    return stored.one()


def enter(tx: db.Transaction, owner_id: int, new: Sequence[NewMedium]) -> None:
    """Enters files that were stored; one whose content is known is left as it is."""
    if new:
        media_repo.add(tx, owner_id, new)


def known(tx: db.Transaction, owner_id: int, sha256: str, mime_type: str) -> db.Pending[Medium]:
    """The file with this content, if it is there."""
    return media_repo.known(tx, owner_id, sha256, mime_type)


def attached(tx: db.Transaction, owner_id: int, media_ids: Sequence[int]) -> db.Pending[Attached]:
    """Those of the media that came with a message of a session that is not private."""
    return media_repo.attached(tx, owner_id, media_ids)


def get(principal: db.Principal, media_id: int) -> Medium:
    """One file's row. Raises MediaNotFound."""
    with db.transaction(principal) as tx:
        found = media_repo.medium(tx, _owner(principal), media_id)
    medium = found.first()
    if medium is None:
        raise MediaNotFound(media_ids=media_id)
    return medium


def opened(medium: Medium, start: int) -> BinaryIO:
    """The file of a medium from a byte on, to be closed. Raises BlobMissing."""
    return blobs().open(medium.storage_uri, start)


def _owner(principal: db.Principal) -> int:
    assert principal.user_id is not None, "files belong to somebody"
    return principal.user_id
