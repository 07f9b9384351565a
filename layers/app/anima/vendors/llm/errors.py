"""What can go wrong with a chat model, as typed errors that say what to do, and how the SDK's become ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anima.kernel.errors import AnimaError, Unavailable

if TYPE_CHECKING:
    import openai


class ModelError(AnimaError):
    """The model {model} could not answer."""

    status = 502
    slug = "model-failed"


class ModelUnavailable(Unavailable, ModelError):
    """The model {model} cannot be reached at the moment: {reason}."""

    slug = "model-unavailable"


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


_TOO_LONG_CODES = {"context_length_exceeded", "exceed_context_size_error", "string_above_max_length"}
_TOO_LONG_WORDS = ("context length", "context size", "context window", "maximum context", "too many tokens")
_MAX_REASON_CHARS = 200


def translated(model: str, error: Exception, *, late: bool) -> ModelError:
    """The typed error for a failure of the SDK; `late` says that the deadline has passed."""
    import openai

    if late or isinstance(error, openai.APITimeoutError):
        return ModelTimeout(model=model)
    if isinstance(error, openai.APIConnectionError):
        return ModelUnavailable(model=model, reason="its server does not answer", retry_after=5)
    if isinstance(error, openai.APIStatusError):
        return _of_status(model, error)
    if isinstance(error, openai.APIError):  # an error that came inside the stream
        if _is_too_long(error):
            return ContextTooLong(model=model)
        return ModelBrokeOff(model=model, reason=_reason(error), retry_after=5)
    return MalformedAnswer(model=model, reason=type(error).__name__)


def may_pass(error: Exception) -> bool:
    """Whether the same call may succeed a moment later."""
    import openai

    if isinstance(error, openai.APITimeoutError):
        return False
    if isinstance(error, openai.APIStatusError):
        lasting = error.code == "insufficient_quota"
        return (error.status_code == 429 and not lasting) or error.status_code >= 500
    return isinstance(error, openai.APIConnectionError)


def _of_status(model: str, error: openai.APIStatusError) -> ModelError:
    status = error.status_code
    if _is_too_long(error):
        return ContextTooLong(model=model)
    if status in {401, 403}:
        return ModelAuthFailed(model=model)
    if status == 429:
        return ModelQuotaExceeded(model=model, reason=_reason(error), retry_after=_retry_after(error))
    if status == 404:
        return ModelUnavailable(model=model, reason="its server does not have it")
    if status >= 500:
        return ModelUnavailable(model=model, reason=f"its server answers {status}", retry_after=5)
    return ModelRefused(model=model, reason=_reason(error))


def _is_too_long(error: openai.APIError) -> bool:
    if error.code in _TOO_LONG_CODES or error.type in _TOO_LONG_CODES:
        return True
    words = error.message.lower()
    return any(phrase in words for phrase in _TOO_LONG_WORDS)


def _reason(error: openai.APIError) -> str:
    """The server's own words, cut; they are about the request, and hold no key."""
    body: Any = error.body
    said = body.get("message") if isinstance(body, dict) else None
    return str(said or type(error).__name__)[:_MAX_REASON_CHARS].rstrip(".")


def _retry_after(error: openai.APIStatusError) -> int:
    try:
        return max(1, round(float(error.response.headers.get("retry-after", "10"))))
    except ValueError:
        return 10
