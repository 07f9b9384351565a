"""Files: what people brought in, kept by key in a local folder or in an S3 bucket."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import BinaryIO, Protocol

from anima.kernel.config import settings
from anima.kernel.errors import AnimaError, BadInput, NotFound, Unavailable

# No dots: a key cannot climb out of its folder, whatever it is made of.
_KEY = re.compile(r"[A-Za-z0-9_-]{1,200}(/[A-Za-z0-9_-]{1,200}){0,7}")


class BlobMissing(NotFound):
    """The file {uri} is no longer there."""

    slug = "blob-missing"


class NoRoom(Unavailable):
    """There is no room left to keep files; make some, or ask whoever runs this place to."""

    slug = "no-room"


class ForeignBlob(AnimaError):
    """The file {uri} is not of the store that is configured."""

    slug = "foreign-blob"


class Blobs(Protocol):
    """A place for files. Whole or not at all: a file that was half written is never seen."""

    def put(self, key: str, data: bytes) -> str:
        """Keeps `data` durably under `key` (replacing what was there); answers its uri. Raises NoRoom."""

    def get(self, uri: str) -> bytes:
        """The whole file. Raises BlobMissing."""

    def open(self, uri: str) -> BinaryIO:
        """The file, to be read piece by piece and closed. Raises BlobMissing."""

    def exists(self, uri: str) -> bool:
        """Whether the file is there."""

    def delete(self, uri: str) -> None:
        """Removes the file; nothing happens where there is none."""


def checked(key: str) -> str:
    """The key, if it is one. Raises BadInput."""
    if not _KEY.fullmatch(key):
        raise BadInput(reason="a file's key consists of letters, digits, '-', '_' and '/'")
    return key


def key_of(uri: str, start: str) -> str:
    """The key in a uri of the store whose uris begin with `start`. Raises ForeignBlob."""
    key = uri.removeprefix(start)
    if not uri.startswith(start) or not _KEY.fullmatch(key):
        raise ForeignBlob(uri=uri)
    return key


@lru_cache(maxsize=4)
def _made(object_store_url: str | None, folder: str) -> Blobs:
    if object_store_url is None:
        from anima.vendors.blobs.local import LocalBlobs

        return LocalBlobs(folder)
    from anima.vendors.blobs.s3 import S3Blobs

    return S3Blobs(object_store_url)


def blobs() -> Blobs:
    """The store that the settings name: `object_store_url`, else a folder in the data folder."""
    return _made(settings().object_store_url, str(settings().data_dir / "blobs"))
