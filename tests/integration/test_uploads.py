"""Files of any size that come on their own, at home and with an object store, and what is made of them."""

from __future__ import annotations

import asyncio
import hashlib
import tracemalloc
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from anima.kernel import outbox
from anima.kernel.config import settings
from anima.knowledge import intake_service, uploads_repo, uploads_service
from anima.operations import maintenance
from anima.vendors.blobs import local
from fixtures import files
from fixtures.alone import called
from fixtures.api import Person

Drain = Callable[[], list[outbox.Event]]
Connection = psycopg.Connection[Any]
pytestmark = pytest.mark.usefixtures("fast_embedder")

API = "/api/v1"
TEXT = b"# House rules\n\nBreakfast is served from seven to ten.\n\nThe boat is called Marguerite.\n"


def announce(person: Person, name: str = "rules.md", data: bytes = TEXT, **more: Any) -> dict[str, Any]:
    answer = person.http.post(f"{API}/uploads", json={"name": name, "size_bytes": len(data), **more})
    assert answer.status_code == 201, answer.text
    ticket: dict[str, Any] = answer.json()
    return ticket


def upload(person: Person, name: str = "rules.md", data: bytes = TEXT) -> str:
    """A file that came; its id."""
    ticket = announce(person, name, data)
    assert ticket["method"] == "PUT"
    sent = person.http.put(ticket["url"], content=data, headers=ticket["headers"])
    assert sent.status_code == 200, sent.text
    assert sent.json()["checksum_sha256"] == hashlib.sha256(data).hexdigest()
    return str(ticket["upload_id"])


def document_of(person: Person, upload_id: str, **more: Any) -> int:
    answer = person.http.post(f"{API}/documents", json={"upload": upload_id, **more})
    assert answer.status_code == 202, answer.text
    return int(answer.json()["document_id"])


def state(person: Person, document_id: int) -> dict[str, Any]:
    found: dict[str, Any] = person.http.get(f"{API}/documents/{document_id}").json()
    return found


def problem(answer: Any) -> tuple[int, str]:
    return answer.status_code, str(answer.json()["type"]).rpartition("/")[2]


def kept(person: Person) -> list[Path]:
    """Every file that is kept for somebody."""
    folder = settings().data_dir / "blobs"
    mine = (folder / "uploads", folder / "documents")
    found = [path for top in mine for path in (top / str(person.user_id)).rglob("*") if path.is_file()]
    return found + [path for path in (folder / str(person.user_id)).rglob("*") if path.is_file()]


def test_a_file_is_announced_sent_and_becomes_a_document(
    alice: Person, drain_outbox: Drain, owner_conn: Connection
) -> None:
    upload_id = upload(alice)
    document_id = document_of(alice, upload_id, metadata={"kind": "rules"})
    drain_outbox()
    found = state(alice, document_id)
    assert (found["state"], found["title"], found["name"], found["mime_type"], found["size_bytes"]) == (
        "done",
        "rules.md",
        "rules.md",
        "text/markdown",
        len(TEXT),
    )
    medium = alice.http.get(f"{API}/media/{found['media_id']}").json()
    assert (medium["mime_type"], medium["size_bytes"], medium["checksum_sha256"], medium["name"]) == (
        "text/markdown",
        len(TEXT),
        hashlib.sha256(TEXT).hexdigest(),
        "rules.md",
    )
    used = alice.http.get(f"{API}/uploads/{upload_id}").json()
    assert (used["state"], used["document_id"]) == ("used", document_id)
    assert len(kept(alice)) == 1
    assert alice.http.delete(f"{API}/documents/{document_id}").status_code == 204
    assert kept(alice) == []
    assert owner_conn.execute("select count(*) from media where owner_id = %s", [alice.user_id]).fetchone() == (0,)
    gone = alice.http.post(f"{API}/documents", json={"upload": upload_id})
    assert problem(gone) == (409, "upload-used")


def test_the_same_upload_twice_is_one_document(alice: Person, drain_outbox: Drain) -> None:
    upload_id = upload(alice)
    first = document_of(alice, upload_id)
    assert document_of(alice, upload_id) == first
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: alice.http.post(f"{API}/documents", json={"upload": upload_id}), range(4)))
    assert {answer.json()["document_id"] for answer in answers} == {first}
    assert len(drain_outbox()) == 1
    assert len(kept(alice)) == 1


def test_an_upload_of_a_content_that_is_there_costs_nothing(alice: Person, drain_outbox: Drain) -> None:
    sent = alice.http.post(f"{API}/documents", files={"file": ("rules.md", TEXT)})
    document_id = sent.json()["document_id"]
    drain_outbox()
    assert document_of(alice, upload(alice)) == document_id
    assert drain_outbox() == []
    assert len(kept(alice)) == 1
    assert state(alice, document_id)["state"] == "done"


def test_what_is_too_large_is_refused_before_it_is_sent(alice: Person) -> None:
    answer = alice.http.post(f"{API}/uploads", json={"name": "film.mp4", "size_bytes": 5_000_000_000})
    assert problem(answer) == (413, "too-large")
    assert str(settings().max_upload_bytes) in answer.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {"name": "a"},
        {"size_bytes": 5},
        {"name": "", "size_bytes": 5},
        {"name": "a", "size_bytes": 0},
        {"name": "a", "size_bytes": -1},
        {"name": "a", "size_bytes": 5, "key": "x"},
        {"name": "a\x00b", "size_bytes": 5},
    ],
)
def test_an_announcement_that_is_wrong_is_refused(alice: Person, body: dict[str, Any]) -> None:
    assert problem(alice.http.post(f"{API}/uploads", json=body)) == (422, "bad-input")


def test_a_file_of_another_size_than_announced_is_refused(alice: Person) -> None:
    ticket = announce(alice)
    for data in (TEXT[:-1], TEXT + b"x", b""):
        assert problem(alice.http.put(ticket["url"], content=data)) == (422, "wrong-size")
    assert kept(alice) == []
    assert list((settings().data_dir / "spool").iterdir()) == []
    assert problem(alice.http.post(f"{API}/documents", json={"upload": ticket["upload_id"]})) == (409, "not-uploaded")
    assert alice.http.put(ticket["url"], content=TEXT).status_code == 200


def test_sending_again_is_harmless_and_sending_another_file_is_not_taken(alice: Person) -> None:
    ticket = announce(alice)
    answers = [alice.http.put(ticket["url"], content=TEXT) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    other = TEXT.replace(b"boat", b"ship")
    assert problem(alice.http.put(ticket["url"], content=other)) == (409, "other-content")
    assert [path.read_bytes() for path in kept(alice)] == [TEXT]


def test_nobody_sends_or_uses_the_upload_of_another(alice: Person, bob: Person) -> None:
    ticket = announce(alice)
    missing = (404, "upload-not-found")
    assert problem(bob.http.put(ticket["url"], content=TEXT)) == missing
    assert alice.http.put(ticket["url"], content=TEXT).status_code == 200
    url = f"{API}/uploads/{ticket['upload_id']}"
    assert problem(bob.http.get(url)) == missing
    assert problem(bob.http.post(f"{url}/medium")) == missing
    assert problem(bob.http.post(f"{API}/documents", json={"upload": ticket["upload_id"]})) == missing
    assert problem(alice.http.get(f"{API}/uploads/{uuid.uuid4()}")) == missing
    assert kept(bob) == []


def test_a_page_of_another_site_cannot_send_by_the_cookie(alice: Person) -> None:
    ticket = announce(alice)
    cookie = {"Cookie": f"anima_session={alice.key}", "Authorization": ""}
    foreign = {**cookie, "Origin": "https://evil.example"}
    del foreign["Authorization"]
    client = type(alice.http)(alice.http.app, base_url="http://localhost")
    answer = client.put(ticket["url"], content=TEXT, headers=foreign)
    assert answer.status_code == 403
    assert kept(alice) == []
    own = {"Cookie": f"anima_session={alice.key}", "Sec-Fetch-Site": "same-origin"}
    assert client.put(ticket["url"], content=TEXT, headers=own).status_code == 200


def sent_raw(app: Any, person: Person, url: str, receive: Any) -> list[Any]:
    """Calls the app as a server does, with a body that comes piece by piece; the statuses that it answered."""
    status: list[Any] = []

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            status.append(message["status"])

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "PUT",
        "scheme": "http",
        "path": url,
        "raw_path": url.encode(),
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"authorization", f"Bearer {person.key}".encode())],
        "server": ("localhost", 80),
        "client": ("127.0.0.1", 1),
    }
    called(lambda *_: asyncio.run(app(scope, receive, send)), None)
    return status


def test_an_upload_never_lies_in_memory_as_a_whole(alice: Person, app: Any) -> None:
    piece, pieces = b"x" * 1_000_000, 60
    ticket = announce(alice, "large.txt", piece * pieces)
    sent = 0

    async def receive() -> dict[str, Any]:
        nonlocal sent
        sent += 1
        return {"type": "http.request", "body": bytes(piece), "more_body": sent < pieces}

    tracemalloc.start()
    try:
        status = sent_raw(app, alice, ticket["url"], receive)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert status == [200]
    assert peak < 20_000_000
    assert [path.stat().st_size for path in kept(alice)] == [60_000_000]


def test_whoever_hangs_up_in_the_middle_leaves_nothing_and_may_send_again(alice: Person, app: Any) -> None:
    ticket = announce(alice)
    came = iter([{"type": "http.request", "body": TEXT[:20], "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> dict[str, Any]:
        return next(came)

    assert sent_raw(app, alice, ticket["url"], receive) == [422]
    assert kept(alice) == []
    assert list((settings().data_dir / "spool").iterdir()) == []
    assert alice.http.put(ticket["url"], content=TEXT).status_code == 200


def expire(owner_conn: Connection, person: Person) -> None:
    owner_conn.execute("update uploads set expires_at = now() - interval '1 s' where owner_id = %s", [person.user_id])


def test_what_nobody_used_within_a_day_is_gone(
    alice: Person, bob: Person, drain_outbox: Drain, owner_conn: Connection
) -> None:
    left = upload(alice, "copy.md")
    document_of(alice, left)
    # As if the process had died before it removed the file of a content that is there.
    owner_conn.execute("update documents set storage_uri = 'local:elsewhere' where owner_id = %s", [alice.user_id])
    owner_conn.execute("delete from media where owner_id = %s", [alice.user_id])
    owner_conn.execute("delete from documents where owner_id = %s", [alice.user_id])
    owner_conn.execute("delete from outbox where owner_id = %s", [alice.user_id])
    unused, used, opened = upload(alice), upload(alice, "boat.txt", b"A boat."), announce(alice)["upload_id"]
    document_id = document_of(alice, used)
    his = upload(bob)
    expire(owner_conn, alice)
    assert problem(alice.http.post(f"{API}/documents", json={"upload": unused})) == (404, "upload-not-found")
    maintenance.run()
    assert owner_conn.execute("select count(*) from uploads where owner_id = %s", [alice.user_id]).fetchone() == (0,)
    assert [path.read_bytes() for path in kept(alice)] == [b"A boat."]
    drain_outbox()
    assert state(alice, document_id)["state"] == "done"
    assert bob.http.get(f"{API}/uploads/{his}").json()["state"] == "stored"
    assert problem(alice.http.put(f"{API}/uploads/{opened}/content", content=TEXT)) == (404, "upload-not-found")


class Killed(BaseException):
    """The process is no more."""


def killed(*_: Any, **__: Any) -> Any:
    raise Killed


@pytest.mark.parametrize("used", [True, False])
def test_a_server_killed_before_it_noted_a_file_has_neither_lost_nor_forgotten_it(
    used: bool, alice: Person, owner_conn: Connection, drain_outbox: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = announce(alice)
    with monkeypatch.context() as patch:
        patch.setattr(uploads_repo, "stored", killed)
        with pytest.raises(Killed):
            alice.http.put(ticket["url"], content=TEXT)
    assert len(kept(alice)) == 1
    other = TEXT[::-1]
    assert problem(alice.http.put(ticket["url"], content=other)) == (409, "other-content")
    if used:
        document_id = document_of(alice, ticket["upload_id"])
        drain_outbox()
        assert state(alice, document_id)["state"] == "done"
        assert alice.http.delete(f"{API}/documents/{document_id}").status_code == 204
    expire(owner_conn, alice)
    uploads_service.remove_expired()
    assert kept(alice) == []


def test_a_server_killed_between_a_file_and_its_document_leaves_nothing_for_long(
    alice: Person, owner_conn: Connection, drain_outbox: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(intake_service, "_entered", killed)
        patch.setattr(intake_service, "_remove", lambda _uris: None)  # the dead tidy nothing
        with pytest.raises(Killed):
            alice.http.post(f"{API}/documents", json={"text": "Boat 7 lies in the harbour."})
    folder = settings().data_dir / "blobs" / "documents" / str(alice.user_id)
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 1

    sent = alice.http.post(f"{API}/documents", json={"text": "Boat 7 lies in the harbour."})
    drain_outbox()
    expire(owner_conn, alice)
    uploads_service.remove_expired()
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 1, "that of the document"
    document_id = sent.json()["document_id"]
    assert alice.http.get(f"{API}/documents/{document_id}/file").content == b"Boat 7 lies in the harbour."
    assert alice.http.delete(f"{API}/documents/{document_id}").status_code == 204
    assert not folder.exists()


def test_a_file_that_was_half_written_goes_with_the_next(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        patch.setattr(Path, "unlink", lambda *_, **__: None)  # the dead tidy nothing
        with pytest.raises(Killed):
            alice.http.post(f"{API}/documents", json={"text": "Boat 8 lies in the harbour."})
    drafts = settings().data_dir / "blobs" / ".drafts"
    (left,) = drafts.iterdir()
    upload(alice)
    assert list(drafts.iterdir()) == [left], "somebody may be writing it"
    monkeypatch.setattr(local, "_DRAFT_SECONDS", -1.0)
    upload(alice, "boat.txt", b"A boat.")
    assert list(drafts.iterdir()) == []


def test_an_upload_becomes_a_medium_of_a_message(alice: Person, owner_conn: Connection) -> None:
    sound = files.tone() * 1
    upload_id = upload(alice, "lake.wav", sound)
    url = f"{API}/uploads/{upload_id}/medium"
    made = alice.http.post(url)
    assert made.status_code == 201, made.text
    assert (made.json()["media_type"], made.json()["size_bytes"]) == ("audio", len(sound))
    assert alice.http.post(url).json() == made.json()
    content = alice.http.get(f"{API}/media/{made.json()['media_id']}/content")
    assert (content.content, content.headers["content-type"]) == (sound, made.json()["mime_type"])
    expire(owner_conn, alice)
    assert uploads_service.remove_expired() >= 1
    assert alice.http.get(f"{API}/media/{made.json()['media_id']}/content").content == sound
    unknown = upload(alice, "x.bin", b"MZ\x90\x00" + bytes(100))
    assert problem(alice.http.post(f"{API}/uploads/{unknown}/medium")) == (415, "unknown-medium")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, database: Any) -> Iterator[Any]:
    """The object store of a deployment, played by moto; its client."""
    import boto3
    from moto import mock_aws

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="things", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        monkeypatch.setenv("ANIMA_OBJECT_STORE_URL", "s3://things")
        settings.cache_clear()
        yield client
    monkeypatch.undo()
    settings.cache_clear()


def keys(client: Any) -> list[str]:
    return [found["Key"] for found in client.list_objects_v2(Bucket="things").get("Contents", [])]


def put_as_form(client: Any, ticket: dict[str, Any], data: bytes) -> None:
    """What S3 does with the form."""
    client.put_object(Bucket="things", Key=ticket["fields"]["key"], Body=data)


def test_with_an_object_store_files_go_straight_to_it(
    alice: Person, bucket: Any, drain_outbox: Drain, owner_conn: Connection
) -> None:
    ticket = announce(alice, "rules.md")
    assert (ticket["method"], ticket["headers"]) == ("POST", {})
    assert "things" in ticket["url"]
    assert {"key", "policy", "x-amz-signature", "x-amz-algorithm"} <= set(ticket["fields"])
    assert ticket["fields"]["x-amz-algorithm"] == "AWS4-HMAC-SHA256"
    upload_id = ticket["upload_id"]
    assert problem(alice.http.post(f"{API}/documents", json={"upload": upload_id})) == (409, "not-uploaded")
    put_as_form(bucket, ticket, TEXT)
    document_id = document_of(alice, upload_id)
    assert document_of(alice, upload_id) == document_id
    assert state(alice, document_id)["mime_type"] is None
    drain_outbox()
    found = state(alice, document_id)
    assert (found["state"], found["mime_type"], found["size_bytes"]) == ("done", "text/markdown", len(TEXT))
    row = owner_conn.execute(
        "select content_sha256, storage_uri from documents where document_id = %s", [document_id]
    ).fetchone()
    assert row is not None
    assert row[0] == hashlib.sha256(TEXT).hexdigest()
    assert keys(bucket) == [row[1].removeprefix("s3://things/")]
    assert keys(bucket)[0].startswith("documents/")
    given = alice.http.get(f"{API}/documents/{document_id}/file", follow_redirects=False)
    assert given.status_code == 307
    assert "X-Amz-Signature" in given.headers["location"]
    assert alice.http.delete(f"{API}/documents/{document_id}").status_code == 204
    assert keys(bucket) == []


def test_an_upload_to_the_object_store_of_a_known_content_is_no_second_document(
    alice: Person, bucket: Any, drain_outbox: Drain
) -> None:
    first = alice.http.post(f"{API}/documents", files={"file": ("rules.md", TEXT)}).json()["document_id"]
    drain_outbox()
    ticket = announce(alice)
    put_as_form(bucket, ticket, TEXT)
    second = document_of(alice, ticket["upload_id"])
    drain_outbox()
    found = state(alice, second)
    assert (found["state"], found["chunks_done"]) == ("done", 0)
    assert str(first) in found["reason"]
    assert len(keys(bucket)) == 1


def test_an_upload_in_the_object_store_becomes_a_medium(alice: Person, bucket: Any) -> None:
    data = files.image("Marguerite")
    ticket = announce(alice, "boat.png", data)
    put_as_form(bucket, ticket, data)
    made = alice.http.post(f"{API}/uploads/{ticket['upload_id']}/medium")
    assert made.status_code == 201, made.text
    assert made.json()["checksum_sha256"] == hashlib.sha256(data).hexdigest()
    assert keys(bucket) == [f"{alice.user_id}/media/{made.json()['checksum_sha256']}"]


def test_what_waits_unused_in_the_object_store_is_removed(alice: Person, bucket: Any, owner_conn: Connection) -> None:
    ticket = announce(alice)
    put_as_form(bucket, ticket, TEXT)
    expire(owner_conn, alice)
    uploads_service.remove_expired()
    assert keys(bucket) == []
