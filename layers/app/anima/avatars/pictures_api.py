"""HTTP of pictures of avatars."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from anima.avatars import pictures_service
from anima.kernel import http

router = APIRouter(prefix="/avatars", tags=["avatars"])

_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}, "example": "(the bytes of a picture)"}
_IMAGE: dict[int | str, dict[str, Any]] = {200: {"description": "The picture", "content": {"image/png": _BINARY}}}
_BODY: dict[str, Any] = {"requestBody": {"required": True, "content": {"application/octet-stream": _BINARY}}}
_ONLY_A_PICTURE = "default-src 'none'; sandbox"


@router.get(
    "/{avatar_id}/picture",
    summary="The picture of an avatar",
    response_class=Response,
    responses={**_IMAGE, **http.problems(404)},
)
def get_picture(caller: http.Caller, avatar_id: uuid.UUID, request: Request) -> Response:
    """As it came with a card, or was put here."""
    found = pictures_service.get(caller, avatar_id)
    tag = f'"{hashlib.sha256(found.picture).hexdigest()[:32]}"'
    headers = {
        "ETag": tag,
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": _ONLY_A_PICTURE,
    }
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(found.picture, media_type=found.mime_type, headers=headers)


@router.put(
    "/{avatar_id}/picture",
    status_code=204,
    summary="Give an avatar a picture",
    openapi_extra=_BODY,
    responses=http.problems(404, 413, 415),
)
async def put_picture(caller: http.Caller, avatar_id: uuid.UUID, request: Request) -> None:
    """The bytes of a PNG, JPEG, WebP or GIF of at most 4 MB, as they are."""
    data = await request.body()
    await run_in_threadpool(pictures_service.put, caller, avatar_id, data)


@router.delete(
    "/{avatar_id}/picture",
    status_code=204,
    summary="Take an avatar's picture away",
    responses=http.problems(404),
)
def delete_picture(caller: http.Caller, avatar_id: uuid.UUID) -> None:
    """It is drawn from its name again."""
    pictures_service.delete(caller, avatar_id)
