"""`anima avatar`: who there is to talk with; made, edited, taken out as a card, and brought back to what they were."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from anima.cli import avatar_cards, avatar_versions, connection, editing, output, personality_source

app = typer.Typer(
    help="Avatars: list, create, show, edit, versions, difference, restore, card, import, lorebook, delete.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="Name or id of the avatar.")]
Picture = Annotated[Path | None, typer.Option(help="What it looks like: PNG, JPEG, WebP or GIF, at most 4 MB.")]


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
        str, typer.Option(help="A ready personality (`anima personality list`), a JSON file, a character card, or -.")
    ] = "luna",
    bio: Annotated[str, typer.Option(help="A few words about it, for people.")] = "",
    picture: Picture = None,
    as_json: output.AsJson = False,
) -> None:
    """Make an avatar of a ready personality, of a file, or of a character card."""
    shown = None if picture is None else connection.read_file(picture)
    card = _card(personality)
    given: Any = personality
    if card is None and not personality_source.is_ready(personality):
        given = personality_source.load(personality)
    with connection.connected() as client:
        if card is not None:
            made = avatar_cards.brought(client, card, name)["avatar"]
        else:
            made = connection.checked(client.post("/avatars", json={"name": name, "personality": given}))
        place = f"/avatars/{made['avatar_id']}"
        if bio:
            connection.checked(client.patch(place, json={"bio": bio}))
        if shown is not None:
            connection.checked(client.put(f"{place}/picture", content=shown))
    output.print_fields({key: made[key] for key in ("avatar_id", "name", "personality_name")}, as_json=as_json)


def _card(source: str) -> bytes | None:
    """The bytes of a source where they are a character card."""
    if personality_source.is_ready(source) or source == "-":
        return None
    data = personality_source.content(source)
    return data if personality_source.is_card(data) else None


@app.command("show")
def show(name: Name, as_json: output.AsJson = False) -> None:
    """One avatar, with its personality."""
    with connection.connected() as client:
        output.print_fields(connection.find_avatar(client, name), as_json=as_json)


@app.command("edit")
def edit(
    name: Name,
    personality: Annotated[
        str | None, typer.Option(help="A ready personality, a JSON file, a character card, or -.")
    ] = None,
    rename: Annotated[str | None, typer.Option(help="What to call it from now on.")] = None,
    bio: Annotated[str | None, typer.Option(help="A few words about it, for people.")] = None,
    picture: Picture = None,
) -> None:
    """Change an avatar; without options its personality opens in your editor ($EDITOR)."""
    with connection.connected() as client:
        avatar = connection.find_avatar(client, name)
        place = f"/avatars/{avatar['avatar_id']}"
        changes: dict[str, Any] = {
            **({"name": rename} if rename else {}),
            **({"bio": bio} if bio is not None else {}),
        }
        if personality is not None:
            changes["personality"] = personality_source.load(personality)
        elif not changes and picture is None:
            changes["personality"] = editing.edited(avatar["personality"])
        if changes:
            connection.checked(client.patch(place, json=changes))
        if picture is not None:
            connection.checked(client.put(f"{place}/picture", content=connection.read_file(picture)))
        newest = connection.checked(client.get(f"{place}/versions", params={"limit": 1}))["items"]
    print(f"{rename or avatar['name']}: version {newest[0]['version']}")


@app.command("delete")
def delete(name: Name, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete an avatar and all that it remembers."""
    with connection.connected() as client:
        avatar = connection.find_avatar(client, name)
        if not yes:
            typer.confirm(f"Delete {avatar['name']} and all that it remembers?", abort=True)
        connection.checked(client.delete(f"/avatars/{avatar['avatar_id']}"))


avatar_versions.register(app)
avatar_cards.register(app)
