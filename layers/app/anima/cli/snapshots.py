"""Snapshots on the command line: an avatar as one file (`anima memory export AVATAR FILE`), and such files taken in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from anima.cli import connection, ingest, output

if TYPE_CHECKING:
    import httpx
    from rich.progress import Progress

_JSON, _ZIP = b'"anima-snapshot"', b"snapshot.json"
_HEAD_BYTES = 200
_BIG_BYTES = 20_000_000
_PIECE_BYTES = 1 << 18


def is_one(path: Path) -> bool:
    """Whether a file is a snapshot, by how it begins: zipped or not."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return False
    return _JSON in head or (head.startswith(b"PK") and head[30 : 30 + len(_ZIP)] == _ZIP)


def export(avatar: str, path: Path, *, media: bool, as_json: bool) -> None:
    """Writes the snapshot of an avatar to a file that only its owner may read; a half of it is not left."""
    with connection.connected() as client:
        found = connection.find_avatar(client, avatar)
        place, asked = f"/avatars/{found['avatar_id']}/snapshot", {"media": True} if media else {}
        with client.stream("GET", place, params=asked) as answer:
            if not answer.is_success:
                answer.read()
                raise connection.refusal(answer)
            size = kept(answer, path)
    if as_json:
        output.print_json({"path": str(path), "size_bytes": size, "avatar_id": found["avatar_id"]})
    else:
        print(path)


def bring(
    client: httpx.Client, path: Path, asked: dict[str, Any], into: str | None, progress: Progress
) -> dict[str, Any]:
    """Sends a snapshot; what came of it."""
    params = {name: value for name, value in asked.items() if value}
    if into is not None:
        params["into"] = connection.find_avatar(client, into)["avatar_id"]
    if ingest.size_of(path) > _BIG_BYTES:
        params["upload"] = ingest.uploaded(client, path, progress)
        answer = client.post("/snapshots", params=params)
    else:
        headers = {"Content-Type": "application/octet-stream"}
        answer = client.post("/snapshots", params=params, content=connection.read_file(path), headers=headers)
    taken: dict[str, Any] = connection.checked(answer)
    return taken


def show(taken: dict[str, Any], *, as_json: bool) -> None:
    """What came of a snapshot, part by part."""
    if as_json:
        output.print_json(taken)
        return
    would = "would be " if taken["dry_run"] else ""
    print(f"{taken['name']}: {would}{'made anew' if taken['created'] else 'merged'}, from {taken['made_at']}")
    rows = [{"part": name, **counts} for name, counts in taken["parts"].items() if counts["rows"]]
    output.print_rows(rows, ["part", "rows", "added", "changed"], as_json=False, empty="there is nothing in it")
    for note in taken["notes"]:
        print(note)


def kept(answer: httpx.Response, path: Path) -> int:
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
