"""`anima ingest`: files of any kind, whole folders and addresses in, and what became of each."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from anima.cli import connection, output

if TYPE_CHECKING:
    import httpx
    from rich.progress import Progress, TaskID

_ENDED = {"done", "failed", "unsearchable"}
_SECONDS_BETWEEN_LOOKS = 0.2
BIG_BYTES = 4_000_000  # what is larger comes as an upload of its own
_PIECE_BYTES = 1 << 18
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
_COLUMNS = ["document_id", "title", "state", "chunks_total", "unread", "reason"]


@dataclass(frozen=True, slots=True)
class _Source:
    """Something to bring in: a file, or an address."""

    title: str
    path: Path | None
    uri: str


def ingest(
    sources: Annotated[
        list[str], typer.Argument(metavar="PATHS", help="Files, folders with all that is in them, or addresses.")
    ],
    purpose: Annotated[str, typer.Option(help="Store to put them in: context, findings, analysis, …")] = "context",
    wait: Annotated[bool, typer.Option(help="Wait until they can be searched.")] = True,
    as_json: output.AsJson = False,
) -> None:
    """Bring documents in: PDF, Office files, web pages, text, source code, EPUB, images, audio, video.

    Exit code 1 where one failed; one that nothing could read is kept as unsearchable, and named.
    """
    found = [one for source in sources for one in _sources(source)]
    with connection.connected() as client, progress_bars(quiet=as_json) as progress:
        documents = [_sent(client, one, purpose, progress) for one in found]
        if wait:
            documents = [awaited(client, document, progress) for document in documents]
    _print(documents, as_json=as_json)
    if any(document["state"] == "failed" for document in documents):
        raise typer.Exit(1)


def _sources(given: str) -> Iterator[_Source]:
    """What an argument names. A folder's hidden files are left out. Raises ServerRefused where there is nothing."""
    if _ADDRESS.match(given):
        yield _Source(given, None, given)
        return
    path = Path(given)
    if not path.exists():
        raise connection.ServerRefused(detail=f"{given} cannot be read: there is no such file or folder")
    if not path.is_dir():
        yield _Source(path.name, path, path.resolve().as_uri())
        return
    for each in sorted(path.rglob("*")):
        hidden = any(part.startswith(".") for part in each.relative_to(path).parts)
        if each.is_file() and not hidden:
            yield _Source(each.name, each, each.resolve().as_uri())


@contextmanager
def progress_bars(*, quiet: bool) -> Iterator[Progress]:
    """Bars on the error output while something lasts."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=quiet) as progress:
        yield progress


def _sent(client: httpx.Client, source: _Source, purpose: str, progress: Progress) -> dict[str, Any]:
    """The document that a source becomes; one that is refused is a failed one with its reason, and others go on."""
    try:
        queued = _queued(client, source, purpose, progress)
    except connection.ServerRefused as error:
        return {"document_id": None, "title": source.title, "state": "failed", "unread": [], "reason": error.detail}
    return {"title": source.title, **queued}


def _queued(client: httpx.Client, source: _Source, purpose: str, progress: Progress) -> dict[str, Any]:
    told = {"title": source.title, "source_uri": source.uri, "purpose": purpose}
    if source.path is None:
        made = client.post("/documents", json={"uri": source.uri, "purpose": purpose})
    elif size_of(source.path) > BIG_BYTES:
        made = client.post("/documents", json={**told, "upload": uploaded(client, source.path, progress)})
    else:
        content = connection.read_file(source.path)
        made = client.post("/documents", files={"file": (source.title, content)}, data=told)
    document: dict[str, Any] = connection.checked(made)
    return document


def size_of(path: Path) -> int:
    """How many bytes a file has. Raises ServerRefused where there is none to read."""
    try:
        return path.stat().st_size
    except OSError as error:
        raise connection.ServerRefused(detail=f"{path} cannot be read: {error.strerror}") from None


def uploaded(client: httpx.Client, path: Path, progress: Progress) -> str:
    """Sends a file where the server says, as it is read from the disk; its upload."""
    size = size_of(path)
    ticket = connection.checked(client.post("/uploads", json={"name": path.name, "size_bytes": size}))
    task = progress.add_task(f"{path.name} (sending)", total=size)
    try:
        with path.open("rb") as file:
            if ticket["fields"]:
                sent = _to_store(ticket, file)
            else:
                headers = {**ticket["headers"], "Content-Length": str(size)}
                place = client.base_url.join(ticket["url"])
                sent = client.request(ticket["method"], place, headers=headers, content=_pieces(file, progress, task))
    except OSError as error:
        raise connection.ServerRefused(detail=f"{path} cannot be read: {error.strerror}") from None
    finally:
        progress.remove_task(task)
    if not sent.is_success:
        raise connection.refusal(sent)
    return str(ticket["upload_id"])


def _to_store(ticket: dict[str, Any], file: BinaryIO) -> httpx.Response:
    """Straight to the object store, without our key."""
    import httpx

    return httpx.post(ticket["url"], data=ticket["fields"], files={"file": file}, timeout=None)  # noqa: S113 as long as it takes


def _pieces(file: BinaryIO, progress: Progress, task: TaskID) -> Iterator[bytes]:
    while piece := file.read(_PIECE_BYTES):
        yield piece
        progress.advance(task, len(piece))


def awaited(client: httpx.Client, document: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """The document at its end."""
    if document["document_id"] is None:
        return document
    task = progress.add_task(str(document["title"]), total=None)
    try:
        while True:
            now: dict[str, Any] = connection.checked(client.get(f"/documents/{document['document_id']}"))
            if now["state"] in _ENDED:
                return now
            done, total, unit = _counts(now)
            count = f", {done} of {total} {unit}" if total else ""
            progress.update(task, description=f"{now['title']} ({now['stage']}{count})", completed=done, total=total)
            time.sleep(_SECONDS_BETWEEN_LOOKS)
    finally:
        progress.remove_task(task)


def _counts(now: dict[str, Any]) -> tuple[int, int | None, str]:
    """How far its stage is: done, of how many, of what."""
    if now["stage"] in ("embed", "index", "extract"):
        return now["chunks_done"], now["chunks_total"], "turns" if now["doc_type"] == "transcript" else "passages"
    return now["units_done"], now["units_total"], now["unit"] or ""


def _print(documents: list[dict[str, Any]], *, as_json: bool) -> None:
    rows = [{**each, "unread": [part["what"] for part in each.get("unread", [])]} for each in documents]
    output.print_rows(documents if as_json else rows, _COLUMNS, as_json=as_json, empty="there was no file")
    for document in documents:
        for part in document.get("unread", []):
            print(f"{document['title']}: {part['what']} could not be read: {part['reason']}", file=sys.stderr)
        if document["state"] == "unsearchable":
            print(f"{document['title']} is kept, but cannot be searched: {document['reason']}", file=sys.stderr)
