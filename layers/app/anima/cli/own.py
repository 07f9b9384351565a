"""What is kept of you, taken along as one file or erased (`anima memory export`, `anima memory erase`)."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anima.cli import connection, output, snapshots

if TYPE_CHECKING:
    import httpx


def register(app: typer.Typer) -> None:
    """Adds the commands to a group."""
    app.command("export")(export)
    app.command("erase")(erase)


def export(
    avatar: Annotated[
        str | None, typer.Argument(help="Name or id of an avatar; not given: everything of yours.")
    ] = None,
    file: Annotated[Path | None, typer.Argument(help="Where to; not given: a file with the date in its name.")] = None,
    out: Annotated[Path | None, typer.Option(help="As FILE, for everything of yours.")] = None,
    media: Annotated[bool, typer.Option("--media", help="With the files that came with messages, as a zip.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Take along an avatar with all that it is and knows, as one signed file for `anima memory import`.

    Without AVATAR everything that is kept of you: a zip of JSON lines, your files, and a README that explains them.
    """
    if avatar is not None:
        ending = "zip" if media else "json"
        path = file or out or Path(f"anima-{avatar.casefold()}-{datetime.now().astimezone():%Y-%m-%d}.{ending}")
        snapshots.export(avatar, path, media=media, as_json=as_json)
        return
    with connection.connected() as client, client.stream("GET", "/users/me/export") as answer:
        if not answer.is_success:
            answer.read()
            raise connection.refusal(answer)
        path = out if out is not None else Path(_name(answer))
        size = snapshots.kept(answer, path)
    if as_json:
        output.print_json({"path": str(path), "size_bytes": size})
    else:
        print(path)


def erase(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False, as_json: output.AsJson = False
) -> None:
    """Erase all that every avatar remembers of you, for good; what was said stays in its sessions."""
    if not yes:
        typer.confirm("erase all memory of you, of every avatar?", abort=True)
    with connection.connected() as client:
        output.print_fields(connection.checked(client.delete("/users/me/memory")), as_json=as_json)


def _name(answer: httpx.Response) -> str:
    """What the server calls it, without any folder."""
    given = answer.headers.get("content-disposition", "").rpartition("filename=")[2].strip('"')
    return Path(given).name or "anima-export.zip"
