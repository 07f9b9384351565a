"""Refuses a body that is too large, before it is read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from anima.kernel.config import settings
from anima.kernel.errors import TooLarge
from anima.kernel.http import API

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 1_000_000
_FILES = frozenset({f"{API}/documents", f"{API}/media", f"{API}/snapshots"})
_TRANSCRIPTS = re.compile(rf"{API}/avatars/[0-9a-f-]{{36}}/transcripts")
_CARDS = re.compile(rf"{API}/(?:cards|avatars/[0-9a-f-]{{36}}/(?:picture|lorebook))")
_MAX_CARD_BYTES = 16_000_000
_TOLD = frozenset({"/v1/chat/completions", "/v1/responses"})
_MAX_TOLD_BYTES = 32_000_000
"""A whole conversation with its pictures, as clients of other protocols send it each time."""
_UPLOAD = re.compile(rf"{API}/uploads/[0-9a-f-]{{36}}/content")
_CHECKPOINT = re.compile(rf"{API}/registry/models/[0-9a-f-]{{36}}/checkpoints")
# A client that is still sending hardly hears an answer: so much is read and dropped first.
_DRAINED_BYTES = 4_000_000


def limit(path: str) -> int:
    """The largest body that an address takes, in bytes; a file may come as base64, an upload comes as it is."""
    if _UPLOAD.fullmatch(path):
        return settings().max_upload_bytes
    if _CHECKPOINT.fullmatch(path):
        return settings().max_checkpoint_bytes
    if path in _TOLD:
        return _MAX_TOLD_BYTES
    if _CARDS.fullmatch(path):
        return _MAX_CARD_BYTES
    if path in _FILES or _TRANSCRIPTS.fullmatch(path):
        return settings().max_document_bytes * 4 // 3 + MAX_BODY_BYTES
    return MAX_BODY_BYTES


class BodyLimit:
    """ASGI middleware. Raises TooLarge by the Content-Length, or while a body without one is read."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most = limit(scope["path"])
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > most:
            await _drain(receive)
            raise TooLarge(what="body", size=f"{int(declared)} bytes", limit=most)
        await self.app(scope, _counted(receive, most), send)


def _counted(receive: Receive, most: int) -> Receive:
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            if message.get("more_body"):
                await _drain(receive)
            # What the framework lets through while it reads a body.
            raise HTTPException(413) from TooLarge(what="body", size="more", limit=most)
        return message

    return counted


async def _drain(receive: Receive) -> None:
    dropped = 0
    while dropped < _DRAINED_BYTES:
        message = await receive()
        dropped += len(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return
