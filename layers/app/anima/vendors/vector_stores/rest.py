"""HTTP to an engine: to an address that was checked, within limits, with its errors by their kind."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

import httpx

from anima.kernel import addresses
from anima.vendors.vector_stores.errors import StoreFault, StoreRefused, StoreUnavailable

_TIMEOUT = httpx.Timeout(10.0, connect=5.0)
_MOST_BYTES = 32_000_000

P = ParamSpec("P")
R = TypeVar("R")


def shaped(call: Callable[P, R]) -> Callable[P, R]:
    """A call that reads what a server answered: another shape than is published is an engine out of order."""

    @wraps(call)
    def read(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return call(*args, **kwargs)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            reason = f"its answer has another shape ({type(error).__name__})"
            raise StoreUnavailable(what="The vector store", place="its address", reason=reason) from error

    return read


class Rest:
    """One server of an engine. Redirects are not followed; the environment's proxies are not used."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self.place = urlsplit(url).hostname or url
        self._url = url
        self._headers = dict(headers)
        self._checked: addresses.Checked | None = None
        self._client = httpx.Client(timeout=_TIMEOUT, trust_env=False, follow_redirects=False)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, Any] | None = None,
        missing_is_none: bool = False,
    ) -> Any:
        """The JSON of a good answer (an empty one: nothing).

        Raises StoreUnavailable, StoreRefused, and StoreFault for what the server finds wrong.
        """
        try:
            answer = self._sent(method, path, body, query or {})
        except httpx.HTTPError as error:
            raise StoreUnavailable(what="The vector store", place=self.place, reason=type(error).__name__) from error
        if answer.status_code == 404 and missing_is_none:
            return None
        self._raise(answer)
        try:
            return answer.json() if answer.content else None
        except ValueError:
            raise StoreUnavailable(what="The vector store", place=self.place, reason="its answer is no JSON") from None

    def _sent(self, method: str, path: str, body: object, query: Mapping[str, Any]) -> httpx.Response:
        if self._checked is None:
            self._checked = addresses.check_public(self._url)
        headers = {**self._headers, "Host": self._checked.host_header}
        content = None if body is None else json.dumps(body)
        if content is not None:
            headers["Content-Type"] = "application/json"
        request = self._client.build_request(
            method,
            f"{self._checked.pinned.rstrip('/')}{path}",
            headers=headers,
            content=content,
            params={name: value for name, value in query.items() if value is not None} or None,
            extensions={"sni_hostname": self._checked.host, "timeout": _TIMEOUT.as_dict()},
        )
        answer = self._client.send(request, stream=True)
        try:
            size, pieces = 0, []
            for piece in answer.iter_bytes():
                size += len(piece)
                if size > _MOST_BYTES:
                    raise StoreUnavailable(what="The vector store", place=self.place, reason="its answer is too long")
                pieces.append(piece)
        finally:
            answer.close()
        plain = [(name, value) for name, value in answer.headers.multi_items() if name != "content-encoding"]
        return httpx.Response(answer.status_code, headers=plain, content=b"".join(pieces), request=request)

    def _raise(self, answer: httpx.Response) -> None:
        status = answer.status_code
        if answer.is_success:
            return
        reason = f"{status}: {_words(answer)}"
        if status in (401, 403):
            raise StoreRefused(place=self.place, reason=reason)
        if status in (408, 429) or status >= 500 or answer.is_redirect:
            raise StoreUnavailable(what="The vector store", place=self.place, reason=reason)
        raise StoreFault(place=self.place, reason=reason)


def _words(answer: httpx.Response) -> str:
    """What a server says is wrong, in a few words, whatever form it has."""
    try:
        told = answer.json()
    except ValueError:
        return answer.text[:200]
    error = told.get("error", told) if isinstance(told, dict) else told
    if isinstance(error, list) and error:
        error = error[0]
    if isinstance(error, dict):
        error = error.get("message", error)
    return str(error)[:200]
