"""Stores on other engines from outside: a document goes there, is found there, and leaves nothing when it goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg
import pytest

from anima.kernel import outbox
from anima.kernel.config import settings
from anima.vendors import embeddings
from fixtures.api import Person
from fixtures.engines import Engine
from fixtures.models import HashingEmbedder
from fixtures.pinecone_double import PineconeDouble
from fixtures.weaviate_double import KEY as WEAVIATE_KEY
from fixtures.weaviate_double import WeaviateDouble

if TYPE_CHECKING:
    from numpy.typing import NDArray

Drain = Callable[[], list[outbox.Event]]
Connection = psycopg.Connection[Any]
pytestmark = pytest.mark.usefixtures("fast_embedder")

BOATS = "The green rowing boat is called Marguerite. Nobody takes her out after dark."
OLIVES = "Olives are pressed in November. The oil is kept in jars of clay."


def send(person: Person, text: str, purpose: str = "semantic") -> int:
    answer = person.http.post("/api/v1/documents", json={"text": text, "purpose": purpose})
    assert answer.status_code == 202, answer.text
    return int(answer.json()["document_id"])


def state(person: Person, document_id: int) -> dict[str, Any]:
    found: dict[str, Any] = person.http.get(f"/api/v1/documents/{document_id}").json()
    return found


def search(person: Person, query: str, purpose: str = "semantic", **more: Any) -> list[dict[str, Any]]:
    answer = person.http.post("/api/v1/search", json={"query": query, "purpose": purpose, "mode": "vector", **more})
    assert answer.status_code == 200, answer.text
    hits: list[dict[str, Any]] = answer.json()["hits"]
    return hits


def stores(person: Person) -> dict[str, dict[str, Any]]:
    """The person's stores by name."""
    return {store["store_name"]: store for store in person.http.get("/api/v1/vector-stores").json()["items"]}


def count(connection: Connection, query: str, *params: Any) -> int:
    row = connection.execute(query, params).fetchone()  # type: ignore[call-overload]
    assert row is not None
    return int(row[0])


def test_a_document_goes_to_the_engine_is_found_there_and_leaves_nothing(
    engine: Engine, alice: Person, bob: Person, drain_outbox: Drain, owner_conn: Connection
) -> None:
    made = engine.make(alice)
    store_id = made["store_id"]
    assert (made["provider"], made["purpose"], made["metric"], made["dimension"]) == (
        engine.provider,
        "semantic",
        "cosine",
        384,
    )
    assert made["has_key"] == (engine.key is not None)
    assert engine.key is None or engine.key not in str(made)

    boats, olives = send(alice, BOATS), send(alice, OLIVES)
    assert engine.points() == 0
    drain_outbox()
    assert [state(alice, each)["state"] for each in (boats, olives)] == ["done", "done"]
    assert engine.points() == 2
    assert count(owner_conn, "select count(*) from embeddings where store_id = %s", store_id) == 0
    assert (
        count(owner_conn, "select count(*) from outside_vectors where store_id = %s and vector is null", store_id) == 2
    )
    seen = stores(alice)["papers"]
    assert (seen["documents"], seen["chunks"], seen["health"]["condition"]) == (2, 2, "ready")
    assert seen["health"]["reached_at"] is not None

    found = search(alice, "What is the green rowing boat called?")
    assert found[0]["document_id"] == boats
    assert found[0]["scores"]["vector"] > 0.3
    assert [hit["document_id"] for hit in search(alice, "boat", filter={"document_ids": [olives]})] in ([], [olives])
    assert "papers" not in stores(bob)
    answer = bob.http.post("/api/v1/search", json={"query": "boat", "purpose": "semantic"})
    assert answer.status_code == 404

    assert alice.http.delete(f"/api/v1/documents/{boats}").status_code == 204
    assert search(alice, "green rowing boat Marguerite")[:1] != [found[0]]
    drain_outbox()
    assert engine.points() == 1

    answer = alice.http.delete(f"/api/v1/vector-stores/{store_id}")
    assert (answer.status_code, answer.json()) == (202, {"store_id": store_id, "state": "deleting"})
    assert "papers" not in stores(alice)
    assert state(alice, olives).get("status") == 404
    assert alice.http.post("/api/v1/search", json={"query": "oil", "purpose": "semantic"}).status_code == 404
    drain_outbox()
    assert engine.points() == 0
    for table in ("vector_stores", "documents", "outside_vectors", "postings", "lexicon", "corpora"):
        assert count(owner_conn, f"select count(*) from {table} where store_id = %s", store_id) == 0
    blobs = settings().data_dir / "blobs" / "documents" / str(alice.user_id)
    assert [each for each in blobs.rglob("*") if each.is_file()] == []
    assert engine.double is None or getattr(engine.double, "indexes", {}) == {}
    assert alice.http.delete(f"/api/v1/vector-stores/{store_id}").status_code == 404


@pytest.mark.parametrize("metric", ["l2", "inner_product"])
def test_every_metric_gives_the_same_cosines(metric: str, engine: Engine, alice: Person, drain_outbox: Drain) -> None:
    engine.make(alice, "by-cosine", purpose="first")
    engine.make(alice, "by-another", purpose="second", metric=metric)
    for purpose in ("first", "second"):
        send(alice, BOATS, purpose)
    drain_outbox()
    one, other = (search(alice, "the green boat", purpose)[0] for purpose in ("first", "second"))
    assert one["text"] == other["text"]
    assert one["scores"]["vector"] == pytest.approx(other["scores"]["vector"], abs=1e-3)


def test_a_store_that_plain_sql_adds_is_used_at_once(
    private_engines: None,
    weaviate_double: WeaviateDouble,
    alice: Person,
    drain_outbox: Drain,
    owner_conn: Connection,
) -> None:
    assert alice.http.post("/api/v1/search", json={"query": "x", "purpose": "semantic"}).status_code == 404
    owner_conn.execute(
        """
        insert into vector_stores (owner_id, store_name, provider, endpoint_url, api_key, purpose)
        values (%s, 'semantic', 'weaviate', %s, %s, 'semantic')
        """,
        [alice.user_id, weaviate_double.url, WEAVIATE_KEY.encode()],
    )
    made = stores(alice)["semantic"]
    assert (made["dimension"], made["embedding_model"]) == (384, stores(alice)["context"]["embedding_model"])
    assert search(alice, "boat") == []
    boats = send(alice, BOATS)
    drain_outbox()
    assert len(weaviate_double.points()) == 1
    assert search(alice, "the green rowing boat")[0]["document_id"] == boats
    row = owner_conn.execute("select api_key from vector_stores where store_id = %s", [made["store_id"]]).fetchone()
    assert row is not None
    assert WEAVIATE_KEY.encode() not in bytes(row[0])
    assert search(alice, "the green rowing boat")[0]["document_id"] == boats


def test_a_modulator_that_is_bound_by_sql_moves_the_floor_of_the_call(
    private_engines: None,
    pinecone_double: PineconeDouble,
    alice: Person,
    drain_outbox: Drain,
    owner_conn: Connection,
) -> None:
    engine = Engine("pinecone", pinecone_double.url, pinecone_double.key, lambda: 0, pinecone_double)
    store_id = engine.make(alice)["store_id"]
    send(alice, BOATS)
    drain_outbox()
    cosine = search(alice, "green boat")[0]["scores"]["vector"]
    assert 0.1 < cosine < 0.9
    floor = {"floor": round(cosine - 0.05, 3), "bindings": {"theta": {"moves": "floor", "scale": 0.1}}}
    owner_conn.execute(
        "update vector_stores set metadata = %s where store_id = %s", [psycopg.types.json.Jsonb(floor), store_id]
    )
    assert len(search(alice, "green boat")) == 1
    assert search(alice, "green boat", modulators={"theta": 1.5}) == []
    assert len(search(alice, "green boat", modulators={"theta": -1.0})) == 1


def test_a_store_may_lie_in_a_space_that_is_there_and_leaves_what_was_in_it(
    private_engines: None, pinecone_double: PineconeDouble, alice: Person, bob: Person, drain_outbox: Drain
) -> None:
    engine = Engine("pinecone", pinecone_double.url, pinecone_double.key, lambda: len(pinecone_double.points()))
    mine = engine.make(alice)
    send(alice, BOATS)
    drain_outbox()
    (index,) = pinecone_double.indexes
    theirs = engine.make(bob, "shared-index", space=index)
    send(bob, OLIVES)
    drain_outbox()
    assert engine.points() == 2
    assert [hit["text"] for hit in search(bob, "Olives are pressed for oil beside the green rowing boat")] == [OLIVES]
    bob.http.delete(f"/api/v1/vector-stores/{theirs['store_id']}")
    drain_outbox()
    assert engine.points() == 1
    assert search(alice, "green rowing boat")[0]["text"] == BOATS
    assert alice.http.delete(f"/api/v1/vector-stores/{mine['store_id']}").status_code == 202


def test_drift_between_catalogue_and_engine_is_found_and_mended(
    engine: Engine, alice: Person, drain_outbox: Drain, owner_conn: Connection
) -> None:
    store_id = engine.make(alice)["store_id"]
    send(alice, BOATS)
    send(alice, OLIVES)
    drain_outbox()

    def check(mend: bool = False) -> dict[str, Any]:
        answer = alice.http.post(f"/api/v1/vector-stores/{store_id}/check", json={"mend": mend})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    clean = check()
    assert (clean["expected"], clean["found"], clean["missing"], clean["extra"]) == (2, 2, 0, 0)
    assert clean["reachable"]
    _drift(engine, owner_conn, store_id)
    seen = check()
    assert (seen["missing"], seen["extra"], seen["mended"]) == (1, 1, False)
    assert check(mend=True)["mended"]
    drain_outbox()
    assert check() == clean
    assert engine.points() == 2
    assert search(alice, "the green rowing boat Marguerite")[0]["text"] == BOATS


def _drift(engine: Engine, connection: Connection, store_id: int) -> None:
    """One vector is lost in the engine, and one is there that belongs to nothing."""
    if engine.double is not None:
        engine.double.lose(next(key for key in engine.double.points()))
        engine.double.add_stray("chunk:999999999")
        return
    from anima.knowledge import outside_service
    from anima.knowledge.outside_repo import OUTSIDE_STORE
    from anima.knowledge.stores_model import OutsideStore
    from anima.vendors.vector_stores import Point

    row = connection.execute(
        """
        select store_id, store_name, provider, endpoint_url, api_key, embedding_model, dimension, metric, purpose,
            metadata, moving_model, moving_dimension, owner_id
        from vector_stores where store_id = %s
        """,
        [store_id],
    ).fetchone()
    assert row is not None
    assert OUTSIDE_STORE.row is OutsideStore
    opened = outside_service.opened(OutsideStore(*row[:12]))
    first = opened.ids(row[12]).external_ids[0]
    opened.delete(row[12], [first])
    opened.upsert([Point("chunk:999999999", [1.0] + [0.0] * 383, row[12], 1)])


def test_drift_in_this_database_is_found_and_mended(alice: Person, drain_outbox: Drain, owner_conn: Connection) -> None:
    send(alice, BOATS, "context")
    send(alice, OLIVES, "context")
    drain_outbox()
    store_id = stores(alice)["context"]["store_id"]

    def check(mend: bool = False) -> dict[str, Any]:
        found: dict[str, Any] = alice.http.post(f"/api/v1/vector-stores/{store_id}/check", json={"mend": mend}).json()
        return found

    clean = check()
    assert (clean["expected"], clean["found"], clean["missing"], clean["extra"]) == (2, 2, 0, 0)
    owner_conn.execute(
        "delete from embeddings where embedding_id = (select min(embedding_id) from embeddings where store_id = %s)",
        [store_id],
    )
    owner_conn.execute(
        """
        insert into embeddings (owner_id, store_id, entity_type, entity_id, external_id, vector)
        select owner_id, store_id, 'chunk', '999999999', 'chunk:999999999', vector from embeddings
        where store_id = %s limit 1
        """,
        [store_id],
    )
    assert (check()["missing"], check()["extra"]) == (1, 1)
    assert check(mend=True)["mended"]
    drain_outbox()
    assert check() == clean
    assert search(alice, "the green rowing boat Marguerite", "context")[0]["text"] == BOATS


def test_a_store_follows_the_embedder_that_serves_when_it_is_mended(
    engine: Engine, alice: Person, drain_outbox: Drain, owner_conn: Connection
) -> None:
    class Other(HashingEmbedder):
        """Another model, whose vectors are shorter."""

        name = "another-model@1"
        dimension = 64

        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            vectors = HashingEmbedder().embed(texts)[:, :64]
            shortened: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
            return shortened

    store_id = engine.make(alice)["store_id"]
    send(alice, BOATS)
    drain_outbox()
    check = f"/api/v1/vector-stores/{store_id}/check"
    with embeddings.use(Other()):
        seen = alice.http.post(check).json()
        assert (seen["other_model"], seen["missing"], seen["extra"]) == (1, 0, 0)
        assert search(alice, "the green rowing boat")[0]["text"] == BOATS, "by the model that it has"
        assert embeddings.embedder().name == "another-model@1", "everybody else is asked by the one that serves"
        assert alice.http.post(check, json={"mend": True}).json()["mended"]
        drain_outbox()
        seen = alice.http.post(check).json()
        assert (seen["other_model"], seen["found"], seen["missing"]) == (0, 1, 0)
        made = stores(alice)["papers"]
        assert (made["embedding_model"], made["dimension"]) == ("another-model@1", 64)
        assert search(alice, "the green rowing boat")[0]["text"] == BOATS
        assert engine.points() == 1
    assert count(owner_conn, "select count(*) from outside_vectors where store_id = %s", store_id) == 1
