"""`anima db branch`: the whole database forked, lived with, compared and thrown away. For operators."""

from __future__ import annotations

import re
import sys
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from anima.cli import output
from anima.kernel.config import BadSettings
from anima.kernel.errors import BadInput
from anima.operations import branches, branches_use, running
from anima.operations.branches import Branch

app = typer.Typer(
    help="Branches of the whole database, with everybody's data in them: for operators. On Neon where NEON_API_KEY and"
    " NEON_PROJECT_ID are set, else on the server itself.",
    no_args_is_help=True,
)

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_COLUMNS = ["name", "parent", "contents", "size", "created_at", "expires_at", "used"]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The branch.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def register(db: typer.Typer) -> None:
    """Adds the commands below `anima db`."""
    db.add_typer(app, name="branch")


def say_which() -> None:
    """Says once which branch is worked on, if it is not the trunk; a server that runs stays on the one it began on."""
    try:
        branch, there = branches_use.current(), running.ready()
    except BadSettings:  # said by the command itself, if it needs them: not by its help
        return
    name = branch.name if branch is not None else None
    if there is not None and there.branch != name:
        served, following = there.branch or "the trunk", name or "the trunk"
        print(f"Anima runs on {served}; from its next start on it works on {following}", file=sys.stderr, flush=True)
    elif name is not None:
        print(f"on branch {name}", file=sys.stderr, flush=True)


def _lifetime(text: str | None) -> timedelta | None:
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,6})([mhdw])", text)
    if not found:
        raise BadInput(reason=f"{text!r} is no time to live: it is a number and m, h, d or w, as in 7d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _row(branch: Branch) -> dict[str, Any]:
    used = branches_use.current()
    in_use = branch.trunk if used is None else branch.name == used.name
    size = None if branch.size_bytes is None else f"{branch.size_bytes / 1e6:.0f} MB"
    contents = "schema" if branch.schema_only else "all"
    return {**asdict(branch), "contents": contents, "size": size, "in_use": in_use, "used": "here" if in_use else ""}


def _print(branch: Branch, text: str, *, as_json: bool) -> None:
    if as_json:
        row = {name: value for name, value in _row(branch).items() if name not in ("contents", "size", "used")}
        output.print_json(row)
    else:
        print(text)


@app.command("create")
def create(
    name: Name,
    schema_only: Annotated[bool, typer.Option("--schema-only", help="Without anybody's data.")] = False,
    expires: Annotated[str | None, typer.Option(metavar="TIME", help="Delete it by itself after: 12h, 7d, 2w.")] = None,
    parent: Annotated[str | None, typer.Option(metavar="NAME", help="Branch of this one, not of the trunk.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """Make a branch; one of this name that is there already is left as it is."""
    branch = branches.create(name, schema_only=schema_only, expires=_lifetime(expires), parent=parent)
    done = f"created branch {name}" if branch.made_now else f"branch {name} is there already"
    _print(branch, f"{done}; `anima db branch use {name}` works on it", as_json=as_json)


@app.command("list")
def show(as_json: output.AsJson = False) -> None:
    """All branches, the trunk first."""
    rows = [_row(branch) for branch in branches.every()]
    if as_json:
        rows = [{name: one for name, one in row.items() if name not in ("contents", "size", "used")} for row in rows]
    output.print_rows(rows, _COLUMNS, as_json=as_json, empty="there are no branches")


@app.command("use")
def use(name: Name, as_json: output.AsJson = False) -> None:
    """Work on a branch from the next start on; with the trunk's name, on the trunk again."""
    branch = branches.use(name)
    again = "; Anima runs, and stays where it is until `anima down` and `anima up`" if running.holder() else ""
    _print(branch, f"on {'the trunk' if branch.trunk else 'branch'} {branch.name} from now on{again}", as_json=as_json)


@app.command("diff")
def diff(
    name: Annotated[str, typer.Argument(metavar="A", help="The branch.")],
    base: Annotated[str | None, typer.Argument(metavar="[B]", help="Compared with this; else with its parent.")] = None,
    data: Annotated[
        str | None, typer.Option(metavar="avatar:NAME", help="The mind of an avatar, not the schema.")
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="For a comment on a pull request.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Say what A has that B has not: the schema, or an avatar's facts, episodes, messages, affinity and moods."""
    from anima.cli import differences
    from anima.operations import branches_compared

    if data is None:
        differences.print_schemas(branches_compared.schemas(name, base), markdown=markdown, as_json=as_json)
    else:
        differences.print_minds(branches_compared.minds(name, base, data), markdown=markdown, as_json=as_json)


def _confirmed(question: str, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise BadInput(reason=f"{question.rstrip('?')}: add --yes, for there is nobody to ask")
    typer.confirm(question, abort=True)


@app.command("reset")
def reset(name: Name, yes: Yes = False, as_json: output.AsJson = False) -> None:
    """Make a branch what its parent is now; what was only in it is gone."""
    _confirmed(f"throw away what is only in {name}?", yes)
    _print(branches.reset(name), f"branch {name} is as its parent", as_json=as_json)


@app.command("restore")
def restore(
    name: Name,
    to: Annotated[str, typer.Option(metavar="TIME", help="As in 2026-11-21T12:00:00Z.")],
    yes: Yes = False,
    as_json: output.AsJson = False,
) -> None:
    """Make a branch what it was at a time (Neon only; what it is now is kept as a branch)."""
    try:
        when = datetime.fromisoformat(to)
    except ValueError:
        raise BadInput(reason=f"{to!r} is no time; it is written as in 2026-11-21T12:00:00Z") from None
    _confirmed(f"put {name} back to {to}?", yes)
    _print(branches.restore(name, when), f"branch {name} is as it was at {when.isoformat()}", as_json=as_json)


@app.command("delete")
def delete(
    name: Name,
    if_exists: Annotated[bool, typer.Option("--if-exists", help="No error where there is none.")] = False,
) -> None:
    """Delete a branch and all that is in it."""
    if branches.delete(name):
        print(f"deleted branch {name}")
    elif if_exists:
        print(f"there is no branch {name}")
    else:
        from anima.kernel.postgres.branch_errors import NoSuchBranch

        raise NoSuchBranch(name=name, known=", ".join(branch.name for branch in branches.every()))


@app.command("sweep")
def sweep(
    prefix: Annotated[str, typer.Option(metavar="PREFIX", help="Only branches whose names begin so, as pr-.")],
    keep: Annotated[
        str | None, typer.Option(metavar="A,B", help="Delete all others of the prefix too, expired or not.")
    ] = None,
    as_json: output.AsJson = False,
) -> None:
    """Delete branches that have expired, or that nobody needs any more."""
    kept = None if keep is None else [name.strip() for name in keep.split(",") if name.strip()]
    deleted = branches.sweep(prefix, kept)
    if as_json:
        output.print_json({"deleted": list(deleted)})
    else:
        print("\n".join(f"deleted branch {name}" for name in deleted) or "nothing to delete")
