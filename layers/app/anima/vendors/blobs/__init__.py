"""Files: what people brought in, kept by key in a local folder or in an S3 bucket."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable

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


@dataclass(frozen=True, slots=True)
class Form:
    """Where somebody without credentials may send one file as a form: `fields` first, then `file`."""

    url: str
    uri: str
    fields: dict[str, str]


class Blobs(Protocol):
    """A place for files. Whole or not at all: a file that was half written is never seen."""

    def uri_of(self, key: str) -> str:
        """The uri of what lies or will lie under `key`."""

    def put(self, key: str, data: bytes) -> str:
        """Keeps `data` durably under `key` (replacing what was there); answers its uri. Raises NoRoom."""

    def put_file(self, key: str, path: Path) -> str:
        """Keeps the file at `path`, however large, as `put` does; the caller removes `path`, and does not change it."""

    def get(self, uri: str) -> bytes:
        """The whole file. Raises BlobMissing."""

    def fetch(self, uri: str, path: Path) -> None:
        """Brings the file to `path` (replacing what was there), where it is only read. Raises BlobMissing."""

    def open(self, uri: str, start: int = 0) -> BinaryIO:
        """The file from byte `start`, to be read piece by piece and closed. Raises BlobMissing."""

    def size(self, uri: str) -> int:
        """How many bytes the file has. Raises BlobMissing."""

    def exists(self, uri: str) -> bool:
        """Whether the file is there."""

    def delete(self, uri: str) -> None:
        """Removes the file; nothing happens where there is none."""

    def delete_all(self, folder: str) -> None:
        """Removes every file whose key begins with `folder` and a slash."""


@runtime_checkable
class Signing(Protocol):
    """A place that takes and gives files itself, to and from whoever has something signed."""

    def presign_post(self, key: str, max_bytes: int, seconds: int) -> Form:
        """Lets whoever has the form put one file of up to `max_bytes` under `key`, for so long."""

    def presign_get(self, uri: str, seconds: int, mime_type: str, disposition: str) -> str:
        """An address that gives the file to whoever has it, for so long."""


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
