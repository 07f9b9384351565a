"""HTTP of exports: everything of a person, to take along."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from anima.kernel import clock, http
from anima.snapshots import export_service

router = APIRouter(tags=["identity"])

_ZIP: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The archive",
        "content": {
            "application/zip": {
                "schema": {"type": "string", "format": "binary"},
                "example": "(the bytes of an archive)",
            }
        },
    }
}


@router.get(
    "/users/me/export",
    summary="Everything that is kept of you",
    response_class=StreamingResponse,
    responses={**_ZIP, **http.problems()},
)
def export(caller: http.Caller) -> StreamingResponse:
    """A zip archive, sent while it is made: a file of JSON lines for each table, your own files, and a README.txt that
    tells what is what. Passwords, keys and tokens are left out, and so is what is made of your texts for search.
    """
    name = f"anima-export-{clock.now():%Y-%m-%d}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(export_service.export(caller), media_type="application/zip", headers=headers)
