"""OpenAI's chat protocol, for all servers that speak it; what each takes stands in the table of providers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from anima.vendors.llm import providers, spoken, wire
from anima.vendors.llm.calls import Call, Delta, Endpoint, Message, Tool, ToolCall, Usage
from anima.vendors.llm.errors import (
    Failed,
    MalformedAnswer,
    ModelTimeout,
    Refusal,
    broke_off,
    failed,
    refusal,
)
from anima.vendors.llm.providers import Provider

if TYPE_CHECKING:
    from openai import OpenAI, Stream

_OWN_HOST = "api.openai.com"
_FINISHES = {
    **dict.fromkeys(("length", "model_length", "max_tokens"), "length"),
    **dict.fromkeys(("content_filter", "safety"), "content_filter"),
    **dict.fromkeys(("tool_calls", "function_call"), "tool_calls"),
}
_BROKEN = {"error", "insufficient_system_resource"}
_SHORT_ID = re.compile(r"[a-zA-Z0-9]{9}")
_UNSIGNED = "skip_thought_signature_validator"  # what Gemini takes for a call that another model made


def load() -> None:
    """Loads the SDK, so that the first call need not wait for it."""
    import openai  # noqa: F401


def deltas(call: Call) -> Generator[Delta, None, None]:
    """One attempt. Raises Failed, or MalformedAnswer and ModelTimeout, which end the call."""
    import openai

    alarm: wire.Alarm | None = None
    try:
        with _opened(call) as chunks, wire.watched(call, lambda: wire.hang_up(chunks.response)) as alarm:
            yield from _read(call, chunks, alarm)
    except (openai.OpenAIError, ValueError) as error:
        if wire.is_late(call, alarm):
            raise ModelTimeout(model=call.model) from error
        raise failed(call.model, error) from error


@lru_cache(maxsize=64)
def _client(endpoint: Endpoint) -> OpenAI:
    import openai

    return openai.OpenAI(**wire.of_sdk(endpoint, openai.DefaultHttpxClient))


def _opened(call: Call) -> AbstractContextManager[Stream[object]]:
    import openai

    return wire.opened(call, _client(call.endpoint), "/chat/completions", body(call), openai.Stream[object])


def body(call: Call) -> dict[str, Any]:
    """The request, with the fields that this server takes."""
    takes = providers.known(call.endpoint.provider)
    own = _OWN_HOST in call.endpoint.base_url  # another server under OpenAI's name knows no newer fields
    params = {takes.seed if name == "seed" else name: value for name, value in call.params.items()}
    asked: dict[str, Any] = {
        "model": call.model,
        "messages": _messages(call, takes),
        _longest(takes, own=own): call.max_tokens,
        "stream": True,
        **params,
    }
    if takes.usage:
        asked["stream_options"] = {"include_usage": True}
    if takes.cache is not None and own and call.cache_key is not None:
        asked[takes.cache] = hashlib.sha256(call.cache_key.encode()).hexdigest()[:32]
    if call.response_format is not None:
        asked["response_format"] = _format(call.response_format, takes)
    if call.tools:
        asked["tools"] = [_tool(tool) for tool in call.tools]
        if call.tool_choice != "auto":
            asked["tool_choice"] = call.tool_choice
    return asked


def _longest(takes: Provider, *, own: bool) -> str:
    """The field of the longest answer: OpenAI's own newer models refuse the older name, others know no newer one."""
    if own:
        return "max_completion_tokens"
    return takes.longest if takes.name != "openai" else "max_tokens"


def _format(wanted: Mapping[str, Any], takes: Provider) -> dict[str, Any]:
    return dict(wanted) if takes.json_schema or wanted.get("type") != "json_schema" else {"type": "json_object"}


def _tool(tool: Tool) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    return {"type": "function", "function": function}


def _messages(call: Call, takes: Provider) -> list[dict[str, Any]]:
    messages = list(call.messages)
    wanted = call.response_format
    if wanted is not None and not takes.json_schema and wanted.get("type") in ("json_schema", "json_object"):
        messages.insert(0, {"role": "system", "content": spoken.schema_in_words(wanted)})
    if not takes.tools and not call.tools:  # whoever knows the model better may offer it some
        messages = spoken.untooled(messages)
    if takes.systems_first:
        messages = spoken.systems_first(messages)
    return [_message(message, takes) for message in messages]


def _message(message: Message, takes: Provider) -> dict[str, Any]:
    content = spoken.plain_content(message["content"], images=takes.images)
    told: dict[str, Any] = {"role": message["role"], "content": content}
    if message["role"] == "tool":
        told["tool_call_id"] = _id(message.get("tool_call_id", ""), takes)
    if calls := message.get("tool_calls"):
        told["content"] = content or None
        told["tool_calls"] = [_asked(one, takes) for one in calls]
        thought = next((one.extra["deepseek"] for one in calls if "deepseek" in one.extra), None)
        if thought is not None and takes.name == "deepseek":
            told["reasoning_content"] = thought
    return told


def _asked(call: ToolCall, takes: Provider) -> dict[str, Any]:
    function = {"name": call.name, "arguments": spoken.plain(call.arguments) or "{}"}
    told: dict[str, Any] = {"id": _id(call.id, takes), "type": "function", "function": function}
    if takes.name == "google":
        told["extra_content"] = call.extra.get("google", {"google": {"thought_signature": _UNSIGNED}})
    return told


def _id(given: str, takes: Provider) -> str:
    """The id of a call as this server takes it: Mistral's have nine letters and digits."""
    if takes.name != "mistral" or _SHORT_ID.fullmatch(given):
        return given
    return hashlib.sha256(given.encode()).hexdigest()[:9]


@dataclass(slots=True)
class _Asked:
    """A call of a tool as it grows; `place` is the server's number of it."""

    place: Any
    id: str = ""
    name: str = ""
    arguments: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Heard:
    """What came of an answer so far that is told only at its end."""

    calls: list[_Asked] = field(default_factory=list)
    thought: str = ""
    finish: str | None = None
    usage: Usage | None = None

    def add(self, piece: Mapping[str, Any]) -> None:
        """A piece of a call: of the one with its number, or of a new one where it has an id of its own."""
        place, own_id = piece.get("index"), piece.get("id") or ""
        found = next((one for one in reversed(self.calls) if one.place == place), None)
        if found is None or (own_id and found.id and own_id != found.id):
            found = _Asked(place)
            self.calls.append(found)
        function = piece.get("function") or {}
        found.id = found.id or own_id
        found.name = found.name or str(function.get("name") or "")
        found.arguments += _written(function.get("arguments"))
        if piece.get("extra_content"):
            found.extra["google"] = piece["extra_content"]

    def whole(self, provider: str) -> tuple[ToolCall, ...]:
        """The calls, where the answer came to its end: one that was cut off is none."""
        if self.finish in ("length", "content_filter"):
            return ()
        kept = {"deepseek": self.thought} if self.thought and provider == "deepseek" else {}
        return tuple(
            ToolCall(one.id or f"call_{number}", one.name, one.arguments or "{}", {**one.extra, **kept})
            for number, one in enumerate(self.calls)
            if one.name
        )


def _written(arguments: Any) -> str:
    """Arguments as text: the protocol writes them so, some servers as an object."""
    if isinstance(arguments, Mapping):
        import json

        return json.dumps(arguments)
    return str(arguments or "")


def _read(call: Call, chunks: Stream[object], alarm: wire.Alarm) -> Iterator[Delta]:
    heard = _Heard()
    for chunk in chunks:
        alarm.heard()
        try:
            text = _said(call, chunk, heard)
        except (AttributeError, TypeError, KeyError, IndexError) as error:
            raise MalformedAnswer(model=call.model, reason="a piece of it is not of the protocol") from error
        if text:
            yield Delta(text)
    if heard.finish is None:
        call.left()
        raise MalformedAnswer(model=call.model, reason="it broke off")
    calls = heard.whole(call.endpoint.provider)
    finish = "tool_calls" if calls else _FINISHES.get(heard.finish, "stop")
    if finish == "tool_calls" and not calls:
        finish = "stop"
    yield Delta(finish=finish, usage=heard.usage, tool_calls=calls)


def _said(call: Call, chunk: Any, heard: _Heard) -> str:
    """The words of a piece as the protocol writes it: `choices[0].delta` and, at the end, `usage`."""
    if "choices" not in chunk and chunk.get("error"):
        raise _told(call, chunk["error"])
    heard.usage = _usage(chunk.get("usage")) or heard.usage
    if not chunk["choices"]:
        return ""
    choice = chunk["choices"][0]
    piece = choice.get("delta") or {}
    heard.thought += str(piece.get("reasoning_content") or "")
    for asked in piece.get("tool_calls") or ():
        heard.add(asked)
    heard.finish = choice.get("finish_reason") or heard.finish
    if heard.finish in _BROKEN:
        raise broke_off(call.model, Refusal(500, message=f"it ended with {heard.finish}"))
    return _text(piece.get("content")) or str(piece.get("refusal") or "")


def _text(content: Any) -> str:
    """The words of a piece; where it has parts, those that are no thoughts."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if part.get("type") == "text")
    return str(content or "")


def _told(call: Call, error: Any) -> Failed:
    """An error that came as a piece of the stream."""
    status = error["code"] if isinstance(error, Mapping) and isinstance(error.get("code"), int) else 0
    return broke_off(call.model, refusal(status, error, {}))


def _usage(counted: Any) -> Usage | None:
    if not counted:
        return None
    details = counted.get("prompt_tokens_details") or {}
    cached = int(details.get("cached_tokens") or counted.get("prompt_cache_hit_tokens") or 0)
    return Usage(int(counted["prompt_tokens"]), int(counted.get("completion_tokens") or 0), cached)
