"""Brings the file of a document to a local path: from where it is kept, from its address, or from its upload."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from anima.conversations import media_service
from anima.conversations.media_model import NewMedium
from anima.kernel import addresses, db, telemetry
from anima.kernel.config import settings
from anima.kernel.errors import FieldError, TooLarge, Unavailable
from anima.knowledge import (
    claim_repo,
    fetch_repo,
    forgetting_service,
    index_repo,
    intake_service,
    removal_service,
)
from anima.knowledge.claim_repo import Claimed
from anima.knowledge.errors import EmptyDocument, Superseded
from anima.knowledge.fetch_repo import Content
from anima.knowledge.prepared import file_name, kind_of, title_of, title_of_uri
from anima.knowledge.uploads_service import hash_of
from anima.vendors import web
from anima.vendors.blobs import BlobMissing, blobs, spool
from anima.vendors.web.errors import NotFetched

if TYPE_CHECKING:
    from anima.vendors.readers.content import Medium

HOPELESS = (NotFetched, addresses.BadAddress, addresses.PrivateAddress, TooLarge, EmptyDocument, BlobMissing)
"""What will not be better when it is tried again."""

_BLANK_BYTES = 4096
_HEAD_BYTES = 65_536
_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{1,2000})</title", re.I)


def brought(owner: db.Principal, owner_id: int, claimed: Claimed, path: Path) -> Claimed | None:
    """Puts the file of a claimed document at `path`, keeps it where it was not kept yet, and answers what it is.

    Nothing where its content is that of another document: then this one was ended by it. Raises one of HOPELESS,
    NotReached and other unavailable things, Superseded where the claim no longer holds.
    """
    if claimed.content_sha256 is not None and claimed.storage_uri is not None:
        blobs().fetch(claimed.storage_uri, path)
        return claimed
    _advance(owner, owner_id, claimed)
    content = _fetched(claimed, path) if claimed.uri is not None else _uploaded(claimed, path)
    return _entered(owner, owner_id, claimed, content, path)


def refresh(owner: db.Principal, owner_id: int, document_id: int) -> None:
    """Looks whether the address of a document that is done gives something else by now; then it is queued anew.

    The document stays as it is, and found, where it gives the same or nothing.
    """
    with db.transaction(owner) as tx:
        found = fetch_repo.again(tx, owner_id, document_id)
    again = found.first()
    if again is None:
        return
    try:
        with spool.workplace() as folder:
            fetched = web.fetch(again.uri, folder / "fetched", max_bytes=settings().max_document_bytes)
    except (*HOPELESS, Unavailable) as error:
        telemetry.warning("document.not_refreshed", document_id=document_id, reason=error.for_logs)
        with db.transaction(owner) as tx:
            fetch_repo.unchanged(tx, owner_id, document_id, f"it could not be fetched again: {error.detail}")
        return
    if fetched.sha256 != again.content_sha256:
        _replaced(owner, owner_id, document_id)
    else:
        with db.transaction(owner) as tx:
            fetch_repo.unchanged(tx, owner_id, document_id, None)


def _replaced(owner: db.Principal, owner_id: int, document_id: int) -> None:
    with db.transaction(owner) as tx:
        before = fetch_repo.emptied(tx, owner_id, document_id).first()
        if before is None:
            return
        index_repo.remove(tx, owner_id, document_id)
        forgetting_service.forget(tx, owner_id, document_id)
        removal_service.let_go(tx, owner_id, before.media_id, [before.storage_uri])


def _advance(owner: db.Principal, owner_id: int, claimed: Claimed) -> None:
    with db.transaction(owner) as tx:
        if claim_repo.advance(tx, owner_id, claimed, "fetch").first() is None:
            raise Superseded


def _fetched(claimed: Claimed, path: Path) -> Content:
    assert claimed.uri is not None
    fetched = web.fetch(claimed.uri, path, max_bytes=settings().max_document_bytes)
    return _content(claimed, path, fetched.name, fetched.sha256, fetched.size)


def _uploaded(claimed: Claimed, path: Path) -> Content:
    if claimed.storage_uri is None:
        raise BlobMissing(what="file", id=claimed.document_id, uri="of the document")
    blobs().fetch(claimed.storage_uri, path)
    return _content(claimed, path, claimed.name, hash_of(path), path.stat().st_size)


def _content(claimed: Claimed, path: Path, name: str | None, sha256: str, size: int) -> Content:
    from anima.vendors.readers.content import medium_of

    with path.open("rb") as file:
        if not file.read(_BLANK_BYTES).strip() and size <= _BLANK_BYTES:
            raise EmptyDocument(fields=[FieldError("uri", "something that is not empty")])
    declared = None if claimed.doc_type == "unknown" else claimed.doc_type
    medium = medium_of(path, name=name, declared=declared)
    untitled = claimed.uri is not None and claimed.title == title_of_uri(claimed.uri)
    title = _title(path, name, medium) if untitled else claimed.title
    return Content(
        title=title or claimed.title,
        doc_type=declared or kind_of(medium),
        name=file_name(name),
        mime_type=medium.mime_type,
        media_type=medium.media_type,
        sha256=sha256,
        size_bytes=size,
    )


def _title(path: Path, name: str | None, medium: Medium) -> str | None:
    """What a page calls itself, else the file's name, else its first line; nothing where it says none of it."""
    from anima.vendors.readers.decoding import decode

    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if medium.kind == "html" and (found := _TITLE.search(decode(head))) is not None:
        said = " ".join(html.unescape(found[1]).split())[:200]
        if said:
            return said
    title = title_of(name, head, medium)
    return None if title == "Untitled" else title


def _entered(owner: db.Principal, owner_id: int, claimed: Claimed, content: Content, path: Path) -> Claimed | None:
    """Says first where the file will lie, so that none is left behind by whoever dies in between."""
    key = f"documents/{owner_id}/{claimed.document_id}/{content.sha256}"
    uri = blobs().uri_of(key)
    with db.transaction(owner) as tx:
        twin = fetch_repo.twin(tx, owner_id, claimed, content.sha256)
        if claimed.uri is not None and fetch_repo.will_lie(tx, owner_id, claimed, uri).first() is None:
            raise Superseded
        if claimed.uri is not None and claimed.storage_uri not in (None, uri):
            # What a worker had kept who died before he could enter it. Before the commit: no row names it after that.
            removal_service.let_go(tx, owner_id, None, [claimed.storage_uri])
    if (other := twin.first()) is not None:
        _end_by(owner, owner_id, claimed, other)
        return None
    blobs().put_file(key, path)
    with db.transaction(owner) as tx:
        if content.media_type is not None:
            medium = NewMedium(
                uri, content.media_type, content.mime_type, content.size_bytes, content.sha256, content.name
            )
            media_service.enter(tx, owner_id, [medium])
        entered = fetch_repo.enter(tx, owner_id, claimed, content, uri).first()
        gone = claim_repo.there(tx, owner_id, claimed.document_id).first() is None
    if entered is not None:
        intake_service.remove_free(owner, owner_id, {claimed.storage_uri})
    elif gone or claimed.uri is not None:  # else whoever took it over writes it under the same key
        intake_service.remove_free(owner, owner_id, {uri})
    if entered is None:
        raise Superseded
    return replace(
        claimed,
        storage_uri=uri,
        content_sha256=content.sha256,
        title=content.title,
        doc_type=content.doc_type,
        name=content.name,
        mime_type=content.mime_type,
        size_bytes=content.size_bytes,
    )


def _end_by(owner: db.Principal, owner_id: int, claimed: Claimed, other: fetch_repo.Twin) -> None:
    """Ends a document whose content another one has already: that is found in its stead, or is no better."""
    state = other.state if other.state in ("failed", "unsearchable") else "done"
    reason = f"Its content is that of document {other.document_id}."
    with db.transaction(owner) as tx:
        before = fetch_repo.end_by(tx, owner_id, claimed, state, reason).first()
    if before is None:
        raise Superseded
    intake_service.remove_free(owner, owner_id, [claimed.storage_uri])
