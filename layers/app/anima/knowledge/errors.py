"""What can be wrong with a document, a store or a search."""

from __future__ import annotations

from anima.kernel.errors import AnimaError, BadInput, Conflict, NotFound


class EmptyDocument(BadInput):
    """The document is empty."""

    slug = "empty-document"


class OneSource(BadInput):
    """A document has one source: its text, a uri to fetch it from, an upload, or a file in a form."""

    slug = "one-source"


class UploadMissing(NotFound):
    """There is no upload {id} of yours, or its time is over."""

    slug = "upload-not-found"


class NotUploaded(Conflict):
    """The file of the upload {id} has not come yet."""

    slug = "not-uploaded"


class UploadUsed(Conflict):
    """The upload {id} was used for something that was deleted since; upload the file again."""

    slug = "upload-used"


class OtherContent(Conflict):
    """The upload {id} has its file already, and it is another one."""

    slug = "other-content"


class WrongSize(BadInput):
    """The file was announced with {announced} bytes and has {size}."""

    slug = "wrong-size"


class UnknownPurpose(NotFound):
    """There is no vector store with the purpose {purpose}; make one with POST /vector-stores."""

    slug = "unknown-purpose"


class StoreExists(Conflict):
    """There is a vector store named {name} already."""

    slug = "store-exists"


class StoreNeeded(Conflict):
    """The last store with the purpose {purpose} cannot be deleted, for what comes in by it has to lie somewhere.

    Make another one first.
    """

    slug = "store-needed"


class UnsupportedStore(BadInput):
    """Such a vector store cannot be made: {reason}."""

    slug = "unsupported-store"


class NothingRead(BadInput):
    """Nothing in the document could be read: {reason}."""

    slug = "nothing-read"


class ReaderFailed(AnimaError):
    """The reader of images, scans and speech ended without a result."""

    slug = "reader-failed"


class WrongDimension(AnimaError):
    """The store holds vectors of {wanted} dimensions, the embedder {embedder} gives {got}."""

    slug = "wrong-dimension"


class Superseded(AnimaError):
    """The document was deleted, or another worker took it over."""

    slug = "superseded"
