"""`anima embeddings`: the embedding models there are, and the move to another one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from anima.cli import output
from anima.kernel.errors import BadInput

if TYPE_CHECKING:
    from anima.operations.embeddings import Tell

app = typer.Typer(help="Embedding models: which serves, and the move to another.", no_args_is_help=True)


@app.command("list")
def list_models(as_json: output.AsJson = False) -> None:
    """The models that are known, and which one the database is searched by."""
    from anima.operations import database, embeddings

    with database.at() as url:
        rows = [asdict(each) for each in embeddings.models(url)]
    output.print_rows(rows, ["name", "dimension", "max_tokens", "serves", "vectors"], as_json=as_json, empty="")


@app.command("fetch")
def fetch(name: Annotated[str, typer.Argument(help="A model of `anima embeddings list`.")]) -> None:
    """Bring the files of a model here, by the digest that its publisher states."""
    from anima.vendors.assets import console_progress, embedding_models
    from anima.vendors.embeddings.profiles import Local, profile_of

    profile = profile_of(name)
    if not isinstance(profile, Local):
        raise BadInput(reason=f"{name} is no model that runs here; `anima embeddings list` names them")
    print(f"{embedding_models.fetch(profile, console_progress())} is here")


@app.command("migrate")
def migrate(
    name: Annotated[str | None, typer.Argument(help="The model to move to.")] = None,
    abandon: Annotated[bool, typer.Option("--abandon", help="Give up a move that has begun.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Embed everything anew by another model while the old one serves, then switch at once. A move that was cut off
    goes on where it was.
    """
    from anima.operations import database, embeddings

    if (name is None) is not abandon:
        raise BadInput(reason="say the NAME of a model, or --abandon")
    with database.at() as url:
        if name is None:
            print(f"given up; {embeddings.abandon(url)} vectors removed")
            return
        with _told(quiet=as_json) as tell:
            moved = embeddings.migrate(url, name, tell)
    if as_json:
        output.print_json(asdict(moved))
        return
    counted = ", ".join(f"{n} {source}" for source, n in moved.made.items() if n) or "nothing was left to do"
    print(f"{moved.model} serves now: {counted}; {moved.removed} older vectors removed")


@contextmanager
def _told(*, quiet: bool) -> Iterator[Tell]:
    """A bar for each kind of thing that is embedded anew."""
    from rich.console import Console
    from rich.progress import Progress, TaskID

    with Progress(console=Console(stderr=True), transient=True, disable=quiet) as progress:
        tasks: dict[str, TaskID] = {}

        def tell(source: str, done: int, total: int) -> None:
            if source not in tasks:
                tasks[source] = progress.add_task(source)
            progress.update(tasks[source], completed=done, total=total)

        yield tell
