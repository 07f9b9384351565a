"""What somebody brings in, checked: what it is, what it is called, and the hash that tells whether it is there."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from anima.conversations.media_model import NewMedium
from anima.kernel import addresses
from anima.kernel.config import settings
from anima.kernel.errors import FieldError, TooLarge
from anima.knowledge.documents_model import NewDocument, Queued, Upload
from anima.knowledge.errors import EmptyDocument

if TYPE_CHECKING:
    from anima.vendors.readers.content import Medium

_TITLE_CHARS = 200
# Control characters (NUL is refused elsewhere), and those that let what follows be shown in another order than it is.
_UNSEEN = re.compile("[\x01-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document that was checked. What is not known before somebody has read it is null.

    `document_id` and `state` are of the document that was made of its upload before.
    """

    new: NewDocument
    title: str
    doc_type: str
    name: str | None = None
    sha256: str | None = None
    size: int = 0
    medium: Medium | None = None
    storage_uri: str | None = None
    document_id: int | None = None
    state: str | None = None

    @property
    def identity(self) -> str:
        """What makes two of them the same document."""
        return self.sha256 or self.new.uri or str(self.new.upload)

    def as_medium(self, storage_uri: str | None) -> NewMedium | None:
        """A person's file as a medium, where it is one and lies there."""
        kind = self.medium.media_type if self.medium is not None else None
        is_file = self.new.is_file or self.new.upload is not None
        if storage_uri is None or kind is None or self.medium is None or self.sha256 is None or not is_file:
            return None
        return NewMedium(storage_uri, kind, self.medium.mime_type, self.size, self.sha256, self.name)

    def of_upload(self, upload: Upload, medium: Medium | None, made: Queued | None) -> Prepared:
        """What is known by its upload; `medium` where its file was looked at."""
        declared = _declared(upload.name, upload.media_type)
        return replace(
            self,
            title=self.new.title or title_of(upload.name, None, medium),
            doc_type=self.new.doc_type or declared or kind_of(medium),
            name=upload.name,
            sha256=upload.checksum_sha256,
            size=upload.size_bytes,
            medium=medium,
            storage_uri=upload.storage_uri,
            document_id=made.document_id if made else None,
            state=made.state if made else None,
        )


def prepared(new: NewDocument) -> Prepared:
    """Raises EmptyDocument, TooLarge, BadAddress."""
    if new.uri is not None:
        addresses.check_form(new.uri)
        return Prepared(new, new.title or title_of_uri(new.uri), new.doc_type or "unknown")
    if new.content is None:
        return Prepared(new, new.title or "Untitled", new.doc_type or "unknown")
    limit = settings().max_document_bytes
    if len(new.content) > limit:
        raise TooLarge(what="document", size=f"{len(new.content)} bytes", limit=f"{limit} bytes")
    if not new.content.strip():
        raise EmptyDocument(fields=[FieldError("text", "some text, or a file that is not empty")])
    medium = _medium(new.content, len(new.content), new.name, new.doc_type or _declared(new.name, new.media_type))
    return Prepared(
        new,
        title=new.title or title_of(new.name, new.content, medium),
        doc_type=new.doc_type or _declared(new.name, new.media_type) or kind_of(medium),
        name=file_name(new.name),
        sha256=hashlib.sha256(new.content).hexdigest(),
        size=len(new.content),
        medium=medium,
    )


def _medium(data: bytes, size: int, name: str | None, declared: str | None) -> Medium:
    from anima.vendors.readers.content import medium_of

    return medium_of(data, size, name, declared)


def _declared(name: str | None, media_type: str | None) -> str | None:
    """What a file says that it is, where that matters: one that is called a PDF and is none is an error."""
    is_pdf = media_type == "application/pdf" or (name or "").lower().endswith(".pdf")
    return "pdf" if is_pdf else None


def kind_of(medium: Medium | None) -> str:
    """The kind of a medium as a document's type."""
    return (medium.kind if medium is not None else None) or "unknown"


def file_name(name: str | None) -> str | None:
    """The last part of a file's name, without folders and without what cannot be seen."""
    return PurePosixPath(_UNSEEN.sub("", name or "").replace("\\", "/")).name[:_TITLE_CHARS] or None


def title_of(name: str | None, content: bytes | None, medium: Medium | None) -> str:
    """The file's name, else the first line that says something."""
    if name:
        return file_name(name) or "Untitled"
    if content is not None and medium is not None and medium.kind in ("text", "markdown"):
        from anima.vendors.readers.decoding import decode

        lines = decode(content[:4_000]).split("\n")
        return next((line.strip(" #*=-")[:_TITLE_CHARS] for line in lines if line.strip(" #*=-")), "Untitled")
    return "Untitled"


def title_of_uri(uri: str) -> str:
    """What a document of an address is called until it was fetched."""
    return uri.partition("://")[2][:_TITLE_CHARS]
