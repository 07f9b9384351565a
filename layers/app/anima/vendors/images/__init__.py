"""Pictures by OpenAI's images protocol: a description goes out, a picture comes back."""

from __future__ import annotations

import base64
import binascii
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anima.kernel.config import is_local, settings
from anima.kernel.errors import AnimaError
from anima.kernel.telemetry import trace_headers
from anima.vendors.llm import providers, wire
from anima.vendors.llm.calls import ATTEMPTS, Call, Endpoint
from anima.vendors.llm.client import pause_or_raise
from anima.vendors.llm.errors import (
    Failed,
    MalformedAnswer,
    ModelTimeout,
    ModelUnavailable,
    refusal,
    refused,
    unreached,
)

if TYPE_CHECKING:
    import httpx

_OWN_HOST = "api.openai.com"
_MOST_BYTES = 20_000_000
_SIGNS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was made: its bytes, and its type as they tell it."""

    data: bytes
    mime: str


def configured() -> tuple[Endpoint, str] | None:
    """Where pictures are made and by which model, as ANIMA_IMAGE_MODEL says; None where it does not."""
    if settings().image_model is None:
        return None
    provider, _, model = str(settings().image_model).partition(":")
    return providers.endpoint(provider), model


def make(
    endpoint: Endpoint, model: str, prompt: str, size: str = "1024x1024", deadline: float | None = None
) -> Picture:
    """A picture as the prompt describes it; `deadline` is a moment of `time.monotonic()`.

    Raises ModelUnavailable, ModelAuthFailed, ModelQuotaExceeded, ModelRefused, ModelTimeout or MalformedAnswer.
    """
    if endpoint.protocol != "openai":
        raise ModelUnavailable(model=model, reason="its provider makes no pictures by this protocol")
    limit = deadline if deadline is not None else time.monotonic() + settings().turn_deadline_seconds
    call = Call(endpoint, model, (), 0, limit)
    body: dict[str, Any] = {"model": model, "prompt": prompt, "n": 1, "size": size}
    if _OWN_HOST not in endpoint.base_url:  # its own models send the picture itself and know no such field
        body["response_format"] = "b64_json"
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _made(call, body)
        except Failed as failure:
            pause_or_raise(failure, attempt, ATTEMPTS, limit)
    raise AssertionError("the last attempt returns or raises")


@lru_cache(maxsize=4)
def _client(endpoint: Endpoint) -> httpx.Client:
    import httpx

    return httpx.Client(
        headers={"authorization": f"Bearer {endpoint.api_key or 'none'}", **dict(endpoint.headers)},
        trust_env=not is_local(endpoint.base_url),
        event_hooks=wire.hooks(httpx.SyncByteStream),
    )


def _made(call: Call, body: Mapping[str, Any]) -> Picture:
    """One attempt."""
    import httpx

    alarm: wire.Alarm | None = None
    url, limits = f"{call.endpoint.base_url}/images/generations", httpx.Timeout(**wire.timeouts(call))
    try:
        with (
            _client(call.endpoint).stream("POST", url, json=body, timeout=limits, headers=trace_headers()) as answer,
            wire.watched(call, lambda: wire.hang_up(answer)) as alarm,
        ):
            answer.read()
            if answer.is_error:
                raise refused(call.model, refusal(answer.status_code, _json(answer), answer.headers))
            return _picture(call, answer.json()["data"][0])
    except (httpx.HTTPError, httpx.StreamError) as error:
        if wire.is_late(call, alarm) or isinstance(error, httpx.TimeoutException):
            raise ModelTimeout(model=call.model) from error
        raise unreached(call.model) from error
    except (ValueError, LookupError, TypeError) as error:
        raise MalformedAnswer(model=call.model, reason="there is no picture in it") from error


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _picture(call: Call, made: Mapping[str, Any]) -> Picture:
    """The picture of an answer: in it, or at an address that it names."""
    if made.get("b64_json"):
        try:
            data = base64.b64decode(str(made["b64_json"]), validate=True)
        except binascii.Error:
            raise ValueError("a picture whose base64 is none") from None
    else:
        data = _fetched(call, str(made["url"]))
    if len(data) > _MOST_BYTES:
        raise ValueError("a picture that is too large")
    return Picture(data, _mime(data))


def _fetched(call: Call, url: str) -> bytes:
    """A picture from an address of the public web."""
    from anima.vendors import web

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture"
        try:
            web.fetch(url, path, max_bytes=_MOST_BYTES, seconds=call.left())
        except AnimaError as error:
            reason = f"its picture cannot be fetched ({error.slug})"
            raise ModelUnavailable(model=call.model, reason=reason) from error
        return path.read_bytes()


def _mime(data: bytes) -> str:
    """The type of a picture by its first bytes; raises ValueError where it is none."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    for sign, mime in _SIGNS:
        if data.startswith(sign):
            return mime
    raise ValueError("bytes that are no picture")
