"""Another embedding model: everything is embedded anew while the old one serves, then all of it is switched at once."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from anima.kernel import delivery, outbox
from anima.knowledge import index_service, worker
from anima.operations import embeddings as moves
from anima.vendors import embeddings
from anima.vendors.embeddings.hosted import WrongVectors
from anima.vendors.embeddings.profiles import DIGEST
from anima.vendors.llm.errors import ModelError
from fixtures import agreement
from fixtures.api import Person
from fixtures.embedding_server import EmbeddingServer
from fixtures.models import HashingEmbedder
from fixtures.stub_llm import StubLLM
from fixtures.turns import said

pytestmark = pytest.mark.usefixtures("fast_embedder")

Drain = Callable[[], list[outbox.Event]]
OLD = f"all-MiniLM-L6-v2@{DIGEST}"
NEW = "text-embedding-3-small@openai"


@pytest.fixture(autouse=True)
def nothing_kept_back(owner_conn: psycopg.Connection[Any]) -> None:
    """What people of other tests keep from a provider would forbid every move to it."""
    owner_conn.execute("update avatars set egress = '{}' where egress <> '{}'")


@pytest.fixture
def library(alice: Person, drain_outbox: Drain) -> str:
    """Three documents; a word that all of them have, and nobody else's."""
    word = f"zoo{os.urandom(4).hex()}"
    bodies = [
        {"text": f"The {animal} lives in {place}, {word}.", "title": animal}
        for animal, place in (("heron", "the reeds"), ("marmot", "the mountains"), ("octopus", "the sea"))
    ]
    alice.http.post("/api/v1/documents", json=bodies)
    drain_outbox()
    return word


def found(person: Person, query: str) -> dict[str, float | None]:
    """The cosine of each document that is found by meaning, by title."""
    answer = person.http.post("/api/v1/search", json={"query": query, "mode": "vector", "top_k": 3}).json()
    return {hit["title"]: hit["scores"]["vector"] for hit in answer["hits"]}


def counted(conn: psycopg.Connection[Any], owner_id: int) -> dict[str, int]:
    rows = conn.execute("select embedding_model, count(*) from embeddings where owner_id = %s group by 1", [owner_id])
    return dict(rows.fetchall())


def stores(person: Person) -> set[tuple[str, int]]:
    items = person.http.get("/api/v1/vector-stores").json()["items"]
    return {(each["embedding_model"], each["dimension"]) for each in items}


def test_the_old_model_serves_until_the_new_one_does(
    alice: Person,
    library: str,
    database: Any,
    owner_conn: psycopg.Connection[Any],
    embedding_server: EmbeddingServer,
    drain_outbox: Drain,
) -> None:
    seen: list[dict[str, float | None]] = []
    try:
        moved = moves.migrate(
            database.owner_url, "text-embedding-3-small", lambda *_: seen.append(found(alice, "heron"))
        )
        assert (moved.model, moved.before) == (NEW, OLD)
        assert moved.made["passages"] >= 3
        assert seen
        assert all(each.get("heron") for each in seen), "searched by the old vectors all the while"
        assert counted(owner_conn, alice.user_id) == {NEW: 3}
        assert stores(alice) == {(NEW, 1536)}

        assert "heron" in found(alice, "Where does the heron live?")
        assert embedding_server.texts[-1] == "Where does the heron live?"
        alice.http.post("/api/v1/documents", json={"text": "The otter lives in the river.", "title": "otter"})
        drain_outbox()
        assert counted(owner_conn, alice.user_id) == {NEW: 4}
        assert "otter" in found(alice, "the river of the otter")

        again = moves.migrate(database.owner_url, "text-embedding-3-small")
        assert not any(again.made.values())
    finally:
        _back(owner_conn)


def test_a_move_that_was_cut_off_goes_on_and_nothing_is_switched_before(
    alice: Person,
    library: str,
    database: Any,
    owner_conn: psycopg.Connection[Any],
    embedding_server: EmbeddingServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(moves, "BATCH", 1)

    def killed(*_: object) -> None:
        if sum(library in text for text in embedding_server.texts) == 2:
            raise KeyboardInterrupt

    try:
        with pytest.raises(KeyboardInterrupt):
            moves.migrate(database.owner_url, "text-embedding-3-small", killed)
        assert stores(alice) == {(OLD, 384)}
        assert "heron" in found(alice, "heron")
        with pytest.raises(moves.OtherMove, match="text-embedding-3-small@openai"):
            moves.migrate(database.owner_url, "all-minilm-l6-v2")

        embedding_server.texts.clear()
        moves.migrate(database.owner_url, "text-embedding-3-small")
        assert len([text for text in embedding_server.texts if library in text]) == 1, "two were there already"
        assert stores(alice) == {(NEW, 1536)}
    finally:
        _back(owner_conn)


def test_what_is_written_meanwhile_comes_along(
    alice: Person,
    library: str,
    database: Any,
    owner_conn: psycopg.Connection[Any],
    embedding_server: EmbeddingServer,
    drain_outbox: Drain,
) -> None:
    def write(source: str, done: int, total: int) -> None:
        if source == "passages" and done == total:
            alice.http.post("/api/v1/documents", json={"text": "The wren lives in the hedge.", "title": "wren"})
            drain_outbox()

    try:
        moves.migrate(database.owner_url, "text-embedding-3-small", write)
        assert counted(owner_conn, alice.user_id) == {NEW: 4}
        assert "wren" in found(alice, "the wren in the hedge")
    finally:
        _back(owner_conn)


def test_a_document_that_is_half_indexed_at_the_switch_is_whole_by_the_new_model(
    alice: Person,
    database: Any,
    owner_conn: psycopg.Connection[Any],
    embedding_server: EmbeddingServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, moved = HashingEmbedder.embed, []

    def embed(self: HashingEmbedder, texts: Any) -> Any:
        if len(texts) == index_service.BATCH:
            moved.append(len(texts))
            if len(moved) == 2:
                moves.migrate(database.owner_url, "text-embedding-3-small")
        return real(self, texts)

    monkeypatch.setattr(HashingEmbedder, "embed", embed)
    text = "\n\n".join(f"# Boat {n}\n\nBoat {n} lies in the harbour." for n in range(200))
    try:
        document_id = alice.http.post("/api/v1/documents", json={"text": text, "title": "boats"}).json()["document_id"]
        event = delivery.claim()
        assert event is not None
        with pytest.raises(psycopg.errors.CheckViolation):  # of the store, which keeps vectors of one model only
            worker.handle(delivery.as_sqs(event), raising=True)
        worker.handle(delivery.as_sqs(event), raising=True)
        delivery.delivered(event)
        done = alice.http.get(f"/api/v1/documents/{document_id}").json()
        assert (done["state"], done["attempts"]) == ("done", 2), done["reason"]
        assert counted(owner_conn, alice.user_id) == {NEW: done["chunks_total"]}
        assert agreement.disagreements(owner_conn, alice.user_id) == {}
    finally:
        _back(owner_conn)


def test_a_move_can_be_given_up(
    alice: Person,
    library: str,
    database: Any,
    owner_conn: psycopg.Connection[Any],
    embedding_server: EmbeddingServer,
) -> None:
    def killed(_source: str, _done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        moves.migrate(database.owner_url, "text-embedding-3-small", killed)
    assert moves.abandon(database.owner_url) >= 3
    assert counted(owner_conn, alice.user_id) == {OLD: 3}
    assert stores(alice) == {(OLD, 384)}


def test_what_was_said_is_remembered_by_the_new_model(
    alice: Person,
    luna: str,
    talking: StubLLM,
    database: Any,
    owner_conn: psycopg.Connection[Any],
    drain_outbox: Drain,
    request: pytest.FixtureRequest,
) -> None:
    said(alice, "My sister Ada plays the cello in Lisbon.", avatar_id=luna)
    drain_outbox()
    said(alice, "My brother Bo keeps bees in Porto.", avatar_id=luna)
    request.getfixturevalue("embedding_server")
    try:
        moved = moves.migrate(database.owner_url, "text-embedding-3-small")
        assert moved.made["messages"] >= 1
        for table in ("message_embeddings", "user_facts", "episodes"):
            held = owner_conn.execute(
                f"select embedding_model, vector_dims(embedding), next_model from {table} where embedding is not null"
            ).fetchall()
            assert set(held) <= {(NEW, 1536, None)}, table
        embeddings.forget()  # as a worker that has never searched
        drain_outbox()
        held = owner_conn.execute("select content, embedding_model from message_embeddings").fetchall()
        assert {model for content, model in held if "bees" in content} == {NEW}
    finally:
        _back(owner_conn)


@pytest.mark.parametrize("fault", ["broken", "short", "key"])
def test_a_server_that_does_not_embed_leaves_everything_as_it_was(
    alice: Person,
    library: str,
    database: Any,
    embedding_server: EmbeddingServer,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    monkeypatch.setattr("openai._constants.INITIAL_RETRY_DELAY", 0.01, raising=False)
    if fault == "key":
        monkeypatch.setenv("OPENAI_API_KEY", "another")
        from anima.kernel import config

        config.settings.cache_clear()
        embeddings.forget()
    else:
        setattr(embedding_server, fault, True)
    with pytest.raises((ModelError, WrongVectors)):
        moves.migrate(database.owner_url, "text-embedding-3-small")
    assert stores(alice) == {(OLD, 384)}
    assert "heron" in found(alice, "heron")


def test_an_unknown_model_is_named_with_those_that_are_known(database: Any) -> None:
    with pytest.raises(embeddings.UnknownEmbedder, match="multilingual-e5-small"):
        moves.migrate(database.owner_url, "no-such-model")


def _back(conn: psycopg.Connection[Any]) -> None:
    """The database of the tests is everybody's: its next users begin with the default model."""
    conn.execute("delete from settings where key = 'embedding_model'")
    for table in ("embeddings", "message_embeddings", "user_facts", "episodes"):
        conn.execute(f"delete from {table} where embedding_model = %s", [NEW])
    conn.execute(
        "update vector_stores set embedding_model = %s, dimension = 384 where embedding_model = %s", [OLD, NEW]
    )
