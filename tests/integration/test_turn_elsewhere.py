"""A turn finds what lies in a store on another engine by its meaning, and goes on where that engine is dead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from anima.kernel import outbox
from fixtures.api import Person
from fixtures.engines import Engine
from fixtures.pinecone_double import KEY, PineconeDouble
from fixtures.stub_llm import StubLLM
from fixtures.turns import say

BOATS = "The green rowing boat is called Marguerite. Nobody takes her out after dark."
QUESTION = "What is the green rowing boat called?"


@pytest.fixture
def pinecone(private_engines: None, pinecone_double: PineconeDouble) -> Engine:
    """One engine."""
    return Engine("pinecone", pinecone_double.url, KEY, lambda: len(pinecone_double.points()), pinecone_double)


def last_search(person: Person) -> dict[str, Any]:
    found: dict[str, Any] = person.http.get("/api/v1/retrievals", params={"limit": 1}).json()["items"][0]
    return found


def test_a_turn_asks_stores_elsewhere(
    talking: StubLLM, alice: Person, pinecone: Engine, drain_outbox: Callable[[], list[outbox.Event]]
) -> None:
    before = {store["store_name"]: store for store in alice.http.get("/api/v1/vector-stores").json()["items"]}
    pinecone.make(alice, "boats", purpose="context")
    assert alice.http.delete(f"/api/v1/vector-stores/{before['context']['store_id']}").status_code in {202, 204}
    answer = alice.http.post("/api/v1/documents", json={"text": BOATS})
    drain_outbox()
    document_id = answer.json()["document_id"]
    assert alice.http.get(f"/api/v1/documents/{document_id}").json()["state"] == "done"

    say(alice, QUESTION)
    by_engine = last_search(alice)
    assert len(by_engine["result_ids"]) == 1
    assert by_engine["distances"][0] < 0.9

    assert pinecone.double is not None
    pinecone.double.kill()
    said = say(alice, QUESTION)
    by_words = last_search(alice)
    assert said.json()["content"]
    assert (by_words["result_ids"], by_words["distances"]) == (by_engine["result_ids"], [1.0])
