"""`anima db`: the schema of the configured database, of a branch, or of the embedded one."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from anima.cli import output
from anima.kernel.errors import AnimaError
from anima.kernel.postgres.deployment import Step
from anima.kernel.postgres.urls import parse
from anima.operations import database, nearest_indexes, schema, schema_report, schema_rollback, schema_validation
from anima.operations.schema_report import Deployment, Validation

app = typer.Typer(help="Database: its schema, branches, backups and health.", no_args_is_help=True)

Branch = Annotated[str | None, typer.Option(metavar="NAME", help="A branch of the database, not the one in use.")]
Report = Annotated[
    list[Path] | None, typer.Option(metavar="FILE", help="Also write a report: FILE.md or FILE.json; may be repeated.")
]
_NOT_THE_SAME = """
`anima db migrate` applies what is pending; after a new migration, `make docs` writes schema.sql anew; what is left of
the difference then was changed by hand."""
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]


@app.command("migrate")
def migrate(
    phase: Annotated[str | None, typer.Option(help="Only `pre` or only `post` migrations.")] = None,
    dry_run: DryRun = False,
    branch: Branch = None,
    code: Annotated[
        str | None, typer.Option(metavar="URL", help="Where the deployed code answers; `none` where none is deployed.")
    ] = None,
    logins: Annotated[
        bool, typer.Option("--logins", help="Also give the logins the passwords of this machine's key.")
    ] = False,
    report: Report = None,
    as_json: output.AsJson = False,
) -> None:
    """Apply the migrations that are missing: `pre` before the code is deployed, `post` after it."""
    schema_report.check_names(report or [])
    ours = branch is None and not database.configured()
    with database.at(branch) as url:
        run = database.deployment(url, phase, dry_run=dry_run)
        try:
            # On a branch, and on the database of this machine, no code runs that is older than these files.
            asked = phase != "pre" and branch is None and not ours
            known = schema.known_to_the_code(code, url, dry_run=dry_run) if asked else None
            database.deploy(run, url, logins=logins or ours, code=known, tell=_tell)
        except AnimaError as error:
            run.error = error.detail
            raise
        finally:
            _publish(run, report or [])
    rows = [{"migration": step.stem, **_shown(step)} for step in run.steps]
    empty = "nothing to apply: the schema is the newest"
    output.print_rows(rows, ["migration", "state"], as_json=as_json, empty=empty)


def _shown(step: Step) -> dict[str, object]:
    return {"state": step.state, "phase": step.phase, "sha256": step.sha256, "duration_ms": step.duration_ms}


def _tell(step: Step) -> None:
    """Progress, beside the result."""
    if step.state in ("waiting", "retrying"):
        print(f"{step.stem + ': ' if step.stem else ''}{step.reason}", file=sys.stderr, flush=True)
    elif step.state == "applied":
        print(f"{step.stem} ({(step.duration_ms or 0) / 1000:.2f} s)", file=sys.stderr, flush=True)


def _publish(report: Deployment | Validation, files: Sequence[Path]) -> None:
    """Writes the report where it was asked for, and into the summary of a workflow that runs us."""
    schema_report.write(report, files)
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(f"{report.markdown()}\n")


@app.command("validate")
def validate(
    base: Annotated[
        str | None, typer.Option(metavar="REF", help="The git revision whose migrations have landed: origin/main.")
    ] = None,
    report: Report = None,
    as_json: output.AsJson = False,
) -> None:
    """Look at the files of the migrations: names, order, what landed, the rules of `pre` and `post`, squawk."""
    schema_report.check_names(report or [])
    found = schema_validation.validate(base)
    _publish(found, report or [])
    if as_json:
        output.print_json(found.data())
    else:
        for note in found.notes:
            print(note, file=sys.stderr)
        for one in found.findings:
            print(f"{one.file}:{one.line}: {one.rule}: {one.message}")
        print(f"{found.files} migrations, {found.added} new, {len(found.findings)} findings")
    if found.findings:
        raise typer.Exit(1)


@app.command("status")
def status(branch: Branch = None, as_json: output.AsJson = False) -> None:
    """Which migrations are applied, and when."""
    with database.at(branch) as url:
        rows = [{"migration": row.pop("stem"), **row} for row in database.status(url)]
    columns = ["migration", "state", "applied_at", "reversible"]
    output.print_rows(rows, columns, as_json=as_json, empty="there are no migrations")


@app.command("rollback")
def rollback(
    branch: Branch = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it, where a way is written down.")] = False,
) -> None:
    """Say which way leads back from the migration applied last; with --yes, take it where it is written down."""
    with database.at(branch) as url:
        way = schema_rollback.way(url, branch)
        if way.kind != "down":
            print(way.says)
            raise typer.Exit(1)
        if not yes:
            print(f"{way.says}\nNothing was changed: `--yes` does it.")
            return
        print(f"rolled back {schema_rollback.take(url, way, _tell)}")


@app.command("url")
def url_of(branch: Branch = None) -> None:
    """Print the owner's URL, with its password, as `psql` and other tools take it; while a server runs, it answers."""
    with database.at(branch) as url:
        parts = parse(url)
    # a psql older than 16 refuses this one
    print(replace(parts, options=tuple(one for one in parts.options if one[0] != "require_auth")))


@app.command("maintain")
def maintain(branch: Branch = None, as_json: output.AsJson = False) -> None:
    """Make the indexes of large vector stores, and drop those that are not needed; a server at home does it itself."""
    with database.at(branch) as url:
        kept = nearest_indexes.keep(url, lambda name, step: print(f"{step} {name}", file=sys.stderr, flush=True))
    rows = [{"index": name, "step": "made"} for name in kept.made]
    rows += [{"index": name, "step": "dropped"} for name in kept.dropped]
    output.print_rows(rows, ["index", "step"], as_json=as_json, empty="nothing to do: every large store has its index")


@app.command("check")
def check(branch: Branch = None) -> None:
    """Say whether the live schema is exactly what the migrations make."""
    with database.at(branch) as url:
        difference = database.check(url)
    if difference:
        print(difference)
        print(_NOT_THE_SAME, file=sys.stderr)
        raise typer.Exit(1)
    print("the schema is what the migrations make")


@app.command("smoke")
def smoke(branch: Branch = None, as_json: output.AsJson = False) -> None:
    """Send one trace through the whole schema, from a user to a cited answer, and keep nothing of it."""
    with database.at(branch) as url:
        read = schema.smoke(url)
    output.print_fields(read, as_json=as_json)
