"""Chat completions: a turn with an avatar, or a configured model asked as it is."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request

from anima.chat import service
from anima.chat.model import Finished
from anima.gateway import service as gateway
from anima.kernel import clock, db, http, idempotency
from anima.openai_api import completions, errors, plain, turns
from anima.openai_api.bodies import ChatBody
from anima.openai_api.completions import Chunks
from anima.openai_api.documented import answers
from anima.openai_api.documented import errors as documented
from anima.openai_api.stream import data, streamed
from anima.openai_api.told import told
from anima.safety.place import country_of

router = APIRouter()

_WHOLE = {
    "id": "chatcmpl-8",
    "object": "chat.completion",
    "created": 1769860800,
    "model": "avatar:luna",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Olives!", "refusal": None, "annotations": []},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 412, "completion_tokens": 4, "total_tokens": 416},
    "system_fingerprint": None,
    "avatar": {"session_id": 9001, "message_id": 42, "response_id": 7, "request_id": 8, "memories": []},
}
_EVENTS = 'data: {"id": "chatcmpl-8", "choices": [{"index": 0, "delta": {"content": "Olives!"}}]}\n\ndata: [DONE]\n\n'


async def _expect() -> None:
    """A cold function loads the model's SDK while it waits for the database."""
    gateway.expect()


@router.post(
    "/chat/completions",
    summary="A chat completion",
    responses={**answers(_WHOLE, _EVENTS), **documented(400, 404, 409, 413, 415, 502, 504)},
    dependencies=[Depends(_expect)],
)
def create_completion(
    body: ChatBody, caller: http.Caller, raw: Request, idempotency_key: http.IdempotencyHeader = None
) -> Any:
    """`avatar:<name>` answers as in a talk, with what it remembers; a configured model answers what was sent.

    With the header `X-Conversation-Id` (a value of your own, up to 200 characters) the conversation is kept here as a
    session with that avatar, and only the newest message of the list counts; Open WebUI's `X-OpenWebUI-Chat-Id` does
    the same for what is streamed. Without one the list is the conversation, and nothing of it is remembered.
    """
    avatar = turns.avatar_of(body.model)
    made = Chunks(body.model, int(clock.now().timestamp()), counted=_counted(body))
    if avatar is None:
        return _asked(caller, body, made)
    _own_ways_only(body)
    key = idempotency.read_key(idempotency_key, "POST /v1/chat/completions", body.model_dump(mode="json"))
    request = turns.turn(
        caller,
        avatar,
        told(body.messages),
        turns.conversation_of(raw.headers, streamed=bool(body.stream)),
        streamed=bool(body.stream),
        country=country_of(raw.headers),
    )
    events = service.reply(caller, request, key)
    if body.stream:
        return streamed(completions.chunks(events, made), failed)
    answer = next(event.answer for event in events if isinstance(event, Finished))
    return completions.whole(answer, body.model, made.created)


def failed(error: Exception) -> str:
    """An error in the middle of a stream."""
    return data(errors.in_stream(error))


def _asked(caller: db.Principal, body: ChatBody, made: Chunks) -> Any:
    """A configured model's answer to what was sent."""
    asked = plain.ask(caller, body)
    return streamed(plain.chunks(asked, made), failed) if body.stream else plain.whole(asked, made)


def _counted(body: ChatBody) -> bool:
    return body.stream_options is not None and bool(body.stream_options.include_usage)


def _own_ways_only(body: ChatBody) -> None:
    """Raises NotHere for what an avatar does in its own way or not at all. How words are drawn is passed over."""
    wants_tools = (body.tools or body.functions) and body.tool_choice != "none"
    shape = body.response_format.type if body.response_format else "text"
    errors.refuse(
        {
            "tools": "an avatar has tools of its own; ask a configured model with yours" if wants_tools else "",
            "response_format": "an avatar answers in words" if shape != "text" else "",
            "n": "there is one answer" if body.n not in (None, 1) else "",
            "logprobs": "an avatar tells none" if body.logprobs else "",
            "modalities": "an avatar answers in words" if set(body.modalities or ["text"]) != {"text"} else "",
        }
    )
