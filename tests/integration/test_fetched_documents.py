"""Documents from addresses: fetched by the worker, looked at again, the same content known, failures told."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from anima.kernel import outbox
from anima.kernel.config import settings
from anima.knowledge import worker
from anima.vendors import web as vendor
from anima.vendors.blobs.local import LocalBlobs
from fixtures import files
from fixtures.api import Person
from fixtures.hostile_web import Web, moved, said

Drain = Callable[[], list[outbox.Event]]
Connection = psycopg.Connection[Any]
pytestmark = pytest.mark.usefixtures("fast_embedder")

URL = "/api/v1/documents"
RULES = b"# House rules\n\nBreakfast is served from seven to ten.\n"
TABLES = ("documents", "chunks", "embeddings", "postings", "media")


def send(person: Person, uri: str, **more: Any) -> int:
    answer = person.http.post(URL, json={"uri": uri, **more})
    assert answer.status_code == 202, answer.text
    return int(answer.json()["document_id"])


def state(person: Person, document_id: int) -> dict[str, Any]:
    found: dict[str, Any] = person.http.get(f"{URL}/{document_id}").json()
    return found


def chunks(person: Person, document_id: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.http.get(f"{URL}/{document_id}/chunks").json()["items"]
    return found


def kept(person: Person) -> list[Path]:
    folder = settings().data_dir / "blobs" / "documents" / str(person.user_id)
    return [path for path in folder.rglob("*") if path.is_file()]


def test_an_address_is_fetched_read_and_found(
    alice: Person, web: Web, drain_outbox: Drain, owner_conn: Connection
) -> None:
    web.paths["/rules.md"] = moved("/house/rules.md")
    web.paths["/house/rules.md"] = said(RULES, "Content-Type: text/markdown")
    document_id = send(alice, web.url("/rules.md"), metadata={"kind": "rules"})
    before = state(alice, document_id)
    assert (before["state"], before["mime_type"], before["source_uri"]) == ("queued", None, web.url("/rules.md"))
    assert alice.http.get(f"{URL}/{document_id}/file").status_code == 409
    assert web.asked == []

    drain_outbox()
    done = state(alice, document_id)
    assert (done["state"], done["title"], done["name"], done["doc_type"], done["mime_type"], done["size_bytes"]) == (
        "done",
        "rules.md",
        "rules.md",
        "markdown",
        "text/markdown",
        len(RULES),
    )
    assert "Breakfast" in "".join(chunk["text"] for chunk in chunks(alice, document_id))
    assert alice.http.get(f"{URL}/{document_id}/file").content == RULES
    assert alice.http.get(f"/api/v1/media/{done['media_id']}").json()["size_bytes"] == len(RULES)

    assert alice.http.delete(f"{URL}/{document_id}").status_code == 204
    assert kept(alice) == []
    for table in TABLES:
        count = owner_conn.execute(f"select count(*) from {table} where owner_id = %s", [alice.user_id]).fetchone()
        assert count == (0,), table


def test_a_page_is_called_what_it_calls_itself(alice: Person, web: Web, drain_outbox: Drain) -> None:
    page = b"<html><head><title>The lake &amp; its boats</title></head><body><p>The boat is green.</p></body></html>"
    web.paths["/"] = said(page, "Content-Type: text/html")
    document_id, own = send(alice, web.url("/")), send(alice, web.url("/?own"), title="Mine")
    web.paths["/?own"] = said(page.replace(b"green", b"red"), "Content-Type: text/html")
    drain_outbox()
    assert state(alice, document_id)["title"] == "The lake & its boats"
    assert state(alice, own)["title"] == "Mine"


def test_an_office_file_is_what_its_bytes_are(alice: Person, web: Web, drain_outbox: Drain) -> None:
    web.paths["/report"] = said(files.docx(), "Content-Type: application/octet-stream")
    document_id = send(alice, web.url("/report"))
    drain_outbox()
    found = state(alice, document_id)
    assert (found["state"], found["doc_type"]) == ("done", "docx")


def test_the_same_address_with_the_same_content_changes_nothing(
    alice: Person, web: Web, drain_outbox: Drain, owner_conn: Connection
) -> None:
    web.paths["/"] = said(RULES)
    document_id = send(alice, web.url("/"))
    drain_outbox()
    before = chunks(alice, document_id)
    answer = alice.http.post(URL, json={"uri": web.url("/")})
    assert answer.json() == {"document_id": document_id, "state": "done"}
    assert chunks(alice, document_id) == before
    drain_outbox()
    assert len(web.asked) == 2
    found = state(alice, document_id)
    assert (found["state"], found["stage"], found["reason"]) == ("done", "done", None)
    assert chunks(alice, document_id) == before
    assert len(kept(alice)) == 1


def test_an_address_that_gives_something_else_by_now_is_read_anew(alice: Person, web: Web, drain_outbox: Drain) -> None:
    web.paths["/"] = said(RULES)
    document_id = send(alice, web.url("/"))
    drain_outbox()
    web.paths["/"] = said(RULES.replace(b"Breakfast", b"Supper"))
    assert send(alice, web.url("/")) == document_id
    drain_outbox()
    texts = "".join(chunk["text"] for chunk in chunks(alice, document_id))
    assert "Supper" in texts
    assert "Breakfast" not in texts
    assert state(alice, document_id)["state"] == "done"
    assert [path.read_bytes() for path in kept(alice)] == [RULES.replace(b"Breakfast", b"Supper")]


def test_an_address_that_is_gone_by_now_leaves_what_was_read(alice: Person, web: Web, drain_outbox: Drain) -> None:
    web.paths["/"] = said(RULES)
    document_id = send(alice, web.url("/"))
    drain_outbox()
    before = chunks(alice, document_id)
    del web.paths["/"]
    send(alice, web.url("/"))
    drain_outbox()
    found = state(alice, document_id)
    assert found["state"] == "done"
    assert "404" in found["reason"]
    assert chunks(alice, document_id) == before


def test_a_content_that_another_document_has_is_read_once(alice: Person, web: Web, drain_outbox: Drain) -> None:
    first = alice.http.post(URL, json={"text": RULES.decode()}).json()["document_id"]
    drain_outbox()
    web.paths["/"] = said(RULES)
    second = send(alice, web.url("/"))
    drain_outbox()
    found = state(alice, second)
    assert (found["state"], found["chunks_done"]) == ("done", 0)
    assert f"document {first}" in found["reason"]
    assert len(kept(alice)) == 1
    assert alice.http.delete(f"{URL}/{second}").status_code == 204
    assert len(kept(alice)) == 1
    assert chunks(alice, first)


def test_the_same_address_at_the_same_time_is_one_document(alice: Person, web: Web, drain_outbox: Drain) -> None:
    web.paths["/"] = said(RULES)
    with ThreadPoolExecutor(6) as pool:
        ids = set(pool.map(lambda _: send(alice, web.url("/")), range(6)))
    assert len(ids) == 1
    drain_outbox()
    assert len(web.asked) == 1
    assert len(alice.http.get(URL).json()["items"]) == 1


def test_two_people_have_their_own(alice: Person, bob: Person, web: Web, drain_outbox: Drain) -> None:
    web.paths["/"] = said(RULES)
    hers, his = send(alice, web.url("/")), send(bob, web.url("/"))
    assert hers != his
    drain_outbox()
    assert {state(alice, hers)["state"], state(bob, his)["state"]} == {"done"}
    assert bob.http.get(f"{URL}/{hers}/file").status_code == 404


@pytest.mark.parametrize(
    ("talk", "told"),
    [
        (said(b"no", status="404 Not Found"), "404"),
        (said(b"  \n "), "empty"),
        (said(b"x", "Content-Type: application/x-msdownload"), "no reader"),
        (said(b"x", length=10**12), "too large"),
        (moved("http://169.254.169.254/latest/meta-data"), "public internet"),
        (moved("http://localhost:1/"), "public internet"),
        (moved("/"), "leads on"),
    ],
)
def test_what_cannot_be_fetched_ends_the_document_with_its_reason(
    alice: Person, web: Web, drain_outbox: Drain, talk: Any, told: str
) -> None:
    web.paths["/"] = talk
    document_id = send(alice, web.url("/"))
    drain_outbox()
    found = state(alice, document_id)
    assert (found["state"], found["attempts"]) == ("failed", 1)
    assert told in found["reason"]
    assert kept(alice) == []
    web.paths["/"] = said(RULES)
    assert send(alice, web.url("/")) == document_id
    drain_outbox()
    assert state(alice, document_id)["state"] == "done"


def test_a_name_that_leads_inside_ends_the_document(alice: Person, drain_outbox: Drain) -> None:
    document_id = send(alice, "http://localhost:1/secret")
    drain_outbox()
    found = state(alice, document_id)
    assert found["state"] == "failed"
    assert "public internet" in found["reason"]


def test_a_server_that_is_busy_is_asked_again(
    alice: Person, web: Web, drain_outbox: Drain, owner_conn: Connection
) -> None:
    web.paths["/"] = said(b"later", status="503 Unavailable")
    document_id = send(alice, web.url("/"))
    for attempt in (1, 2):
        with pytest.raises(vendor.NotReached):
            drain_outbox()
        found = state(alice, document_id)
        assert (found["state"], found["attempts"]) == ("queued", attempt)
        assert "503" in found["reason"]
        owner_conn.execute("update outbox set next_attempt_at = now() where owner_id = %s", [alice.user_id])
    web.paths["/"] = said(RULES)
    drain_outbox()
    assert state(alice, document_id)["state"] == "done"


def test_a_worker_that_dies_after_it_kept_the_file_leaves_none_behind(
    alice: Person, web: Web, drain_outbox: Drain, monkeypatch: pytest.MonkeyPatch, owner_conn: Connection
) -> None:
    web.paths["/"] = said(RULES)
    document_id = send(alice, web.url("/"))
    real = LocalBlobs.put_file

    def dies(store: LocalBlobs, key: str, path: Path) -> str:
        real(store, key, path)
        raise KeyboardInterrupt

    monkeypatch.setattr(LocalBlobs, "put_file", dies)
    with pytest.raises(KeyboardInterrupt):
        drain_outbox()
    monkeypatch.undo()
    assert len(kept(alice)) == 1
    assert alice.http.delete(f"{URL}/{document_id}").status_code == 204
    assert kept(alice) == []


def test_an_event_that_comes_twice_fetches_once(alice: Person, web: Web, drain_outbox: Drain) -> None:
    from anima.kernel import delivery

    web.paths["/"] = said(RULES)
    send(alice, web.url("/"))
    (event, *_) = drain_outbox()
    worker.handle(delivery.as_sqs(event), raising=True)
    assert len(web.asked) == 1
