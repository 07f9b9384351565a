"""Packs as objects of a store: S3, Google's or Azure's, or one that speaks the protocol of S3."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from anima.kernel.config import BadSettings
from anima.kernel.errors import Unavailable
from anima.vendors.packs.model import Found, PackMissing, PackTruncated, PackUnreadable, PackUnwritable, Piece
from anima.vendors.packs.runs import Run, read_all, runs
from anima.vendors.packs.streams import StreamWriter, first_line

if TYPE_CHECKING:
    from obstore import WritableFile
    from obstore.store import ObjectStore

_PART_BYTES = 8 * 2**20
_PARTS = 8
"""Parts of one pack on their way at a time: with the one being filled, what a writer holds in memory."""
_THREADS = 8
_GAP_BYTES = 2**20
_RETRIES = 4


class ObjectPacks:
    """Packs at `<url>/<owner_id>/<pack_id>.pack`."""

    def __init__(self, url: str) -> None:
        self._url = url

    @cached_property
    def _store(self) -> ObjectStore:
        from obstore.exceptions import BaseError
        from obstore.store import from_url

        more = _as_boto3_knows() if self._url.startswith("s3:") else {}
        make: Callable[..., ObjectStore] = from_url
        try:
            return make(self._url, retry_config={"max_retries": _RETRIES}, **more)
        except (BaseError, ValueError) as error:
            raise BadSettings(reason=f"the store of tensors cannot be used: {error}") from error

    def writer(self, owner_id: int, pack_id: UUID) -> ObjectWriter:
        """Begins an upload in parts; the object appears when it is completed."""
        from obstore import open_writer

        file = open_writer(self._store, _key(owner_id, pack_id), buffer_size=_PART_BYTES, max_concurrency=_PARTS)
        return ObjectWriter(file, pack_id)

    def read(self, owner_id: int, pieces: Sequence[Piece], done: Callable[[int], None] | None = None) -> None:
        """Fills the pieces, several ranges at a time; one that could not be had is asked for once more."""
        read_all(runs(pieces, _PART_BYTES, _GAP_BYTES), _THREADS, partial(self._read, owner_id), done)

    def _read(self, owner_id: int, run: Run) -> None:
        from obstore import get_range

        if run.end == run.start:
            return
        key = _key(owner_id, run.pack_id)
        with self._reading(key, run):
            found = memoryview(get_range(self._store, key, start=run.start, end=run.end))
        if len(found) < run.end - run.start:
            raise PackTruncated(pack_id=run.pack_id, end=run.end)
        for _index, piece in run.members:
            begin = piece.offset - run.start
            piece.out[:] = found[begin : begin + len(piece.out)]

    @contextmanager
    def _reading(self, key: str, run: Run) -> Iterator[None]:
        """Tells the object that is too short from the store that does not answer."""
        from obstore import head
        from obstore.exceptions import BaseError

        try:
            yield
        except FileNotFoundError:
            raise PackMissing(pack_id=run.pack_id) from None
        except (BaseError, OSError) as error:
            with suppress(BaseError, OSError):
                if head(self._store, key)["size"] < run.end:
                    raise PackTruncated(pack_id=run.pack_id, end=run.end) from error
            raise PackUnreadable(what="The pack", pack_id=run.pack_id, reason=first_line(error)) from error

    def map(self, owner_id: int, pack_id: UUID) -> None:  # noqa: ARG002
        """An object is no memory."""
        return

    def delete(self, owner_id: int, pack_id: UUID) -> None:
        """Removes the object."""
        from obstore import delete

        with suppress(FileNotFoundError), _store_answers():
            delete(self._store, _key(owner_id, pack_id))

    def delete_owner(self, owner_id: int) -> None:
        """Removes all objects below the owner's prefix."""
        for found in self.listed(owner_id):
            self.delete(owner_id, found.pack_id)

    def listed(self, owner_id: int) -> Iterator[Found]:
        """The owner's packs; unfinished uploads are no objects, and end by the bucket's own rule."""
        from obstore import list as listing

        with _store_answers():
            for page in listing(self._store, f"{int(owner_id)}/"):
                for about in page:
                    with suppress(ValueError):  # no pack of ours
                        pack_id = UUID(about["path"].rpartition("/")[2].removesuffix(".pack"))
                        yield Found(pack_id, about["size"], about["last_modified"].astimezone(UTC))


class ObjectWriter(StreamWriter):
    """An upload in parts, several on their way at a time."""

    def __init__(self, file: WritableFile, pack_id: UUID) -> None:
        from obstore.exceptions import BaseError

        super().__init__(pack_id)
        self._file = file
        self.failures = (BaseError, OSError)

    def _send(self, data: bytes) -> None:
        self._file.write(data)

    def _complete(self) -> None:
        self._file.close()

    def _undo(self) -> None:
        self._file.__exit__(PackUnwritable, None, None)


def _key(owner_id: int, pack_id: UUID) -> str:
    return f"{int(owner_id)}/{pack_id}.pack"


def _as_boto3_knows() -> dict[str, Any]:
    """Region, credentials and endpoint as other clients of AWS find them; the rest the store finds itself."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    more: dict[str, Any] = {"endpoint": endpoint} if endpoint else {}
    if endpoint.startswith("http://"):
        more["client_options"] = {"allow_http": True}
    try:
        from obstore.auth.boto3 import Boto3CredentialProvider

        more["credential_provider"] = Boto3CredentialProvider()
    except (ImportError, ValueError):  # no boto3 here, or it knows none
        pass
    return more


@contextmanager
def _store_answers() -> Iterator[None]:
    from obstore.exceptions import BaseError

    try:
        yield
    except FileNotFoundError:
        raise
    except (BaseError, OSError) as error:
        raise Unavailable(what="The store of tensors") from error
