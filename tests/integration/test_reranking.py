"""A reranker changes the order of what was found; whatever it does wrong costs its order only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from anima.kernel import config, outbox
from anima.vendors import rerankers
from fixtures.api import Person
from fixtures.models import HashingEmbedder
from fixtures.rerank_server import RerankServer

TEXTS = [
    "The garden has tomatoes, tomatoes and more tomatoes this summer.",
    "In the garden there are tomatoes beside the old beans.",
    "Somebody sold a garden chair at the market, for little money.",
]


@pytest.fixture
def garden(fast_embedder: HashingEmbedder, alice: Person, drain_outbox: Callable[[], list[outbox.Event]]) -> None:
    """Three texts of Alice's."""
    bodies = [{"text": text, "title": f"text {number}"} for number, text in enumerate(TEXTS)]
    assert alice.http.post("/api/v1/documents", json=bodies).status_code == 202
    drain_outbox()


def search(person: Person) -> dict[str, Any]:
    answer = person.http.post("/api/v1/search", json={"query": "tomatoes in the garden"})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.usefixtures("garden")
def test_its_order_is_taken(alice: Person, rerank_server: RerankServer) -> None:
    found = search(alice)
    assert found["warnings"] == []
    assert "beans" in found["hits"][0]["text"]
    scores = [hit["score"] for hit in found["hits"]]
    assert scores == sorted(scores, reverse=True)
    (asked,) = rerank_server.asked
    assert asked["query"] == "tomatoes in the garden"
    assert any(text.startswith("text 0\n") for text in asked["documents"])


@pytest.mark.usefixtures("garden")
@pytest.mark.parametrize(
    "wrong",
    [
        {"status": 500},
        {"answer": b"<html>"},
        {"answer": {"results": "none"}},
        {"answer": {"results": [{"index": 0, "relevance_score": 1.0}]}},
        {"answer": {"results": [{"index": 7, "relevance_score": 1.0}]}},
        {"answer": {"results": [{"index": 0, "relevance_score": 1.0}, {"index": 0, "relevance_score": 1.0}]}},
        {"answer": {"results": [{"index": True, "relevance_score": 1.0}]}},
        {"answer": {"results": [{"index": 0, "relevance_score": "high"}]}},
        {"answer": [1, 2]},
        {"delay": 1.5},
    ],
)
def test_what_it_does_wrong_costs_its_order_only(
    alice: Person, rerank_server: RerankServer, wrong: dict[str, Any]
) -> None:
    for name, value in wrong.items():
        setattr(rerank_server, name, value)
    found = search(alice)
    assert found["hits"]
    assert "beans" not in found["hits"][0]["text"]
    (warning,) = found["warnings"]
    assert warning.startswith("the order is not the reranker's: ")
    logged = alice.http.get(f"/api/v1/retrievals/{found['retrieval_id']}").json()
    assert (logged["status"], logged["warnings"]) == ("completed", [warning])


@pytest.mark.usefixtures("garden")
def test_a_wrong_key_and_a_forbidden_address_are_told(
    alice: Person, rerank_server: RerankServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANIMA_RERANKER_KEY", "another")
    config.settings.cache_clear()
    assert "400" in search(alice)["warnings"][0]
    monkeypatch.setenv("ANIMA_PRIVATE_HOSTS", "[]")
    config.settings.cache_clear()
    before = len(rerank_server.asked)
    assert search(alice)["warnings"]
    assert len(rerank_server.asked) == before


def test_without_settings_there_is_none() -> None:
    assert rerankers.reranker() is None


def test_nothing_is_asked_about_nothing(rerank_server: RerankServer) -> None:
    model = rerankers.reranker()
    assert model is not None
    assert model.rerank("anything", []) == []
    assert rerank_server.asked == []
