"""A configured model asked as it is: the client's own messages, tools and sampling, on the caller's budget.

No avatar takes part, nothing is recalled and nothing is kept but what it cost. The tools are the client's: the model's
calls go back to it, and it sends what came of them.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from anima.gateway import service as gateway
from anima.gateway.model import Model, answer_budget, estimate_messages, estimate_tokens
from anima.kernel import connections, db, ids
from anima.kernel.config import settings
from anima.kernel.errors import FieldError
from anima.openai_api import completions
from anima.openai_api.bodies import ChatBody, ChatMessage, ChatToolChoice
from anima.openai_api.completions import Chunks
from anima.openai_api.errors import NoSuchModel, NotHere
from anima.openai_api.told import address, words
from anima.vendors.llm import calls
from anima.vendors.llm.calls import Delta, Tool, ToolCall, ToolChoice, Usage

_LEAST_ANSWER = 16
_PURPOSE = "openai"


@dataclass(slots=True)
class Asked:
    """A model that is being asked: its pieces as they come, and what they counted."""

    deltas: Generator[Delta, None, None]
    model: Model
    usage: Usage


def ask(caller: db.Principal, body: ChatBody) -> Asked:
    """Asks a configured model. Raises NoSuchModel, NotHere, BudgetExceeded; what the model raises comes later."""
    model = _model(body.model)
    if body.n not in (None, 1) or body.logprobs or body.functions:
        wrong = [FieldError(name, "left out") for name in ("n", "logprobs", "functions") if getattr(body, name)]
        raise NotHere(reason="one answer, without logprobs, and tools instead of functions", fields=wrong)
    messages, tools = [_message(each) for each in body.messages], _tools(body, model)
    with db.transaction(caller) as tx:
        budget = gateway.begin_budget(tx, _owner(caller), None)
    budget.check()
    size = estimate_messages([calls.words(each["content"]) for each in messages])
    asked = Asked(cast("Generator[Delta, None, None]", iter(())), model, Usage(size, 0))
    asked.deltas = _played(caller, asked, messages, tools, body)
    return asked


def whole(asked: Asked, made: Chunks) -> dict[str, Any]:
    """The answer as one completion."""
    completion = calls.joined(asked.deltas)
    message: dict[str, Any] = {"role": "assistant", "content": completion.text or None, "refusal": None}
    if completion.tool_calls:
        message["tool_calls"] = [_call(each) for each in completion.tool_calls]
    finish = completions.reason(completion.finish)
    return {
        **made.head,
        "id": _id(),
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
        "usage": completions.usage(counted(asked.usage)),
    }


def chunks(asked: Asked, made: Chunks) -> Generator[str, None, None]:
    """The answer as chunks. The first comes with the first piece: what is wrong before is no stream yet."""
    made.id, finish, begun = _id(), "stop", False
    try:
        for delta in asked.deltas:
            if not begun:
                begun = True
                yield made.chunk({"role": "assistant", "content": "", "refusal": None})
            if delta.text:
                yield made.chunk({"content": delta.text})
            if delta.tool_calls:
                called = [{"index": at, **_call(each)} for at, each in enumerate(delta.tool_calls)]
                yield made.chunk({"tool_calls": called})
            finish = delta.finish or finish
        yield made.chunk({}, completions.reason(finish))
        yield made.end(counted(asked.usage))
    finally:
        asked.deltas.close()


def _played(
    caller: db.Principal, asked: Asked, messages: Sequence[calls.Message], tools: Sequence[Tool], body: ChatBody
) -> Generator[Delta, None, None]:
    """The pieces; what was used is put down at the end, however that comes."""
    said: list[str] = []
    counted, by = None, asked.model.id
    deltas = gateway.stream(
        asked.model,
        messages,
        max_tokens=_room(body, asked.model),
        deadline=time.monotonic() + settings().turn_deadline_seconds - connections.waited(),
        response_format=_format(body),
        params=body.params(),
        tools=tools,
        tool_choice=_choice(body),
    )
    try:
        for delta in deltas:
            said.append(delta.text)
            counted, by = delta.usage or counted, delta.by or by
            yield delta
    finally:
        deltas.close()
        asked.usage = counted or Usage(asked.usage.prompt_tokens, estimate_tokens("".join(said)))
        if said:
            with db.transaction(caller) as tx:
                gateway.note_spend(tx, _owner(caller), None, by, asked.usage, _PURPOSE)


def _model(name: str) -> Model:
    try:
        return gateway.choose(name, None)
    except gateway.UnknownModel:
        raise NoSuchModel(model=name, fields=[FieldError("model", ", ".join(gateway.accepted()))]) from None


def _room(body: ChatBody, model: Model) -> int:
    """How long the answer may be: as was asked, else as long as an avatar's at least, and a quarter of the window."""
    asked = body.max_completion_tokens or body.max_tokens
    return max(_LEAST_ANSWER, min(asked or max(answer_budget(model.context_len), model.context_len // 4), 32_768))


def _message(message: ChatMessage) -> calls.Message:
    role = "system" if message.role == "developer" else message.role
    if role == "function":
        raise NotHere(reason="messages of functions; use tools", fields=[FieldError("messages", "the role tool")])
    told: dict[str, Any] = {"role": role, "content": _content(message)}
    if message.tool_calls:
        told["tool_calls"] = [
            ToolCall(each.id, each.function.name, each.function.arguments) for each in message.tool_calls
        ]
    if message.tool_call_id is not None:
        told["tool_call_id"] = message.tool_call_id
    return cast("calls.Message", told)


def _content(message: ChatMessage) -> calls.Content:
    """Its words, or its parts where there are pictures among them."""
    text = words(message)
    pictures = [part for part in message.content or [] if not isinstance(part, str) and address(part)]
    if not pictures:
        return text
    if not all(address(part).startswith("data:") for part in pictures):
        wrong = FieldError("messages", "data:image/png;base64,…")
        raise NotHere(reason="a picture is sent in the message, not by its address", fields=[wrong])
    shown = [{"type": "image_url", "image_url": {"url": address(part)}} for part in pictures]
    return [{"type": "text", "text": text}, *shown]


def _format(body: ChatBody) -> dict[str, Any] | None:
    asked = body.response_format
    return None if asked is None or asked.type == "text" else asked.model_dump()


def _tools(body: ChatBody, model: Model) -> list[Tool]:
    """The client's tools; that alone which it must call, if it names one. Raises NotHere where the model calls none."""
    given = [each.function for each in body.tools or []]
    if given and not model.tools:
        raise NotHere(reason=f"the model {model.id} calls no tools", fields=[FieldError("tools", "left out")])
    only = body.tool_choice.function.name if isinstance(body.tool_choice, ChatToolChoice) else None
    wanted = [each for each in given if only in (None, each.name)]
    return [Tool(each.name, each.description or "", each.parameters or {"type": "object"}) for each in wanted]


def _choice(body: ChatBody) -> ToolChoice:
    if isinstance(body.tool_choice, ChatToolChoice):
        return "required"
    return cast("ToolChoice", body.tool_choice) if body.tool_choice in ("none", "required") else "auto"


def _call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def counted(used: Usage) -> dict[str, Any]:
    """Tokens, as an answer tells them."""
    return {
        "prompt_tokens": used.prompt_tokens,
        "completion_tokens": used.completion_tokens,
        "cached_tokens": used.cached_tokens,
    }


def _id() -> str:
    return f"chatcmpl-{ids.uuid7().hex}"


def _owner(caller: db.Principal) -> int:
    assert caller.user_id is not None, "a call is somebody's"
    return caller.user_id
