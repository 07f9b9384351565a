"""Between a call and HTTP: what is sent for it, and what an answer is read as. Both clients share it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from anima.client.call import Call
from anima.client.decode import Unreadable, decoded
from anima.client.errors import ConnectionFailed, UnexpectedAnswer, of_response
from anima.client.pages import Page, Sheet
from anima.kernel.errors import AnimaError

if TYPE_CHECKING:
    import httpx


def request(call: Call, base: str, bearer: str | None) -> dict[str, Any]:
    """The arguments of an HTTP request for a call; credentials go to the service alone, never elsewhere."""
    elsewhere = "://" in call.path
    headers = call.headers()
    if bearer is not None and not call.open and not elsewhere:
        headers["Authorization"] = f"Bearer {bearer}"
    return {
        "method": call.method,
        "url": call.path if elsewhere else base + call.path,
        "params": call.params() or None,
        "content": call.content(),
        "data": call.given.form,
        "files": call.given.files,
        "headers": headers,
    }


def answer(call: Call, response: httpx.Response) -> Any:
    """What a good answer says, as the type that the call names. Raises UnexpectedAnswer."""
    kind = call.answer
    if kind is None or response.status_code == 204:
        return None
    if kind is bytes:
        return response.content
    try:
        told = json.loads(response.content)
        if isinstance(kind, Sheet):
            items = decoded(tuple[kind.item, ...], told["items"])  # type: ignore[name-defined]
            return Page(items, told.get("next_cursor"))
        return decoded(kind, told)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = str(error) if isinstance(error, Unreadable) else "no JSON of the expected shape"
        raise UnexpectedAnswer(path=call.path, reason=reason) from None


def refusal(response: httpx.Response) -> AnimaError:
    """The error that an answer is."""
    return of_response(response.status_code, response.content, response.headers.get("Retry-After"))


def unreachable(error: httpx.TransportError, url: str) -> ConnectionFailed:
    """The error for a line that failed."""
    return ConnectionFailed(url=url, reason=str(error) or type(error).__name__)


def nothing_sent(error: httpx.TransportError) -> bool:
    """Whether the line failed before the request can have arrived."""
    import httpx

    return isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
