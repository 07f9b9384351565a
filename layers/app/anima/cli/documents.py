"""`anima ingest` and `anima search`: documents in, passages out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from anima.cli import connection, output

if TYPE_CHECKING:
    import httpx

_ENDED = {"done", "failed", "unsearchable"}


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("ingest")(ingest)
    app.command("search")(search)


def _files(paths: list[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        found += sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    return found


def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders with all that is in them.")],
    purpose: Annotated[str, typer.Option(help="Store to put them in: context, findings, analysis, …")] = "context",
    wait: Annotated[bool, typer.Option(help="Wait until they can be searched.")] = True,
    as_json: output.AsJson = False,
) -> None:
    """Bring documents in: text, Markdown, HTML, PDF."""
    with connection.connected() as client:
        documents = [_send(client, path, purpose) for path in _files(paths)]
        if wait:
            documents = [_await(client, document, quiet=as_json) for document in documents]
    columns = ["document_id", "title", "state", "chunks_total", "reason"]
    output.print_rows(documents, columns, as_json=as_json, empty="there was no file")
    if any(document["state"] == "failed" for document in documents):
        raise typer.Exit(1)


def _send(client: httpx.Client, path: Path, purpose: str) -> dict[str, Any]:
    content = connection.read_file(path)
    form = {"title": path.name, "source_uri": path.resolve().as_uri(), "purpose": purpose}
    sent = connection.checked(client.post("/documents", files={"file": (path.name, content)}, data=form))
    return {"title": path.name, **sent}


def _await(client: httpx.Client, document: dict[str, Any], *, quiet: bool) -> dict[str, Any]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=quiet) as progress:
        task = progress.add_task(str(document["title"]), total=None)
        while True:
            now: dict[str, Any] = connection.checked(client.get(f"/documents/{document['document_id']}"))
            progress.update(
                task,
                description=f"{now['title']} ({now['stage']})",
                completed=now["chunks_done"],
                total=now["chunks_total"],
            )
            if now["state"] in _ENDED:
                return now
            time.sleep(0.2)


def search(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    purpose: Annotated[str, typer.Option(help="Store to look in.")] = "context",
    top: Annotated[int, typer.Option(min=1, max=100, help="How many passages.")] = 5,
    mode: Annotated[Literal["hybrid", "vector", "words"], typer.Option(help="By what to find.")] = "hybrid",
    as_json: output.AsJson = False,
) -> None:
    """Find passages in what was ingested."""
    body = {"query": query, "purpose": purpose, "top_k": top, "mode": mode}
    with connection.connected() as client:
        answer = connection.checked(client.post("/search", json=body))
    if as_json:
        output.print_json(answer)
        return
    for hit in answer["hits"]:
        print(f"{hit['score']:.3f}  {hit['title']}  {output.place(hit['location'])}".rstrip())
        print(f"       {' '.join(hit['text'].split())[:240]}\n")
    if not answer["hits"]:
        print("nothing found; `anima ingest FILE` brings documents in")
