"""What can go wrong with a model of others, as typed errors that say what to do; how a server's answer becomes one."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from anima.kernel.config import settings
from anima.kernel.errors import AnimaError, Unavailable


class ModelError(AnimaError):
    """The model {model} could not answer."""

    status = 502
    slug = "model-failed"


class ModelUnavailable(Unavailable, ModelError):
    """The model {model} cannot be reached at the moment: {reason}."""

    slug = "model-unavailable"


class ModelMissing(ModelUnavailable):
    """The model {model} cannot be reached at the moment: its server does not have it."""


class ModelBrokeOff(ModelUnavailable):
    """The model {model} cannot be reached at the moment: it broke off: {reason}."""

    quoted = ("reason",)


class ModelAuthFailed(ModelError):
    """The server of the model {model} does not accept the key that is configured for it."""

    slug = "model-auth-failed"


class ModelQuotaExceeded(ModelError):
    """The server of the model {model} takes no more requests for now: {reason}."""

    status = 429
    slug = "model-quota-exceeded"
    quoted = ("reason",)


class ContextTooLong(ModelError):
    """This is more than the model {model} can read at once; send less, or choose a model that reads more."""

    status = 413
    slug = "context-too-long"


class ModelRefused(ModelError):
    """The model {model} refused to answer: {reason}."""

    status = 422
    slug = "model-refused"
    quoted = ("reason",)


class ModelTimeout(ModelError):
    """The model {model} did not finish within the time of this call."""

    status = 504
    slug = "model-timeout"


class MalformedAnswer(ModelError):
    """The model {model} sent something that is no answer: {reason}."""

    slug = "malformed-answer"


class NoModelAnswered(Unavailable, ModelError):
    """No language model could answer. {told}"""

    slug = "no-model-answered"

    def __init__(self, failures: Sequence[ModelError]) -> None:
        waits = [failure.retry_after for failure in failures if failure.retry_after is not None]
        super().__init__(told=" ".join(one.detail for one in failures), retry_after=min(waits, default=None))
        self.failures = tuple(failures)
        self.for_logs = " ".join(["No language model could answer.", *(one.for_logs for one in failures)])


_TOO_LONG_CODES = {
    "context_length_exceeded",
    "exceed_context_size_error",
    "string_above_max_length",
    "request_too_large",
    "model_context_window_exceeded",
}
_TOO_LONG_WORDS = (
    *("context length", "context size", "context window", "maximum context", "too many tokens", "input is too long"),
    *("prompt is too long", "input token count", "exceeds the maximum number of tokens", "too large for model"),
)
_EMPTY_CODES = {"insufficient_quota", "billing_error", "billing_hard_limit_reached"}
_KEY_WORDS = ("api key not valid", "api_key_invalid", "invalid api key", "incorrect api key")
_AUTH = frozenset({401, 403})
_PASSING = frozenset({408, 409, 425, 429, 498})
_USUAL_WAIT = 10
_LONGEST_WAIT = 86_400
_MAX_REASON_CHARS = 200


class Failed(Exception):
    """One attempt that failed: the typed error, whether the same may succeed a moment later, and after how many
    seconds the server wants to be asked again, where it says so.
    """

    def __init__(self, error: ModelError, *, passes: bool = False, wait: float | None = None) -> None:
        super().__init__(error.slug)
        self.error, self.passes, self.wait = error, passes, wait


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer of a server that is an error: its status, the codes that it gives, its words, its headers."""

    status: int
    codes: frozenset[str] = frozenset()
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_too_long(self) -> bool:
        """Whether the prompt was more than the model reads."""
        words = self.message.lower()
        return self.status == 413 or bool(self.codes & _TOO_LONG_CODES) or any(w in words for w in _TOO_LONG_WORDS)

    @property
    def is_auth(self) -> bool:
        """Whether the key was not accepted; some servers say so with 400."""
        words = self.message.lower()
        return self.status in _AUTH or (self.status == 400 and any(w in words for w in _KEY_WORDS))


def refused(model: str, answer: Refusal) -> Failed:
    """The failure that a server's error means; `message` is the server's own, without keys of ours."""
    reason = answer.message.strip()[:_MAX_REASON_CHARS].rstrip(".") or f"its server answers {answer.status}"
    if answer.status == 429 or answer.status == 402 or answer.codes & _EMPTY_CODES:
        wait = seconds_asked(answer.headers)
        error = ModelQuotaExceeded(model=model, reason=reason, retry_after=max(1, round(wait or _USUAL_WAIT)))
        lasting = answer.status == 402 or bool(answer.codes & _EMPTY_CODES)
        return Failed(error, passes=not lasting, wait=wait)
    if answer.is_too_long:
        return Failed(ContextTooLong(model=model))
    if answer.is_auth:
        return Failed(ModelAuthFailed(model=model))
    if answer.status == 404:
        return Failed(ModelMissing(model=model))
    if answer.status >= 500 or answer.status in _PASSING:
        told = ModelUnavailable(model=model, reason=f"its server answers {answer.status}", retry_after=5)
        return Failed(told, passes=True, wait=seconds_asked(answer.headers))
    return Failed(ModelRefused(model=model, reason=reason))


def unreached(model: str) -> Failed:
    """The failure of a server that does not answer, or whose connection ended."""
    return Failed(ModelUnavailable(model=model, reason="its server does not answer", retry_after=5), passes=True)


def broke_off(model: str, answer: Refusal) -> Failed:
    """The failure that a server tells in the middle of a stream; asked again only where nothing was said yet."""
    if answer.is_too_long:
        return Failed(ContextTooLong(model=model))
    if answer.status == 429:
        return refused(model, answer)
    reason = answer.message.strip()[:_MAX_REASON_CHARS].rstrip(".") or "it gives no reason"
    return Failed(ModelBrokeOff(model=model, reason=reason, retry_after=5), passes=answer.status >= 500)


def seconds_asked(headers: Mapping[str, str]) -> float | None:
    """How long a server wants to be left alone: Retry-After in seconds or as a date, or `retry-after-ms`."""
    try:
        if (milliseconds := headers.get("retry-after-ms")) is not None:
            return _bounded(float(milliseconds) / 1000)
        return _bounded(float(headers.get("retry-after", "")))
    except ValueError:
        pass
    try:
        moment = email.utils.parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    return _bounded(moment.timestamp() - time.time())


def _bounded(seconds: float) -> float | None:
    return min(max(seconds, 0.0), float(_LONGEST_WAIT)) if seconds == seconds else None  # not a number is none


def translated(model: str, error: Exception, *, late: bool) -> ModelError:
    """The typed error for a failure of OpenAI's SDK; `late` says that the deadline has passed."""
    return ModelTimeout(model=model) if late else failed(model, error).error


def failed(model: str, error: Exception) -> Failed:
    """What a failure of OpenAI's SDK means."""
    import openai

    if isinstance(error, openai.APITimeoutError):
        return Failed(ModelTimeout(model=model))
    if isinstance(error, openai.APIConnectionError):
        return unreached(model)
    if isinstance(error, openai.APIStatusError):
        return refused(model, refusal(error.status_code, error.body, error.response.headers))
    if isinstance(error, openai.APIError):  # an error that came inside the stream
        return broke_off(model, refusal(0, error.body or error.message, {}))
    return Failed(MalformedAnswer(model=model, reason=type(error).__name__))


def refusal(status: int, body: Any, headers: Mapping[str, str]) -> Refusal:
    """A server's error from the JSON of its answer: `body` is all of it, or what stood in its field `error`."""
    if isinstance(body, list) and body:  # as Google writes it
        body = body[0]
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        body = body["error"]
    if not isinstance(body, dict):
        words = body if isinstance(body, str) and not body.lstrip().startswith("<") else ""  # a page is no reason
        return Refusal(status, frozenset(), _without_keys(words), headers)
    codes = frozenset(str(body[name]) for name in ("code", "type", "status") if isinstance(body.get(name), str))
    return Refusal(status, codes, said(body), headers)


def said(body: Mapping[str, Any]) -> str:
    """The words of an error, wherever its server writes them; a key of ours that it repeats is taken out."""
    for name in ("message", "detail", "error", "title"):
        if body.get(name):
            return _without_keys(str(body[name]))
    return ""


def _without_keys(words: str) -> str:
    from pydantic import SecretStr

    for _, kept in settings():
        if isinstance(kept, SecretStr) and (key := kept.get_secret_value()):
            words = words.replace(key, "[key]")
    return words
