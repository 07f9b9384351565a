"""`anima avatar`: who there is to talk with."""

from __future__ import annotations

from typing import Annotated

import typer

from anima.cli import connection, output

app = typer.Typer(help="Avatars: list, create, show, delete.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name or id of the avatar.")]


@app.command("list")
def list_avatars(as_json: output.AsJson = False) -> None:
    """Who there is."""
    with connection.connected() as client:
        rows = connection.everything(client, "/avatars")
    columns = ["name", "personality_name", "visibility", "avatar_id"]
    output.print_rows(rows, columns, as_json=as_json, empty="nobody yet; `anima avatar create NAME` makes one")


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    personality: Annotated[
        str, typer.Option(help="A ready personality; `anima personality list` names them.")
    ] = "luna",
    as_json: output.AsJson = False,
) -> None:
    """Make an avatar with a ready personality."""
    with connection.connected() as client:
        made = connection.checked(client.post("/avatars", json={"name": name, "personality": personality}))
    output.print_fields({key: made[key] for key in ("avatar_id", "name", "personality_name")}, as_json=as_json)


@app.command("show")
def show(name: Name, as_json: output.AsJson = False) -> None:
    """One avatar, with its personality."""
    with connection.connected() as client:
        output.print_fields(connection.find_avatar(client, name), as_json=as_json)


@app.command("delete")
def delete(name: Name, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete an avatar and all that it remembers."""
    with connection.connected() as client:
        avatar = connection.find_avatar(client, name)
        if not yes:
            typer.confirm(f"Delete {avatar['name']} and all that it remembers?", abort=True)
        connection.checked(client.delete(f"/avatars/{avatar['avatar_id']}"))
