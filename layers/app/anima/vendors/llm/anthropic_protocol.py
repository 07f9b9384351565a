"""Anthropic's Messages API, by its own SDK."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from anima.vendors.llm import spoken, wire
from anima.vendors.llm.calls import Call, Delta, Endpoint, Message, Tool, ToolCall, Usage, words
from anima.vendors.llm.errors import (
    Failed,
    MalformedAnswer,
    ModelRefused,
    ModelTimeout,
    Refusal,
    broke_off,
    refused,
    unreached,
)

if TYPE_CHECKING:
    from anthropic import Anthropic, Stream

_FINISHES = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_STATUS_OF_KIND = {"rate_limit_error": 429, "overloaded_error": 529, "api_error": 500, "timeout_error": 504}
_TAKEN = ("thinking", "metadata", "service_tier", "stop_sequences", "output_config", "inference_geo")
# Newer models take no sampling parameters.
_SAMPLED = ("claude-3", "claude-opus-4-1", "claude-opus-4-5", "claude-opus-4-6", "claude-sonnet-4", "claude-haiku-4")
_CACHED = {"type": "ephemeral"}

_NOTHING = {"type": "text", "text": "…"}


def load() -> None:
    """Loads the SDK, so that the first call need not wait for it."""
    import anthropic  # noqa: F401


def deltas(call: Call) -> Generator[Delta, None, None]:
    """One attempt. Raises Failed, or MalformedAnswer, ModelRefused and ModelTimeout, which end the call."""
    import anthropic
    import httpx2

    alarm: wire.Alarm | None = None
    try:
        with _opened(call) as events, wire.watched(call, lambda: wire.hang_up(events.response)) as alarm:
            yield from _read(call, events, alarm)
    except (anthropic.AnthropicError, httpx2.HTTPError, httpx2.StreamError, ValueError) as error:
        if wire.is_late(call, alarm):
            raise ModelTimeout(model=call.model) from error
        raise _failed(call.model, error, streaming=alarm is not None) from error


@lru_cache(maxsize=16)
def _client(endpoint: Endpoint) -> Anthropic:
    import anthropic

    return anthropic.Anthropic(**wire.of_sdk(endpoint, anthropic.DefaultHttpxClient))


def _opened(call: Call) -> AbstractContextManager[Stream[object]]:
    import anthropic

    return wire.opened(call, _client(call.endpoint), "/v1/messages", body(call), anthropic.Stream[object])


def body(call: Call) -> dict[str, Any]:
    """The request. Every system message goes to the front, in order; those of them that stay the same are cached
    there, and with them the tools, which are read before.
    """
    messages = call.messages if call.tools else spoken.untooled(call.messages)
    systems = _systems(call)
    asked: dict[str, Any] = {
        "model": call.model,
        "max_tokens": call.max_tokens,
        "messages": spoken.turns(spoken.parted(messages)[1], _blocks, _NOTHING),
        "stream": True,
        **_params(call),
    }
    if systems:
        asked["system"] = systems
    if call.tools:
        asked["tools"] = [_tool(tool) for tool in call.tools]
        asked["tool_choice"] = {"type": {"required": "any"}.get(call.tool_choice, call.tool_choice)}
    if (shape := _shape(call.response_format)) is not None:
        asked["output_config"] = {**asked.get("output_config", {}), "format": shape}
    return asked


def _params(call: Call) -> dict[str, Any]:
    """Of the further fields those that this API takes."""
    taken = {name: call.params[name] for name in _TAKEN if name in call.params}
    if "stop" in call.params:
        stop = call.params["stop"]
        taken["stop_sequences"] = [stop] if isinstance(stop, str) else list(stop)
    if call.model.startswith(_SAMPLED):
        for name in ("temperature", "top_p"):  # one of them
            if name in call.params and not {"temperature", "top_p"} & set(taken):
                taken[name] = min(1.0, float(call.params[name]))
    return taken


def _systems(call: Call) -> list[dict[str, Any]]:
    fixed = spoken.parted(call.messages[: call.fixed])[0]
    others = spoken.parted(call.messages[call.fixed :])[0]
    if call.response_format is not None and call.response_format.get("type") == "json_object":
        others.append(spoken.schema_in_words(call.response_format))
    blocks: list[dict[str, Any]] = [{"type": "text", "text": text} for text in (*fixed, *others)]
    if fixed:
        blocks[len(fixed) - 1]["cache_control"] = _CACHED
    return blocks


def _tool(tool: Tool) -> dict[str, Any]:
    return {"name": tool.name, "description": tool.description, "input_schema": dict(tool.parameters)}


def _shape(wanted: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The schema of the answer in the dialect that is compiled there: other limits are left to whoever checks it."""
    if wanted is None or wanted.get("type") != "json_schema":
        return None
    from anthropic import transform_schema

    return {"type": "json_schema", "schema": transform_schema(dict(wanted["json_schema"]["schema"]))}


def _blocks(message: Message) -> list[dict[str, Any]]:
    if message["role"] == "tool":
        text = spoken.plain(words(message["content"]))
        return [{"type": "tool_result", "tool_use_id": _id(message.get("tool_call_id", "")), "content": text}]
    calls = message.get("tool_calls", ())
    thoughts = next((list(one.extra["anthropic"]) for one in calls if "anthropic" in one.extra), [])
    content = message["content"]
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
    return [*thoughts, *(block for part in parts if (block := _block(part))), *(_use(one) for one in calls)]


def _block(part: Mapping[str, Any]) -> dict[str, Any] | None:
    """A part as a block; empty text is none."""
    if part.get("type") == "text":
        text = spoken.plain(str(part["text"]))
        return {"type": "text", "text": text} if text.strip() else None
    seen = spoken.image(part)
    if not seen.data:
        return {"type": "image", "source": {"type": "url", "url": seen.url}}
    data = seen.url.partition(",")[2]
    return {"type": "image", "source": {"type": "base64", "media_type": seen.mime, "data": data}}


def _use(call: ToolCall) -> dict[str, Any]:
    return {"type": "tool_use", "id": _id(call.id), "name": call.name, "input": arguments(call)}


def _id(given: str) -> str:
    """An id in the letters that this API takes."""
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "_-") else "_" for letter in given)


def arguments(call: ToolCall) -> dict[str, Any]:
    """The arguments of a call as an object, however a model wrote them."""
    import json

    try:
        found = json.loads(call.arguments)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"arguments": call.arguments}


@dataclass(slots=True)
class _Heard:
    """What came of an answer so far that is told only at its end."""

    blocks: dict[int, dict[str, Any]] = field(default_factory=dict)
    prompt: int = 0
    completion: int = 0
    cached: int = 0
    stop: str | None = None
    why: str = ""
    spoke: bool = False

    def count(self, usage: Mapping[str, Any]) -> None:
        """Tokens as they are counted here: those read from and written to the cache come apart."""
        if usage.get("input_tokens") is not None:
            self.cached = int(usage.get("cache_read_input_tokens") or 0)
            self.prompt = int(usage["input_tokens"]) + self.cached + int(usage.get("cache_creation_input_tokens") or 0)
        self.completion = int(usage.get("output_tokens") or self.completion)

    def calls(self) -> tuple[ToolCall, ...]:
        """The calls of tools, with the thoughts that must go back with them."""
        if self.stop != "tool_use":
            return ()
        thoughts = [one for one in self.blocks.values() if one["type"] in ("thinking", "redacted_thinking")]
        extra = {"anthropic": thoughts} if thoughts else {}
        used = (one for one in self.blocks.values() if one["type"] == "tool_use")
        return tuple(ToolCall(str(one["id"]), str(one["name"]), one["json"] or "{}", extra) for one in used)


def _read(call: Call, events: Stream[object], alarm: wire.Alarm) -> Iterator[Delta]:
    heard = _Heard()
    ended = False
    for event in events:
        alarm.heard()
        try:
            text = _taken(event, heard)
            ended = ended or event["type"] == "message_stop"  # type: ignore[index]
        except (AttributeError, TypeError, KeyError, IndexError) as error:
            raise MalformedAnswer(model=call.model, reason="a piece of it is not of the protocol") from error
        if text:
            heard.spoke = True
            yield Delta(text)
    if not ended or heard.stop is None:
        call.left()
        raise MalformedAnswer(model=call.model, reason="it broke off")
    if heard.stop == "refusal" and not heard.spoke:
        raise ModelRefused(model=call.model, reason=heard.why or "its provider's rules")
    usage = Usage(heard.prompt, heard.completion, heard.cached)
    yield Delta(finish=_FINISHES.get(heard.stop, "stop"), usage=usage, tool_calls=heard.calls())


def _taken(event: Any, heard: _Heard) -> str:
    """The words of an event; the rest of it is kept."""
    kind = event["type"]
    if kind == "message_start":
        heard.count(event["message"].get("usage") or {})
    elif kind == "content_block_start":
        heard.blocks[int(event["index"])] = _begun(event["content_block"])
        return str(event["content_block"].get("text") or "")
    elif kind == "content_block_delta":
        return _grown(heard.blocks[int(event["index"])], event["delta"])
    elif kind == "message_delta":
        heard.stop = event["delta"].get("stop_reason") or heard.stop
        heard.why = str((event["delta"].get("stop_details") or {}).get("explanation") or heard.why)
        heard.count(event.get("usage") or {})
    return ""


def _begun(block: Mapping[str, Any]) -> dict[str, Any]:
    return {**block, "json": ""} if block["type"] == "tool_use" else dict(block)


def _grown(block: dict[str, Any], delta: Mapping[str, Any]) -> str:
    kind = delta["type"]
    if kind == "text_delta":
        return str(delta["text"])
    if kind == "input_json_delta":
        block["json"] += str(delta["partial_json"])
    elif kind == "thinking_delta":
        block["thinking"] = str(block.get("thinking") or "") + str(delta["thinking"])
    elif kind == "signature_delta":
        block["signature"] = str(block.get("signature") or "") + str(delta["signature"])
    return ""


def _failed(model: str, error: Exception, *, streaming: bool) -> Failed:
    import anthropic
    import httpx2

    if isinstance(error, (anthropic.APITimeoutError, httpx2.TimeoutException)):
        return Failed(ModelTimeout(model=model))
    if isinstance(error, (anthropic.APIConnectionError, httpx2.HTTPError, httpx2.StreamError)):
        return unreached(model)
    if not isinstance(error, anthropic.APIStatusError):
        return Failed(MalformedAnswer(model=model, reason=type(error).__name__))
    kind = str(error.type or "")
    codes = frozenset({kind, str(error.error_code or "")})
    if streaming:
        return broke_off(model, Refusal(_STATUS_OF_KIND.get(kind, 0), codes, error.api_message or ""))
    return refused(model, Refusal(error.status_code, codes, error.api_message or "", error.response.headers))
