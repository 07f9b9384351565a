"""What can be wrong with a document, a store or a search."""

from __future__ import annotations

from anima.kernel.errors import AnimaError, BadInput, Conflict, NotFound


class Unreadable(BadInput):
    """The document cannot be read: {reason}."""

    slug = "unreadable-document"


class UnknownMedium(BadInput):
    """No reader understands {medium}."""

    slug = "unknown-medium"


class EmptyDocument(BadInput):
    """The document is empty."""

    slug = "empty-document"


class UnsupportedSource(BadInput):
    """A document comes as text or as a file for now; {source} is not taken yet."""

    slug = "unsupported-source"


class UnknownPurpose(NotFound):
    """There is no vector store with the purpose {purpose}; make one with POST /vector-stores."""

    slug = "unknown-purpose"


class StoreExists(Conflict):
    """There is a vector store named {name} already."""

    slug = "store-exists"


class UnsupportedStore(BadInput):
    """Such a vector store cannot be made: {reason}."""

    slug = "unsupported-store"


class WrongDimension(AnimaError):
    """The store holds vectors of {wanted} dimensions, the embedder {embedder} gives {got}."""

    slug = "wrong-dimension"


class AtWork(AnimaError):
    """A worker is at the last attempt of the document, or has just died at it."""

    slug = "at-work"


class Superseded(AnimaError):
    """The document was deleted, or another worker took it over."""

    slug = "superseded"
