"""What goes wrong with stores on other engines: nothing is lost, doubled or left behind, and everybody is told why."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import psycopg
import pytest

from anima.kernel import delivery, outbox
from anima.kernel.config import settings
from anima.knowledge import outside_service, outside_vectors_repo, worker
from anima.vendors import vector_stores
from fixtures.api import Person
from fixtures.engine_server import Asked
from fixtures.engines import Engine
from fixtures.pinecone_double import KEY, PineconeDouble

Drain = Callable[[], list[outbox.Event]]
Connection = psycopg.Connection[Any]
pytestmark = pytest.mark.usefixtures("fast_embedder")

BOATS = "The green rowing boat is called Marguerite. Nobody takes her out after dark."
LONG = "\n\n".join(
    " ".join(
        f"In year {number} the boat number {number * 7} was painted anew by hand {word}." for word in "abcdefghijkl"
    )
    for number in range(170)
)


@pytest.fixture(autouse=True)
def awake() -> None:
    """No engine rests because of another test."""
    outside_service._resting.clear()


def send(person: Person, text: str = BOATS, purpose: str = "semantic") -> int:
    answer = person.http.post("/api/v1/documents", json={"text": text, "purpose": purpose})
    assert answer.status_code == 202, answer.text
    return int(answer.json()["document_id"])


def state(person: Person, document_id: int) -> dict[str, Any]:
    found: dict[str, Any] = person.http.get(f"/api/v1/documents/{document_id}").json()
    return found


def health(person: Person, name: str = "papers") -> dict[str, Any]:
    stores = person.http.get("/api/v1/vector-stores").json()["items"]
    found: dict[str, Any] = next(store for store in stores if store["store_name"] == name)["health"]
    return found


def number(connection: Connection, query: str, *params: Any) -> int:
    row = connection.execute(query, params).fetchone()  # type: ignore[call-overload]
    assert row is not None
    return int(row[0])


def let_time_pass(connection: Connection, person: Person) -> None:
    """All that was put off for this person is due now."""
    connection.execute("update outbox set next_attempt_at = now() where owner_id = %s", [person.user_id])
    connection.execute(
        "update vector_stores set retry_at = now() where owner_id = %s and retry_at > now()", [person.user_id]
    )
    connection.execute("update outside_vectors set busy_until = now() where owner_id = %s", [person.user_id])


def problem(answer: Any) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["type"]).rpartition("/")[2]


def make(person: Person, **body: Any) -> Any:
    return person.http.post("/api/v1/vector-stores", json={"store_name": "papers", "purpose": "semantic", **body})


def test_a_wrong_key_is_refused_when_the_store_is_made(
    mortal_engine: Engine, alice: Person, capfd: pytest.CaptureFixture[str]
) -> None:
    wrong = "sk-a-key-that-must-not-be-told"
    answer = make(alice, provider=mortal_engine.provider, endpoint_url=mortal_engine.url, api_key=wrong)
    assert (answer.status_code, problem(answer)) == (422, "store-refused")
    assert wrong not in answer.text
    names = [store["store_name"] for store in alice.http.get("/api/v1/vector-stores").json()["items"]]
    assert names == ["context", "findings", "analysis"]
    told = capfd.readouterr()
    assert wrong not in told.err + told.out


def test_a_key_that_goes_bad_is_told_on_document_and_store_and_a_new_one_mends_it(
    mortal_engine: Engine, alice: Person, drain_outbox: Drain
) -> None:
    assert mortal_engine.double is not None
    store_id = mortal_engine.make(alice)["store_id"]
    mortal_engine.double.change_key("another")
    document_id = send(alice)
    drain_outbox()
    failed = state(alice, document_id)
    assert failed["state"] == "failed"
    assert "refuses the key" in failed["reason"]
    assert health(alice)["condition"] == "failing"
    assert "refuses the key" in health(alice)["last_error"]
    checked = alice.http.post(f"/api/v1/vector-stores/{store_id}/check").json()
    assert checked["reachable"]
    assert "refuses the key" in checked["problem"]

    assert alice.http.patch(f"/api/v1/vector-stores/{store_id}", json={"api_key": "another"}).status_code == 200
    assert alice.http.post(f"/api/v1/documents/{document_id}/retry").status_code == 202
    drain_outbox()
    assert state(alice, document_id)["state"] == "done"
    assert health(alice)["condition"] == "ready"
    assert health(alice)["last_error"] is None
    assert mortal_engine.points() == 1


def test_a_key_that_an_engine_repeats_is_told_to_nobody(
    private_engines: None,
    pinecone_double: PineconeDouble,
    alice: Person,
    drain_outbox: Drain,
    capfd: pytest.CaptureFixture[str],
) -> None:
    engine = Engine("pinecone", pinecone_double.url, KEY, lambda: 0, pinecone_double)
    store_id = engine.make(alice)["store_id"]

    def chatty(asked: Asked) -> tuple[int, Any]:
        return 401, {"error": {"message": f"Invalid API Key {asked.headers['api-key']}"}}

    pinecone_double.server.answer = chatty
    for index in pinecone_double.indexes.values():
        index.server.answer = chatty
    document_id = send(alice)
    drain_outbox()
    assert "refuses the key" in state(alice, document_id)["reason"]
    told = [state(alice, document_id), health(alice)]
    told.append(alice.http.post(f"/api/v1/vector-stores/{store_id}/check").json())
    told.append(alice.http.post("/api/v1/search", json={"query": "boat", "purpose": "semantic"}).json())
    assert KEY not in str(told)
    printed = capfd.readouterr()
    assert KEY not in printed.out + printed.err


def test_an_engine_that_is_away_delays_indexing_and_loses_nothing(
    mortal_engine: Engine, alice: Person, drain_outbox: Drain, owner_conn: Connection
) -> None:
    double = mortal_engine.double
    assert double is not None
    mortal_engine.make(alice)
    double.kill()
    documents = [send(alice, f"{BOATS} Of boat {each}.") for each in range(3)]
    drain_outbox()
    for document_id in documents:
        waiting = state(alice, document_id)
        assert (waiting["state"], waiting["stage"]) == ("running", "index")
        assert "cannot be reached" in waiting["reason"]
    told = health(alice)
    assert (told["condition"], told["waiting"]) == ("failing", 3)
    assert told["retry_at"] is not None
    # One event for all that waits.
    assert (
        number(owner_conn, "select count(*) from outbox where owner_id = %s and delivered_at is null", alice.user_id)
        == 1
    )
    let_time_pass(owner_conn, alice)
    drain_outbox()
    assert health(alice)["waiting"] == 3

    double.revive()
    let_time_pass(owner_conn, alice)
    drain_outbox()
    assert {state(alice, each)["state"] for each in documents} == {"done"}
    assert {state(alice, each)["reason"] for each in documents} == {None}
    assert mortal_engine.points() == 3
    assert health(alice)["condition"] == "ready"


def test_an_engine_that_dies_between_batches_gets_the_rest_when_it_is_back(
    mortal_engine: Engine, alice: Person, drain_outbox: Drain, owner_conn: Connection
) -> None:
    double = mortal_engine.double
    assert double is not None
    mortal_engine.make(alice)
    double.die_after_batches(1)
    document_id = send(alice, LONG)
    drain_outbox()
    waiting = state(alice, document_id)
    total = waiting["chunks_total"]
    assert total > 150
    assert (waiting["state"], waiting["stage"]) == ("running", "index")
    assert health(alice)["waiting"] == total - 100

    double.revive()
    let_time_pass(owner_conn, alice)
    drain_outbox()
    assert state(alice, document_id)["state"] == "done"
    assert mortal_engine.points() == total
    assert double.upserts() == -(-total // 100)  # what had arrived is not sent again
    assert health(alice)["waiting"] == 0


def test_a_search_goes_on_without_an_engine_that_is_away(
    mortal_engine: Engine, alice: Person, drain_outbox: Drain
) -> None:
    double = mortal_engine.double
    assert double is not None
    mortal_engine.make(alice, purpose="context")
    send(alice, BOATS, "context")
    drain_outbox()
    double.kill()
    answer = alice.http.post("/api/v1/search", json={"query": "the rowing boat", "purpose": "context"})
    assert answer.status_code == 200
    assert answer.json()["hits"][0]["text"] == BOATS
    assert any("papers" in warning for warning in answer.json()["warnings"])


def test_events_that_come_twice_or_at_once_write_once(
    mortal_engine: Engine, alice: Person, drain_outbox: Drain, owner_conn: Connection
) -> None:
    assert mortal_engine.double is not None
    mortal_engine.make(alice)
    document_id = send(alice, LONG)
    while (event := delivery.claim(["document.queued"])) is not None:
        worker.handle(delivery.as_sqs(event), raising=True)
        delivery.delivered(event)
    waiting = delivery.claim(["vectors.waiting"])
    assert waiting is not None
    message = delivery.as_sqs(waiting)
    at_once = [threading.Thread(target=worker.handle, args=(message,), kwargs={"raising": True}) for _ in range(3)]
    for each in at_once:
        each.start()
    for each in at_once:
        each.join()
    delivery.delivered(waiting)
    let_time_pass(owner_conn, alice)
    drain_outbox()
    total = state(alice, document_id)["chunks_total"]
    assert state(alice, document_id)["state"] == "done"
    assert mortal_engine.double.received() == total
    worker.handle(message, raising=True)
    assert mortal_engine.double.received() == total
    assert mortal_engine.points() == total
    assert number(owner_conn, "select count(*) from chunks where document_id = %s", document_id) == total


def test_a_worker_that_dies_after_its_write_writes_again_and_doubles_nothing(
    mortal_engine: Engine,
    alice: Person,
    drain_outbox: Drain,
    owner_conn: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Killed(BaseException):
        """The process is no more."""

    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    mortal_engine.make(alice)
    document_id = send(alice)
    with monkeypatch.context() as patch:
        patch.setattr(outside_vectors_repo, "written", killed)
        patch.setattr(outside_vectors_repo, "release", lambda *_: None)
        with pytest.raises(Killed):
            drain_outbox()
    assert mortal_engine.points() == 1
    assert state(alice, document_id)["state"] == "running"
    assert alice.http.delete(f"/api/v1/documents/{send(alice, 'Another one.')}").status_code == 204
    let_time_pass(owner_conn, alice)
    drain_outbox()
    assert state(alice, document_id)["state"] == "done"
    assert mortal_engine.points() == 1


def test_what_is_deleted_while_it_is_written_does_not_stay(
    mortal_engine: Engine, alice: Person, drain_outbox: Drain, owner_conn: Connection
) -> None:
    double = mortal_engine.double
    assert double is not None
    mortal_engine.make(alice)
    document_id = send(alice, LONG)
    done: list[int] = []

    def deletes(asked: Asked) -> bool:
        if asked.method == "POST" and asked.path[-2:] in (("vectors", "upsert"), ("batch", "objects")) and not done:
            done.append(alice.http.delete(f"/api/v1/documents/{document_id}").status_code)
        return False

    servers = [double.server, *(index.server for index in getattr(double, "indexes", {}).values())]
    for server in servers:
        server.dies_before = deletes
    drain_outbox()
    assert done == [204]
    let_time_pass(owner_conn, alice)
    drain_outbox()
    assert mortal_engine.points() == 0
    assert number(owner_conn, "select count(*) from outside_vectors where owner_id = %s", alice.user_id) == 0


def test_a_store_can_be_deleted_while_its_engine_is_away(
    mortal_engine: Engine, alice: Person, drain_outbox: Drain, owner_conn: Connection
) -> None:
    double = mortal_engine.double
    assert double is not None
    store_id = mortal_engine.make(alice)["store_id"]
    document_id = send(alice)
    drain_outbox()
    double.kill()
    assert alice.http.delete(f"/api/v1/vector-stores/{store_id}").status_code == 202
    assert alice.http.get(f"/api/v1/documents/{document_id}").status_code == 404
    drain_outbox()
    assert mortal_engine.points() == 1
    double.revive()
    let_time_pass(owner_conn, alice)
    drain_outbox()
    assert mortal_engine.points() == 0
    assert number(owner_conn, "select count(*) from vector_stores where store_id = %s", store_id) == 0
    assert mortal_engine.make(alice)["store_name"] == "papers"


@pytest.mark.parametrize(("dimension", "metric"), [(1536, "cosine"), (384, "euclidean")])
def test_what_an_engine_holds_already_must_fit(
    dimension: int, metric: str, private_engines: None, pinecone_double: PineconeDouble, alice: Person
) -> None:
    pinecone_double._create(
        {
            "name": "papers",
            "dimension": dimension,
            "metric": metric,
            "spec": {"serverless": {"cloud": "aws", "region": "us-east-1"}},
        }
    )
    answer = make(alice, provider="pinecone", endpoint_url=pinecone_double.url, api_key=KEY, space="papers")
    assert (answer.status_code, problem(answer)) == (422, "store-mismatch")
    assert len(alice.http.get("/api/v1/vector-stores").json()["items"]) == 3


@pytest.mark.parametrize(
    ("body", "slug"),
    [
        ({"dimension": 1536}, "unsupported-store"),
        ({"metric": "l2"}, "unsupported-store"),
        ({"metric": "hamming"}, "bad-input"),
        ({"provider": "chroma"}, "bad-input"),
        ({"embedding_model": "text-embedding-3-small"}, "unsupported-store"),
        ({"endpoint_url": "https://example.org"}, "unsupported-store"),
        ({"provider": "qdrant"}, "store-without-address"),
        ({"provider": "weaviate", "endpoint_url": "local"}, "store-mismatch"),
        ({"provider": "weaviate", "endpoint_url": "http://127.0.0.1:8080"}, "private-address"),
        ({"provider": "qdrant", "endpoint_url": "http://169.254.169.254/"}, "private-address"),
        ({"provider": "milvus", "endpoint_url": "http://10.0.0.1:19530"}, "private-address"),
        ({"provider": "milvus", "endpoint_url": "/etc/passwd"}, "bad-address"),
        ({"provider": "pinecone", "endpoint_url": "file:///etc/passwd", "api_key": "x"}, "bad-address"),
        ({"provider": "pinecone"}, "store-refused"),
        ({"provider": "pinecone", "space": "Not a name!", "api_key": "x"}, "bad-input"),
    ],
)
def test_a_store_that_cannot_be_is_refused(body: dict[str, Any], slug: str, alice: Person) -> None:
    answer = make(alice, **body)
    assert (answer.status_code, problem(answer)) == (422, slug)
    assert len(alice.http.get("/api/v1/vector-stores").json()["items"]) == 3


def test_a_store_that_sql_points_to_a_private_address_is_not_called(
    pinecone_double: PineconeDouble, alice: Person, drain_outbox: Drain, owner_conn: Connection
) -> None:
    owner_conn.execute(
        """
        insert into vector_stores (owner_id, store_name, provider, endpoint_url, api_key, purpose)
        values (%s, 'papers', 'pinecone', %s, %s, 'semantic')
        """,
        [alice.user_id, pinecone_double.url, KEY.encode()],
    )
    document_id = send(alice)
    drain_outbox()
    assert state(alice, document_id)["state"] == "failed"
    assert "ANIMA_PRIVATE_HOSTS" in state(alice, document_id)["reason"]
    assert pinecone_double.server.asked == []


@pytest.mark.parametrize(("provider", "package"), [("qdrant", "qdrant_client"), ("milvus", "pymilvus")])
def test_an_engine_whose_client_is_not_installed_is_told_so(
    provider: str, package: str, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    answer = make(alice, provider=provider, endpoint_url="local")
    assert (answer.status_code, problem(answer)) == (422, "store-client-missing")
    assert "[stores]" in answer.json()["detail"]


def test_a_place_that_keeps_no_files_takes_no_local_engine(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANIMA_OBJECT_STORE_URL", "s3://bucket/prefix")
    settings.cache_clear()
    answer = make(alice, provider="qdrant", endpoint_url="local")
    monkeypatch.undo()
    settings.cache_clear()
    assert (answer.status_code, problem(answer)) == (422, "store-mismatch")


def test_a_store_of_somebody_else_is_none(
    mortal_engine: Engine, alice: Person, bob: Person, admin: Person, drain_outbox: Drain
) -> None:
    store_id = mortal_engine.make(alice)["store_id"]
    send(alice)
    drain_outbox()
    for person in (bob, admin):
        assert person.http.delete(f"/api/v1/vector-stores/{store_id}").status_code == 404
        assert person.http.patch(f"/api/v1/vector-stores/{store_id}", json={"api_key": "x"}).status_code == 404
        assert person.http.post(f"/api/v1/vector-stores/{store_id}/check", json={"mend": True}).status_code == 404
    drain_outbox()
    assert mortal_engine.points() == 1
    # The same name, engine and key: still a space of one's own.
    mortal_engine.make(bob)
    answer = bob.http.post("/api/v1/search", json={"query": BOATS, "purpose": "semantic"})
    assert answer.json()["hits"] == []


def test_the_last_store_of_context_stays(alice: Person, drain_outbox: Drain) -> None:
    stores = {store["purpose"]: store["store_id"] for store in alice.http.get("/api/v1/vector-stores").json()["items"]}
    for purpose in ("context", "findings", "analysis"):
        answer = alice.http.delete(f"/api/v1/vector-stores/{stores[purpose]}")
        assert (answer.status_code, problem(answer)) == (409, "store-needed")
    other = alice.http.post("/api/v1/vector-stores", json={"store_name": "other", "purpose": "context"}).json()
    assert alice.http.delete(f"/api/v1/vector-stores/{stores['context']}").status_code == 202
    assert alice.http.delete(f"/api/v1/vector-stores/{other['store_id']}").status_code == 409
    drain_outbox()
    assert send(alice, BOATS, "context")
    drain_outbox()
    assert alice.http.post("/api/v1/search", json={"query": "boat"}).json()["hits"][0]["text"] == BOATS


@pytest.mark.parametrize("provider", ["qdrant", "milvus"])
def test_files_of_this_server_belong_to_the_store_that_made_them(
    provider: str, private_engines: None, alice: Person, bob: Person, drain_outbox: Drain
) -> None:
    make(alice, provider=provider, endpoint_url="local")
    send(alice)
    drain_outbox()
    vector_stores.close_all()
    folder = settings().data_dir / "vector_stores" / provider
    before = sorted(each.name for each in folder.iterdir())
    kept = settings().data_dir / "kept"
    kept.mkdir(exist_ok=True)
    for more in ({"space": "a"}, {"space": before[0].partition(".")[0]}, {"metadata": {"space": "../../kept"}}):
        answer = make(bob, provider=provider, endpoint_url="local", **more)
        assert (answer.status_code, problem(answer)) in ((422, "store-mismatch"), (422, "unsupported-store"))
    assert sorted(each.name for each in folder.iterdir()) == before
    assert kept.is_dir()
    answer = alice.http.post("/api/v1/search", json={"query": BOATS, "purpose": "semantic", "mode": "vector"})
    assert (len(answer.json()["hits"]), answer.json()["warnings"]) == (1, [])


def test_the_space_of_a_store_stays_whatever_its_metadata_says(
    private_engines: None, alice: Person, owner_conn: Connection, drain_outbox: Drain
) -> None:
    """Also where plain SQL says it: a name becomes part of paths."""
    store_id = make(alice, provider="milvus", endpoint_url="local").json()["store_id"]
    send(alice)
    drain_outbox()
    path = f"/api/v1/vector-stores/{store_id}"
    refused = alice.http.patch(path, json={"metadata": {"space": "../../kept"}})
    assert (refused.status_code, problem(refused)) == (422, "unsupported-store")
    assert alice.http.patch(path, json={"metadata": {"floor": 0.1}}).json()["metadata"] == {"floor": 0.1}

    kept = settings().data_dir / "kept"
    kept.mkdir(exist_ok=True)
    owner_conn.execute(
        """update vector_stores set metadata = '{"space": "../../kept"}' where store_id = %s""", [store_id]
    )
    checked = alice.http.post(f"{path}/check", json={"mend": True}).json()
    assert (checked["reachable"], "letters" in checked["problem"]) == (True, True)
    assert alice.http.delete(path).status_code == 202
    drain_outbox()
    assert kept.is_dir()


def test_a_key_goes_only_where_it_was_given_for(
    private_engines: None, pinecone_double: PineconeDouble, alice: Person
) -> None:
    """Whoever holds a session for a minute must not have the keys sent to himself."""
    made = make(alice, provider="pinecone", endpoint_url=pinecone_double.url, api_key=KEY)
    path = f"/api/v1/vector-stores/{made.json()['store_id']}"
    elsewhere = {"endpoint_url": "http://127.0.0.1:9"}
    refused = alice.http.patch(path, json=elsewhere)
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "api_key")
    assert alice.http.patch(path, json={"endpoint_url": pinecone_double.url}).status_code == 200
    assert alice.http.patch(path, json={**elsewhere, "api_key": "another"}).status_code == 200


@pytest.mark.parametrize("api_key", ["a\r\nX-Evil: 1", "clé", "a\x00"])
def test_a_key_that_no_header_can_hold_is_refused(api_key: str, private_engines: None, alice: Person) -> None:
    for provider in ("qdrant", "weaviate", "pinecone"):
        answer = make(alice, provider=provider, endpoint_url="http://127.0.0.1:9", api_key=api_key)
        assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "api_key")


@pytest.mark.parametrize("answer", [(200, "nonsense"), (200, [1, 2]), (200, {}), (200, []), (204, None), (500, {})])
def test_what_an_engine_does_not_say_that_it_took_is_written_again(
    answer: tuple[int, Any],
    mortal_engine: Engine,
    alice: Person,
    drain_outbox: Drain,
    owner_conn: Connection,
) -> None:
    double = mortal_engine.double
    assert double is not None
    mortal_engine.make(alice)
    send(alice)
    drain_outbox()
    servers = [double.server, *(index.server for index in getattr(double, "indexes", {}).values())]
    sane = [server.answer for server in servers]

    def nonsense(real: Callable[[Asked], tuple[int, Any]], asked: Asked) -> tuple[int, Any]:
        return answer if asked.path[-2:] in (("vectors", "upsert"), ("batch", "objects")) else real(asked)

    for server in servers:
        server.answer = partial(nonsense, server.answer)
    document_id = send(alice, LONG[:3000])
    drain_outbox()
    waiting = state(alice, document_id)
    assert (waiting["state"], "its turn comes again" in waiting["reason"]) == ("running", True)
    assert mortal_engine.points() == 1

    for server, real in zip(servers, sane, strict=True):
        server.answer = real
    let_time_pass(owner_conn, alice)
    drain_outbox()
    done = state(alice, document_id)
    assert done["state"] == "done"
    assert mortal_engine.points() == 1 + done["chunks_total"]
