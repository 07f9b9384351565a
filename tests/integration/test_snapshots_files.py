"""Snapshots with files: a zip comes out as it went in; archives that lie, or swell, are refused."""

from __future__ import annotations

import hashlib
import io
import json
import uuid
import zipfile
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from anima.snapshots import snapshot_archive
from anima.vendors.blobs import blobs
from fixtures.api import Person
from fixtures.life import Life
from tenancy import two_people

Connection = psycopg.Connection[Any]
SNAPSHOTS = "/api/v1/snapshots"
FILE = b"\x89PNG\r\n\x1a\n" + b"a picture " * 50
DIGEST = hashlib.sha256(FILE).hexdigest()
pytestmark = pytest.mark.usefixtures("fast_embedder")


@pytest.fixture
def pictured(life: Life, owner_conn: Connection) -> Life:
    """Somebody who sent a picture."""
    life.tells("Look at my boat.")
    uri = blobs().put(f"{life.user_id}/media/{DIGEST}", FILE)
    owner_conn.execute(
        "with kept as (insert into media (owner_id, storage_uri, media_type, mime_type, size_bytes, checksum_sha256,"
        " metadata) values (%s, %s, 'image', 'image/png', %s, %s, '{\"name\": \"boat.png\"}') returning media_id)"
        " insert into message_media select owner_id, message_id, media_id from kept, messages"
        " where owner_id = %s and role = 'user'",
        [life.user_id, uri, len(FILE), DIGEST, life.user_id],
    )
    return life


def archive(life: Life) -> bytes:
    answer = life.person.http.get(f"/api/v1/avatars/{life.avatar_id}/snapshot", params={"media": True})
    assert answer.status_code == 200, answer.text[:300]
    assert answer.headers["content-type"] == "application/zip"
    return bytes(answer.content)


def send(person: Person, data: bytes) -> Any:
    return person.http.post(SNAPSHOTS, content=data, headers={"Content-Type": "application/zip"})


def entries(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as found:
        assert found.testzip() is None
        return {name: found.read(name) for name in found.namelist()}


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return out.getvalue()


def refused(person: Person, owner: Connection, data: bytes, slug: str) -> None:
    before = two_people.digests(owner, person.user_id)
    answer = send(person, data)
    assert answer.json()["type"].endswith(f"/{slug}"), answer.text
    after = two_people.digests(owner, person.user_id)
    assert {**after, "uploads": None} == {**before, "uploads": None}


def test_files_go_along_and_come_out_again(pictured: Life, bob: Person) -> None:
    data = archive(pictured)
    files = entries(data)
    assert files[f"media/{DIGEST}"] == FILE
    taken = send(bob, data)
    assert taken.status_code == 200, taken.text
    assert taken.json()["parts"]["media"] == {"rows": 1, "added": 1, "changed": 0}
    again = bob.http.get(f"/api/v1/avatars/{taken.json()['avatar_id']}/snapshot", params={"media": True})
    found = entries(again.content)
    assert found.pop("snapshot.json").splitlines()[1:-1] == files.pop("snapshot.json").splitlines()[1:-1]
    assert found == files
    assert send(bob, data).json()["parts"]["media"] == {"rows": 1, "added": 0, "changed": 0}


def test_one_without_its_files_says_so(pictured: Life, bob: Person) -> None:
    files = entries(archive(pictured))
    taken = send(bob, packed({"snapshot.json": files["snapshot.json"]}))
    assert taken.status_code == 200, taken.text
    assert taken.json()["notes"] == ["1 of the files that came with messages are not in it"]


def test_the_plain_one_speaks_of_no_files(pictured: Life, bob: Person) -> None:
    plain = pictured.person.http.get(f"/api/v1/avatars/{pictured.avatar_id}/snapshot").content
    assert json.loads(plain)["parts"]["media"] == []
    assert DIGEST not in plain.decode()


def test_archives_that_lie_are_refused(pictured: Life, bob: Person, owner_conn: Connection) -> None:
    data = archive(pictured)
    files = entries(data)
    other = {**files, f"media/{DIGEST}": b"another".ljust(len(FILE))}
    refused(bob, owner_conn, packed(other), "snapshot-edited")
    refused(bob, owner_conn, packed({**files, f"media/{DIGEST}": FILE + b"more"}), "too-large")
    refused(bob, owner_conn, packed({"media/x": b""}), "not-a-snapshot")
    refused(bob, owner_conn, packed({**files, "../../etc/passwd": b"x"}), "not-a-snapshot")
    refused(bob, owner_conn, packed({**files, "media/../x": b"x"}), "not-a-snapshot")
    refused(bob, owner_conn, data[: len(data) // 2], "snapshot-cut-short")
    broken = bytearray(data)
    broken[120] ^= 0xFF
    refused(bob, owner_conn, bytes(broken), "snapshot-edited")
    assert not bob.http.get("/api/v1/avatars").json()["items"]


def test_a_bomb_does_not_go_off(
    pictured: Life, bob: Person, owner_conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither one that says how large it is, nor one that says that it is small."""
    monkeypatch.setattr(snapshot_archive, "settings", lambda: SimpleNamespace(max_upload_bytes=2_000_000))
    bomb = packed({"snapshot.json": b" " * 30_000_000})
    assert len(bomb) < 40_000
    refused(bob, owner_conn, bomb, "too-large")
    lying = bomb.replace((30_000_000).to_bytes(4, "little"), (1_000).to_bytes(4, "little"))
    assert lying != bomb
    answer = send(bob, lying)
    assert answer.status_code in (413, 422), answer.text
    monkeypatch.setattr(snapshot_archive, "_MOST_ENTRIES", 3)
    many = {"snapshot.json": b"{}", **{f"media/{uuid.uuid4().hex * 2}": b"" for _ in range(4)}}
    refused(bob, owner_conn, packed(many), "too-large")
