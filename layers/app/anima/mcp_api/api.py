"""The Model Context Protocol over HTTP (Streamable HTTP without sessions)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from anima.kernel import db, http
from anima.mcp_api import protocol

PATH = "/mcp"
router = APIRouter(tags=["mcp"])

_ASKED = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "recall", "arguments": {"query": "What do I hate to eat?"}},
}
_TOLD: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "result": {
        "content": [{"type": "text", "text": '{"avatar": "Luna", "memories": [], "left_out": 0}'}],
        "structuredContent": {"avatar": "Luna", "memories": [], "left_out": 0},
        "isError": False,
    },
}
_BODY = {
    "required": True,
    "content": {"application/json": {"schema": {"type": "object", "description": "JSON-RPC 2.0"}, "example": _ASKED}},
}


class _Exchange(Response):
    """An answer that the protocol's own SDK writes."""

    def __init__(self, caller: db.Principal) -> None:
        super().__init__()
        self._caller = caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await protocol.answer(self._caller, scope, receive, send)


@router.post(
    PATH,
    summary="The Model Context Protocol",
    openapi_extra={"requestBody": _BODY},
    responses={**http.example(_TOLD), **http.problems(413)},
)
async def exchange(_request: Request, caller: http.Caller) -> Response:
    """One message of JSON-RPC, answered for itself: `initialize`, `tools/list`, `tools/call`.

    The tools are remember, recall, forget, about_avatar and talk. A fault of a tool is a result with `isError`; what is
    no message of the protocol is answered with the protocol's own error.
    """
    return _Exchange(caller)
