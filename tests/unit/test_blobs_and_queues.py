"""Files in a folder and in S3, and messages in SQS (the outside played by moto)."""

from __future__ import annotations

import base64
import errno
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from anima.kernel.config import BadSettings, settings
from anima.kernel.errors import BadInput, Unavailable
from anima.vendors import queues
from anima.vendors.blobs import BlobMissing, Blobs, ForeignBlob, NoRoom, Signing, blobs
from anima.vendors.blobs.local import LocalBlobs
from anima.vendors.blobs.s3 import S3Blobs


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An account of its own, in this process."""
    import boto3
    from moto import mock_aws

    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield boto3


@pytest.fixture(params=["local", "s3", "s3 without prefix"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    if request.param == "local":
        return LocalBlobs(tmp_path / "blobs")
    aws = request.getfixturevalue("aws")
    aws.client("s3").create_bucket(Bucket="things", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return S3Blobs("s3://things/some/prefix" if request.param == "s3" else "s3://things")


def test_a_file_is_kept_read_and_removed(store: Blobs) -> None:
    uri = store.put("documents/1/abc", b"content")
    assert store.exists(uri)
    assert store.get(uri) == b"content"
    with store.open(uri) as file:
        assert file.read(3) == b"con"
    assert store.put("documents/1/abc", b"other") == uri
    assert store.get(uri) == b"other"
    store.delete(uri)
    store.delete(uri)
    assert not store.exists(uri)
    for read in (store.get, store.open):
        with pytest.raises(BlobMissing):
            read(uri)


def test_a_file_on_disk_is_kept_and_brought_back(store: Blobs, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(bytes(range(256)) * 4)
    uri = store.put_file("documents/1/abc", source)
    assert uri == store.uri_of("documents/1/abc")
    source.unlink()
    assert store.size(uri) == 1024
    target.write_bytes(b"what was there before")
    store.fetch(uri, target)
    assert target.read_bytes() == bytes(range(256)) * 4
    target.unlink()
    assert store.get(uri) == bytes(range(256)) * 4
    with store.open(uri, 1000) as file:
        assert file.read() == bytes(range(232, 256))
    store.delete(uri)
    with pytest.raises(BlobMissing):
        store.size(uri)
    with pytest.raises(BlobMissing):
        store.fetch(uri, target)
    assert not target.exists()


def test_a_local_file_on_another_disk_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_names: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refused)
    (tmp_path / "source").write_bytes(b"content")
    store = LocalBlobs(tmp_path / "blobs")
    uri = store.put_file("a/b", tmp_path / "source")
    store.fetch(uri, tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == b"content"


def test_a_large_file_goes_to_the_bucket_in_parts(aws: Any, tmp_path: Path) -> None:
    client = aws.client("s3")
    client.create_bucket(Bucket="things", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    source = tmp_path / "large"
    source.write_bytes(os.urandom(1 << 20) * 18)
    store = S3Blobs("s3://things")
    uri = store.put_file("large", source)
    assert "-" in client.head_object(Bucket="things", Key="large")["ETag"]  # the mark of several parts
    store.fetch(uri, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == source.read_bytes()


def test_a_form_is_signed_for_one_key_and_a_size(aws: Any) -> None:
    store = S3Blobs("s3://things/some/prefix")
    form = store.presign_post("uploads/1/abc", 1000, 60)
    assert form.uri == "s3://things/some/prefix/uploads/1/abc"
    assert form.fields["key"] == "some/prefix/uploads/1/abc"
    policy = json.loads(base64.b64decode(form.fields["policy"]))
    assert ["content-length-range", 1, 1000] in policy["conditions"]
    assert {"key": "some/prefix/uploads/1/abc"} in policy["conditions"]
    assert {"bucket": "things"} in policy["conditions"]
    left = datetime.fromisoformat(policy["expiration"]) - datetime.now(UTC)
    assert timedelta(0) < left <= timedelta(seconds=60)
    url = store.presign_get(form.uri, 60, "image/png", "inline; filename*=UTF-8''a.png")
    query = parse_qs(urlsplit(url).query)
    assert query["response-content-type"] == ["image/png"]
    assert query["response-content-disposition"] == ["inline; filename*=UTF-8''a.png"]
    assert query["X-Amz-Expires"] == ["60"]
    assert isinstance(store, Signing)
    assert not isinstance(LocalBlobs("x"), Signing)


@pytest.mark.parametrize(
    "key", ["", "..", "../x", "a/../b", "/etc/passwd", "a//b", "a/", ".hidden", "a\x00b", "a b", "ü"]
)
def test_a_key_cannot_leave_its_folder(store: Blobs, key: str) -> None:
    with pytest.raises(BadInput):
        store.put(key, b"x")
    for scheme in ("local:", "s3://things/", "s3://things/some/prefix/"):
        for use in (store.get, store.open, store.exists, store.delete):
            with pytest.raises(ForeignBlob):
                use(f"{scheme}{key}")


def test_another_stores_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ForeignBlob):
        LocalBlobs(tmp_path).get("s3://bucket/key")
    with pytest.raises(ForeignBlob):
        S3Blobs("s3://bucket").get("s3://bucket2/key")


def test_a_local_file_is_whole_or_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalBlobs(tmp_path)
    uri = store.put("a/b", b"first")

    def broken(descriptor: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="no space"):
        store.put("a/b", b"second")
    assert store.get(uri) == b"first"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NoRoom):
        LocalBlobs(tmp_path).put("a", b"one")
    assert [path.name for path in tmp_path.rglob("*")] == [".drafts"]


def test_removing_the_last_file_removes_its_folders(tmp_path: Path) -> None:
    store = LocalBlobs(tmp_path)
    first, second = store.put("a/b/c", b""), store.put("a/d", b"")
    store.delete(first)
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["d"]
    store.delete(second)
    assert [path.name for path in tmp_path.rglob("*")] == [".drafts"]


@pytest.mark.parametrize("url", ["http://bucket/x", "s3://", "bucket"])
def test_an_address_that_is_no_bucket_is_refused(url: str) -> None:
    with pytest.raises(BadSettings):
        S3Blobs(url)


def test_a_bucket_that_is_not_there_is_unavailable(aws: Any) -> None:
    with pytest.raises(Unavailable):
        S3Blobs("s3://nowhere").put("a", b"x")


def test_the_settings_choose_the_store() -> None:
    assert isinstance(blobs(), LocalBlobs)
    uri = blobs().put("a", b"x")
    assert (settings().data_dir / "blobs" / "a").read_bytes() == b"x"
    blobs().delete(uri)


def test_an_event_is_sent_to_the_queue_of_its_topic(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client = aws.client("sqs")
    plain = client.create_queue(QueueName="plain")["QueueUrl"]
    fifo = client.create_queue(QueueName="ordered.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    monkeypatch.setenv("ANIMA_QUEUE_URLS", json.dumps({"a": plain, "b": fifo, "gone": plain + "-gone"}))
    settings.cache_clear()
    queues._client.cache_clear()
    try:
        queues.send("a", "document:1", "one")
        for _ in range(2):
            queues.send("b", "document:1", "two")
        with pytest.raises(queues.NoQueue):
            queues.send("c", "k", "x")
        with pytest.raises(Unavailable):
            queues.send("gone", "k", "x")
    finally:
        monkeypatch.undo()
        settings.cache_clear()
        queues._client.cache_clear()
    assert [message["Body"] for message in client.receive_message(QueueUrl=plain)["Messages"]] == ["one"]
    received = client.receive_message(QueueUrl=fifo, MaxNumberOfMessages=10, AttributeNames=["All"])["Messages"]
    assert [(message["Body"], message["Attributes"]["MessageGroupId"]) for message in received] == [
        ("two", "document:1")
    ]


def test_all_files_below_a_folder_are_removed_and_no_others(store: Blobs) -> None:
    mine = [store.put(key, b"x") for key in ("documents/1/abc", "documents/1/g/h/i", "documents/1/j")]
    others = [store.put(key, b"x") for key in ("documents/11/abc", "documents/2/1/abc", "parsed/1/abc", "1/media/abc")]
    store.delete_all("documents/1")
    store.delete_all("documents/1")
    assert not any(store.exists(uri) for uri in mine)
    assert all(store.exists(uri) for uri in others)
    for folder in ("", "..", "documents/../parsed", "/"):
        with pytest.raises(BadInput):
            store.delete_all(folder)
