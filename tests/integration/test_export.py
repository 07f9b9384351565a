"""Everything of a person comes along: each table, each file, no secret, nothing of others; and in bounded memory."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from typing import Any

import psycopg
import pytest

from anima import personality
from anima.snapshots import export_model, export_service
from anima.vendors.blobs import blobs
from fixtures.api import PASSWORD, Person
from tenancy import two_people

Connection = psycopg.Connection[Any]
EXPORT = "/api/v1/users/me/export"
pytestmark = pytest.mark.usefixtures("fast_embedder")


def exported(person: Person) -> zipfile.ZipFile:
    answer = person.http.get(EXPORT)
    assert answer.status_code == 200, answer.text[:300]
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"].startswith('attachment; filename="anima-export-')
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    return archive


def lines(archive: zipfile.ZipFile, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in archive.read(f"{name}.ndjson").splitlines()]


def everything(person: Person, owner: Connection) -> str:
    """Somebody with a row in every table; answers the words that stand in all of them."""
    mark = f"words-of-{person.username}"
    owner.execute("delete from user_roles where user_id = %s", [person.user_id])
    two_people.seed(owner, person.user_id, mark, personality.load_ready("luna"))
    return mark


def test_every_table_of_somebody_is_described_or_left_out_for_a_reason(owner_conn: Connection) -> None:
    tables = set(two_people.tenant_tables(owner_conn))
    assert tables == set(export_model.PARTS) | set(export_model.LEFT_OUT)
    assert not set(export_model.PARTS) & set(export_model.LEFT_OUT)
    names = [part.name for part in export_model.PARTS.values()]
    assert len(names) == len(set(names))


def test_all_rows_come_along_and_nothing_of_anybody_else(alice: Person, bob: Person, owner_conn: Connection) -> None:
    mine, theirs = everything(alice, owner_conn), everything(bob, owner_conn)
    archive = exported(alice)
    counted = two_people.digests(owner_conn, alice.user_id)
    for table, part in export_model.PARTS.items():
        assert len(lines(archive, part.name)) == counted[table][0] > 0, table
    whole = b"".join(archive.read(name) for name in archive.namelist()).decode()
    assert whole.count(mine) > 30
    assert theirs not in whole
    assert bob.username not in whole
    (account,) = lines(archive, "account")
    assert account["username"] == alice.username
    message = next(each for each in lines(archive, "messages") if each["role"] == "user")
    assert {"message_id", "session_id", "content", "created_at", "parent_message_id"} <= message.keys()


def test_what_is_new_comes_along_under_its_own_name(
    alice: Person, owner_conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything(alice, owner_conn)
    monkeypatch.delitem(export_model.PARTS, "user_facts")
    archive = exported(alice)
    assert lines(archive, "user_facts")
    assert "user_facts.ndjson" in archive.read("README.txt").decode()


def test_secrets_stay_here(alice: Person, owner_conn: Connection) -> None:
    everything(alice, owner_conn)
    owner_conn.execute(
        "update vector_stores set api_key = %s where owner_id = %s", [b"sk-the-key-of-an-engine", alice.user_id]
    )
    archive = exported(alice)
    whole = b"".join(archive.read(name) for name in archive.namelist()).decode()
    stored = owner_conn.execute("select password_hash from users where user_id = %s", [alice.user_id]).fetchone()
    assert stored is not None
    for secret in (alice.key, PASSWORD, stored[0], "sk-the-key-of-an-engine", b"sk-the-key-of-an-engine".hex()):
        assert secret not in whole
    assert not {"password_hash", "key_secret", "token_hash", "link_hash", "api_key"} & {
        column
        for name in archive.namelist()
        if name.endswith(".ndjson")
        for row in lines(archive, name[:-7])
        for column in row
    }
    assert "Passwords, keys, tokens" in archive.read("README.txt").decode()


def test_no_column_of_secrets_could_come_along(owner_conn: Connection) -> None:
    """What is secret lies in bytes or in a column that tells so; whoever adds another one has to think of it."""
    telling = owner_conn.execute(
        "select table_name, column_name from information_schema.columns where table_schema = 'public' "
        "and data_type <> 'bytea' and column_name ~ 'password|secret|token_hash|api_key$|private_key|credential'"
    ).fetchall()
    assert telling == [("users", "password_hash")]


def test_files_come_along_and_those_that_are_gone_are_told(alice: Person, owner_conn: Connection) -> None:
    sent = alice.http.post(
        "/api/v1/documents", json={"text": "The boat is green.", "title": "Boats/..\\x", "purpose": "context"}
    )
    other = alice.http.post("/api/v1/documents", json={"text": "Olives.", "purpose": "context"})
    assert sent.status_code == other.status_code == 202
    gone = owner_conn.execute(
        "select storage_uri from documents where document_id = %s", [other.json()["document_id"]]
    ).fetchone()
    assert gone is not None
    blobs().delete(gone[0])
    archive = exported(alice)
    listed = {row["id"]: row for row in lines(archive, "files")}
    there = listed[str(sent.json()["document_id"])]
    assert archive.read(there["path"]) == b"The boat is green."
    assert there["size_bytes"] == 18
    missing = listed[str(other.json()["document_id"])]
    assert (missing["path"], missing["missing"]) == (None, "blob-missing")
    assert all(".." not in name.split("/") and "\\" not in name for name in archive.namelist())


def test_nobody_else_gets_it(client: Any) -> None:
    assert client.get(EXPORT).status_code == 401


def test_memory_does_not_grow_with_what_is_sent(alice: Person, owner_conn: Connection) -> None:
    owner_conn.execute(
        "with s as (insert into sessions (user_id) values (%(me)s) returning session_id) "
        "insert into messages (session_id, owner_id, author_id, role, content) "
        "select session_id, %(me)s, %(me)s, 'user', repeat(md5(n::text), 40) from s, generate_series(1, 12000) n",
        {"me": alice.user_id},
    )
    sent = 0
    for piece in export_service.export(alice.principal):  # what is loaded once is loaded
        sent += len(piece)
    tracemalloc.start()
    try:
        for piece in export_service.export(alice.principal):
            assert len(piece) < 2_000_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sent > 200_000
    assert peak < 8_000_000, "a page of 500 such messages is 700 kB, all of them are 16 MB"


def test_pages_follow_each_other_without_a_gap_or_a_repeat(
    alice: Person, owner_conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything(alice, owner_conn)
    monkeypatch.setattr(export_service, "_ROWS", 1)
    archive = exported(alice)
    counted = two_people.digests(owner_conn, alice.user_id)
    for table, part in export_model.PARTS.items():
        found = [json.dumps(row, sort_keys=True) for row in lines(archive, part.name)]
        assert len(found) == len(set(found)) == counted[table][0], table
