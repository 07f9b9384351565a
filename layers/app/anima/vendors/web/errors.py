"""Why something could not be fetched from the web."""

from __future__ import annotations

from anima.kernel.errors import BadInput, Unavailable


class NotFetched(BadInput):
    """{host} gave nothing that can be taken: {reason}."""

    slug = "not-fetched"
    quoted = ("host", "reason")


class NotReached(Unavailable):
    """{host} did not give it: {reason}."""

    slug = "not-reached"
    quoted = ("host", "reason")
