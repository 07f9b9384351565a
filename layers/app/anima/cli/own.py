"""What is kept of you, as a whole: taken along as one file, or erased (`anima memory export`, `anima memory erase`)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anima.cli import connection, output

if TYPE_CHECKING:
    import httpx

_PIECE_BYTES = 1 << 18


def register(app: typer.Typer) -> None:
    """Adds the commands to a group."""
    app.command("export")(export)
    app.command("erase")(erase)


def export(
    out: Annotated[Path | None, typer.Option(help="Where to; not given: anima-export-DATE.zip, here.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """Take along everything that is kept of you: a zip of JSON lines, your files, and a README that explains them."""
    with connection.connected() as client, client.stream("GET", "/users/me/export") as answer:
        if not answer.is_success:
            answer.read()
            raise connection.refusal(answer)
        path = out if out is not None else Path(_name(answer))
        size = _kept(answer, path)
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


def _kept(answer: httpx.Response, path: Path) -> int:
    """Writes what comes to a file that only its owner may read; a half of it is not left. Answers its bytes."""
    draft, size = path.with_name(f".{path.name}.part"), 0
    try:
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        with draft.open("wb") as file:
            for piece in answer.iter_bytes(_PIECE_BYTES):
                size += file.write(piece)
        draft.replace(path)
    except OSError as error:
        raise connection.ServerRefused(detail=f"{path} cannot be written: {error.strerror}") from None
    finally:
        draft.unlink(missing_ok=True)
    return size
