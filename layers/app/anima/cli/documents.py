"""`anima search`, and `anima document`: passages found, documents listed, shown, tried again and deleted."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from anima.cli import connection, ingest, output

app = typer.Typer(help="Documents: list, show, retry, delete; `anima ingest` brings them in.", no_args_is_help=True)

_LISTED = ["document_id", "title", "state", "purpose", "doc_type", "chunks_total", "unread", "reason", "created_at"]

Id = Annotated[int, typer.Argument(metavar="ID", min=1, help="The document's number.")]


def register(commands: typer.Typer) -> None:
    """Adds the commands."""
    commands.command("ingest")(ingest.ingest)
    commands.command("search")(search)
    commands.add_typer(app, name="document")


@app.command("list")
def list_documents(
    state: Annotated[
        Literal["queued", "running", "done", "unsearchable", "failed"] | None, typer.Option(help="Only these.")
    ] = None,
    purpose: Annotated[str | None, typer.Option(help="Only those of this purpose.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """List documents with how far they are, the newest first."""
    only = {name: value for name, value in {"state": state, "purpose": purpose}.items() if value}
    with connection.connected() as client:
        documents = connection.everything(client, "/documents", **only)
    rows = [{**one, "unread": [part["what"] for part in one["unread"]]} for one in documents]
    empty = "there is none; `anima ingest FILE` brings documents in"
    output.print_rows(documents if as_json else rows, _LISTED, as_json=as_json, empty=empty)


@app.command("show")
def show(
    document_id: Id,
    passages: Annotated[bool, typer.Option(help="Its passages, too.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Show a document: its state, counts, and what of it could not be read."""
    with connection.connected() as client:
        document = connection.checked(client.get(f"/documents/{document_id}"))
        chunks = connection.everything(client, f"/documents/{document_id}/chunks") if passages else []
    output.print_fields({**document, "passages": chunks} if passages and as_json else document, as_json=as_json)
    for chunk in [] if as_json else chunks:
        print(f"\n{chunk['chunk_id']}  {output.place(chunk['location'])}\n{chunk['text']}")


@app.command("retry")
def retry(document_id: Id, as_json: output.AsJson = False) -> None:
    """Try a document again that failed, that nothing could read, or that got stuck."""
    with connection.connected() as client:
        queued = connection.checked(client.post(f"/documents/{document_id}/retry"))
    output.print_fields(queued, as_json=as_json)


@app.command("delete")
def delete(document_id: Id, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete a document with its file, its passages, and all that a search could find of it."""
    with connection.connected() as client:
        document = connection.checked(client.get(f"/documents/{document_id}"))
        if not yes:
            typer.confirm(f"Delete {document['title']}?", abort=True, err=True)
        connection.checked(client.delete(f"/documents/{document_id}"))
    print(f"{document['title']} is deleted")


def search(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    purpose: Annotated[
        list[str] | None, typer.Option(help="Store to look in; several side by side. Not given: context.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, max=100, help="How many passages.")] = 5,
    mode: Annotated[Literal["hybrid", "vector", "words"], typer.Option(help="By what to find.")] = "hybrid",
    why: Annotated[bool, typer.Option("--why", help="Say of each passage why it was found.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Show the database's plan as well.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Find passages in what was ingested."""
    purposes = purpose or ["context"]
    body = {"query": query, "purposes": purposes, "top_k": top, "mode": mode, "explain": explain}
    with connection.connected() as client:
        answer = connection.checked(client.post("/search", json=body))
    if as_json:
        output.print_json(answer)
        return
    for hit in answer["hits"]:
        _print_hit(hit, why=why, purpose=len(purposes) > 1)
    if not answer["hits"]:
        print(_nothing(answer))
    for warning in answer["warnings"]:
        print(f"warning: {warning}")
    if answer["plan"]:
        print("plan:", *answer["plan"], sep="\n  ")


def _print_hit(hit: dict[str, Any], *, why: bool, purpose: bool) -> None:
    where = [hit["title"], output.place(hit["location"]), f"({hit['purpose']})" if purpose else ""]
    print(f"{hit['score']:.3f}  {'  '.join(filter(None, where))}")
    print(f"       {' '.join(hit['text'].split())[:240]}")
    for line in _reasons(hit) if why else []:
        print(f"       - {line}")
    print()


def _reasons(hit: dict[str, Any]) -> list[str]:
    """Why a passage was found, a line for each reason."""
    names = {"vector": "meaning", "words": "words", "trigram": "spelling"}
    scores = [f"{names[name]} {value:.2f}" for name, value in hit["scores"].items() if value is not None]
    found = hit["why"]
    lines = [", ".join(scores)] if scores else []
    if held_as_asked := [term for term in found["terms"] if term not in found["spelled"]]:
        lines.append(f"it holds {', '.join(held_as_asked)}")
    lines += [f"it holds {held} for {asked}" for asked, held in found["spelled"].items()]
    if found["speaker"]:
        lines.append(f"these are {found['speaker']}'s words")
    if found["neighbours"]:
        lines.append(f"joined with {len(found['neighbours'])} beside it")
    return lines + [f"the same stands in {copy['title']}" for copy in found["same_as"]]


def _nothing(answer: dict[str, Any]) -> str:
    if answer["best_below"] is None:
        return "nothing found; `anima ingest FILE` brings documents in"
    best, floor = answer["best_below"], answer["floor"]
    return f"nothing found: the best passage has {best:.2f}, and {floor:.2f} is the least that counts"
