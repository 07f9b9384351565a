"""`anima avatar import`, `card`, `lorebook`: to and from the character cards of other programs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anima.cli import connection, output
from anima.kernel.errors import BadInput, FieldError

if TYPE_CHECKING:
    import httpx

Name = Annotated[str, typer.Argument(help="Name or id of the avatar.")]
_FORMATS = ("png", "json", "charx")


def register(app: typer.Typer) -> None:
    """Adds the commands to a group."""
    app.command("import")(import_)
    app.command("card")(card)
    app.command("lorebook")(lorebook)


def import_(
    files: Annotated[list[Path], typer.Argument(help="Character cards: PNG, JSON or CharX, V1 to V3.")],
    look: Annotated[bool, typer.Option("--dry-run", help="Only say what they would become.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Make avatars of character cards of other programs. Exit code 1 where one could not be read."""
    rows: list[dict[str, Any]] = []
    with connection.connected() as client:
        for path in files:
            try:
                found = brought(client, connection.read_file(path), None, look=look)
            except connection.ServerRefused as error:
                rows.append({"file": path.name, "error": error.detail})
                continue
            avatar = found["avatar"] or {"name": found["card"]["name"], "avatar_id": None}
            more = {key: found["card"][key] for key in ("format", "creator", "lore_entries", "picture")}
            rows.append({"file": path.name, **more, "name": avatar["name"], "avatar_id": avatar["avatar_id"]})
    columns = ["file", "name", "format", "creator", "lore_entries", "picture", "avatar_id", "error"]
    output.print_rows(rows, columns, as_json=as_json, empty="there was no file")
    if any("error" in row for row in rows):
        raise typer.Exit(1)


def brought(client: httpx.Client, card: bytes, name: str | None, *, look: bool = False) -> dict[str, Any]:
    """What the server made of a card; what of it was left out is said beside."""
    asked: dict[str, Any] = {"dry_run": look, **({"name": name} if name else {})}
    found: dict[str, Any] = connection.checked(client.post("/cards", content=card, params=asked))
    for told in found["left_out"]:
        print(f"note: {found['card']['name']}: {told}", file=sys.stderr)
    return found


def card(
    name: Name,
    file: Annotated[Path, typer.Argument(help="Where to write it; its ending says what: .png, .json or .charx.")],
    version: Annotated[str | None, typer.Option(help="v2 or v3; none: as it came in, else v3.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
) -> None:
    """Write an avatar as a character card, for other programs. Nothing that it remembers of you is in it."""
    kind = file.suffix.removeprefix(".").lower()
    if kind not in _FORMATS:
        raise BadInput(reason=f"{file} ends in no kind of card", fields=[FieldError("file", ".png, .json or .charx")])
    if file.exists() and not force:
        raise BadInput(reason=f"{file} is there already", fields=[FieldError("file", "a new file, or --force")])
    with connection.connected() as client:
        asked = {"format": kind, **({"version": version} if version else {})}
        answer = client.get(f"{connection.place_of(client, name)}/card", params=asked)
    if not answer.is_success:
        raise connection.refusal(answer)
    try:
        file.write_bytes(answer.content)
    except OSError as error:
        raise connection.ServerRefused(detail=f"{file} cannot be written: {error.strerror}") from None
    print(f"written to {file}")


def lorebook(
    name: Name,
    file: Annotated[Path | None, typer.Argument(help="A lorebook to give it; none: print the one it has.")] = None,
) -> None:
    """Print an avatar's lorebook, or give it one of any program."""
    with connection.connected() as client:
        place = f"{connection.place_of(client, name)}/lorebook"
        if file is None:
            output.print_json(connection.checked(client.get(place)))
            return
        found = connection.checked(client.put(place, content=connection.read_file(file)))
    for told in found["left_out"]:
        print(f"note: {told}", file=sys.stderr)
    print(f"{found['entries']} entries")
