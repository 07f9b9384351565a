"""Replicate's HTTP API: a prediction is made, its output streamed; what a model takes stands in its own schema."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from anima.kernel.config import is_local
from anima.kernel.telemetry import trace_headers
from anima.vendors.llm import spoken, wire
from anima.vendors.llm.calls import Call, Delta, Endpoint, Usage
from anima.vendors.llm.errors import (
    Failed,
    MalformedAnswer,
    ModelError,
    ModelRefused,
    ModelTimeout,
    Refusal,
    broke_off,
    refusal,
    refused,
    said,
    unreached,
)

if TYPE_CHECKING:
    import httpx

_LONGEST = ("max_tokens", "max_new_tokens", "max_completion_tokens", "max_output_tokens")
_IMAGES = ("image_input", "images", "image")
_RENAMED = {"stop": "stop_sequences"}
_LOOK_SECONDS = 0.5
_CANCEL_SECONDS = 2.0
_ENDED = {"succeeded", "failed", "canceled"}
_REFUSED_WORDS = ("nsfw", "flagged", "sensitive", "e005")

_taken: dict[tuple[str, str], frozenset[str]] = {}
_lock = threading.Lock()


def load() -> None:
    """Loads the client, so that the first call need not wait for it."""
    import httpx  # noqa: F401


def deltas(call: Call) -> Generator[Delta, None, None]:
    """One attempt. Raises Failed, or MalformedAnswer, ModelRefused and ModelTimeout, which end the call."""
    import httpx

    if call.tools and call.tool_choice == "required":
        raise ModelRefused(model=call.model, reason="its provider calls no tools")
    late = False
    try:
        made = _made(call)
        ended = False
        try:
            yield from _output(call, made)
            ended = True
        finally:
            late = time.monotonic() >= call.deadline
            if not ended:
                _cancel(call, made)
        yield Delta(finish=_finish(call, usage := _usage(call, made)), usage=usage)
    except (httpx.HTTPError, httpx.StreamError, ValueError) as error:
        if late or time.monotonic() >= call.deadline or isinstance(error, httpx.TimeoutException):
            raise ModelTimeout(model=call.model) from error
        if isinstance(error, ValueError):
            raise MalformedAnswer(model=call.model, reason=type(error).__name__) from error
        raise unreached(call.model) from error


@lru_cache(maxsize=8)
def _client(endpoint: Endpoint) -> httpx.Client:
    import httpx

    return httpx.Client(
        headers={"authorization": f"Bearer {endpoint.api_key or 'none'}", **dict(endpoint.headers)},
        trust_env=not is_local(endpoint.base_url),
        event_hooks=wire.hooks(httpx.SyncByteStream),
    )


def _asked(call: Call, method: str, url: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The JSON answer of a request; raises Failed where it is an error."""
    import httpx

    answer = _client(call.endpoint).request(
        method, url, json=body, timeout=httpx.Timeout(**wire.timeouts(call)), headers=trace_headers()
    )
    if answer.is_error:
        raise refused(call.model, refusal(answer.status_code, _json(answer.text), answer.headers))
    found = answer.json()
    if not isinstance(found, dict):
        raise ValueError("an answer that is no object")
    return found


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _made(call: Call) -> dict[str, Any]:
    """The prediction, as it was made: by the name of a model, or by its version (`owner/name:version`)."""
    base = call.endpoint.base_url
    name, _, version = call.model.partition(":")
    given = {"input": input_of(call, _takes(call, name))}
    if version:
        made = _asked(call, "POST", f"{base}/predictions", {"version": version, **given})
    else:
        made = _asked(call, "POST", f"{base}/models/{name}/predictions", given)
    for url in made["urls"].values() if isinstance(made.get("urls"), dict) else ():
        _check(call, str(url))
    if not isinstance(made.get("urls"), dict):
        raise ValueError("a prediction without addresses")
    return made


def _check(call: Call, url: str) -> None:
    """The key goes to Replicate's hosts only, whatever an answer says."""
    host, own = urlsplit(url).hostname or "", urlsplit(call.endpoint.base_url).hostname or ""
    if host != own and not (own.endswith("replicate.com") and host.endswith(".replicate.com")):
        raise ValueError("an address of another host")


def _takes(call: Call, name: str) -> frozenset[str]:
    """The fields of a model's input, asked for once."""
    key = (call.endpoint.base_url, name)
    with _lock:
        known = _taken.get(key)
    if known is not None:
        return known
    model = _asked(call, "GET", f"{call.endpoint.base_url}/models/{name}")
    schema = ((model.get("latest_version") or {}).get("openapi_schema") or {}).get("components") or {}
    fields = frozenset(((schema.get("schemas") or {}).get("Input") or {}).get("properties") or {})
    with _lock:
        _taken[key] = fields or frozenset({"prompt", "system_prompt", "max_tokens"})
        return _taken[key]


def input_of(call: Call, takes: frozenset[str]) -> dict[str, Any]:
    """The input of a prediction: the fields that the model takes, and no other."""
    messages = spoken.untooled(call.messages)
    systems, others = spoken.parted(messages)
    if call.response_format is not None and call.response_format.get("type") != "text":
        systems.append(spoken.schema_in_words(call.response_format))
    told: dict[str, Any] = {_RENAMED.get(name, name): value for name, value in call.params.items()}
    told = {name: value for name, value in told.items() if name in takes}
    told |= {name: call.max_tokens for name in _LONGEST if name in takes}
    if "system_prompt" in takes:
        told["system_prompt"] = "\n\n".join(systems)
        systems = []
    told["prompt"] = _transcript(systems, [(m["role"], spoken.words_of(m["content"])) for m in others])
    seen = [spoken.image(part).url for m in others for part in spoken.images_of(m["content"])]
    field = next((name for name in _IMAGES if name in takes), None)
    if seen and field is not None:
        told[field] = seen[-1] if field == "image" else seen
    return told


def _transcript(systems: list[str], said: list[tuple[str, str]]) -> str:
    """A conversation as one prompt; a single question stays as it is."""
    if not systems and len(said) == 1:
        return said[0][1]
    names = {"user": "User", "assistant": "Assistant"}
    lines = [f"{names.get(role, 'User')}: {text}" for role, text in said]
    return "\n\n".join([*systems, *lines, "Assistant:"])


def _output(call: Call, made: Mapping[str, Any]) -> Iterator[Delta]:
    stream = made["urls"].get("stream")
    if stream is None:
        yield from _whole(call, made)
        return
    for event, data in _events(call, str(stream)):
        if event == "output":
            yield Delta(data)
        elif event == "error":
            raise _told(call.model, _detail(data))
        elif event == "done":
            reason = json.loads(data or "{}").get("reason")
            if reason in ("error", "canceled"):
                raise broke_off(call.model, Refusal(500, message=f"the prediction was ended ({reason})"))
            return
    call.left()
    raise MalformedAnswer(model=call.model, reason="it broke off")


def _events(call: Call, url: str) -> Iterator[tuple[str, str]]:
    """The events of a stream: their names, and their lines of data as one text."""
    with _streamed(call, url) as (answer, alarm):
        event, data = "", list[str]()
        for line in answer.iter_lines():
            alarm.heard()
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "event":
                event = value
            elif name == "data":
                data.append(value)
            elif not line and (event or data):
                yield event or "message", "\n".join(data)
                event, data = "", []


@contextmanager
def _streamed(call: Call, url: str) -> Iterator[tuple[httpx.Response, wire.Alarm]]:
    import httpx

    headers = {"accept": "text/event-stream", "cache-control": "no-store"}
    limits = httpx.Timeout(**wire.timeouts(call))
    with _client(call.endpoint).stream("GET", url, headers=headers, timeout=limits) as answer:
        wire.begun(call, answer)
        with wire.watched(call, lambda: wire.hang_up(answer)) as alarm:
            if answer.is_error:
                answer.read()
                raise refused(call.model, refusal(answer.status_code, _json(answer.text), answer.headers))
            yield answer, alarm


def _whole(call: Call, made: Mapping[str, Any]) -> Iterator[Delta]:
    """The output of a model that does not stream, looked for until it is there."""
    found = dict(made)
    while found.get("status") not in _ENDED:
        time.sleep(min(_LOOK_SECONDS, call.left(begun=False)))
        found = _asked(call, "GET", str(made["urls"]["get"]))
    if found["status"] != "succeeded":
        raise _told(call.model, str(found.get("error") or found["status"]))
    output = found.get("output")
    yield Delta("".join(map(str, output)) if isinstance(output, list) else str(output or ""))


def _detail(data: str) -> str:
    body = _json(data)
    return said(body) if isinstance(body, dict) else data


def _told(model: str, reason: str) -> Failed | ModelError:
    """What an error of a prediction means, by its words: there is no code."""
    if any(word in reason.lower() for word in _REFUSED_WORDS):
        return ModelRefused(model=model, reason=reason[:200])
    return broke_off(model, Refusal(500, message=reason))


def _usage(call: Call, made: Mapping[str, Any]) -> Usage | None:
    """The tokens that were counted, where the model counts them; nobody's answer fails for it."""
    import httpx

    try:
        metrics = _asked(call, "GET", str(made["urls"]["get"])).get("metrics") or {}
        return Usage(int(metrics["input_token_count"]), int(metrics["output_token_count"]))
    except (Failed, ModelError, httpx.HTTPError, KeyError, TypeError, ValueError):
        return None


def _finish(call: Call, usage: Usage | None) -> str:
    """Why it ended, which Replicate does not say: at its longest it was cut."""
    return "length" if usage is not None and usage.completion_tokens >= call.max_tokens else "stop"


def _cancel(call: Call, made: Mapping[str, Any]) -> None:
    """Stops a prediction that nobody waits for any more."""
    import httpx

    url = made["urls"].get("cancel")
    if url is None:
        return
    try:
        _client(call.endpoint).post(str(url), timeout=_CANCEL_SECONDS)
    except httpx.HTTPError:
        return
