"""`anima ask`, `anima review` and `anima summarise`: answers with their sources, findings with their lines."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from anima.cli import connection, output

if TYPE_CHECKING:
    import httpx

_ENDED = {"done", "failed", "cancelled"}
_SECONDS_BETWEEN_LOOKS = 0.3


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("ask")(ask)
    app.command("review")(review)
    app.command("summarise")(summarise)


def ask(
    question: Annotated[str, typer.Argument(help="What to ask.")],
    repository: Annotated[list[str] | None, typer.Option(help="Look only into this repository, by name.")] = None,
    focus: Annotated[list[str] | None, typer.Option(help="What to look at above all: security, compliance, …")] = None,
    purpose: Annotated[str, typer.Option(help="Store to look in.")] = "context",
    avatar: Annotated[str | None, typer.Option(help="Whose voice answers.")] = None,
    model: Annotated[str | None, typer.Option(help="Model that answers, as `provider:name`.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """Ask documents and repositories; each statement of the answer comes with its source."""
    body: dict[str, Any] = {"question": question, "purpose": purpose, "focus": focus or [], "model": model}
    if repository:
        body["repositories"] = repository
    with connection.connected() as client:
        if avatar is not None:
            body["avatar_id"] = connection.find_avatar(client, avatar)["avatar_id"]
        answer = connection.checked(client.post("/ask", json=body))
    if as_json:
        output.print_json(answer)
        return
    print(answer["content"])
    _print_sources(answer["citations"])
    if answer["grounds"] == "general":
        _say("(what the model knows by itself: no document and no repository was asked for, or says it)")
    _warn(answer["enrichment"])


def review(
    path: Annotated[Path, typer.Argument(help="File to review; a .diff or .patch by what it adds.")],
    focus: Annotated[list[str] | None, typer.Option(help="What to look at: security, compliance, …")] = None,
    model: Annotated[str | None, typer.Option(help="Model that reviews, as `provider:name`.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """Review a file; every finding names lines that say so. Exit code 1 where one is of high severity."""
    text = connection.read_file(path).decode("utf-8", "replace")
    is_diff = path.suffix in (".diff", ".patch")
    body: dict[str, Any] = {"diff": text} if is_diff else {"code": text, "path": path.name}
    with connection.connected() as client:
        made = connection.checked(client.post("/review", json={**body, "focus_areas": focus or [], "model": model}))
    if as_json:
        output.print_json(made)
    else:
        _print_review(made)
    if any(one["severity"] == "high" for one in made["findings"]):
        raise typer.Exit(1)


def summarise(
    document: Annotated[int, typer.Argument(help="Id of the document, as `anima ingest` tells it.")],
    instruction: Annotated[str | None, typer.Argument(help="A question about all of it; none: a summary.")] = None,
    sentences: Annotated[int, typer.Option(min=1, max=30, help="How long the summary is.")] = 3,
    mode: Annotated[
        Literal["auto", "one_piece", "map_reduce", "extractive"], typer.Option(help="How it is read.")
    ] = "auto",
    model: Annotated[str | None, typer.Option(help="Model that reads, as `provider:name`.")] = None,
    estimate: Annotated[bool, typer.Option("--estimate", help="Only say what it would cost.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Sum up a whole document, or ask all of it. Ctrl-C cancels."""
    body = {"instruction": instruction, "sentences": sentences, "mode": mode, "model": model, "dry_run": estimate}
    with connection.connected() as client:
        made = connection.checked(client.post(f"/documents/{document}/summary", json=body))
        if estimate:
            output.print_fields(made["estimate"], as_json=as_json)
            return
        if not as_json:
            _say(_cost(made["estimate"]))
        done = _await(client, made["summary_id"], quiet=as_json)
    if as_json:
        output.print_json(done)
    elif done["state"] == "done":
        print(done["text"])
        _print_sources(done["citations"])
    if done["state"] != "done":
        raise connection.ServerRefused(detail=f"the summary is {done['state']}: {done['reason']}")


def _await(client: httpx.Client, summary_id: int, *, quiet: bool) -> dict[str, Any]:
    from rich.console import Console
    from rich.progress import Progress

    path = f"/summaries/{summary_id}"
    with Progress(console=Console(stderr=True), transient=True, disable=quiet) as progress:
        task = progress.add_task("reading", total=None)
        try:
            while True:
                now: dict[str, Any] = connection.checked(client.get(path))
                progress.update(task, description=now["state"], completed=now["parts_done"], total=now["parts_total"])
                if now["state"] in _ENDED:
                    return now
                time.sleep(_SECONDS_BETWEEN_LOOKS)
        except KeyboardInterrupt:
            client.delete(path)
            raise


def _cost(estimate: dict[str, Any]) -> str:
    """What a summary costs, in words."""
    if not estimate["calls"]:
        return "by the document's own sentences, without a model"
    seconds = f", about {estimate['seconds']:.0f} s" if estimate["seconds"] else ""
    tokens = f"about {estimate['tokens']:,} tokens to read and {estimate['completion_tokens']:,} to write"
    return f"{estimate['model']}, {estimate['calls']} call{'s' if estimate['calls'] > 1 else ''}: {tokens}{seconds}"


def _print_sources(citations: list[dict[str, Any]]) -> None:
    for one in citations:
        where = one.get("title") or f"document {one['document_id']}"
        print(f"  [{one['marker']}] {', '.join(part for part in (where, output.place(one['location'])) if part)}")


def _print_review(made: dict[str, Any]) -> None:
    for one in made["findings"]:
        print(f"{one['path']}:{one['line_start']}: {one['severity']} ({one['focus_area']}): {one['message']}")
        print(f"    {one['quote']}")
    print(made["summary"])
    for warning in made["warnings"]:
        _say(warning)
    _warn(made["enrichment"])


def _warn(enrichment: dict[str, Any]) -> None:
    for warning in enrichment["warnings"]:
        _say(f"enrichment: {warning}")


def _say(text: str) -> None:
    print(text, file=sys.stderr)
