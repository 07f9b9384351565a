"""Why something could not be fetched from the web."""

from __future__ import annotations

from anima.kernel.errors import BadInput, Unavailable


class NotFetched(BadInput):
    """Nothing that can be read came from {host}: {reason}."""

    slug = "not-fetched"
    quoted = ("host", "reason")


class NotReached(Unavailable):
    """Nothing came from {host}: {reason}."""

    slug = "not-reached"
    quoted = ("host", "reason")
