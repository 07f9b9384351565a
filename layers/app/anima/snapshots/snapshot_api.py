"""HTTP of snapshots: all that an avatar is and knows as one file, and such a file taken in."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from anima.kernel import clock, http
from anima.kernel.errors import BadInput, FieldError
from anima.knowledge import uploads_service
from anima.snapshots import snapshot_export_service, snapshot_import_service
from anima.snapshots.snapshot_errors import SnapshotCutShort
from anima.snapshots.snapshot_model import Options, Taken
from anima.vendors.blobs import spool

router = APIRouter(tags=["memory"])

_PIECE_BYTES = 1 << 20
_FINGERPRINT = "8f14e45fceea167a5a36dedd4bea2543"
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The snapshot",
        "content": {
            "application/json": {"schema": {"type": "object"}, "example": {"format": "anima-snapshot", "version": 1}},
            "application/zip": {
                "schema": {"type": "string", "format": "binary"},
                "example": "(the bytes of an archive)",
            },
        },
    }
}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": False,
        "description": "The file as it is; none where `upload` names it",
        "content": {
            "application/json": {
                "schema": {"type": "object"},
                "example": {"format": "anima-snapshot", "version": 1, "parts": {}},
            },
            "application/zip": {"schema": {"type": "string", "format": "binary"}, "example": "(the bytes)"},
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}, "example": "(the bytes)"},
        },
    }
}
_TAKEN: dict[str, Any] = {
    "avatar_id": "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f",
    "name": "Luna",
    "created": True,
    "dry_run": False,
    "made_at": "2026-11-21T22:00:00Z",
    "signed_by": _FINGERPRINT,
    "own": True,
    "parts": {"facts": {"rows": 12, "added": 12, "changed": 0}},
    "notes": [],
}


class TallyOut(BaseModel):
    """What came of a part: how many rows it has, how many were new, and how many changed what was there."""

    rows: int
    added: int
    changed: int


class TakenOut(BaseModel):
    """What came of a snapshot."""

    avatar_id: uuid.UUID | None = Field(description="null where it would be new, but was only tried")
    name: str
    created: bool = Field(description="Whether the avatar is new")
    dry_run: bool
    made_at: datetime
    signed_by: str = Field(description="The fingerprint of the installation that made it")
    own: bool = Field(description="Whether that is this one")
    parts: dict[str, TallyOut]
    notes: list[str] = Field(description="What you should know besides")


@router.get(
    "/avatars/{avatar_id}/snapshot",
    summary="All that an avatar is and knows, as one file",
    response_class=StreamingResponse,
    responses={**_FILE, **http.problems(404)},
)
def get_snapshot(
    caller: http.Caller,
    avatar_id: uuid.UUID,
    media: Annotated[bool, Query(description="A zip, with the files that came with messages")] = False,
) -> StreamingResponse:
    """A signed JSON document: the avatar with its personality, how close you are, moods, facts with both times and
    every mention, episodes, and what was said, with its branches. Private sessions are never in it, nor are vectors:
    they are made again. `docs/snapshots.md` describes it; `POST /snapshots` takes it in.
    """
    name, pieces = snapshot_export_service.export(caller, avatar_id, with_files=media)
    kind, ending = ("application/zip", "zip") if media else ("application/json", "json")
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name).strip("-").lower()
    called = f"anima-{plain or 'avatar'}-{clock.now():%Y-%m-%d}.{ending}"
    headers = {"Content-Disposition": f'attachment; filename="{called}"', "Cache-Control": "no-store"}
    return StreamingResponse(pieces, media_type=kind, headers=headers)


async def _came(request: Request) -> AsyncIterator[Path]:
    """The body on the disk, for as long as the request lasts."""
    place = spool.workplace()
    folder = await run_in_threadpool(place.__enter__)
    try:
        path = folder / "snapshot"
        with path.open("wb") as file:
            waiting = bytearray()
            try:
                async for chunk in request.stream():
                    waiting += chunk
                    if len(waiting) >= _PIECE_BYTES:
                        await run_in_threadpool(file.write, bytes(waiting))
                        waiting.clear()
            except ClientDisconnect:
                raise SnapshotCutShort(where="on its way here") from None
            file.write(waiting)
        yield path
    finally:
        await run_in_threadpool(place.__exit__, None, None, None)


Came = Annotated[Path, Depends(_came)]
_Trust = Annotated[
    list[Annotated[str, Field(pattern=r"^[0-9a-fA-F]{32}$")]],
    Query(max_length=20, description="Fingerprints of other installations whose snapshots you take"),
]


@router.post(
    "/snapshots",
    summary="Take in a snapshot",
    response_model=TakenOut,
    openapi_extra=_BODY,
    responses={**http.example(_TAKEN), **http.problems(404, 409, 413)},
)
def post_snapshot(
    caller: http.Caller,
    came: Came,
    into: Annotated[uuid.UUID | None, Query(description="An avatar of yours that it is merged into")] = None,
    name: Annotated[
        str | None, Query(min_length=1, max_length=100, description="What the new avatar is called")
    ] = None,
    dry_run: Annotated[bool, Query(description="Only say what would happen")] = False,
    trust: _Trust = [],  # noqa: B006
    upload: Annotated[uuid.UUID | None, Query(description="The upload_id of a file that came by POST /uploads")] = None,
) -> Taken:
    """As a new avatar; or merged by time into the one that it is of, where you have it, or into another one. The same
    again changes nothing. Either all of it is taken in or nothing. What was signed by another installation answers
    409 with its fingerprint, unless `trust` names it. What came is searchable a little later.
    """
    options = Options(into, name, dry_run, frozenset(one.lower() for one in trust))
    if upload is not None:
        uploads_service.fetch(caller, upload, came)
    elif not came.stat().st_size:
        raise BadInput(reason="no file came", fields=[FieldError("body", "a snapshot, or `upload`")])
    return snapshot_import_service.take_in(caller, came, options)
