"""What goes wrong at this door only."""

from __future__ import annotations

from anima.kernel.errors import AnimaError, BadInput, Conflict, Forbidden, Unauthenticated, Unavailable


class ForeignOrigin(Forbidden):
    """A page of {origin} may not open a connection here; WS_ALLOWED_ORIGINS names those that may."""

    slug = "foreign-origin"
    quoted = ("origin",)


class TooManyConnections(AnimaError):
    """You have {limit} connections open already; close one."""

    status = 429
    slug = "too-many-connections"


class TooManyFrames(AnimaError):
    """You have sent more frames than is accepted here; wait {seconds} s."""

    status = 429
    slug = "too-many-requests"


class NotJoined(BadInput):
    """A join comes first: it says in which session, or with which avatar."""

    slug = "not-joined"


class StillAnswering(Conflict):
    """The message before is still being answered; wait for its end, or send a stop."""

    slug = "still-answering"


class Busy(Unavailable):
    """As many answers as this server gives at once are being given; try again."""

    slug = "busy"


class Interrupted(AnimaError):
    """The answer was ended before anything was said."""

    status = 409
    slug = "interrupted"


class Unanswered(AnimaError):
    """The message was not answered ({was}); say it again."""

    status = 502
    slug = "unanswered"


class Expired(Unauthenticated):
    """The access token has ended; connect anew with a fresh one, and go on where you were."""

    slug = "token-expired"


class TooSlow(AnimaError):
    """You take what is sent too slowly; connect anew, and go on where you were."""

    status = 408
    slug = "too-slow"


class Unexpected(AnimaError):
    """Something went wrong on our side; the request id finds it in the log."""


def typed(error: Exception) -> AnimaError:
    """The error of ours that stands for any exception."""
    return error if isinstance(error, AnimaError) else Unexpected()
