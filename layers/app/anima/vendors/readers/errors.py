"""What can be wrong with a file that is to be read; each says it in words for the person who brought it."""

from __future__ import annotations

from anima.kernel.errors import BadInput


class Unreadable(BadInput):
    """The document cannot be read: {reason}."""

    slug = "unreadable-document"


class UnknownMedium(BadInput):
    """No reader understands {medium}."""

    slug = "unknown-medium"


class TooMuch(Unreadable):
    """The document cannot be read: it holds too much ({reason})."""

    slug = "too-much-in-document"
