"""Responses: a turn with an avatar that can be gone on from, or a configured model asked as it is."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter, Depends, Request

from anima.chat import answers_service, service
from anima.chat.model import TurnRequest
from anima.gateway import service as gateway
from anima.kernel import clock, db, http, idempotency, ids
from anima.kernel.errors import BadInput, FieldError, NotFound
from anima.openai_api import errors, pieces, plain, responses, turns
from anima.openai_api.bodies import ChatBody, ChatMessage, ResponseBody
from anima.openai_api.documented import answers
from anima.openai_api.documented import errors as documented
from anima.openai_api.pieces import Ended
from anima.openai_api.stream import streamed
from anima.openai_api.told import told
from anima.safety.place import country_of

router = APIRouter()

_ID = re.compile(rf"{responses.PREFIX}([1-9][0-9]{{0,17}})")
_WHOLE = {
    "id": "resp_8",
    "object": "response",
    "created_at": 1769860800,
    "status": "completed",
    "model": "avatar:luna",
    "output": [
        {
            "id": "msg_8",
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Olives!", "annotations": [], "logprobs": []}],
        }
    ],
    "previous_response_id": None,
    "usage": {"input_tokens": 412, "output_tokens": 4, "total_tokens": 416},
    "avatar": {"session_id": 9001, "message_id": 42, "response_id": 7, "request_id": 8, "memories": []},
}
_EVENTS = (
    "event: response.output_text.delta\n"
    'data: {"type": "response.output_text.delta", "sequence_number": 4, "item_id": "msg_8", "output_index": 0, '
    '"content_index": 0, "delta": "Olives!", "logprobs": []}\n\n'
)


class NoSuchResponse(NotFound):
    """There is no response {response} of yours."""

    slug = "response-not-found"


async def _expect() -> None:
    """A cold function loads the model's SDK while it waits for the database."""
    gateway.expect()


@router.post(
    "/responses",
    summary="A response",
    responses={**answers(_WHOLE, _EVENTS), **documented(400, 404, 409, 413, 415, 502, 504)},
    dependencies=[Depends(_expect)],
)
def create_response(
    body: ResponseBody, caller: http.Caller, raw: Request, idempotency_key: http.IdempotencyHeader = None
) -> Any:
    """A single input begins a session with the avatar, which `previous_response_id` goes on with.

    `conversation` (or the header `X-Conversation-Id`) pins a session by a value of your own. Where the input tells a
    conversation itself, and with `store: false`, nothing of it is remembered. Tools are the avatar's own.
    """
    _own_ways_only(body)
    shown = responses.Told(body, int(clock.now().timestamp()))
    avatar = turns.avatar_of(body.model)
    found = _of_model(caller, body) if avatar is None else _of_avatar(caller, body, raw, idempotency_key)
    if body.stream:
        return streamed(responses.events(found, shown), lambda error: _failed(error, shown))
    return shown.whole(next(piece for piece in found if isinstance(piece, Ended)))


@router.get(
    "/responses/{response_name}", summary="A response that was given", responses={**answers(_WHOLE), **documented(404)}
)
def get_response(caller: http.Caller, response_name: str) -> dict[str, Any]:
    """The answer of an avatar, as it is kept."""
    answer = _earlier(caller, response_name)
    body = ResponseBody(model=str(answer.model.get("name") or "avatar"), input="")
    return responses.Told(body, int(answer.created_at.timestamp())).whole(pieces.of_answer(answer))


def _of_avatar(caller: db.Principal, body: ResponseBody, raw: Request, idempotency_key: str | None) -> Any:
    key = idempotency.read_key(idempotency_key, "POST /v1/responses", body.model_dump(mode="json"))
    request = _turn(caller, body, raw)
    return pieces.of_turn(service.reply(caller, request, key))


def _turn(caller: db.Principal, body: ResponseBody, raw: Request) -> TurnRequest:
    said, country, streams = told(_messages(body)), country_of(raw.headers), bool(body.stream)
    avatar, conversation = turns.avatar_of(body.model), _conversation(body, raw)
    assert avatar is not None, "it was looked at"
    if body.previous_response_id is not None:
        if conversation is not None:
            wrong = FieldError("previous_response_id", "this or a conversation")
            raise BadInput(reason="a response goes on from one place", fields=[wrong])
        before = _earlier(caller, body.previous_response_id)
        return turns.going_on(caller, avatar, said, before, streamed=streams, country=country)
    if conversation is None and body.store is not False and not said.has_past:
        return turns.beginning(caller, avatar, said, streamed=streams, country=country)
    return turns.turn(caller, avatar, said, conversation, streamed=streams, country=country)


def _conversation(body: ResponseBody, raw: Request) -> turns.Conversation | None:
    named = body.conversation
    if named is not None:
        return turns.Conversation(named if isinstance(named, str) else named.id)
    return turns.conversation_of(raw.headers, streamed=bool(body.stream))


def _of_model(caller: db.Principal, body: ResponseBody) -> Any:
    if body.previous_response_id is not None or body.conversation is not None:
        wrong = FieldError("previous_response_id", "left out; send the conversation as input")
        raise errors.NotHere(reason="nothing is kept of what a configured model answers", fields=[wrong])
    asked = ChatBody.model_construct(
        model=body.model,
        messages=_messages(body),
        max_tokens=body.max_output_tokens,
        temperature=body.temperature,
        top_p=body.top_p,
    )
    return pieces.of_model(plain.ask(caller, asked), ids.uuid7().hex)


def _messages(body: ResponseBody) -> list[ChatMessage]:
    """What is told, as messages. Raises NotHere for items that are none."""
    before = [ChatMessage(role="system", content=body.instructions)] if body.instructions else []
    if isinstance(body.input, str):
        return [*before, ChatMessage(role="user", content=body.input)]
    wrong = [each for each in body.input if each.role is None or each.type not in (None, "message")]
    if wrong:
        field = FieldError("input", "a text, or messages")
        raise errors.NotHere(reason=f"an item of the type {wrong[0].type}", fields=[field])
    return [*before, *(ChatMessage(role=each.role or "user", content=each.content) for each in body.input)]


def _earlier(caller: db.Principal, response: str) -> Any:
    found = _ID.fullmatch(response)
    if found is None:
        raise NoSuchResponse(response=response, fields=[FieldError("previous_response_id", "the id of a response")])
    try:
        return answers_service.answer_to(caller, int(found[1]))
    except answers_service.RequestNotFound:
        raise NoSuchResponse(response=response) from None


def _failed(error: Exception, shown: responses.Told) -> str:
    """An error in the middle of a stream."""
    wrong = errors.in_stream(error)["error"]
    return shown.event("error", code=wrong["code"], message=wrong["message"], param=wrong["param"])


def _own_ways_only(body: ResponseBody) -> None:
    shape = body.text.format.type if body.text and body.text.format else "text"
    errors.refuse(
        {
            "tools": "tools of the client" if body.tools and body.tool_choice != "none" else "",
            "text": "a shape of the answer" if shape != "text" else "",
            "background": "an answer in the background" if body.background else "",
        }
    )
