"""Vector stores of this database over HTTP, and all stores from the command line."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from anima.cli import connection
from anima.cli.main import main
from anima.kernel import outbox
from anima.kernel.config import settings
from anima.vendors.blobs import blobs
from fixtures.api import Person
from fixtures.engines import Engine
from fixtures.pinecone_double import KEY, PineconeDouble

Drain = Callable[[], list[outbox.Event]]
Connection = psycopg.Connection[Any]
pytestmark = pytest.mark.usefixtures("fast_embedder")

BOATS = "The green rowing boat is called Marguerite. Nobody takes her out after dark."


def stores(person: Person) -> dict[str, dict[str, Any]]:
    return {store["store_name"]: store for store in person.http.get("/api/v1/vector-stores").json()["items"]}


def slug(answer: Any) -> str:
    return str(answer.json()["type"]).rpartition("/")[2]


def test_everybody_begins_with_three_stores_that_are_empty_and_ready(alice: Person) -> None:
    found = stores(alice)
    assert sorted(found) == ["analysis", "context", "findings"]
    assert {(each["provider"], each["documents"], each["chunks"]) for each in found.values()} == {("pgvector", 0, 0)}
    assert {each["health"]["condition"] for each in found.values()} == {"ready"}


def test_a_store_is_made_filled_found_changed_and_deleted(
    alice: Person, drain_outbox: Drain, owner_conn: Connection
) -> None:
    body = {"store_name": "papers", "purpose": "semantic", "metadata": {"floor": 0.1}}
    made = alice.http.post("/api/v1/vector-stores", json=body)
    assert made.status_code == 201
    store_id = made.json()["store_id"]
    again = alice.http.post("/api/v1/vector-stores", json=body)
    assert (again.status_code, slug(again)) == (409, "store-exists")

    sent = alice.http.post("/api/v1/documents", json={"text": BOATS, "purpose": "semantic"})
    assert sent.status_code == 202
    drain_outbox()
    assert (stores(alice)["papers"]["documents"], stores(alice)["papers"]["chunks"]) == (1, 1)
    hits = alice.http.post("/api/v1/search", json={"query": "rowing boat", "purpose": "semantic"}).json()["hits"]
    assert hits[0]["text"] == BOATS

    changed = alice.http.patch(f"/api/v1/vector-stores/{store_id}", json={"metadata": {"floor": 0.3}})
    assert changed.json()["metadata"] == {"floor": 0.3}
    refused = alice.http.patch(f"/api/v1/vector-stores/{store_id}", json={"api_key": "x"})
    assert (refused.status_code, slug(refused)) == (422, "unsupported-store")

    assert alice.http.delete(f"/api/v1/vector-stores/{store_id}").status_code == 202
    assert "papers" not in stores(alice)
    gone = alice.http.post("/api/v1/documents", json={"text": BOATS, "purpose": "semantic"})
    assert (gone.status_code, slug(gone)) == (404, "unknown-purpose")
    another = alice.http.post("/api/v1/vector-stores", json=body)
    assert another.status_code == 201, "a name is free as soon as its store is deleted"
    drain_outbox()
    left = owner_conn.execute("select count(*) from documents where store_id = %s", [store_id]).fetchone()
    assert left == (0,)
    assert stores(alice)["papers"]["store_id"] == another.json()["store_id"]


def test_a_deletion_that_was_cut_off_goes_on(
    alice: Person, drain_outbox: Drain, owner_conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    from anima.knowledge import documents_service, stores_removal_service

    class Killed(BaseException):
        """The process is no more."""

    made = alice.http.post("/api/v1/vector-stores", json={"store_name": "papers", "purpose": "semantic"}).json()
    for number in range(3):
        alice.http.post("/api/v1/documents", json={"text": f"{BOATS} {number}", "purpose": "semantic"})
    drain_outbox()
    assert alice.http.delete(f"/api/v1/vector-stores/{made['store_id']}").status_code == 202
    count = "select count(*) from documents where store_id = %s"
    with monkeypatch.context() as patch:
        deleted: list[int] = []

        def one_only(principal: Any, document_id: int) -> None:
            if deleted:
                raise Killed
            deleted.append(document_id)
            original(principal, document_id)

        original = documents_service.delete_document
        patch.setattr(stores_removal_service.documents_service, "delete_document", one_only)
        with pytest.raises(Killed):
            drain_outbox()
    assert owner_conn.execute(count, [made["store_id"]]).fetchone() == (2,)
    owner_conn.execute("update outbox set next_attempt_at = now() where owner_id = %s", [alice.user_id])
    drain_outbox()
    assert owner_conn.execute(count, [made["store_id"]]).fetchone() == (0,)
    row = owner_conn.execute("select from vector_stores where store_id = %s", [made["store_id"]]).fetchone()
    assert row is None


def test_a_document_on_its_way_into_a_store_that_goes_leaves_no_file(
    alice: Person, drain_outbox: Drain, owner_conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    from anima.knowledge import stores_removal_service

    made = alice.http.post("/api/v1/vector-stores", json={"store_name": "papers", "purpose": "semantic"}).json()
    entering = psycopg.connect(owner_conn.info.dsn, password=owner_conn.info.password)
    removed = stores_removal_service._remove_documents
    folder = settings().data_dir / "blobs" / "documents" / str(alice.user_id)

    def late(*given: Any) -> None:
        """Somebody had looked for the store before it was deleted, and enters a document after all were removed."""
        removed(*given)
        if not late_uris:
            late_uris.append(blobs().put(f"documents/{alice.user_id}/late", b"Boat 9."))
            entering.execute(
                "insert into documents (owner_id, store_id, title, doc_type, content_sha256, size_bytes, storage_uri)"
                " values (%s, %s, 'Late', 'text', %s, 7, %s)",
                [alice.user_id, made["store_id"], "9" * 64, late_uris[0]],
            )
            threading.Timer(0.3, entering.commit).start()

    late_uris: list[str] = []
    monkeypatch.setattr(stores_removal_service, "_remove_documents", late)
    assert alice.http.delete(f"/api/v1/vector-stores/{made['store_id']}").status_code == 202
    drain_outbox()
    entering.close()
    assert late_uris
    assert not folder.exists()
    assert owner_conn.execute("select from vector_stores where store_id = %s", [made["store_id"]]).fetchone() is None


@pytest.fixture
def typed(app: Any, alice: Person, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Types a command as Alice; answers its exit code and what it printed."""

    @contextmanager
    def connected() -> Iterator[TestClient]:
        headers = {"Authorization": f"Bearer {alice.key}"}
        yield TestClient(app, base_url="http://localhost/api/v1", headers=headers)

    monkeypatch.setattr(connection, "connected", connected)

    def run(*arguments: str, stdin: str = "") -> tuple[int, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        try:
            main(["store", *arguments])
        except SystemExit as end:
            printed = capsys.readouterr()
            return int(end.code or 0), printed.out + "\n".join(
                line for line in printed.err.split("\n") if not line.startswith("{")
            )
        raise AssertionError("a command ends the process")

    return run


def test_a_store_from_the_command_line(
    typed: Any, private_engines: None, pinecone_double: PineconeDouble, alice: Person, drain_outbox: Drain
) -> None:
    code, told = typed(
        *("add", "papers", "--purpose", "semantic", "--provider", "pinecone"),
        *("--url", pinecone_double.url, "--key", "--json"),
        stdin=f"{KEY}\n",
    )
    assert code == 0, told
    assert json.loads(told)["store_name"] == "papers"
    assert KEY not in told
    alice.http.post("/api/v1/documents", json={"text": BOATS, "purpose": "semantic"})
    drain_outbox()
    code, told = typed("list")
    assert (code, "papers" in told, "pinecone" in told, "ready" in told) == (0, True, True, True)
    assert typed("check")[0] == 0

    pinecone_double.lose(next(iter(pinecone_double.points())))
    code, told = typed("check", "papers", "--json")
    assert (code, json.loads(told)[0]["missing"]) == (1, 1)
    assert typed("check", "papers", "--mend")[0] == 0
    drain_outbox()
    assert typed("check", "papers")[0] == 0
    assert len(pinecone_double.points()) == 1

    code, told = typed("delete", "nothing", "--yes")
    assert (code, "there is no store nothing" in told) == (1, True)
    assert typed("delete", "papers", "--yes")[0] == 0
    drain_outbox()
    assert pinecone_double.points() == {}
    assert "papers" not in typed("list")[1]


def test_a_wrong_key_on_the_command_line_is_an_error(
    typed: Any, private_engines: None, pinecone_double: PineconeDouble
) -> None:
    wrong = "pc-that-is-wrong"
    code, told = typed(
        *("add", "papers", "--purpose", "semantic", "--provider", "pinecone", "--url", pinecone_double.url, "--key"),
        stdin=f"{wrong}\n",
    )
    assert code == 1
    assert "refuses the key" in told
    assert wrong not in told


def test_a_host_that_an_engine_names_is_checked_like_its_own(
    private_engines: None, pinecone_double: PineconeDouble, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fixtures.pinecone_double import Index

    described = Index.described

    def elsewhere(self: Index, ready_after: int) -> dict[str, Any]:
        return {**described(self, ready_after), "host": "169.254.169.254"}

    monkeypatch.setattr(Index, "described", elsewhere)
    engine = Engine("pinecone", pinecone_double.url, KEY, lambda: 0)
    store_id = engine.make(alice)["store_id"]
    checked = alice.http.post(f"/api/v1/vector-stores/{store_id}/check").json()
    assert "169.254.169.254 is not an address of the public internet" in checked["problem"]


def test_every_event_that_a_worker_handles_has_its_queue_in_the_deployment() -> None:
    from anima.operations.deliverer import workers

    template = (Path(__file__).resolve().parents[2] / "template.yaml").read_text()
    assert [topic for topic in workers() if f'"{topic}": "${{Queues.Outputs.' not in template] == []
