"""Search over documents: by meaning, words and spelling, within a filter; and the log of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from anima.kernel import db, outbox
from anima.knowledge import search_service, service
from anima.knowledge.retrieval_model import SearchRequest
from anima.vendors import embeddings
from anima.vendors.embeddings.question import ask
from fixtures.api import Person
from fixtures.models import HashingEmbedder

pytestmark = pytest.mark.usefixtures("fast_embedder")

Drain = Callable[[], list[outbox.Event]]
TEXTS = {
    "lake": "The lake freezes in January. Fishermen cut holes into the ice.",
    "boat": "Marguerite is the name of the rowing boat. She leaks a little.",
    "bread": "The baker Thibault sells bread from six in the morning.",
    "fr": "Les décisions du conseil sont affichées à la mairie. Le boulanger est fermé le lundi.",
}


@pytest.fixture
def library(alice: Person, drain_outbox: Drain) -> dict[str, int]:
    """Four documents of Alice's, by name."""
    bodies = [{"text": text, "title": name, "metadata": {"topic": name, "tags": ["a"]}} for name, text in TEXTS.items()]
    answer = alice.http.post("/api/v1/documents", json=bodies)
    drain_outbox()
    return dict(zip(TEXTS, (each["document_id"] for each in answer.json()), strict=True))


def ask_for(person: Person, query: str, **more: Any) -> list[dict[str, Any]]:
    answer = person.http.post("/api/v1/search", json={"query": query, **more})
    assert answer.status_code == 200, answer.text
    hits: list[dict[str, Any]] = answer.json()["hits"]
    scores = [hit["score"] for hit in hits]
    assert scores == sorted(scores, reverse=True)
    return hits


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("When does the lake freeze?", "lake"),
        ("freezing", "lake"),
        ("rowing boats", "boat"),
        ("Où sont affichées les décisions ?", "fr"),
        ("decision", "fr"),
        ("le conseil", "fr"),
    ],
)
def test_words_are_found_in_other_forms(alice: Person, library: dict[str, int], query: str, title: str) -> None:
    for mode in ("words", "hybrid"):
        assert ask_for(alice, query, mode=mode)[0]["title"] == title


@pytest.mark.parametrize("query", ["margerite", "Who is Margarite?", "tell me of Marguarite"])
def test_a_name_spelled_wrong_is_found(alice: Person, library: dict[str, int], query: str) -> None:
    best = ask_for(alice, query, mode="words")[0]
    assert best["title"] == "boat"
    assert 0.45 <= best["scores"]["trigram"] < 1
    assert ask_for(alice, "Marguerite", mode="words")[0]["scores"]["trigram"] is None


def test_each_mode_says_what_it_looked_at(alice: Person, library: dict[str, int]) -> None:
    by_vector = ask_for(alice, "the baker sells bread", mode="vector")
    assert by_vector[0]["title"] == "bread"
    assert all(hit["scores"]["words"] is None for hit in by_vector)
    by_words = ask_for(alice, "the baker sells bread", mode="words")
    assert [hit["title"] for hit in by_words] == ["bread"]
    assert by_words[0]["scores"]["vector"] is None
    both = ask_for(alice, "the baker sells bread")
    assert both[0]["scores"]["vector"] > 0.5 < both[0]["scores"]["words"]
    assert 0.25 < both[0]["score"] <= 1.0


def test_bm25_is_what_the_formula_says(alice: Person, library: dict[str, int]) -> None:
    """One term, once in one of four chunks: ln(1 + (4 - 1 + .5) / (1 + .5)) x 2.2 / (1 + 1.2 (.25 + .75 dl / mean))."""
    import math

    from anima.kernel.terms import counts

    lengths = {name: sum(counts(f"{name}\n{text}").values()) for name, text in TEXTS.items()}
    mean = sum(lengths.values()) / 4
    expected = math.log(1 + 3.5 / 1.5) * 2.2 / (1 + 1.2 * (0.25 + 0.75 * lengths["bread"] / mean))
    (hit,) = ask_for(alice, "Thibault", mode="words")
    assert hit["scores"]["words"] == pytest.approx(expected, rel=1e-6)


def test_a_filter_leaves_the_rest_out(alice: Person, library: dict[str, int]) -> None:
    everything = ask_for(alice, "lake boat bread")
    assert {hit["title"] for hit in everything} >= {"lake", "boat", "bread"}
    only = ask_for(alice, "lake boat bread", filter={"document_ids": [library["boat"], library["fr"]]})
    assert [hit["title"] for hit in only] == ["boat"]
    tagged = ask_for(alice, "lake boat bread", filter={"metadata": {"topic": "lake", "tags": ["a"]}})
    assert [hit["title"] for hit in tagged] == ["lake"]
    assert ask_for(alice, "lake", filter={"metadata": {"topic": "none"}}) == []
    assert ask_for(alice, "lake", filter={"document_ids": []}) == []


def test_a_search_is_logged(alice: Person, library: dict[str, int], owner_conn: psycopg.Connection[Any]) -> None:
    answer = alice.http.post("/api/v1/search", json={"query": "Who leaks?", "top_k": 2}).json()
    logged = alice.http.get(f"/api/v1/retrievals/{answer['retrieval_id']}").json()
    assert logged["result_ids"] == [hit["chunk_id"] for hit in answer["hits"]]
    distances = [1 - hit["scores"]["vector"] for hit in answer["hits"]]
    assert logged["distances"] == pytest.approx(distances)
    assert (logged["status"], logged["top_k"], logged["mode"]) == ("completed", 2, "hybrid")
    assert logged["latency_ms"] >= 0
    kept = owner_conn.execute(
        "select vector_dims(query_vector), query_text from retrieval_logs where retrieval_id = %s",
        [answer["retrieval_id"]],
    ).fetchone()
    assert kept == (384, "Who leaks?")


def test_a_search_that_fails_is_logged_as_such(alice: Person, owner_conn: psycopg.Connection[Any]) -> None:
    class Broken(HashingEmbedder):
        """Cannot embed."""

        def embed(self, texts: Any) -> Any:
            raise RuntimeError

    with embeddings.use(Broken()), pytest.raises(RuntimeError):
        search_service.search(alice.principal, SearchRequest("anything"))
    found = owner_conn.execute("select status from retrieval_logs where owner_id = %s", [alice.user_id]).fetchall()
    assert found == [("failed",)]


def test_a_search_joins_anothers_transaction(alice: Person, library: dict[str, int]) -> None:
    question = ask("What is the boat called?")
    with db.transaction(alice.principal) as tx:
        pending = service.begin_search(tx, alice.user_id, question, 3)
    hits = pending.hits()
    assert hits[0].title == "boat"
    assert len(hits) <= 3
    with db.transaction(alice.principal) as tx:
        logged = service.log_retrieval(tx, alice.user_id, question, hits, request_id=None, top_k=3, latency_ms=1.5)
    retrieval = search_service.get_retrieval(alice.principal, logged.one().retrieval_id)
    assert retrieval.result_ids == [hit.chunk_id for hit in hits]


def test_a_question_without_words_and_a_very_long_one_are_answered(alice: Person, library: dict[str, int]) -> None:
    assert ask_for(alice, "?!") == []
    assert ask_for(alice, "of the", mode="words") == []
    long = " ".join(f"nonsense{number}" for number in range(600)) + " Thibault"
    told = alice.http.post("/api/v1/search", json={"query": long, "mode": "words"}).json()
    assert (told["hits"], told["nothing_found"]) == ([], True)
    assert told["best_below"] > 0
    assert (
        ask_for(alice, f"{' '.join(TEXTS['bread'] for _ in range(40))} Thibault", mode="words")[0]["title"] == "bread"
    )


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"query": ""}, 422),
        ({"query": "  "}, 422),
        ({"query": "x" * 8001}, 422),
        ({"query": "x", "top_k": 0}, 422),
        ({"query": "x", "top_k": 101}, 422),
        ({"query": "x", "mode": "magic"}, 422),
        ({"query": "x", "filter": {"colour": "red"}}, 422),
        ({"query": "x", "purpose": "none of mine"}, 404),
        ({"query": "a\x00b"}, 422),
    ],
)
def test_a_search_that_is_wrong_is_refused(alice: Person, body: dict[str, Any], status: int) -> None:
    answer = alice.http.post("/api/v1/search", json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
