"""`anima memory import`: snapshots of avatars, and past conversations into an avatar's memory."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anima.cli import connection, ingest, output, snapshots

if TYPE_CHECKING:
    import httpx
    from rich.progress import Progress

_COLUMNS = ["document_id", "title", "origin", "state", "sessions", "messages", "me", "reason"]


def register(app: typer.Typer) -> None:
    """Adds the commands to a group."""
    app.command("import")(bring)
    app.command("transcripts")(transcripts)


def bring(
    avatar: Annotated[str, typer.Argument(help="Name or id of the avatar; or the file of a snapshot, for a new one.")],
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Snapshots; exports of ChatGPT, Claude or WhatsApp, zipped or not; plain transcripts."),
    ] = None,
    into: Annotated[str | None, typer.Option(help="The avatar that a snapshot is merged into.")] = None,
    name: Annotated[str | None, typer.Option(help="What the new avatar of a snapshot is called.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Of a snapshot, only say what would happen.")] = False,
    trust: Annotated[
        list[str] | None, typer.Option(help="Fingerprint of another installation whose snapshots you take.")
    ] = None,
    me: Annotated[list[str] | None, typer.Option(help="What you are called there; may be given several times.")] = None,
    title: Annotated[str | None, typer.Option(help="What to call it.")] = None,
    proposals: Annotated[
        int,
        typer.Option(min=0, max=1000, help="Of your messages a model is asked about so many, those that tell most."),
    ] = 20,
    wait: Annotated[bool, typer.Option(help="Wait until all of it is read.")] = True,
    as_json: output.AsJson = False,
) -> None:
    """Take in an avatar's snapshot, or bring past conversations to an avatar, as if you had had them with it.

    Which of them a file is, and whose export, is told by its content. A snapshot alone becomes a new avatar, or is
    merged into the one that it is of; with AVATAR or --into it is merged into that one; twice is once.
    The same conversations are taken in once, and of a newer export what is new;
    with another --me it is taken back and read anew.
    Exit code 1 where one could not be taken in.
    """
    came = files or [Path(avatar)]
    if snapshots.is_one(came[0]):
        asked = {"name": name, "dry_run": dry_run, "trust": trust}
        _snapshots(came, asked, into if not files else into or avatar, as_json=as_json)
        return
    if not files:
        raise connection.ServerRefused(detail=f"{avatar} is no snapshot; for past conversations name the avatar, too")
    told = {"me": list(me or []), "proposals": proposals, **({"title": title} if title else {})}
    with connection.connected() as client, ingest.progress_bars(quiet=as_json) as progress:
        place = f"/avatars/{connection.find_avatar(client, avatar)['avatar_id']}/transcripts"
        sent = [_sent(client, place, path, told, progress) for path in files]
        if wait:
            sent = [ingest.awaited(client, document, progress) for document in sent]
        known = {one["document_id"]: one for one in connection.everything(client, place)}
    rows = [{**one, **known.get(one["document_id"], {})} for one in sent]
    output.print_rows(rows, _COLUMNS, as_json=as_json, empty="there was no file")
    _say_who_is_missing(rows)
    if any(one["state"] == "failed" for one in rows):
        raise typer.Exit(1)


def _snapshots(paths: list[Path], asked: dict[str, Any], into: str | None, *, as_json: bool) -> None:
    """Takes snapshots in, one after the other; the first that is refused ends it."""
    with connection.connected() as client, ingest.progress_bars(quiet=as_json) as progress:
        for path in paths:
            snapshots.show(snapshots.bring(client, path, asked, into, progress), as_json=as_json)


def transcripts(
    avatar: Annotated[str, typer.Argument(help="Name or id of the avatar.")], as_json: output.AsJson = False
) -> None:
    """Past conversations that were brought; `anima document delete ID` takes one back with all that it brought."""
    with connection.connected() as client:
        place = f"/avatars/{connection.find_avatar(client, avatar)['avatar_id']}/transcripts"
        rows = connection.everything(client, place)
    empty = "none yet; `anima memory import AVATAR FILE` brings some"
    output.print_rows(rows, _COLUMNS, as_json=as_json, empty=empty)
    _say_who_is_missing(rows)


def _say_who_is_missing(rows: list[dict[str, Any]]) -> None:
    """Tells of each in which nobody is the owner what to do, beside the rows."""
    for row in rows:
        if row.get("note"):
            speakers = ", ".join(f"{one['name']} ({one['turns']})" for one in row["speakers"])
            told = "nobody in it was recognised as you, so nothing of it becomes a fact; say who with --me"
            print(f"{row['title']}: {told}, speakers: {speakers}", file=sys.stderr)


def _sent(client: httpx.Client, place: str, path: Path, told: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """The document of a file; one that is refused is a failed one with its reason, and others go on."""
    try:
        upload = _upload(client, path, progress)
        made = connection.checked(client.post(place, json={**told, "upload": upload}))
    except connection.ServerRefused as error:
        return {"document_id": None, "title": path.name, "state": "failed", "reason": error.detail}
    return {"title": path.name, **made}


def _upload(client: httpx.Client, path: Path, progress: Progress) -> str:
    if path.is_dir():
        raise connection.ServerRefused(detail=f"{path} is a folder; name the file in it")
    if not ingest.size_of(path):
        raise connection.ServerRefused(detail=f"{path} is empty")
    return ingest.uploaded(client, path, progress)
