"""One request to Neon: what may be sent again is, what is refused becomes a typed error, the key is in neither.

Which request may be sent again is as published: one answered by 423 (another operation is running) or 503, whatever
it asked for; one without an answer only if it asked for nothing to be changed. One answered by 429 was not done.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from anima.vendors.neon.errors import (
    NeonBusy,
    NeonConflict,
    NeonError,
    NeonKeyRefused,
    NeonLimitReached,
    NeonNotFound,
    NeonRefused,
    NeonUnreachable,
)

if TYPE_CHECKING:
    import httpx

_NOT_DONE = frozenset({423, 429, 503})
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 10.0
_REQUEST_SECONDS = 30.0
_SILENT_SECONDS = 10.0
"""How long somebody is called again who does not answer at all."""


@dataclass(frozen=True, slots=True)
class _NotYet:
    """Why a request was not done, and whether it may be sent again, after so many seconds at least."""

    reason: str
    answered: bool = True
    again: bool = True
    asked_for: float = 0.0


@dataclass(slots=True)
class Transport:
    """The way to the API of one project. `pause` waits; `patience` is how many seconds of waiting one request gets."""

    url: str
    key: str = field(repr=False)
    project: str
    patience: float = 120.0
    pause: Callable[[float], None] = time.sleep
    _client: httpx.Client | None = field(default=None, repr=False)

    def send(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The JSON object of the answer; an empty one where it has no content. `path` comes after that of the project.

        Raises NeonError, as the class that fits.
        """
        waited, attempt = 0.0, 0
        while isinstance(said := self._tried(method, path, query, body), _NotYet):
            attempt += 1
            seconds = self._next_pause(attempt, said.asked_for)
            patience = self.patience if said.answered else min(self.patience, _SILENT_SECONDS)
            if not said.again or waited + seconds > patience:
                if said.answered:
                    raise NeonBusy(seconds=waited, reason=said.reason)
                raise NeonUnreachable(url=self.url, reason=said.reason)
            self.pause(seconds)
            waited += seconds
        return said

    def close(self) -> None:
        """Ends the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _next_pause(self, attempt: int, asked: float) -> float:
        """At least what was asked for, else ever longer, and never for all callers the same."""
        longest = min(_FIRST_PAUSE_SECONDS * 2.0**attempt, _LONGEST_PAUSE_SECONDS)
        return asked + random.uniform(longest / 4, longest)  # noqa: S311

    def _tried(
        self, method: str, path: str, query: Mapping[str, Any] | None, body: Mapping[str, Any] | None
    ) -> dict[str, Any] | _NotYet:
        """The answer, or why there is none yet."""
        import httpx

        try:
            given = {name: value for name, value in (query or {}).items() if value is not None}
            response = self._opened().request(method, f"/projects/{self.project}{path}", params=given, json=body)
        except httpx.TransportError as error:
            never_arrived = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            reason = self._clean(str(error) or type(error).__name__)
            return _NotYet(reason, answered=False, again=method in _READING or never_arrived)
        if response.is_success:
            return self._content(response)
        if response.status_code in _NOT_DONE or (response.is_server_error and method in _READING):
            return _NotYet(self._reason(response)[1], asked_for=_asked_for(response))
        raise self._refusal(response)

    def _opened(self) -> httpx.Client:
        import httpx

        if self._client is None:
            # What cannot stand in a header would be told in full by the complaint about it.
            if not re.fullmatch(r"[!-~]+", self.key):
                raise NeonKeyRefused(reason="it has characters that no key has, as a line end or a blank")
            headers = {"Authorization": f"Bearer {self.key}", "Accept": "application/json"}
            self._client = httpx.Client(base_url=self.url.rstrip("/"), headers=headers, timeout=_REQUEST_SECONDS)
        return self._client

    def _content(self, response: httpx.Response) -> dict[str, Any]:
        try:
            answer = response.json() if response.content else {}
        except ValueError:
            raise NeonRefused(status_code=response.status_code, reason="the answer is no JSON") from None
        if not isinstance(answer, dict):
            raise NeonRefused(status_code=response.status_code, reason="the answer is no JSON object")
        return answer

    def _reason(self, response: httpx.Response) -> tuple[str, str]:
        """The code and the message of an answer that is an error."""
        try:
            problem = response.json()
            return str(problem.get("code") or ""), self._clean(str(problem["message"]))
        except (ValueError, KeyError, TypeError, AttributeError):
            return "", f"it answered {response.status_code}"

    def _clean(self, text: str) -> str:
        return text.replace(self.key, "***")[:500] if self.key else text[:500]

    def _refusal(self, response: httpx.Response) -> NeonError:
        status, (code, reason) = response.status_code, self._reason(response)
        if status in (401, 403):
            return NeonKeyRefused(reason=reason)
        if "LIMIT_EXCEEDED" in code or code.endswith("TIME_EXCEEDED"):
            return NeonLimitReached(code=code, reason=reason)
        if status == 404:
            return NeonNotFound(project=self.project, reason=reason)
        if status == 409:
            return NeonConflict(reason=reason)
        return NeonRefused(status_code=status, reason=f"{reason} {f'({code})' if code else ''}".strip())


def _asked_for(response: httpx.Response) -> float:
    """The seconds in Retry-After; as a date it is not used by this API."""
    try:
        return max(0.0, float(response.headers.get("Retry-After", "0")))
    except ValueError:
        return 0.0
