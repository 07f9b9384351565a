"""Files in a bucket of S3, or of a store that speaks its protocol."""

from __future__ import annotations

from functools import cached_property
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from anima.kernel.config import BadSettings
from anima.kernel.errors import Unavailable
from anima.vendors.blobs import BlobMissing, checked, key_of

_MISSING = {"NoSuchKey", "404", "NotFound"}


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

        return boto3.client("s3")

    def put(self, key: str, data: bytes) -> str:
        """Keeps `data`."""
        self._call("put_object", self._object(checked(key)), Body=data)
        return self._start + key

    def get(self, uri: str) -> bytes:
        """The whole file."""
        with self.open(uri) as file:
            return file.read()

    def open(self, uri: str) -> BinaryIO:
        """The object's stream, to be read and closed."""
        found: BinaryIO = self._call("get_object", self._object(key_of(uri, self._start)), uri)["Body"]
        return found

    def exists(self, uri: str) -> bool:
        """Whether the object is there."""
        try:
            self._call("head_object", self._object(key_of(uri, self._start)), uri)
        except BlobMissing:
            return False
        return True

    def delete(self, uri: str) -> None:
        """Removes the object."""
        self._call("delete_object", self._object(key_of(uri, self._start)))

    def _object(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key

    def _call(self, operation: str, name: str, uri: str = "", **given: Any) -> Any:
        """Raises BlobMissing for what is not there, Unavailable where the store does not answer."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self._client, operation)(Bucket=self._bucket, Key=name, **given)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _MISSING:
                raise BlobMissing(what="file", id=uri, uri=uri) from None
            raise Unavailable(what="The file store") from error
        except BotoCoreError as error:
            raise Unavailable(what="The file store") from error
