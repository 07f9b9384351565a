"""Amazon Bedrock's Converse API, by boto3: the key is the role of this process."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from anima.vendors.llm import spoken, wire
from anima.vendors.llm.anthropic_protocol import arguments
from anima.vendors.llm.calls import Call, Delta, Message, Tool, ToolCall, Usage, words
from anima.vendors.llm.errors import (
    Failed,
    MalformedAnswer,
    ModelAuthFailed,
    ModelTimeout,
    ModelUnavailable,
    Refusal,
    broke_off,
    refused,
    unreached,
)

_FINISHES = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}
_BROKEN = {"malformed_model_output", "malformed_tool_use"}
_AUTH = {
    *("AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException"),
    *("InvalidClientTokenId", "MissingAuthenticationTokenException", "IncompleteSignatureException"),
}
_BUSY = {"ThrottlingException", "ServiceQuotaExceededException", "TooManyRequestsException"}
_PASSING = {
    *("ServiceUnavailableException", "InternalServerException", "ModelNotReadyException", "ModelTimeoutException"),
    *("ModelErrorException", "ModelStreamErrorException"),
}
_SAMPLING = {"temperature": "temperature", "top_p": "topP"}
_OF_OTHERS = {"seed", "min_p", "cache_prompt", "id_slot", "frequency_penalty", "presence_penalty"}
_FORMATS = {"image/png": "png", "image/jpeg": "jpeg", "image/jpg": "jpeg", "image/gif": "gif", "image/webp": "webp"}
_CACHE_POINT = {"cachePoint": {"type": "default"}}
_CACHING = ("anthropic.", "amazon.nova")

_NOTHING = {"text": "…"}


def load() -> None:
    """Loads the SDK, where it is installed, so that the first call need not wait for it."""
    from importlib.util import find_spec

    if find_spec("boto3") is not None:
        import boto3  # noqa: F401


def deltas(call: Call) -> Generator[Delta, None, None]:
    """One attempt. Raises Failed, or MalformedAnswer and ModelTimeout, which end the call."""
    import botocore.eventstream
    import botocore.exceptions
    import urllib3.exceptions

    alarm: wire.Alarm | None = None
    try:
        with _opened(call) as events, wire.watched(call, lambda: _hang_up(events)) as alarm:
            yield from _read(call, events, alarm)
    except (
        botocore.exceptions.BotoCoreError,
        botocore.exceptions.ClientError,
        botocore.eventstream.ParserError,
        urllib3.exceptions.HTTPError,
        ValueError,
        OSError,
    ) as error:
        if wire.is_late(call, alarm):
            raise ModelTimeout(model=call.model) from error
        raise _failed(call.model, error, streaming=alarm is not None) from error


@lru_cache(maxsize=16)
def _client(base_url: str, region: str | None, seconds: int) -> Any:
    """The SDK's client; its limit of time is that of a whole client, so there is one for every full second."""
    try:
        import boto3
        from botocore.config import Config
    except ImportError:
        raise ModelUnavailable(model="bedrock", reason="boto3 is not installed: pip install 'anima[aws]'") from None
    limits = Config(
        connect_timeout=min(wire.CONNECT_SECONDS, seconds),
        read_timeout=seconds,
        retries={"mode": "standard", "total_max_attempts": 1},
    )
    return boto3.session.Session().client("bedrock-runtime", region_name=region, endpoint_url=base_url, config=limits)


@contextmanager
def _opened(call: Call) -> Iterator[Any]:
    seconds = math.ceil(call.left(begun=False))
    client = _client(call.endpoint.base_url, call.endpoint.region, seconds)
    events = client.converse_stream(**request(call))["stream"]
    try:
        yield events
    finally:
        events.close()


def _hang_up(events: Any) -> None:
    """Ends a read that another thread waits in."""
    try:
        events._raw_stream.shutdown()
    except (OSError, ValueError, RuntimeError, AttributeError):
        return  # it ended by itself


def request(call: Call) -> dict[str, Any]:
    """The request. System messages go to the front; without tools, or where none may be called, those that were
    called are told in words, for this API cannot say `none`.
    """
    tooled = bool(call.tools) and call.tool_choice != "none"
    messages = call.messages if tooled else spoken.untooled(call.messages)
    asked: dict[str, Any] = {
        "modelId": call.model,
        "messages": spoken.turns(spoken.parted(messages)[1], _blocks, _NOTHING),
        "inferenceConfig": _sampling(call),
    }
    if systems := _systems(call):
        asked["system"] = systems
    if tooled:
        choice: dict[str, Any] = {"any": {}} if call.tool_choice == "required" else {"auto": {}}
        asked["toolConfig"] = {"tools": [_tool(tool) for tool in call.tools], "toolChoice": choice}
    if (shape := _shape(call.response_format)) is not None:
        asked["outputConfig"] = {"textFormat": shape}
    further = {name: value for name, value in call.params.items() if name not in {*_SAMPLING, *_OF_OTHERS, "stop"}}
    if further:
        asked["additionalModelRequestFields"] = further
    return asked


def _sampling(call: Call) -> dict[str, Any]:
    told: dict[str, Any] = {"maxTokens": call.max_tokens}
    told |= {theirs: call.params[ours] for ours, theirs in _SAMPLING.items() if ours in call.params}
    if "stop" in call.params:
        stop = call.params["stop"]
        told["stopSequences"] = [stop] if isinstance(stop, str) else list(stop)
    return told


def _systems(call: Call) -> list[dict[str, Any]]:
    fixed = spoken.parted(call.messages[: call.fixed])[0]
    others = spoken.parted(call.messages[call.fixed :])[0]
    if call.response_format is not None and call.response_format.get("type") == "json_object":
        others.append(spoken.schema_in_words(call.response_format))
    point = [_CACHE_POINT] if fixed and any(name in call.model for name in _CACHING) else []
    return [*({"text": text} for text in fixed), *point, *({"text": text} for text in others)]


def _tool(tool: Tool) -> dict[str, Any]:
    shape = {"json": dict(tool.parameters)}
    return {"toolSpec": {"name": tool.name, "description": tool.description or tool.name, "inputSchema": shape}}


def _shape(wanted: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if wanted is None or wanted.get("type") != "json_schema":
        return None
    import json

    named = wanted["json_schema"]
    structure = {"schema": json.dumps(named["schema"]), "name": str(named.get("name") or "answer")}
    return {"type": "json_schema", "structure": {"jsonSchema": structure}}


def _blocks(message: Message) -> list[dict[str, Any]]:
    if message["role"] == "tool":
        text = spoken.plain(words(message["content"])) or "(nothing)"
        return [{"toolResult": {"toolUseId": _id(message.get("tool_call_id", "")), "content": [{"text": text}]}}]
    calls = message.get("tool_calls", ())
    content = message["content"]
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
    uses = [{"toolUse": {"toolUseId": _id(one.id), "name": one.name, "input": arguments(one)}} for one in calls]
    return [*(block for part in parts if (block := _block(part))), *uses]


def _block(part: Mapping[str, Any]) -> dict[str, Any] | None:
    if part.get("type") == "text":
        text = spoken.plain(str(part["text"]))
        return {"text": text} if text.strip() else None
    seen = spoken.image(part)
    if seen.mime not in _FORMATS:
        return {"text": "[an image that cannot be shown here]"}
    return {"image": {"format": _FORMATS[seen.mime], "source": {"bytes": seen.data}}}


def _id(given: str) -> str:
    """An id in the letters that this API takes, at most 64."""
    return "".join(one if one.isascii() and (one.isalnum() or one in "_-") else "_" for one in given)[:64] or "call"


@dataclass(slots=True)
class _Heard:
    """What came of an answer so far that is told only at its end."""

    used: dict[int, dict[str, str]] = field(default_factory=dict)
    usage: Usage | None = None
    stop: str | None = None

    def calls(self) -> tuple[ToolCall, ...]:
        """The calls of tools, where the answer ended with them."""
        if self.stop != "tool_use":
            return ()
        return tuple(ToolCall(one["id"], one["name"], one["input"] or "{}") for one in self.used.values())


def _read(call: Call, events: Any, alarm: wire.Alarm) -> Iterator[Delta]:
    heard = _Heard()
    for event in events:
        alarm.heard()
        try:
            text = _taken(event, heard)
        except (AttributeError, TypeError, KeyError, IndexError) as error:
            raise MalformedAnswer(model=call.model, reason="a piece of it is not of the protocol") from error
        if text:
            yield Delta(text)
    if heard.stop is None:
        call.left()
        raise MalformedAnswer(model=call.model, reason="it broke off")
    if heard.stop in _BROKEN:
        raise MalformedAnswer(model=call.model, reason=heard.stop.replace("_", " "))
    yield Delta(finish=_FINISHES.get(heard.stop, "stop"), usage=heard.usage, tool_calls=heard.calls())


def _taken(event: Mapping[str, Any], heard: _Heard) -> str:
    """The words of an event; the rest of it is kept."""
    if "contentBlockDelta" in event:
        place, delta = event["contentBlockDelta"]["contentBlockIndex"], event["contentBlockDelta"]["delta"]
        if "toolUse" in delta:
            heard.used[place]["input"] += delta["toolUse"]["input"]
        return str(delta.get("text") or "")
    if "contentBlockStart" in event:
        begun = event["contentBlockStart"]
        if "toolUse" in begun["start"]:
            use = begun["start"]["toolUse"]
            heard.used[begun["contentBlockIndex"]] = {"id": use["toolUseId"], "name": use["name"], "input": ""}
    elif "messageStop" in event:
        heard.stop = event["messageStop"]["stopReason"]
    elif "metadata" in event:
        heard.usage = _usage(event["metadata"]["usage"])
    return ""


def _usage(counted: Mapping[str, Any]) -> Usage:
    cached = int(counted.get("cacheReadInputTokens") or 0)
    prompt = int(counted["inputTokens"]) + cached + int(counted.get("cacheWriteInputTokens") or 0)
    return Usage(prompt, int(counted["outputTokens"]), cached)


def _failed(model: str, error: Exception, *, streaming: bool) -> Failed:
    import botocore.exceptions as exceptions
    import urllib3.exceptions

    if isinstance(error, exceptions.ClientError):
        return _told(model, error.response, streaming=streaming)
    if isinstance(error, (exceptions.NoCredentialsError, exceptions.PartialCredentialsError)):
        return Failed(ModelAuthFailed(model=model))
    if isinstance(error, (exceptions.ReadTimeoutError, urllib3.exceptions.ReadTimeoutError)):
        return Failed(ModelTimeout(model=model))
    if isinstance(error, (exceptions.HTTPClientError, urllib3.exceptions.HTTPError, OSError)):
        return unreached(model)
    return Failed(MalformedAnswer(model=model, reason=type(error).__name__))


def _told(model: str, answer: Mapping[str, Any], *, streaming: bool) -> Failed:
    """What an error of the API means; those inside a stream begin with a small letter."""
    given = answer.get("Error") or {}
    code, message = str(given.get("Code") or ""), str(given.get("Message") or given.get("message") or "")
    code = code[:1].upper() + code[1:]
    about = answer.get("ResponseMetadata") or {}
    headers = {str(name).lower(): str(value) for name, value in (about.get("HTTPHeaders") or {}).items()}
    if code in _AUTH:
        return Failed(ModelAuthFailed(model=model))
    if code in _BUSY:
        return refused(model, Refusal(429, frozenset({code}), message, headers))
    status = 503 if code in _PASSING else int(about.get("HTTPStatusCode") or 400)
    refusal = Refusal(404 if code == "ResourceNotFoundException" else status, frozenset({code}), message, headers)
    return broke_off(model, refusal) if streaming and status >= 500 else refused(model, refusal)
