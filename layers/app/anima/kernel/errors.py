"""Typed errors: one base, a status, a stable slug, and the message as the docstring of each class."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

PROBLEM_TYPE = "https://anima.dev/problems/"
"""How the stable `type` of an error begins; its slug follows (RFC 9457)."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """Where in the input something was wrong: a dotted path, and what is accepted there."""

    path: str
    message: str


class AnimaError(Exception):
    """Something went wrong."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal"
    quoted: ClassVar[tuple[str, ...]] = ()
    """The values of its message that repeat what others wrote; logs leave them out."""

    def __init__(self, *, fields: Sequence[FieldError] = (), retry_after: int | None = None, **values: object) -> None:
        template = inspect.cleandoc(type(self).__doc__ or "").split("\n\n")[0].replace("\n", " ")
        self.values = values
        self.detail = template.format(**values)
        self.for_logs = template.format(**values | dict.fromkeys(self.quoted, "…"))
        self.fields = tuple(fields)
        self.retry_after = retry_after
        super().__init__(self.detail)


class BadInput(AnimaError):
    """The input is not valid: {reason}."""

    status = 422
    slug = "bad-input"


class Unauthenticated(AnimaError):
    """A valid API key or access token is needed: {reason}."""

    status = 401
    slug = "unauthenticated"


class Forbidden(AnimaError):
    """This is not allowed for you: {reason}."""

    status = 403
    slug = "forbidden"


class NotFound(AnimaError):
    """There is no {what} {id} of yours."""

    status = 404
    slug = "not-found"


class Conflict(AnimaError):
    """This does not fit with what is there: {reason}."""

    status = 409
    slug = "conflict"


class TooLarge(AnimaError):
    """The {what} is too large: {size} where at most {limit} is accepted."""

    status = 413
    slug = "too-large"


class Unavailable(AnimaError):
    """{what} cannot be reached at the moment; try again."""

    status = 503
    slug = "unavailable"


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached at the moment; try again."""

    slug = "database-unavailable"
