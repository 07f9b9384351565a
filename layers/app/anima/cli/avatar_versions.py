"""`anima avatar versions`, `difference`, `restore`: what an avatar's personality has been."""

from __future__ import annotations

from typing import Annotated

import typer

from anima.cli import connection, output

Name = Annotated[str, typer.Argument(help="Name or id of the avatar.")]
Number = Annotated[int, typer.Argument(min=1, help="Number of a version; `anima avatar versions` lists them.")]


def register(app: typer.Typer) -> None:
    """Adds the commands to a group."""
    app.command("versions")(versions)
    app.command("difference")(difference)
    app.command("restore")(restore)


def versions(name: Name, as_json: output.AsJson = False) -> None:
    """What its personality has been, the newest first; the hundred newest are kept."""
    with connection.connected() as client:
        rows = connection.everything(client, f"{connection.place_of(client, name)}/versions")
    columns = ["version", "is_present", "personality_name", "restored_from", "created_at"]
    output.print_rows(rows, columns, as_json=as_json, empty="")


def difference(
    name: Name,
    version: Number,
    to: Annotated[int | None, typer.Option(min=1, help="Another version; none: the present one.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """Say what changed of its personality since a version."""
    with connection.connected() as client:
        place = f"{connection.place_of(client, name)}/versions/{version}/difference"
        found = connection.checked(client.get(place, params={"to": to} if to else {}))
    if as_json:
        output.print_json(found)
        return
    print("\n".join(one["told"] for one in found["changes"]) or "they say the same")


def restore(name: Name, version: Number) -> None:
    """Bring a version of its personality back, as a new one; nothing is lost."""
    with connection.connected() as client:
        place = connection.place_of(client, name)
        connection.checked(client.post(f"{place}/versions/{version}/restore"))
        newest = connection.checked(client.get(f"{place}/versions", params={"limit": 1}))["items"][0]
    print(f"version {version} is back, as version {newest['version']}")
