"""The cache of embeddings: a text is embedded once an owner and model, and no search is ever answered from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray

from anima.inference import cache_repo, cache_service
from anima.kernel import db, outbox, telemetry
from anima.operations import maintenance
from anima.vendors import embeddings
from fixtures.api import Person
from fixtures.models import HashingEmbedder

Drain = Callable[[], list[outbox.Event]]
Connection = psycopg.Connection[Any]
TEXT = "".join(f"Boat number {number} lies in the harbour of Ines.\n\n" for number in range(2_000))


class Counting(HashingEmbedder):
    """Remembers what it was asked to embed."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts += texts
        return super().embed(texts)


class Another(Counting):
    """The same under another name."""

    name = "another@1"


class Odd(HashingEmbedder):
    """Vectors that a text form of few digits would change."""

    name = "odd@1"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        sizes = np.float64(10) ** np.linspace(-44, 38, self.dimension)
        return (np.random.default_rng(len(texts)).uniform(1, 2, (len(texts), self.dimension)) * sizes).astype(
            np.float32
        )


@pytest.fixture
def counting() -> Iterator[Counting]:
    embedder = Counting()
    with embeddings.use(embedder):
        yield embedder


@pytest.fixture
def counters() -> Iterator[dict[str, float]]:
    """What the metrics of the activation cache have counted."""
    counted = {"cache.hits": 0.0, "cache.misses": 0.0}

    def sink(name: str, value: float, labels: Mapping[str, str]) -> None:
        if labels.get("cache") == "activation":
            counted[name] += value

    telemetry.sinks.append(sink)
    yield counted
    telemetry.sinks.remove(sink)


def send(person: Person, purpose: str, text: str = TEXT) -> int:
    body = {"title": "Boats", "text": text, "purpose": purpose}
    answer = person.http.post("/api/v1/documents", json=body)
    assert answer.status_code == 202, answer.text
    return int(answer.json()["document_id"])


def worker(person: Person) -> db.Principal:
    return db.Principal(person.user_id, login="worker")


def embed(person: Person, model: embeddings.Embedder, *texts: str) -> NDArray[np.float32]:
    return cache_service.embed(worker(person), person.user_id, model, list(texts))


def entries(connection: Connection, person: Person) -> list[Any]:
    query = "select document_id, hits from activation_cache where owner_id = %s"
    return connection.execute(query, [person.user_id]).fetchall()


def vectors(connection: Connection, document_id: int) -> list[Any]:
    return connection.execute(
        """
        select c.chunk_index, e.vector::text from chunks c
        join embeddings e on e.owner_id = c.owner_id and e.entity_id = c.chunk_id::text
        where c.document_id = %s order by 1
        """,
        [document_id],
    ).fetchall()


def test_the_second_time_a_text_is_not_embedded(
    alice: Person, drain_outbox: Drain, owner_conn: Connection, counting: Counting, counters: dict[str, float]
) -> None:
    first = send(alice, "context")
    drain_outbox()
    embedded = len(counting.texts)
    assert embedded > 64
    assert counters == {"cache.hits": 0, "cache.misses": embedded}
    second = send(alice, "findings")
    drain_outbox()
    assert len(counting.texts) == embedded
    assert counters == {"cache.hits": embedded, "cache.misses": embedded}
    assert len(vectors(owner_conn, first)) == embedded
    assert vectors(owner_conn, second) == vectors(owner_conn, first)
    assert {hits for _, hits in entries(owner_conn, alice)} == {1}
    stored = np.array([json.loads(vector) for _, vector in vectors(owner_conn, first)], dtype=np.float32)
    assert np.array_equal(stored, HashingEmbedder().embed(counting.texts)), "to the bit, also in the store"


def test_a_vector_comes_back_to_the_bit(alice: Person) -> None:
    model = Odd()
    texts = [f"text {number}" for number in range(5)]
    made = embed(alice, model, *texts)
    assert np.array_equal(made.view(np.uint32), model.embed(texts).view(np.uint32))
    assert len({float(value) for value in np.abs(made[0])}) > 300, "of all sizes"
    again = embed(alice, model, *reversed(texts))
    assert np.array_equal(again[::-1].view(np.uint32), made.view(np.uint32))


def test_what_was_cached_answers_no_search(
    alice: Person, drain_outbox: Drain, owner_conn: Connection, counting: Counting
) -> None:
    send(alice, "context", "The ferry leaves at nine.\n\n# Olives\n\nThey are served on Sundays.")
    drain_outbox()

    def search(query: str) -> Any:
        asked = {"query": query, "mode": "vector"}
        hits = alice.http.post("/api/v1/search", json=asked).json()["hits"]
        return [(hit["text"], hit["score"]) for hit in hits]

    question = "The ferry leaves at nine."
    embed(alice, counting, question)
    before = search(question)
    owner_conn.execute(
        "update activation_cache set tensor = decode(repeat('0000803f', 384), 'hex') where owner_id = %s",
        [alice.user_id],
    )
    assert before
    assert search(question) == before
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        db.transaction(alice.principal) as tx,
    ):
        cache_repo.found(tx, alice.user_id, counting.name, cache_service.LAYER, [b"x" * 32], timedelta(1)).all()


def test_neither_owners_nor_models_share_an_entry(alice: Person, bob: Person, counting: Counting) -> None:
    another = Another()
    embed(alice, counting, "the same text")
    embed(bob, counting, "the same text")
    embed(alice, another, "the same text")
    assert (counting.texts, another.texts) == (["the same text"] * 2, ["the same text"])
    embed(alice, counting, "the same text", "another", "the same text", "another")
    assert counting.texts[2:] == ["another"]


def test_an_entry_goes_with_the_document_it_was_made_for(
    alice: Person, drain_outbox: Drain, owner_conn: Connection, counting: Counting
) -> None:
    document_id = send(alice, "context")
    drain_outbox()
    assert {made_for for made_for, _ in entries(owner_conn, alice)} == {document_id}
    assert alice.http.delete(f"/api/v1/documents/{document_id}").status_code == 204
    assert entries(owner_conn, alice) == []
    cache_service.embed(worker(alice), alice.user_id, counting, ["of a document that is gone"], document_id)
    assert entries(owner_conn, alice) == []


def test_an_entry_that_expired_is_made_anew_and_goes_with_the_maintenance(
    alice: Person, owner_conn: Connection, counting: Counting
) -> None:
    embed(alice, counting, "kept", "lapsed", "gone")
    lapse = (
        "update activation_cache set expires_at = now() - interval '1 s' where owner_id = %s and input_hash = any(%s)"
    )
    lapsed = [hashlib.sha256(text).digest() for text in (b"lapsed", b"gone")]
    owner_conn.execute(lapse, [alice.user_id, lapsed])
    embed(alice, counting, "kept", "lapsed")
    assert counting.texts == ["kept", "lapsed", "gone", "lapsed"]
    maintenance.run()
    assert len(entries(owner_conn, alice)) == 2
    embed(alice, counting, "kept", "lapsed")
    assert len(counting.texts) == 4


def test_workers_that_cache_the_same_texts_do_not_block_each_other(
    alice: Person, owner_conn: Connection, counting: Counting
) -> None:
    texts = [f"text {number}" for number in range(200)]
    orders = [texts, texts[::-1], texts[100:] + texts[:100], texts[::2] + texts[1::2]]

    def work(order: list[str]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for _ in range(3):
            for start in range(0, len(order), 50):
                batch = order[start : start + 50]
                found |= {text: row.tobytes() for text, row in zip(batch, embed(alice, counting, *batch), strict=True)}
        return found

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(work, orders))
    assert results[1:] == results[:1] * 3
    assert len(entries(owner_conn, alice)) == 200
