"""Documents over HTTP: brought in, followed, found, opened, and deleted without a trace."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from anima.kernel import outbox
from anima.kernel.config import settings
from fixtures.api import Person

Drain = Callable[[], list[outbox.Event]]
Connection = psycopg.Connection[Any]
pytestmark = pytest.mark.usefixtures("fast_embedder")

RULES = """# House rules

Welcome to the house by the lake.

## Breakfast

Breakfast is served from seven to ten. Olives are never served.

## Boats

The green rowing boat is called Marguerite. Nobody takes her out after dark.
"""
TABLES = ("documents", "chunks", "embeddings", "postings", "lexicon")


def rows(connection: Connection, person: Person) -> dict[str, int]:
    """How many rows each table of the room holds for somebody."""
    counted = {
        table: connection.execute(f"select count(*) from {table} where owner_id = %s", [person.user_id]).fetchone()
        for table in TABLES
    }
    return {table: row[0] for table, row in counted.items() if row is not None}


def files(person: Person) -> list[Path]:
    """The files that are kept for somebody."""
    folder = settings().data_dir / "blobs" / "documents" / str(person.user_id)
    return [path for path in folder.rglob("*") if path.is_file()]


def send(person: Person, text: str = RULES, **more: Any) -> int:
    answer = person.http.post("/api/v1/documents", json={"text": text, **more})
    assert answer.status_code == 202, answer.text
    return int(answer.json()["document_id"])


def state(person: Person, document_id: int) -> dict[str, Any]:
    answer = person.http.get(f"/api/v1/documents/{document_id}")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def search(person: Person, query: str, **more: Any) -> list[dict[str, Any]]:
    answer = person.http.post("/api/v1/search", json={"query": query, **more})
    assert answer.status_code == 200, answer.text
    hits: list[dict[str, Any]] = answer.json()["hits"]
    return hits


def problem(answer: Any) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["type"]).rpartition("/")[2]


def test_a_document_is_brought_in_found_opened_and_deleted(
    alice: Person, drain_outbox: Drain, owner_conn: Connection
) -> None:
    sent = alice.http.post("/api/v1/documents", json={"text": RULES, "source_uri": "file:///rules.md"})
    assert sent.status_code == 202
    document_id = sent.json()["document_id"]
    assert sent.json() == {"document_id": document_id, "state": "queued"}
    before = state(alice, document_id)
    assert (before["state"], before["chunks_done"], before["chunks_total"]) == ("queued", 0, None)
    assert search(alice, "boat") == []

    drain_outbox()
    done = state(alice, document_id)
    assert (done["state"], done["stage"], done["title"], done["doc_type"]) == (
        "done",
        "done",
        "House rules",
        "markdown",
    )
    assert done["chunks_done"] == done["chunks_total"] == 3
    assert done["token_count"] > 20
    assert (done["language"], done["attempts"], done["reason"]) == ("en", 1, None)

    best = search(alice, "What is the boat called?")[0]
    assert "Marguerite" in best["text"]
    assert best["source_uri"] == "file:///rules.md"
    assert best["location"]["heading"] == "House rules > Boats"
    lines = RULES.split("\n")[best["location"]["line_start"] - 1 : best["location"]["line_end"]]
    assert "\n".join(lines) == best["text"]
    assert RULES[best["location"]["char_start"] : best["location"]["char_end"]] == best["text"]
    assert 0 <= best["score"] <= 1
    assert best["scores"]["words"] > 0

    opened = alice.http.get(f"/api/v1/chunks/{best['chunk_id']}").json()
    assert opened["text"] == best["text"]
    assert "Breakfast" in opened["previous_text"]
    assert opened["next_text"] is None

    assert alice.http.delete(f"/api/v1/documents/{document_id}").status_code == 204
    assert search(alice, "boat") == []
    assert rows(owner_conn, alice) == dict.fromkeys(TABLES, 0)
    assert owner_conn.execute("select n, total_len from corpora where owner_id = %s", [alice.user_id]).fetchall() == [
        (0, 0)
    ]
    assert files(alice) == []
    assert alice.http.get(f"/api/v1/documents/{document_id}").status_code == 404
    assert alice.http.delete(f"/api/v1/documents/{document_id}").status_code == 404


def test_deleting_one_document_leaves_the_counts_of_the_other(
    alice: Person, drain_outbox: Drain, owner_conn: Connection
) -> None:
    counts = "select store_id, term, df from lexicon where owner_id = %s order by store_id, term"
    corpus = "select store_id, n, total_len from corpora where owner_id = %s"
    send(alice)
    drain_outbox()
    before = [owner_conn.execute(query, [alice.user_id]).fetchall() for query in (counts, corpus)]
    other = send(alice, "The boat of the neighbours is red. Nobody knows what it is called.\n" * 80)
    drain_outbox()
    assert [owner_conn.execute(query, [alice.user_id]).fetchall() for query in (counts, corpus)] != before
    alice.http.delete(f"/api/v1/documents/{other}")
    assert [owner_conn.execute(query, [alice.user_id]).fetchall() for query in (counts, corpus)] == before


def test_the_same_content_twice_is_one_document(
    alice: Person, bob: Person, drain_outbox: Drain, owner_conn: Connection
) -> None:
    first = send(alice)
    drain_outbox()
    before = rows(owner_conn, alice)
    answer = alice.http.post("/api/v1/documents", json={"text": RULES, "title": "Under another name"})
    assert answer.json() == {"document_id": first, "state": "done"}
    assert drain_outbox() == []
    assert rows(owner_conn, alice) == before
    assert len(files(alice)) == 1
    assert send(bob) != first
    assert send(alice, purpose="findings") != first


def test_the_same_content_at_the_same_time_is_one_document(alice: Person, drain_outbox: Drain) -> None:
    with ThreadPoolExecutor(6) as pool:
        ids = set(pool.map(lambda _: send(alice), range(6)))
    assert len(ids) == 1
    assert len(files(alice)) == 1
    assert len(drain_outbox()) == 1
    assert state(alice, ids.pop())["state"] == "done"


def test_a_list_answers_a_list_in_its_order(alice: Person, drain_outbox: Drain) -> None:
    texts = ["The cat sleeps.", "The dog barks.", "The cat sleeps."]
    answer = alice.http.post("/api/v1/documents", json=[{"text": text} for text in texts])
    assert answer.status_code == 202
    ids = [each["document_id"] for each in answer.json()]
    assert ids[0] == ids[2] != ids[1]
    drain_outbox()
    assert state(alice, ids[1])["title"] == "The dog barks."
    single = alice.http.post("/api/v1/documents", json=[{"text": "Alone in its list."}])
    assert isinstance(single.json(), list)


def test_a_file_comes_as_a_form(alice: Person, drain_outbox: Drain) -> None:
    answer = alice.http.post(
        "/api/v1/documents",
        files={"file": ("house/rules.md", RULES.encode(), "application/octet-stream")},
        data={"purpose": "context", "metadata": '{"kind": "rules"}'},
    )
    assert answer.status_code == 202, answer.text
    drain_outbox()
    found = state(alice, answer.json()["document_id"])
    assert (found["title"], found["doc_type"], found["metadata"]) == ("rules.md", "markdown", {"kind": "rules"})
    assert found["state"] == "done"


def test_a_call_that_comes_twice_with_its_key_is_answered_alike(alice: Person) -> None:
    header = {"Idempotency-Key": "first"}
    answers = [alice.http.post("/api/v1/documents", json={"text": "Once."}, headers=header) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    other = alice.http.post("/api/v1/documents", json={"text": "Another."}, headers=header)
    assert (other.status_code, problem(other)) == (409, "idempotency-key-reused")


def test_lists_are_paged(alice: Person, drain_outbox: Drain) -> None:
    ids = [send(alice, f"Document number {number}.") for number in range(5)]
    seen, cursor = [], None
    while True:
        answer = alice.http.get("/api/v1/documents", params={"limit": 2, **({"cursor": cursor} if cursor else {})})
        seen += [each["document_id"] for each in answer.json()["items"]]
        if (cursor := answer.json()["next_cursor"]) is None:
            break
    assert seen == ids[::-1]
    drain_outbox()
    long = send(alice, "One sentence of this text. " * 400)
    drain_outbox()
    url = f"/api/v1/documents/{long}/chunks"
    first = alice.http.get(url, params={"limit": 2}).json()
    second = alice.http.get(url, params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [each["chunk_index"] for each in (*first["items"], *second["items"])] == [0, 1, 2, 3]
    wrong = alice.http.get("/api/v1/documents", params={"cursor": "WyJhIl0"})
    assert (wrong.status_code, problem(wrong)) == (422, "bad-input")


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        ({"text": ""}, 422, "empty-document"),
        ({"text": " \n\t "}, 422, "empty-document"),
        ({}, 422, "one-source"),
        ({"text": "x", "uri": "https://example.org"}, 422, "one-source"),
        ({"text": "x", "colour": "red"}, 422, "bad-input"),
        ({"text": "x", "purpose": "nothing of the kind"}, 404, "unknown-purpose"),
        ({"uri": "file:///etc/passwd"}, 422, "bad-address"),
        ({"uri": "http://user:secret@example.org"}, 422, "bad-address"),
        ({"uri": "http://127.0.0.1/"}, 422, "private-address"),
        ({"uri": "http://169.254.169.254/latest/meta-data"}, 422, "private-address"),
        ({"upload": "aGk="}, 422, "bad-input"),
        ({"upload": "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f"}, 404, "upload-not-found"),
        ([{"text": "x"}, {"upload": "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f"}], 404, "upload-not-found"),
        ({"text": "\ud800"}, 422, "bad-input"),
        ({"text": "x", "title": "\ud800"}, 422, "bad-input"),
        ({"text": "x", "title": "a\x00b"}, 422, "bad-input"),
        ({"text": "x", "metadata": {"a": "\x00"}}, 422, "bad-input"),
        ([], 422, "bad-input"),
        ([{"text": "x"}] * 101, 422, "bad-input"),
        ("text", 422, "bad-input"),
    ],
)
def test_a_body_that_is_wrong_is_refused_whole(
    alice: Person, owner_conn: Connection, body: object, status: int, slug: str
) -> None:
    sent = {"content": json.dumps(body), "headers": {"content-type": "application/json"}}
    answer = alice.http.post("/api/v1/documents", **sent)
    assert (answer.status_code, problem(answer)) == (status, slug)
    assert rows(owner_conn, alice)["documents"] == 0
    assert files(alice) == []


def test_other_kinds_of_body_are_refused(alice: Person) -> None:
    url = "/api/v1/documents"
    assert alice.http.post(url, content=b"{", headers={"content-type": "application/json"}).status_code == 422
    assert alice.http.post(url, content=b"x", headers={"content-type": "text/plain"}).status_code == 422
    assert alice.http.post(url, data={"title": "no file"}, files={"other": b"x"}).status_code == 422
    nested = alice.http.post(url, content=b"[" * 200_000, headers={"content-type": "application/json"})
    assert nested.status_code == 422
    big = b"x" * (settings().max_document_bytes + 1)
    large = alice.http.post(url, files={"file": ("big.txt", big)})
    assert (large.status_code, problem(large)) == (413, "too-large")


def test_nobody_sees_the_documents_of_another(alice: Person, bob: Person, drain_outbox: Drain) -> None:
    document_id = send(alice)
    drain_outbox()
    hit = search(alice, "breakfast")[0]
    retrieval = alice.http.post("/api/v1/search", json={"query": "boat"}).json()["retrieval_id"]
    assert search(bob, "breakfast") == []
    for url in (
        f"documents/{document_id}",
        f"documents/{document_id}/chunks",
        f"chunks/{hit['chunk_id']}",
        f"retrievals/{retrieval}",
    ):
        assert alice.http.get(f"/api/v1/{url}").status_code == 200
        assert bob.http.get(f"/api/v1/{url}").status_code == 404
    assert bob.http.delete(f"/api/v1/documents/{document_id}").status_code == 404
    assert search(bob, "breakfast", filter={"document_ids": [document_id]}) == []
    assert bob.http.get("/api/v1/documents").json()["items"] == []
    assert state(alice, document_id)["state"] == "done"


def test_stores_are_listed_and_made(alice: Person, drain_outbox: Drain) -> None:
    listed = alice.http.get("/api/v1/vector-stores").json()["items"]
    assert [each["purpose"] for each in listed] == ["context", "findings", "analysis"]
    made = alice.http.post("/api/v1/vector-stores", json={"store_name": "papers", "purpose": "semantic"})
    assert (made.status_code, made.json()["dimension"]) == (201, 384)
    again = alice.http.post("/api/v1/vector-stores", json={"store_name": "papers", "purpose": "semantic"})
    assert (again.status_code, problem(again)) == (409, "store-exists")
    send(alice, purpose="semantic")
    drain_outbox()
    assert search(alice, "breakfast", purpose="semantic")
    assert search(alice, "breakfast") == []


def bring(person: Person, name: str, data: bytes, media_type: str = "application/octet-stream") -> int:
    answer = person.http.post("/api/v1/documents", files={"file": (name, data, media_type)})
    assert answer.status_code == 202, answer.text
    return int(answer.json()["document_id"])


PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


@pytest.mark.parametrize(
    ("name", "data", "told", "served", "shown"),
    [
        ("rules.md", RULES.encode(), "text/markdown", "text/plain; charset=utf-8", "inline"),
        ("page.html", b"<html><script>alert(1)</script><p>Hello</p></html>", "text/html", None, "attachment"),
        ("evil.pdf.html", b"<!doctype html><p>Hello</p>", "text/html", None, "attachment"),
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", None, None, None),
        ("script.js", b"function f() { return document.cookie }\n", None, "text/plain; charset=utf-8", "inline"),
        ("boat.exe", b"MZ\x90\x00" + bytes(64), "application/x-msdownload", None, "attachment"),
        ("boat.txt", PNG, "image/png", "image/png", "inline"),
    ],
)
def test_the_original_is_given_back_harmless(
    alice: Person, name: str, data: bytes, told: str | None, served: str | None, shown: str | None
) -> None:
    document_id = bring(alice, name, data, "text/html")
    assert told in (None, state(alice, document_id)["mime_type"])
    answer = alice.http.get(f"/api/v1/documents/{document_id}/file")
    assert (answer.status_code, answer.content) == (200, data)
    kind = answer.headers["content-type"]
    if shown is None:
        assert kind in ("application/octet-stream", "text/plain; charset=utf-8")
    else:
        assert kind == (served or "application/octet-stream")
        assert answer.headers["content-disposition"] == f"{shown}; filename*=UTF-8''{name}"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "no-store" not in answer.headers["cache-control"]


@pytest.mark.parametrize(
    ("asked", "part", "told"),
    [
        ("bytes=0-3", slice(0, 4), "bytes 0-3/200"),
        ("bytes=190-", slice(190, 200), "bytes 190-199/200"),
        ("bytes=-5", slice(195, 200), "bytes 195-199/200"),
        ("bytes=-500", slice(0, 200), "bytes 0-199/200"),
        ("bytes=10-100000", slice(10, 200), "bytes 10-199/200"),
        ("bytes=5-2", slice(0, 200), None),
        ("bytes=0-1,5-6", slice(0, 200), None),
        ("lines=1-2", slice(0, 200), None),
    ],
)
def test_a_part_of_the_original_is_given(alice: Person, asked: str, part: slice, told: str | None) -> None:
    data = bytes(range(65, 75)) * 20
    document_id = bring(alice, "letters.txt", data)
    answer = alice.http.get(f"/api/v1/documents/{document_id}/file", headers={"Range": asked})
    assert answer.content == data[part]
    assert answer.status_code == (206 if told else 200)
    assert answer.headers.get("content-range") == told
    assert answer.headers["content-length"] == str(len(data[part]))
    for beyond in ("bytes=200-", "bytes=-0"):
        refused = alice.http.get(f"/api/v1/documents/{document_id}/file", headers={"Range": beyond})
        assert (refused.status_code, problem(refused)) == (416, "unfit-range")


def test_nobody_gets_the_original_of_another(alice: Person, bob: Person) -> None:
    document_id = bring(alice, "rules.md", RULES.encode())
    assert bob.http.get(f"/api/v1/documents/{document_id}/file").status_code == 404
    assert alice.http.get(f"/api/v1/documents/{document_id}/file").content == RULES.encode()


def test_a_file_of_a_person_is_a_medium_by_its_content(
    alice: Person, drain_outbox: Drain, owner_conn: Connection
) -> None:
    document_id = bring(alice, "../../rules.txt", PNG, "text/plain")
    found = state(alice, document_id)
    assert (found["doc_type"], found["mime_type"], found["name"]) == ("image", "image/png", "rules.txt")
    medium = alice.http.get(f"/api/v1/media/{found['media_id']}").json()
    assert (medium["media_type"], medium["size_bytes"], medium["name"]) == ("image", len(PNG), "rules.txt")
    again = alice.http.post("/api/v1/media", files={"file": ("other.png", PNG)}).json()
    assert again["media_id"] == found["media_id"]
    assert alice.http.get(f"/api/v1/media/{found['media_id']}/content").content == PNG
    inline = send(alice, "A text that was typed is no file.")
    assert state(alice, inline)["media_id"] is None
    unknown = bring(alice, "boat.exe", b"MZ\x90\x00" + bytes(64))
    assert state(alice, unknown)["media_id"] is None

    other = alice.http.post("/api/v1/documents", files={"file": ("rules.txt", PNG)}, data={"purpose": "findings"})
    second = other.json()["document_id"]
    assert second != document_id
    alice.http.delete(f"/api/v1/documents/{document_id}")
    assert alice.http.get(f"/api/v1/media/{found['media_id']}/content").content == PNG
    assert alice.http.get(f"/api/v1/documents/{second}/file").content == PNG
    alice.http.delete(f"/api/v1/documents/{second}")
    assert alice.http.get(f"/api/v1/media/{found['media_id']}").status_code == 404
    alice.http.delete(f"/api/v1/documents/{inline}")
    alice.http.delete(f"/api/v1/documents/{unknown}")
    assert files(alice) == []
