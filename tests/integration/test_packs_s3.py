"""Packs in a bucket that a server of its own plays, spoken to over HTTP; and addresses of other stores."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import pytest

from anima.kernel.errors import Unavailable
from anima.vendors.packs import (
    ALIGNMENT,
    PackMissing,
    Packs,
    PackTruncated,
    PackUnreadable,
    PackUnwritable,
    PackWriter,
    Piece,
    aligned,
    packs_at,
)

OWNER = 7
BUCKET = "tensors-of-tests"


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["obstore", "boto3"])
def s3(server: Any, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A client of an account in which there is our bucket, empty; with and without obstore."""
    import boto3

    if request.param == "boto3":
        monkeypatch.setattr("anima.vendors.packs.find_spec", lambda _name: None)

    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL_S3": f"http://{host}:{port}",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    packs_at.cache_clear()
    client = boto3.client("s3")
    with suppress(client.exceptions.BucketAlreadyOwnedByYou):
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    yield client
    for each in client.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        client.delete_object(Bucket=BUCKET, Key=each["Key"])
    packs_at.cache_clear()


@pytest.fixture
def store(s3: Any) -> Packs:
    return packs_at(f"s3://{BUCKET}/some/prefix")


def written(store: Packs, *parts: bytes) -> tuple[UUID, list[int]]:
    pack_id = uuid4()
    writer = store.writer(OWNER, pack_id)
    scratch = bytearray(max(map(len, parts)))
    offsets = []
    for part in parts:
        scratch[: len(part)] = part
        offsets.append(writer.append(memoryview(scratch)[: len(part)]))
        scratch[: len(part)] = bytes(len(part))  # the caller uses its memory again
    assert writer.seal() == writer.n_bytes
    return pack_id, offsets


def _write(writer: PackWriter, size: int) -> None:
    writer.append(memoryview(bytes(size)))
    writer.seal()


def uploads(s3: Any) -> int:
    return len(s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []))


def test_a_pack_of_many_parts_comes_back_by_ranges(store: Packs, s3: Any) -> None:
    parts = [os.urandom(size) for size in (1, 0, 4096, 100_000, 9 * 2**20, 9 * 2**20 + 5, 70)]
    pack_id, offsets = written(store, *parts)
    assert all(offset % ALIGNMENT == 0 for offset in offsets)
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert keys == [f"some/prefix/{OWNER}/{pack_id}.pack"]

    pieces = [Piece(pack_id, o, aligned(len(p))) for o, p in zip(offsets, parts, strict=True)]
    pieces.append(Piece(pack_id, offsets[4] + 1000, memoryview(bytearray(10))))
    heard: list[int] = []
    store.read(OWNER, pieces, heard.append)
    assert [bytes(piece.out) for piece in pieces] == [*parts, parts[4][1000:1010]]
    assert sorted(heard) == list(range(len(pieces)))
    assert store.map(OWNER, pack_id) is None
    assert uploads(s3) == 0


def test_threads_write_in_the_order_of_their_places(store: Packs) -> None:
    pack_id = uuid4()
    writer = store.writer(OWNER, pack_id)
    parts = [bytes([index]) * 1_000_000 for index in range(20)]
    places = [writer.reserve(len(part)) for part in parts]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda index: writer.write(places[index], memoryview(parts[index])), range(20)))
    writer.seal()
    pieces = [Piece(pack_id, place, memoryview(bytearray(1_000_000))) for place in places]
    store.read(OWNER, pieces)
    assert [bytes(piece.out) for piece in pieces] == parts


def test_who_waits_for_a_turn_that_never_comes_is_released(store: Packs) -> None:
    writer = store.writer(OWNER, uuid4())
    writer.reserve(10)
    second = writer.reserve(10)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(writer.write, second, memoryview(bytes(10)))
        writer.abandon()
        with pytest.raises(PackUnwritable):
            waiting.result(timeout=10)
    with pytest.raises(PackUnwritable):
        writer.seal()


@pytest.mark.parametrize("size", [100, 20 * 2**20])
def test_before_it_is_sealed_nothing_is_there_and_abandoned_nothing_stays(store: Packs, s3: Any, size: int) -> None:
    pack_id = uuid4()
    writer = store.writer(OWNER, pack_id)
    writer.append(memoryview(bytes(size)))
    assert list(store.listed(OWNER)) == []
    with pytest.raises(PackMissing):
        store.read(OWNER, [Piece(pack_id, 0, memoryview(bytearray(1)))])
    writer.abandon()
    writer.abandon()
    assert list(store.listed(OWNER)) == []
    assert uploads(s3) == 0
    for late in (lambda: writer.append(memoryview(b"late")), writer.seal):
        with pytest.raises(PackUnwritable):
            late()


def test_a_truncated_object_is_told_from_a_missing_one(store: Packs, s3: Any) -> None:
    pack_id, _ = written(store, os.urandom(200_000))
    key = f"some/prefix/{OWNER}/{pack_id}.pack"
    whole = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    s3.put_object(Bucket=BUCKET, Key=key, Body=whole[:100_000])
    store.read(OWNER, [Piece(pack_id, 0, memoryview(bytearray(100_000)))])
    for offset, size in ((0, 200_000), (150_000, 10), (99_999, 2)):
        with pytest.raises(PackTruncated):
            store.read(OWNER, [Piece(pack_id, offset, memoryview(bytearray(size)))])
    with pytest.raises(PackMissing):
        store.read(OWNER, [Piece(uuid4(), 0, memoryview(bytearray(1)))])


def test_packs_are_listed_and_removed_by_owner(store: Packs, s3: Any) -> None:
    first, _ = written(store, b"1")
    second, _ = written(store, b"2" * 5000)
    s3.put_object(Bucket=BUCKET, Key=f"some/prefix/{OWNER}/readme", Body=b"?")
    s3.put_object(Bucket=BUCKET, Key=f"some/prefix/{OWNER}1/{first}.pack", Body=b"another's")
    found = {(each.pack_id, each.n_bytes, each.sealed) for each in store.listed(OWNER)}
    assert found == {(first, 4096, True), (second, 8192, True)}
    assert all(found.modified_at.tzinfo is not None for found in store.listed(OWNER))
    store.delete(OWNER, first)
    store.delete(OWNER, first)
    assert [found.pack_id for found in store.listed(OWNER)] == [second]
    store.delete_owner(OWNER)
    assert list(store.listed(OWNER)) == []
    assert [found.pack_id for found in store.listed(OWNER * 10 + 1)] == [first]


def test_a_store_that_does_not_answer_is_said_to_be_unavailable(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr("anima.vendors.packs.objects._RETRIES", 0)
    packs_at.cache_clear()
    store = packs_at(f"s3://{BUCKET}/elsewhere")
    with pytest.raises(PackUnreadable):
        store.read(OWNER, [Piece(uuid4(), 0, memoryview(bytearray(1)))])
    with pytest.raises(Unavailable):
        list(store.listed(OWNER))
    with pytest.raises(Unavailable):
        store.delete(OWNER, uuid4())
    for size in (10, 20 * 2**20):
        writer = store.writer(OWNER, uuid4())
        with pytest.raises(PackUnwritable):
            _write(writer, size)
        writer.abandon()


def test_a_bucket_that_is_not_there_takes_nothing(s3: Any) -> None:
    for size in (10, 20 * 2**20):
        with pytest.raises(PackUnwritable):
            _write(packs_at("s3://no-such-bucket-of-tests").writer(OWNER, uuid4()), size)


def test_other_stores_are_addressed_as_their_schemes_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as it goes without an account: the library knows the address, and nothing is asked for yet."""
    from obstore.store import AzureStore, GCSStore, S3Store

    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    packs_at.cache_clear()
    kinds = {"s3://bucket/x": S3Store, "gs://bucket/x": GCSStore, "az://container/x": AzureStore}
    for url, kind in kinds.items():
        store: Any = packs_at(url)
        assert isinstance(store._store, kind)
        assert store._store.prefix == "x"
