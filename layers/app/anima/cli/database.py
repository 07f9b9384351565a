"""`anima db`: the schema of the configured database, or of the embedded one."""

from __future__ import annotations

from typing import Annotated

import typer

from anima.cli import output
from anima.operations import database

app = typer.Typer(help="Database: migrate, status, rollback, check.", no_args_is_help=True)


@app.command("migrate")
def migrate(
    phase: Annotated[str | None, typer.Option(help="Only `pre` or only `post` migrations.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Apply the migrations that are missing."""
    with database.opened():
        stems = database.migrate(phase, dry_run=dry_run)
    rows = [{"migration": stem, "state": "pending" if dry_run else "applied"} for stem in stems]
    empty = "nothing to apply: the schema is the newest"
    output.print_rows(rows, ["migration", "state"], as_json=as_json, empty=empty)


@app.command("status")
def status(as_json: output.AsJson = False) -> None:
    """Which migrations are applied, and when."""
    with database.opened():
        rows = [{"migration": row.pop("stem"), **row} for row in database.status()]
    columns = ["migration", "state", "applied_at", "reversible"]
    output.print_rows(rows, columns, as_json=as_json, empty="there are no migrations")


@app.command("rollback")
def rollback() -> None:
    """Take the last migration back, where it says how."""
    with database.opened():
        print(f"rolled back {database.rollback()}")


@app.command("check")
def check() -> None:
    """Say whether the live schema is exactly what the migrations make."""
    with database.opened():
        difference = database.check()
    if difference:
        print(difference)
        raise typer.Exit(1)
    print("the schema is what the migrations make")
