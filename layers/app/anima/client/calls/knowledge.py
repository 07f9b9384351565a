"""Documents: brought in with their progress, read, summarised and searched."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from anima.client.call import Call, Given, Pause, Steps, present
from anima.client.errors import BadFile
from anima.client.files import read
from anima.client.operations import listing, operation, steps
from anima.client.results.knowledge import (
    Chunk,
    Document,
    DocumentQueued,
    DocumentRetried,
    OpenedChunk,
    Retrieval,
    SearchResult,
    Summary,
    SummaryQueued,
    Upload,
    UploadedMedium,
    UploadTicket,
)

Mode = Literal["hybrid", "vector", "words"]
Progress = Callable[[Document], object]

_AT_WORK = frozenset({"queued", "running"})
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0


class Knowledge:
    """Documents and what is found in them."""

    @operation("POST", "/documents", DocumentQueued)
    def create_document(
        self,
        *,
        text: str | None = None,
        uri: str | None = None,
        upload: UUID | str | None = None,
        title: str | None = None,
        source_uri: str | None = None,
        doc_type: str | None = None,
        purpose: str = "context",
        metadata: Mapping[str, Any] | None = None,
    ) -> Given:
        """Brings in a document by its text, its address, or an upload; it is read afterwards (`wait_for_document`)."""
        source = present(text=text, uri=uri, upload=upload, source_uri=source_uri, doc_type=doc_type)
        return Given(body={"purpose": purpose, **source, **present(title=title, metadata=metadata)})

    @operation("POST", "/documents", tuple[DocumentQueued, ...])
    def create_documents(self, documents: Sequence[Mapping[str, Any]]) -> Given:
        """Brings in up to 100 documents, each with the fields of `create_document`."""
        return Given(body=list(documents))

    @steps
    def ingest(
        self,
        file: Path | str | bytes,
        *,
        name: str | None = None,
        title: str | None = None,
        source_uri: str | None = None,
        purpose: str = "context",
        metadata: Mapping[str, Any] | None = None,
        wait: bool = True,
        on_progress: Progress | None = None,
    ) -> Steps[Document]:
        """Sends a file (a path, or bytes with a name), and waits until it is read; `on_progress` hears how far it is.

        The document that comes back says by its state what became of it: done, unsearchable, or failed with a reason.
        """
        upload_id = yield from Knowledge.send_file.steps(file, name=name)
        queued = yield from Knowledge.create_document.steps(
            upload=upload_id, title=title, source_uri=source_uri, purpose=purpose, metadata=metadata
        )
        if not wait:
            return (yield from Knowledge.get_document.steps(queued.document_id))
        return (yield from Knowledge.wait_for_document.steps(queued.document_id, on_progress=on_progress))

    @steps
    def wait_for_document(self, document_id: int, *, on_progress: Progress | None = None) -> Steps[Document]:
        """Looks at a document, ever more rarely, until it is read; `on_progress` hears each look."""
        pause = _FIRST_PAUSE
        while True:
            document = yield from Knowledge.get_document.steps(document_id)
            if on_progress is not None:
                on_progress(document)
            if document.state not in _AT_WORK:
                return document
            yield Pause(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    @steps
    def send_file(self, file: Path | str | bytes, *, name: str | None = None) -> Steps[UUID]:
        """Sends a file to where the service wants it, and answers the upload's id. Raises BadFile for an empty one."""
        called, content = read(file, name)
        if not content:
            raise BadFile(name=called, reason="it is empty")
        ticket = yield from Knowledge.announce_upload.steps(called, len(content))
        yield _sending(ticket, called, content)
        return ticket.upload_id

    @listing("/documents", Document)
    def list_documents(self, *, state: str | None = None, purpose: str | None = None) -> Given:
        """Your documents, newest first."""
        return Given(query=present(state=state, purpose=purpose))

    @operation("GET", "/documents/{document_id}", Document)
    def get_document(self, document_id: int) -> Given:
        """One document, and how far it is read."""
        return Given({"document_id": document_id})

    @operation("DELETE", "/documents/{document_id}")
    def delete_document(self, document_id: int) -> Given:
        """Deletes a document and what was made of it."""
        return Given({"document_id": document_id})

    @operation("POST", "/documents/{document_id}/retry", DocumentRetried)
    def retry_document(self, document_id: int) -> Given:
        """Reads a document once more that failed."""
        return Given({"document_id": document_id})

    @operation("GET", "/documents/{document_id}/file", bytes)
    def get_document_file(self, document_id: int) -> Given:
        """The file that it was made of."""
        return Given({"document_id": document_id})

    @listing("/documents/{document_id}/chunks", Chunk)
    def list_chunks(self, document_id: int) -> Given:
        """The passages of a document."""
        return Given({"document_id": document_id})

    @operation("GET", "/chunks/{chunk_id}", OpenedChunk)
    def get_chunk(self, chunk_id: int) -> Given:
        """A passage, with what stands before and after it."""
        return Given({"chunk_id": chunk_id})

    @operation("POST", "/uploads", UploadTicket)
    def announce_upload(self, name: str, size_bytes: int, *, media_type: str | None = None) -> Given:
        """Says that a file is to come, and learns where to send it (`send_file` does both)."""
        return Given(body=present(name=name, size_bytes=size_bytes, media_type=media_type))

    @operation("GET", "/uploads/{upload_id}", Upload)
    def get_upload(self, upload_id: UUID | str) -> Given:
        """Whether its file has come."""
        return Given({"upload_id": upload_id})

    @operation("PUT", "/uploads/{upload_id}/content", Upload, harmless=True)
    def send_upload(self, upload_id: UUID | str, content: bytes) -> Given:
        """Sends the bytes of an upload to the service itself."""
        return Given({"upload_id": upload_id}, content=content)

    @operation("POST", "/uploads/{upload_id}/medium", UploadedMedium)
    def keep_upload(self, upload_id: UUID | str) -> Given:
        """Makes a medium of an upload, for a message to bring along."""
        return Given({"upload_id": upload_id})

    @listing("/retrievals", Retrieval)
    def list_retrievals(self, *, request_id: int | None = None, status: str | None = None) -> Given:
        """What was looked for, newest first."""
        return Given(query=present(request_id=request_id, status=status))

    @operation("GET", "/retrievals/{retrieval_id}", Retrieval)
    def get_retrieval(self, retrieval_id: int) -> Given:
        """What was looked for, and found."""
        return Given({"retrieval_id": retrieval_id})

    @operation("POST", "/documents/{document_id}/summary", SummaryQueued)
    def summarise(
        self,
        document_id: int,
        *,
        instruction: str | None = None,
        sentences: int = 3,
        model: str | None = None,
        mode: Literal["auto", "one_piece", "map_reduce", "extractive"] = "auto",
        dry_run: bool = False,
    ) -> Given:
        """Summarises a document, or asks something of all of it; with `dry_run` only says what it would cost."""
        body = {"sentences": sentences, "mode": mode, "dry_run": dry_run}
        return Given({"document_id": document_id}, body={**body, **present(instruction=instruction, model=model)})

    @listing("/documents/{document_id}/summaries", Summary)
    def list_summaries(self, document_id: int) -> Given:
        """The summaries of a document."""
        return Given({"document_id": document_id})

    @operation("GET", "/summaries/{summary_id}", Summary)
    def get_summary(self, summary_id: int) -> Given:
        """A summary, or how far it is."""
        return Given({"summary_id": summary_id})

    @operation("DELETE", "/summaries/{summary_id}")
    def delete_summary(self, summary_id: int) -> Given:
        """Deletes a summary; one that runs is stopped."""
        return Given({"summary_id": summary_id})

    @operation("POST", "/search", SearchResult, harmless=True)
    def search(
        self,
        query: str,
        *,
        purpose: str = "context",
        purposes: Sequence[str] | None = None,
        top_k: int = 10,
        mode: Mode = "hybrid",
        filter: Mapping[str, Any] | None = None,
        modulators: Mapping[str, float] | None = None,
        explain: bool = False,
    ) -> Given:
        """Passages of documents, by meaning and by words, best first."""
        where = present(purposes=purposes, filter=filter, modulators=modulators)
        body = {"query": query, "purpose": purpose, "top_k": top_k, "mode": mode, "explain": explain}
        return Given(body={**body, **where})


def _sending(ticket: UploadTicket, name: str, content: bytes) -> Call:
    """How a file goes to where its ticket says: to the service itself, or as a form to the store behind it."""
    path = ticket.url if urlsplit(ticket.url).scheme else "/" + ticket.url.lstrip("/")
    if ticket.method == "PUT":
        kind = ticket.headers.get("Content-Type")
        return Call("PUT", path, None, Given(content=content, media_type=kind, headers=ticket.headers), harmless=True)
    file = {"file": (name, content, "application/octet-stream")}
    return Call(ticket.method, path, None, Given(form=ticket.fields, files=file, headers=ticket.headers))
