"""What can go wrong for a caller: problems that the service states, and lines to it that fail.

AnimaError
├── ApiError                    the service answered with a problem (`problem`, `status`, `slug`)
│   ├── BadInput                400, 415, 416, 422
│   ├── Unauthenticated         401
│   ├── Forbidden               403
│   ├── NotFound                404, 405, 410
│   ├── Conflict                409     ├── KeyReused, StillRunning
│   ├── TooLarge                413
│   ├── RateLimited             429     ├── BudgetExceeded
│   └── ServerFailed            5xx     ├── ModelFailed (502), Unavailable (503), TimedOut (504)
├── ConnectionFailed            nothing came back        └── StreamCut: a stream ended before the answer
├── UnexpectedAnswer            an answer that is none of this API
└── NoCredentials, BadFile, NoAvatar, WrongPerson    found before anything is changed
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anima.kernel.errors import AnimaError, FieldError


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as the service states it (RFC 9457); `slug` is the end of its stable `type`."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str = ""
    errors: tuple[FieldError, ...] = ()

    @property
    def slug(self) -> str:
        return self.type.rsplit("/", 1)[-1]


class ApiError(AnimaError):
    """{detail}"""

    slug = "refused-by-server"

    def __init__(self, problem: Problem, retry_after: int | None = None) -> None:
        super().__init__(detail=problem.detail, fields=problem.errors, retry_after=retry_after)
        self.problem = problem

    @property
    def request_id(self) -> str:
        """The id by which the service's log knows the request."""
        return self.problem.request_id

    def __str__(self) -> str:
        place = f" (request {self.request_id})" if self.request_id else ""
        return f"{self.problem.status} {self.problem.slug}: {self.detail}{place}"


class BadInput(ApiError):
    """{detail}"""


class Unauthenticated(ApiError):
    """{detail}"""


class Forbidden(ApiError):
    """{detail}"""


class NotFound(ApiError):
    """{detail}"""


class Conflict(ApiError):
    """{detail}"""


class KeyReused(Conflict):
    """{detail}"""


class StillRunning(Conflict):
    """{detail}"""


class TooLarge(ApiError):
    """{detail}"""


class RateLimited(ApiError):
    """{detail}"""


class BudgetExceeded(RateLimited):
    """{detail}"""


class ServerFailed(ApiError):
    """{detail}"""


class ModelFailed(ServerFailed):
    """{detail}"""


class Unavailable(ServerFailed):
    """{detail}"""


class TimedOut(ServerFailed):
    """{detail}"""


class ConnectionFailed(AnimaError):
    """{url} cannot be reached: {reason}."""

    slug = "connection-failed"


class StreamCut(AnimaError):
    """The stream ended before the answer did, after {characters} characters; what was said is kept there."""

    slug = "stream-cut"

    def __init__(self, text: str, session_id: int | None, message_id: int | None, request_id: int | None) -> None:
        super().__init__(characters=len(text))
        self.text, self.session_id, self.message_id, self.request_id = text, session_id, message_id, request_id


class UnexpectedAnswer(AnimaError):
    """What came back from {path} is no answer of this API: {reason}."""

    slug = "unexpected-answer"


class NoCredentials(AnimaError):
    """There is no key: give `key`, or a username and a password, or set ANIMA_API_KEY."""

    slug = "no-credentials"


class NoAvatar(AnimaError):
    """The avatar of session {session_id} has been deleted."""

    slug = "no-avatar"


class WrongPerson(AnimaError):
    """A snapshot is taken in by the person that it is for: this key is of user {caller}, not of {user_id}."""

    slug = "wrong-person"


class BadFile(AnimaError):
    """{name} cannot be taken: {reason}."""

    slug = "bad-file"


_BY_SLUG: Mapping[str, type[ApiError]] = {
    "idempotency-key-reused": KeyReused,
    "still-running": StillRunning,
    "budget-exceeded": BudgetExceeded,
}
_BY_STATUS: Mapping[int, type[ApiError]] = {
    **dict.fromkeys((400, 415, 416, 422), BadInput),
    **dict.fromkeys((404, 405, 410), NotFound),
    401: Unauthenticated,
    403: Forbidden,
    409: Conflict,
    413: TooLarge,
    429: RateLimited,
    502: ModelFailed,
    503: Unavailable,
    504: TimedOut,
}


def of_problem(problem: Problem, retry_after: int | None = None) -> ApiError:
    """The error that a problem is."""
    other = ServerFailed if problem.status >= 500 else ApiError
    return _BY_SLUG.get(problem.slug, _BY_STATUS.get(problem.status, other))(problem, retry_after)


def of_response(status: int, content: bytes, retry_after: str | None) -> ApiError:
    """The error in an answer that is none; one that no problem states (of a proxy, say) is told by its status."""
    wait = int(retry_after) if retry_after and retry_after.strip().isdecimal() else None
    try:
        return of_problem(problem_of(json.loads(content), status), wait)
    except (ValueError, KeyError, TypeError, AttributeError):
        return of_problem(Problem("about:blank", "", status, f"the server answered {status}"), wait)


def problem_of(told: Any, status: int) -> Problem:
    """A problem as it was sent. Raises KeyError, TypeError or AttributeError for what is none."""
    wrong = tuple(FieldError(str(one["path"]), str(one["message"])) for one in told.get("errors") or ())
    return Problem(
        str(told["type"]), str(told["title"]), int(told.get("status") or status), str(told["detail"]),
        str(told.get("request_id") or ""), wrong,
    )  # fmt: skip
