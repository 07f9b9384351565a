"""The client of every chat model: one protocol (OpenAI's), whoever speaks it.

Calls are streamed or whole, end at a deadline, and are tried again only while nothing was said yet.
A stream that is abandoned (its generator closed) is closed towards the server, which stops generating.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from anima.kernel.config import is_local
from anima.kernel.telemetry import trace_headers
from anima.vendors.llm.errors import MalformedAnswer, ModelQuotaExceeded, ModelTimeout, may_pass, translated

if TYPE_CHECKING:
    from openai import OpenAI, Stream

ATTEMPTS = 3
_FIRST_DELAY = 0.2
_CONNECT_SECONDS = 5.0
_GRACE_SECONDS = 0.01
# What servers read as the end of a message or the beginning of another one, wherever it stands: words of others
# would speak as the system with it.
_CONTROL = re.compile(
    r"<(?=[|\uff5c][^\s<>]{1,60}[|\uff5c]>|/?s>|<SYS>>|</SYS>>|(?:start|end)_of_turn>)|\[(?=/?INST\])", re.IGNORECASE
)


class Message(TypedDict):
    """A message of a prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server of the OpenAI protocol: its address (with its /v1) and the key that it wants."""

    base_url: str
    api_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked of a model.

    `params` are further fields of the request: those of the protocol (temperature, seed …) and those that only
    some servers know (min_p, top_k, cache_prompt, id_slot). `deadline` is a moment of `time.monotonic()`.
    """

    endpoint: Endpoint
    model: str
    messages: Sequence[Message]
    max_tokens: int
    deadline: float
    params: Mapping[str, Any] = field(default_factory=dict)
    response_format: Mapping[str, Any] | None = None

    def left(self) -> float:
        """Seconds until the deadline; raises ModelTimeout where none is left."""
        seconds = self.deadline - time.monotonic()
        if seconds <= 0:
            raise ModelTimeout(model=self.model)
        return seconds


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the server counted them; `cached` of the prompt's were not read anew."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of an answer. The last ones carry why it ended (stop, length, content_filter) and the usage."""

    text: str = ""
    finish: str | None = None
    usage: Usage | None = None


_NOTHING = Delta()


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer; `usage` is None where the server did not count."""

    text: str
    finish: str
    usage: Usage | None


def load() -> None:
    """Loads the SDK, so that the first call need not wait for it."""
    import openai  # noqa: F401


def stream(call: Call) -> Generator[Delta, None, None]:
    """The answer piece by piece. Closing the generator stops the generation.

    Raises ModelUnavailable, ModelAuthFailed, ModelQuotaExceeded, ContextTooLong, ModelRefused, ModelTimeout or
    MalformedAnswer (`anima.vendors.llm.errors`).
    """
    import openai

    for attempt in range(1, ATTEMPTS + 1):
        begun = False
        try:
            with _opened(call) as chunks:
                for delta in _deltas(call, chunks):
                    begun = True
                    yield delta
            return
        except (openai.OpenAIError, ValueError) as error:
            _pause_or_raise(call, error, attempt, begun)


def complete(call: Call) -> Completion:
    """The whole answer; raises as `stream` does."""
    return joined(stream(call))


def joined(deltas: Iterable[Delta]) -> Completion:
    """The pieces of an answer as a whole."""
    text: list[str] = []
    finish, usage = "stop", None
    for delta in deltas:
        text.append(delta.text)
        finish = delta.finish or finish
        usage = delta.usage or usage
    return Completion("".join(text), finish, usage)


@lru_cache(maxsize=32)
def _client(endpoint: Endpoint) -> OpenAI:
    """The SDK's client of an endpoint, with its kept connections; it retries nothing by itself."""
    import openai

    return openai.OpenAI(
        base_url=endpoint.base_url,
        api_key=endpoint.api_key or "none",
        max_retries=0,
        http_client=openai.DefaultHttpxClient(trust_env=not is_local(endpoint.base_url)),
    )


@contextmanager
def _opened(call: Call) -> Iterator[Stream[object]]:
    """The stream of one attempt, cut at the deadline even if the server falls silent."""
    import httpx2
    import openai

    left = call.left()
    chunks = _client(call.endpoint).post(
        "/chat/completions",
        cast_to=object,
        body=_body(call),
        options={"timeout": httpx2.Timeout(left, connect=min(_CONNECT_SECONDS, left)), "headers": trace_headers()},
        stream=True,
        stream_cls=openai.Stream[object],
    )
    alarm = threading.Timer(call.deadline - time.monotonic() + _GRACE_SECONDS, _hang_up, [chunks])
    alarm.daemon = True
    alarm.start()
    try:
        yield chunks
    finally:
        alarm.cancel()
        chunks.close()


def _body(call: Call) -> dict[str, Any]:
    """The request. OpenAI's own newer models refuse the older name of the longest answer, others know no newer one."""
    own = "api.openai.com" in call.endpoint.base_url
    body: dict[str, Any] = {
        "model": call.model,
        "messages": [_spoken(message) for message in call.messages],
        "max_completion_tokens" if own else "max_tokens": call.max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
        **call.params,
    }
    if call.response_format is not None:
        body["response_format"] = dict(call.response_format)
    return body


def _spoken(message: Message) -> dict[str, Any]:
    """A message whose words are words alone: what servers would take for control is parted by a blank."""
    content: Any = message["content"]
    if isinstance(content, str):
        content = _CONTROL.sub(lambda found: f"{found.group()} ", content)
    return {**message, "content": content}


def _hang_up(chunks: Stream[object]) -> None:
    """Ends a read that another thread waits in."""
    import socket

    network = chunks.response.extensions.get("network_stream")
    line = network.get_extra_info("socket") if network is not None else None
    if line is not None:
        try:
            line.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it ended by itself


def _deltas(call: Call, chunks: Stream[object]) -> Iterator[Delta]:
    finished = False
    for chunk in chunks:
        call.left()
        try:
            delta = _delta(chunk)
        except (AttributeError, TypeError, KeyError, IndexError) as error:
            raise MalformedAnswer(model=call.model, reason="a piece of it is not of the protocol") from error
        finished = finished or delta.finish is not None
        if delta != _NOTHING:
            yield delta
    if not finished:
        call.left()
        raise MalformedAnswer(model=call.model, reason="it broke off")


def _delta(chunk: Any) -> Delta:
    """A piece as the protocol writes it: `choices[0].delta` and, at the end, `usage`."""
    choices = chunk["choices"]
    usage = _usage(chunk.get("usage"))
    if not choices:
        return Delta(usage=usage)
    said = choices[0].get("delta") or {}
    text = said.get("content") or said.get("refusal") or ""
    return Delta(_storable(str(text)), choices[0].get("finish_reason"), usage)


def _storable(text: str) -> str:
    """Text without what no database and no answer of ours can hold: NUL, and halves of surrogate pairs."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def _usage(counted: Any) -> Usage | None:
    if not counted:
        return None
    details = counted.get("prompt_tokens_details") or {}
    cached = int(details.get("cached_tokens") or 0)
    return Usage(int(counted["prompt_tokens"]), int(counted["completion_tokens"]), cached)


def _pause_or_raise(call: Call, error: Exception, attempt: int, begun: bool) -> None:
    """Waits before the next attempt where that may help and there is time; else raises the typed error."""
    delay = _FIRST_DELAY * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311
    typed = translated(call.model, error, late=call.deadline - time.monotonic() <= 0)
    asked_for = float(typed.retry_after or 0) if isinstance(typed, ModelQuotaExceeded) else 0.0
    wanted = max(delay, asked_for)
    if begun or attempt == ATTEMPTS or not may_pass(error) or wanted >= call.deadline - time.monotonic():
        raise typed from error
    time.sleep(wanted)
