"""Files in a bucket of S3, or of a store that speaks its protocol."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from anima.kernel.config import BadSettings
from anima.kernel.errors import Unavailable
from anima.vendors.blobs import BlobMissing, Form, checked, key_of

_MISSING = {"NoSuchKey", "404", "NotFound"}
_PART_BYTES = 16_000_000
_THREADS = 4


class S3Blobs:
    """Blobs below `s3://bucket/prefix`; uris are those of the objects."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "s3" or not parts.netloc:
            raise BadSettings(reason="ANIMA_OBJECT_STORE_URL is of the form s3://bucket/prefix")
        self._bucket = parts.netloc
        self._prefix = parts.path.strip("/")
        self._start = "/".join(filter(None, (f"s3://{self._bucket}", self._prefix))) + "/"

    @cached_property
    def _client(self) -> Any:
        import boto3
        from botocore.config import Config

        # Version 4, for only that signs what lies under a key of KMS.
        return boto3.client("s3", config=Config(signature_version="s3v4"))

    @cached_property
    def _transfer(self) -> Any:
        from boto3.s3.transfer import TransferConfig

        return TransferConfig(
            multipart_threshold=_PART_BYTES, multipart_chunksize=_PART_BYTES, max_concurrency=_THREADS
        )

    def uri_of(self, key: str) -> str:
        """The object's address."""
        return self._start + checked(key)

    def put(self, key: str, data: bytes) -> str:
        """Keeps `data`."""
        self._call("put_object", self._object(checked(key)), Body=data)
        return self._start + key

    def put_file(self, key: str, path: Path) -> str:
        """Keeps the file at `path`: a large one in parts, several at once."""
        name = self._object(checked(key))
        with _told():
            self._client.upload_file(str(path), self._bucket, name, Config=self._transfer)
        return self._start + key

    def get(self, uri: str) -> bytes:
        """The whole file."""
        with self.open(uri) as file:
            return file.read()

    def fetch(self, uri: str, path: Path) -> None:
        """Brings the object to `path`: a large one in parts, several at once."""
        name = self._object(key_of(uri, self._start))
        with _told(uri):
            self._client.download_file(self._bucket, name, str(path), Config=self._transfer)

    def open(self, uri: str, start: int = 0) -> BinaryIO:
        """The object's stream, to be read and closed."""
        part = {"Range": f"bytes={start}-"} if start else {}
        found: BinaryIO = self._call("get_object", self._object(key_of(uri, self._start)), uri, **part)["Body"]
        return found

    def size(self, uri: str) -> int:
        """How many bytes it has."""
        return int(self._call("head_object", self._object(key_of(uri, self._start)), uri)["ContentLength"])

    def exists(self, uri: str) -> bool:
        """Whether the object is there."""
        try:
            self.size(uri)
        except BlobMissing:
            return False
        return True

    def delete(self, uri: str) -> None:
        """Removes the object."""
        self._call("delete_object", self._object(key_of(uri, self._start)))

    def delete_all(self, folder: str) -> None:
        """Removes the objects below a prefix, those that come meanwhile too."""
        below = {"Bucket": self._bucket, "Prefix": self._object(checked(folder)) + "/"}
        with _told():
            while found := self._client.list_objects_v2(**below).get("Contents"):
                for each in found:
                    self._client.delete_object(Bucket=self._bucket, Key=each["Key"])

    def presign_post(self, key: str, max_bytes: int, seconds: int) -> Form:
        """A form that S3 takes the file by, which it refuses beyond `max_bytes`."""
        name = self._object(checked(key))
        with _told():
            made = self._client.generate_presigned_post(
                self._bucket, name, Conditions=[["content-length-range", 1, max_bytes]], ExpiresIn=seconds
            )
        return Form(made["url"], self._start + key, dict(made["fields"]))

    def presign_get(self, uri: str, seconds: int, mime_type: str, disposition: str) -> str:
        """An address of S3's that gives the object under this type."""
        wanted = {
            "Bucket": self._bucket,
            "Key": self._object(key_of(uri, self._start)),
            "ResponseContentType": mime_type,
            "ResponseContentDisposition": disposition,
        }
        with _told(uri):
            return str(self._client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=seconds))

    def _object(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key

    def _call(self, operation: str, name: str, uri: str = "", **given: Any) -> Any:
        with _told(uri):
            return getattr(self._client, operation)(Bucket=self._bucket, Key=name, **given)


@contextmanager
def _told(uri: str = "") -> Iterator[None]:
    """Raises BlobMissing for what is not there, Unavailable where the store does not answer."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in _MISSING:
            raise BlobMissing(what="file", id=uri, uri=uri) from None
        raise Unavailable(what="The file store") from error
    except (BotoCoreError, Boto3Error) as error:
        raise Unavailable(what="The file store") from error
