"""Packs in S3 by boto3 alone: for where obstore has no room, as in the functions of Lambda. It goes slower."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC
from functools import cached_property, partial
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from anima.kernel.errors import Unavailable
from anima.vendors.packs.model import Found, PackMissing, PackTruncated, PackUnreadable, Piece
from anima.vendors.packs.runs import Run, read_all, runs
from anima.vendors.packs.streams import StreamWriter

_PART_BYTES = 8 * 2**20
_THREADS = 4
_GAP_BYTES = 2**20
_MISSING = {"NoSuchKey", "404", "NotFound"}
_TOO_SHORT = {"InvalidRange", "416"}


class BotoPacks:
    """Packs at `s3://bucket/prefix/<owner_id>/<pack_id>.pack`."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._bucket = parts.netloc
        self._start = "".join(f"{part}/" for part in [parts.path.strip("/")] if part)

    @cached_property
    def _client(self) -> Any:
        import boto3
        from botocore.config import Config

        return boto3.client("s3", config=Config(signature_version="s3v4", max_pool_connections=2 * _THREADS))

    def _object(self, owner_id: int, pack_id: UUID) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": f"{self._start}{int(owner_id)}/{pack_id}.pack"}

    def writer(self, owner_id: int, pack_id: UUID) -> BotoWriter:
        """Begins an upload in parts; the object appears when it is completed."""
        return BotoWriter(self._client, self._object(owner_id, pack_id), pack_id)

    def read(self, owner_id: int, pieces: Sequence[Piece], done: Callable[[int], None] | None = None) -> None:
        """Fills the pieces, several ranges at a time; one that could not be had is asked for once more."""
        read_all(runs(pieces, _PART_BYTES, _GAP_BYTES), _THREADS, partial(self._read, owner_id), done)

    def _read(self, owner_id: int, run: Run) -> None:
        if run.end == run.start:
            return
        with _reading(run):
            wanted = {**self._object(owner_id, run.pack_id), "Range": f"bytes={run.start}-{run.end - 1}"}
            found = memoryview(self._client.get_object(**wanted)["Body"].read())
        if len(found) < run.end - run.start:
            raise PackTruncated(pack_id=run.pack_id, end=run.end)
        for _index, piece in run.members:
            begin = piece.offset - run.start
            piece.out[:] = found[begin : begin + len(piece.out)]

    def map(self, owner_id: int, pack_id: UUID) -> None:  # noqa: ARG002
        """An object is no memory."""
        return

    def delete(self, owner_id: int, pack_id: UUID) -> None:
        """Removes the object."""
        with _answering():
            self._client.delete_object(**self._object(owner_id, pack_id))

    def delete_owner(self, owner_id: int) -> None:
        """Removes all objects below the owner's prefix, those that come meanwhile too."""
        below = {"Bucket": self._bucket, "Prefix": f"{self._start}{int(owner_id)}/"}
        with _answering():
            while found := self._client.list_objects_v2(**below).get("Contents"):
                for each in found:
                    self._client.delete_object(Bucket=self._bucket, Key=each["Key"])

    def listed(self, owner_id: int) -> Iterator[Found]:
        """The owner's packs; unfinished uploads are no objects, and end by the bucket's own rule."""
        pages = self._client.get_paginator("list_objects_v2")
        with _answering():
            for page in pages.paginate(Bucket=self._bucket, Prefix=f"{self._start}{int(owner_id)}/"):
                for about in page.get("Contents", []):
                    with suppress(ValueError):  # no pack of ours
                        pack_id = UUID(about["Key"].rpartition("/")[2].removesuffix(".pack"))
                        yield Found(pack_id, about["Size"], about["LastModified"].astimezone(UTC))


class BotoWriter(StreamWriter):
    """An upload in parts, one after the other; what fits into one is put at once when it is sealed."""

    def __init__(self, client: Any, where: dict[str, str], pack_id: UUID) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        super().__init__(pack_id)
        self.failures = (BotoCoreError, ClientError)
        self._client, self._where = client, where
        self._part = bytearray()
        self._upload: dict[str, str] | None = None
        self._sent: list[dict[str, Any]] = []

    def _send(self, data: bytes) -> None:
        self._part += data
        while len(self._part) >= _PART_BYTES:
            self._send_part(_PART_BYTES)

    def _complete(self) -> None:
        if self._upload is None:
            self._client.put_object(**self._where, Body=bytes(self._part))
            return
        if self._part:
            self._send_part(len(self._part))
        self._client.complete_multipart_upload(**self._where, **self._upload, MultipartUpload={"Parts": self._sent})

    def _undo(self) -> None:
        self._part = bytearray()
        if self._upload is not None:
            self._client.abort_multipart_upload(**self._where, **self._upload)

    def _send_part(self, n_bytes: int) -> None:
        if self._upload is None:
            begun = self._client.create_multipart_upload(**self._where)
            self._upload = {"UploadId": begun["UploadId"]}
        number, part = len(self._sent) + 1, bytes(self._part[:n_bytes])
        taken = self._client.upload_part(**self._where, **self._upload, PartNumber=number, Body=part)
        self._sent.append({"PartNumber": number, "ETag": taken["ETag"]})
        del self._part[:n_bytes]


@contextmanager
def _reading(run: Run) -> Iterator[None]:
    """Tells the object that is not there, or too short, from the store that does not answer."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in _MISSING:
            raise PackMissing(pack_id=run.pack_id) from None
        if code in _TOO_SHORT:
            raise PackTruncated(pack_id=run.pack_id, end=run.end) from error
        raise PackUnreadable(what="The pack", pack_id=run.pack_id, reason=code) from error
    except BotoCoreError as error:
        raise PackUnreadable(what="The pack", pack_id=run.pack_id, reason=str(error)[:300]) from error


@contextmanager
def _answering() -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise Unavailable(what="The store of tensors") from error
