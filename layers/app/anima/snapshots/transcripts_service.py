"""Takes past conversations in: checks what can be checked at once, keeps the file, enters it and queues its import."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import asdict

from anima.avatars import service as avatars
from anima.kernel import db, idempotency, outbox, pages
from anima.kernel.config import settings
from anima.kernel.errors import BadInput, Conflict, DatabaseUnavailable, FieldError, TooLarge, Unauthenticated
from anima.knowledge import intake_service, uploads_service
from anima.knowledge.documents_model import NewDocument, Queued
from anima.knowledge.errors import UploadUsed
from anima.knowledge.prepared import Prepared, file_name
from anima.snapshots import transcripts_intake_repo as repo
from anima.snapshots import transcripts_repo
from anima.snapshots.transcripts_model import Brought, NewTranscript, Transcript
from anima.vendors.blobs import blobs
from anima.vendors.readers import transcripts as readers

TOPIC = "transcript.queued"
_HEAD_BYTES = 1 << 14
_TELLING = {"chatgpt", "claude"}
"""Exports that tell who their owner is, whatever they are called."""


class OneTranscript(BadInput):
    """A transcript has one source: its turns, its text, an upload, or a file."""

    slug = "one-source"


def bring(
    principal: db.Principal, avatar_id: uuid.UUID, new: NewTranscript, key: idempotency.Key | None = None
) -> Brought:
    """Enters past conversations and queues their import; the same brought again is the same document.

    It is done anew where `me` names somebody else than was recognised. Raises AvatarNotFound, NotATranscript,
    SpeakerUnknown, TooLarge, UploadMissing, NotUploaded, UploadUsed; then nothing was entered.
    """
    owner_id = _owner(principal)
    avatars.get(principal, avatar_id)
    prepared = _checked(new)
    with db.transaction(principal) as tx:
        entered = idempotency.enter(tx, owner_id, key)
        answer = idempotency.settled(tx, owner_id, key, entered)
    if answer is not None:
        return Brought(**answer)
    try:
        [joined] = uploads_service.joined(principal, owner_id, [prepared])
        brought = _entered(principal, owner_id, avatar_id, new, joined)
    except BaseException:
        if key is not None:
            with db.transaction(principal) as tx:
                idempotency.forget(tx, owner_id, key)
        raise
    if key is not None:
        with db.transaction(principal) as tx:
            idempotency.finish(tx, owner_id, key, asdict(brought))
    return brought


def queue(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, document_id: int) -> None:
    """Queues an import: those of one avatar follow each other, so that none takes in what another is at."""
    outbox.emit(tx, TOPIC, f"transcripts:{avatar_id}", owner_id, {"document_id": document_id})


def list_transcripts(
    principal: db.Principal, avatar_id: uuid.UUID, limit: int = 50, cursor: str | None = None
) -> pages.Page[Transcript]:
    """What was brought to an avatar, newest first. Raises AvatarNotFound."""
    avatars.get(principal, avatar_id)
    position = pages.decode(cursor, 1)
    if position is not None and type(position[0]) is not int:
        raise BadInput(reason="unknown cursor", fields=[FieldError("cursor", "take it from next_cursor of a page")])
    before = None if position is None else int(position[0])
    with db.transaction(principal) as tx:
        found = repo.transcripts(tx, _owner(principal), avatar_id, limit + 1, before)
    return pages.page(found.all(), limit, lambda row: [row.document_id])


def content_hash(avatar_id: uuid.UUID, sha256: str) -> str:
    """What tells that a file was brought to this avatar before; as a document it may be there besides."""
    return hashlib.sha256(f"transcript {avatar_id} {sha256}".encode()).hexdigest()


def _checked(new: NewTranscript) -> Prepared:
    """What came, as files that come are handed around."""
    asked = NewDocument(content=new.content, upload=new.upload, title=new.title, name=new.name, is_file=True)
    if (new.content is None) == (new.upload is None):
        raise OneTranscript
    title = new.title or file_name(new.name) or "Past conversations"
    if new.content is None:
        return Prepared(asked, title, "transcript")
    limit = settings().max_document_bytes
    if len(new.content) > limit:
        raise TooLarge(what="transcript", size=f"{len(new.content)} bytes", limit=f"{limit} bytes; upload it first")
    if not readers.looks_like_one(new.content[:_HEAD_BYTES]):
        raise readers.NotATranscript(reason="it is empty or no text")
    sha256 = hashlib.sha256(new.content).hexdigest()
    return Prepared(asked, title, "transcript", name=file_name(new.name), sha256=sha256, size=len(new.content))


def _entered(
    principal: db.Principal, owner_id: int, avatar_id: uuid.UUID, new: NewTranscript, prepared: Prepared
) -> Brought:
    sha256 = content_hash(avatar_id, prepared.sha256) if prepared.sha256 is not None else None
    if (again := _known(principal, owner_id, avatar_id, new, prepared, sha256)) is not None:
        return again
    with db.transaction(principal) as tx:
        place = repo.place(tx, owner_id)
        key = f"transcripts/{owner_id}/{prepared.sha256}/{uuid.uuid4().hex}"
        # On record before it is kept: whoever dies in between leaves none that nobody knows of.
        noted = uploads_service.expect(tx, owner_id, [blobs().uri_of(key)] if new.content is not None else [])
        store_id = place.one().store_id
    uri = blobs().put(key, new.content) if new.content is not None else prepared.storage_uri
    assert uri is not None
    try:
        with db.transaction(principal) as tx:
            brought = _added(tx, owner_id, avatar_id, new, prepared, store_id, sha256, uri)
            uploads_service.unexpect(tx, owner_id, noted)
    except DatabaseUnavailable:
        raise  # the commit may have come through: better a file too many than one too few
    except BaseException:
        if new.content is not None:
            blobs().delete(uri)
        raise
    intake_service.remove_free(principal, owner_id, [uri])
    return brought


def _known(
    principal: db.Principal,
    owner_id: int,
    avatar_id: uuid.UUID,
    new: NewTranscript,
    prepared: Prepared,
    sha256: str | None,
) -> Brought | None:
    """The document of what was brought before; the file that came of it once more goes. Raises SpeakerUnknown."""
    with db.transaction(principal) as tx:
        there = repo.there(tx, owner_id, avatar_id, sha256, prepared.document_id).first()
        if there is None or there.avatar_id != avatar_id:
            if prepared.document_id is not None:
                raise UploadUsed(reason="it was used", id=new.upload)
            return None
        uploads_service.use(tx, owner_id, [prepared], [Queued(there.document_id, there.state)])
        wrong = _unknown(new, there)
        again = _again(tx, owner_id, avatar_id, new, there) if wrong is None else None
    intake_service.remove_free(principal, owner_id, [prepared.storage_uri])
    if wrong is not None:
        raise wrong
    return again


def _unknown(new: NewTranscript, there: repo.There) -> readers.SpeakerUnknown | None:
    """What is wrong with a name that nobody has who is known to speak there."""
    names = [str(each["name"]) for each in there.speakers]
    fine = not new.me or there.origin in _TELLING or there.state == "failed"
    if fine or not names or there.everyone > len(names) or readers.called(names, new.me):
        return None
    wrong = FieldError("me", "one of the speakers")
    return readers.SpeakerUnknown(name=" or ".join(new.me), speakers=", ".join(names), fields=[wrong])


def _again(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, new: NewTranscript, there: repo.There) -> Brought:
    """The document that is there, done anew where that is asked for: what it has brought goes before."""
    if there.state == "failed":
        queued = repo.queue_again(tx, owner_id, there.document_id, new.me, new.proposals).first()
    elif _is_other(new, there):
        queued = repo.redo(tx, owner_id, there.document_id, new.me, new.proposals).first()
        transcripts_repo.remove(tx, owner_id, there.document_id)
    else:
        queued = None
    if queued is not None:
        queue(tx, owner_id, avatar_id, there.document_id)
    return queued or Brought(there.document_id, there.state)


def _is_other(new: NewTranscript, there: repo.There) -> bool:
    """Whether the owner says now that they are somebody else in it; some exports tell that themselves."""
    if not new.me or there.origin in _TELLING:
        return False
    if there.me or (there.speakers and there.state == "done"):
        return readers.called([str(each["name"]) for each in there.speakers], new.me) != set(there.me)
    return set(new.me) != set(there.asked)


def _added(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    new: NewTranscript,
    prepared: Prepared,
    store_id: int,
    sha256: str | None,
    uri: str,
) -> Brought:
    added = repo.add(
        tx,
        owner_id,
        avatar_id,
        store_id=store_id,
        title=prepared.title,
        name=prepared.name,
        content_sha256=sha256,
        size_bytes=prepared.size,
        storage_uri=uri,
        me=new.me,
        proposals=new.proposals,
    ).first()
    if added is None:  # somebody brings the same at this moment
        there = repo.there(tx, owner_id, avatar_id, sha256).first()
        if there is None:
            raise Conflict(reason="the same was brought and deleted at this moment; bring it once more")
        return Brought(there.document_id, there.state)
    uploads_service.use(tx, owner_id, [prepared], [Queued(added.document_id, added.state)])
    queue(tx, owner_id, avatar_id, added.document_id)
    return added


def _owner(principal: db.Principal) -> int:
    if principal.user_id is None:
        raise Unauthenticated(reason="this is for users")
    return principal.user_id
