"""Files that come on their own: announced, sent here or straight to the object store, and then used or forgotten."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from anima.conversations import media_service
from anima.conversations.media_model import Medium, NewMedium
from anima.kernel import db, ids
from anima.kernel.config import settings
from anima.kernel.errors import Conflict, FieldError, TooLarge, Unauthenticated
from anima.knowledge import documents_repo, uploads_repo
from anima.knowledge.documents_model import Queued, Ticket, Upload
from anima.knowledge.errors import NotUploaded, OtherContent, UploadMissing, UploadUsed, WrongSize
from anima.knowledge.prepared import Prepared, file_name
from anima.vendors.blobs import BlobMissing, Signing, blobs, spool

if TYPE_CHECKING:
    from anima.vendors.readers import content

LIFETIME = timedelta(days=1)
_SIGNED_SECONDS = 3600
_STEP = 1 << 20
_NOBODY = db.Principal(user_id=None, login="worker")


@dataclass(slots=True)
class Arriving:
    """A file on its way to the disk, counted and hashed as it comes."""

    path: Path
    most: int
    size: int = 0
    _digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    _file: BinaryIO | None = None

    def write(self, data: bytes) -> None:
        """Takes the next bytes. Raises WrongSize where there are more than were announced."""
        self.size += len(data)
        if self.size > self.most:
            raise WrongSize(reason="the size", announced=self.most, size="more")
        if self._file is None:
            self._file = self.path.open("wb")
        self._file.write(data)
        self._digest.update(data)

    def sha256(self) -> str:
        """The hash of all that came; nothing comes after it."""
        self.close()
        return self._digest.hexdigest()

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()


def announce(principal: db.Principal, name: str, size_bytes: int, media_type: str | None) -> Ticket:
    """Says how a file is to be sent. Raises TooLarge before a byte of it was."""
    limit = settings().max_upload_bytes
    if size_bytes > limit:
        wrong = FieldError("size_bytes", f"at most {limit}")
        raise TooLarge(what="file", size=f"{size_bytes} bytes", limit=f"{limit} bytes", fields=[wrong])
    owner_id, upload_id, store = _owner(principal), ids.uuid7(), blobs()
    form = (
        store.presign_post(_key(owner_id, upload_id), size_bytes, _SIGNED_SECONDS)
        if isinstance(store, Signing)
        else None
    )
    with db.transaction(principal) as tx:
        uri = form.uri if form is not None else None
        added = uploads_repo.add(
            tx, owner_id, upload_id, file_name(name) or "file", media_type, size_bytes, uri, LIFETIME
        )
    upload = added.one()
    if form is not None:
        return Ticket(upload_id, "POST", form.url, {}, form.fields, upload.expires_at)
    headers = {"Content-Type": "application/octet-stream"}
    return Ticket(upload_id, "PUT", f"/api/v1/uploads/{upload_id}/content", headers, {}, upload.expires_at)


def expected(principal: db.Principal, upload_id: uuid.UUID) -> Upload:
    """An upload of the caller's. Raises UploadMissing."""
    with db.transaction(principal) as tx:
        found = uploads_repo.found(tx, _owner(principal), [upload_id])
    if (upload := found.first()) is None:
        raise UploadMissing(what="upload", id=upload_id)
    return upload


@contextmanager
def arriving(upload: Upload) -> Iterator[Arriving]:
    """A place for the file of an upload while it comes, which goes with it."""
    with spool.workplace() as folder:
        coming = Arriving(folder / "upload", upload.size_bytes)
        try:
            yield coming
        finally:
            coming.close()


def arrived(principal: db.Principal, upload: Upload, came: Arriving) -> Upload:
    """Keeps the file of an upload, once: the same sent again changes nothing. Raises WrongSize, OtherContent."""
    owner_id, sha256 = _owner(principal), came.sha256()
    if came.size != upload.size_bytes:
        raise WrongSize(reason="the size", announced=upload.size_bytes, size=came.size)
    if upload.state != "open":
        return _same(upload, sha256)
    key = f"{_key(owner_id, upload.upload_id)}/{sha256}"
    with db.transaction(principal) as tx:
        coming = uploads_repo.will_lie(tx, owner_id, upload.upload_id, blobs().uri_of(key))
    if coming.first() is None:  # another came before it, or is on its way
        return _same(expected(principal, upload.upload_id), sha256)
    uri = blobs().put_file(key, came.path)
    with db.transaction(principal) as tx:
        stored = uploads_repo.stored(tx, owner_id, upload.upload_id, uri, sha256, came.size)
    if (done := stored.first()) is not None:
        return done
    try:
        return _same(expected(principal, upload.upload_id), sha256)
    except (OtherContent, UploadMissing):
        blobs().delete(uri)
        raise


def _same(upload: Upload, sha256: str) -> Upload:
    if upload.checksum_sha256 != sha256:
        raise OtherContent(reason="it is another file", id=upload.upload_id)
    return upload


def joined(principal: db.Principal, owner_id: int, wanted: Sequence[Prepared]) -> list[Prepared]:
    """Documents with what is known of their uploads. Raises UploadMissing, NotUploaded, UploadUsed."""
    asked = [each.new.upload for each in wanted if each.new.upload is not None]
    if not asked:
        return list(wanted)
    with db.transaction(principal) as tx:
        found = {upload.upload_id: upload for upload in uploads_repo.found(tx, owner_id, asked).all()}
        made = {
            upload.document_id: documents_repo.document(tx, owner_id, upload.document_id)
            for upload in found.values()
            if upload.document_id is not None
        }
    rows = {document_id: row.first() for document_id, row in made.items() if document_id is not None}
    documents = {document_id: Queued(document_id, row.state) for document_id, row in rows.items() if row is not None}
    return [each if each.new.upload is None else _joined(each, found, documents) for each in wanted]


def _joined(each: Prepared, found: dict[uuid.UUID, Upload], documents: dict[int, Queued]) -> Prepared:
    assert each.new.upload is not None
    upload = found.get(each.new.upload)
    if upload is None:
        wrong = FieldError("upload", "the upload_id of POST /uploads")
        raise UploadMissing(what="upload", id=each.new.upload, fields=[wrong])
    made = documents.get(upload.document_id) if upload.document_id is not None else None
    if upload.state == "used" and made is None and upload.media_id is None:
        raise UploadUsed(reason="it was used", id=upload.upload_id)
    if made is not None:
        return each.of_upload(upload, None, made)
    there = _there(upload)
    return each.of_upload(there, _medium(there), None)


def _there(upload: Upload) -> Upload:
    """An upload whose file came, with its size. Raises NotUploaded."""
    if upload.state != "open":
        return upload
    try:
        if upload.storage_uri is None:
            raise NotUploaded(reason="it is not there", id=upload.upload_id)
        return replace(upload, size_bytes=blobs().size(upload.storage_uri))
    except BlobMissing:
        raise NotUploaded(reason="it is not there", id=upload.upload_id) from None


def _medium(upload: Upload) -> content.Medium | None:
    """What a file is that lies here; one in an object store is looked at when it is fetched."""
    from anima.vendors.readers.content import medium_of

    store = blobs()
    if upload.storage_uri is None or isinstance(store, Signing):
        return None
    with spool.workplace() as folder:
        store.fetch(upload.storage_uri, folder / "upload")
        return medium_of(folder / "upload", name=upload.name)


def expect(tx: db.Transaction, owner_id: int, uris: Iterable[str]) -> list[uuid.UUID]:
    """Notes files that may be left behind by whoever dies: they go in a day, unless something refers to them."""
    files = {ids.uuid7(): uri for uri in uris}
    if files:
        uploads_repo.expect(tx, owner_id, files, LIFETIME)
    return list(files)


def unexpect(tx: db.Transaction, owner_id: int, noted: Sequence[uuid.UUID]) -> None:
    """Forgets what was noted so: what was kept is referred to now."""
    if noted:
        uploads_repo.unexpect(tx, owner_id, noted)


def use(tx: db.Transaction, owner_id: int, wanted: Sequence[Prepared], queued: Sequence[Queued]) -> None:
    """Notes which documents were made of which uploads. Raises Conflict where somebody else used one meanwhile."""
    pairs = {
        each.new.upload: made.document_id
        for each, made in zip(wanted, queued, strict=True)
        if each.new.upload is not None and each.document_id is None
    }
    if not pairs:
        return
    used = uploads_repo.used(tx, owner_id, list(pairs), list(pairs.values()), [None] * len(pairs))
    if len(used.all()) != len(pairs):
        raise Conflict(reason="the upload was used at the same time; send it once more")


def to_medium(principal: db.Principal, upload_id: uuid.UUID) -> Medium:
    """Makes a medium for messages of an upload, once. Raises UploadMissing, NotUploaded, UnknownMedium, TooLarge."""
    owner_id, upload = _owner(principal), expected(principal, upload_id)
    if upload.media_id is not None:
        return media_service.get(principal, upload.media_id)
    if upload.state == "used":
        raise UploadUsed(reason="it was used", id=upload_id)
    new = _as_medium(owner_id, _there(upload))
    with db.transaction(principal) as tx:
        media_service.enter(tx, owner_id, [new])
        medium = media_service.known(tx, owner_id, new.sha256, new.mime_type).one()
        used = uploads_repo.used(tx, owner_id, [upload_id], [None], [medium.media_id])
        if used.first() is None:
            raise Conflict(reason="the upload was used at the same time; send it once more")
    for uri in {upload.storage_uri, new.storage_uri} - {medium.storage_uri, None}:
        blobs().delete(str(uri))
    return medium


def _as_medium(owner_id: int, upload: Upload) -> NewMedium:
    from anima.vendors.readers.content import medium_of

    store, uri = blobs(), upload.storage_uri or ""
    limit = settings().max_document_bytes
    if isinstance(store, Signing) and upload.size_bytes > limit:
        raise TooLarge(what="file", size=f"{upload.size_bytes} bytes", limit=f"{limit} bytes")
    with spool.workplace() as folder:
        path = folder / "upload"
        store.fetch(uri, path)
        kind = medium_of(path, name=upload.name)
        if kind.media_type is None:
            raise media_service.UnknownMedium(fields=[FieldError("upload_id", "an image, audio, video, PDF or text")])
        sha256 = upload.checksum_sha256 or hash_of(path)
        if upload.checksum_sha256 is None:  # what lies below uploads/ in an object store does not stay
            uri = store.put_file(f"{owner_id}/media/{sha256}", path)
    return NewMedium(uri, kind.media_type, kind.mime_type, upload.size_bytes, sha256, upload.name)


def hash_of(path: Path) -> str:
    """The sha256 of a file, read piece by piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch(principal: db.Principal, upload_id: uuid.UUID, path: Path) -> None:
    """Copies the file of an upload that came; the upload stays as it is. Raises UploadMissing, NotUploaded."""
    upload = _there(expected(principal, upload_id))
    try:
        blobs().fetch(upload.storage_uri or "", path)
    except BlobMissing:
        raise NotUploaded(reason="it is not there", id=upload_id) from None


def remove_expired() -> int:
    """Forgets uploads whose time is over, with the files of those that nothing was made of; answers how many."""
    with db.transaction(_NOBODY) as tx:
        found = uploads_repo.expired(tx)
    for each in found.all():
        with db.transaction(db.Principal(each.owner_id, login="worker")) as tx:
            upload = uploads_repo.removed(tx, each.owner_id, each.upload_id).first()
            if upload is not None and upload.storage_uri is not None:
                # Before the commit: what is forgotten leaves no file, even if we die here.
                for free in documents_repo.free(tx, each.owner_id, [upload.storage_uri]).all():
                    blobs().delete(free.uri)
    return len(found.all())


def _key(owner_id: int, upload_id: uuid.UUID) -> str:
    return f"uploads/{owner_id}/{upload_id}"


def _owner(principal: db.Principal) -> int:
    if principal.user_id is None:
        raise Unauthenticated(reason="this is for users")
    return principal.user_id
