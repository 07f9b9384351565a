"""What is good enough, and how it is shown: floors and what moves them, why, joined and folded passages, speakers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from anima.kernel import outbox
from fixtures.api import Person

pytestmark = pytest.mark.usefixtures("fast_embedder")

Drain = Callable[[], list[outbox.Event]]
Bring = Callable[..., list[int]]
ISLAND = "The lighthouse on Skerry Rock was painted red in 1911 by Gudrun Halvorsen."
PARAGRAPH = "The {} harbour was dredged once more, and {} more barges than the year before were counted there. "


@pytest.fixture
def bring(alice: Person, drain_outbox: Drain) -> Bring:
    """Brings texts in as Alice and waits until they are found."""

    def brought(*texts: str, **more: Any) -> list[int]:
        bodies = [{"text": text, "title": f"text {number}", **more} for number, text in enumerate(texts)]
        answer = alice.http.post("/api/v1/documents", json=bodies)
        assert answer.status_code == 202, answer.text
        drain_outbox()
        return [each["document_id"] for each in answer.json()]

    return brought


def search(person: Person, query: str, **more: Any) -> dict[str, Any]:
    answer = person.http.post("/api/v1/search", json={"query": query, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def bind(connection: psycopg.Connection[Any], person: Person, metadata: dict[str, Any]) -> None:
    """Writes a store's metadata by plain SQL."""
    connection.execute(
        "update vector_stores set metadata = %s where owner_id = %s and purpose = 'context'",
        [json.dumps(metadata), person.user_id],
    )


def test_what_nothing_answers_is_told_so(alice: Person, bring: Bring) -> None:
    bring(ISLAND)
    found = search(alice, "How do I knit a pullover?")
    assert (found["hits"], found["nothing_found"]) == ([], True)
    assert 0 <= found["best_below"] < found["floor"] == 0.25
    answered = search(alice, "Who painted the lighthouse red?")
    assert (answered["nothing_found"], answered["best_below"]) == (False, None)
    assert answered["hits"][0]["score"] >= 0.25
    assert search(alice, "Gudrun", mode="words")["hits"][0]["score"] > 0.9


def test_theta_moves_the_floor_as_the_row_says_at_once(
    alice: Person, bring: Bring, owner_conn: psycopg.Connection[Any]
) -> None:
    bring(ISLAND)
    asked = "Who painted the lighthouse red?"
    score = search(alice, asked)["hits"][0]["score"]
    unbound = search(alice, asked, modulators={"theta": 1.5})
    assert len(unbound["hits"]) == 1
    assert unbound["warnings"] == ["no store that was searched has a binding for theta"]

    bind(owner_conn, alice, {"floor": 0.2, "bindings": {"theta": {"moves": "floor", "scale": 0.1}}})
    assert search(alice, asked)["floor"] == pytest.approx(0.2)
    moved = search(alice, asked, modulators={"theta": 1.5})
    assert (moved["floor"], moved["warnings"]) == (pytest.approx(0.35), [])
    high = search(alice, asked, modulators={"theta": 20})
    assert (high["hits"], high["nothing_found"], high["floor"]) == ([], True, 1.0)
    assert high["best_below"] == pytest.approx(score)
    logged = alice.http.get(f"/api/v1/retrievals/{high['retrieval_id']}").json()
    assert (logged["floor"], logged["result_ids"]) == (1.0, [])

    bind(owner_conn, alice, {"floor": 0.2, "bindings": {"theta": {"moves": "floor", "scale": -1.0}}})
    everything = search(alice, "How do I knit a pullover?", modulators={"theta": 3})
    assert (everything["floor"], len(everything["hits"])) == (0.0, 1)


def test_a_floor_that_is_none_changes_nothing(alice: Person, bring: Bring, owner_conn: psycopg.Connection[Any]) -> None:
    bring(ISLAND)
    wrong: list[dict[str, Any]] = [
        {"floor": "high"},
        {"floor": True, "bindings": [1]},
        {"bindings": {"theta": "floor"}},
    ]
    for metadata in (*wrong, {"floor": 10**400}):
        bind(owner_conn, alice, metadata)
        assert search(alice, "Who painted the lighthouse red?", modulators={"theta": 1})["floor"] == 0.25


def test_a_hit_says_why(alice: Person, bring: Bring) -> None:
    bring(ISLAND)
    (hit,) = search(alice, "Who painted a lighthouse for Halvorson?")["hits"]
    assert hit["why"]["terms"] == ["painted", "lighthouse", "halvorson"]
    assert hit["why"]["spelled"] == {"halvorson": "halvorsen"}
    assert (hit["why"]["neighbours"], hit["why"]["same_as"], hit["why"]["speaker"]) == ([], [], None)
    assert (hit["purpose"], hit["store_id"] > 0) == ("context", True)


def test_another_spelling_is_told_as_the_passage_has_it(alice: Person, bring: Bring) -> None:
    bring("The coffee machine is descaled every forty days.")
    (hit,) = search(alice, "When is the coffe machine descaled?")["hits"]
    assert hit["why"]["spelled"] == {"coffe": "coffee"}


def test_passages_side_by_side_are_one(alice: Person, bring: Bring) -> None:
    text = "".join(PARAGRAPH.format(f"{word} northern", number) for number, word in enumerate("abcdefghijkl"))
    bring(text)
    hits = search(alice, "How many barges were counted in the northern harbour when it was dredged?")["hits"]
    assert len(hits) == 1
    (hit,) = hits
    assert len(hit["why"]["neighbours"]) >= 1
    first = alice.http.get(f"/api/v1/chunks/{min(hit['chunk_id'], *hit['why']['neighbours'])}").json()
    last = alice.http.get(f"/api/v1/chunks/{max(hit['chunk_id'], *hit['why']['neighbours'])}").json()
    start, end = first["location"]["char_start"], last["location"]["char_end"]
    assert (hit["location"]["char_start"], hit["location"]["char_end"]) == (start, end)
    assert hit["text"] == text[start:end]


def test_copies_are_folded_and_figures_make_a_difference(alice: Person, bring: Bring) -> None:
    original, copy, _ = bring(ISLAND, ISLAND.replace("painted red", "painted  RED"), ISLAND.replace("1911", "1912"))
    hits = search(alice, "Who painted the lighthouse on Skerry Rock?")["hits"]
    assert len(hits) == 2
    folded = next(hit for hit in hits if hit["why"]["same_as"])
    (same,) = folded["why"]["same_as"]
    assert {folded["document_id"], same["document_id"]} == {original, copy}


def test_several_purposes_are_searched_side_by_side(alice: Person, bring: Bring) -> None:
    bring(ISLAND)
    bring("The lighthouse keeper found a bottle with a letter.", purpose="findings")
    found = search(alice, "lighthouse", purposes=["context", "findings", "analysis"])
    assert {hit["purpose"] for hit in found["hits"]} == {"context", "findings"}
    scores = [hit["score"] for hit in found["hits"]]
    assert scores == sorted(scores, reverse=True)
    logged = alice.http.get(f"/api/v1/retrievals/{found['retrieval_id']}").json()
    assert logged["purposes"] == ["context", "findings", "analysis"]
    missing = alice.http.post("/api/v1/search", json={"query": "lighthouse", "purposes": ["context", "magic"]})
    assert missing.status_code == 404


def test_two_stores_of_a_purpose_are_one_place(alice: Person, bring: Bring) -> None:
    for name in ("papers", "more papers"):
        alice.http.post("/api/v1/vector-stores", json={"store_name": name, "purpose": "semantic"})
    bring(ISLAND, purpose="semantic")
    (hit,) = search(alice, "lighthouse", purpose="semantic")["hits"]
    assert hit["purpose"] == "semantic"


def test_a_store_made_by_sql_is_searched_at_once(
    alice: Person, bring: Bring, owner_conn: psycopg.Connection[Any]
) -> None:
    owner_conn.execute(
        "insert into vector_stores (owner_id, store_name, embedding_model, dimension, purpose)"
        " select owner_id, 'semantic', embedding_model, dimension, 'semantic' from vector_stores"
        " where owner_id = %s and purpose = 'context'",
        [alice.user_id],
    )
    assert search(alice, "lighthouse", purpose="semantic")["nothing_found"]
    bring(ISLAND, purpose="semantic")
    assert len(search(alice, "lighthouse", purpose="semantic")["hits"]) == 1


def test_time_is_a_filter(alice: Person, bring: Bring, owner_conn: psycopg.Connection[Any]) -> None:
    old, _ = bring(ISLAND, "A lighthouse keeper wrote letters to his sister in Bergen.")
    owner_conn.execute("update documents set created_at = '2020-05-01Z' where document_id = %s", [old])
    for limits, titles in (
        ({"before": "2021-01-01T00:00:00Z"}, ["text 0"]),
        ({"after": "2021-01-01T00:00:00Z"}, ["text 1"]),
        ({"after": "2020-05-01T00:00:00Z", "before": "2020-05-01T00:00:00Z"}, []),
        ({"after": "2020-05-01T02:00:00+02:00", "before": "2020-05-02T00:00:00Z"}, ["text 0"]),
    ):
        assert [hit["title"] for hit in search(alice, "lighthouse", filter=limits)["hits"]] == titles


def test_who_is_asked_about_is_heard_first(alice: Person, bring: Bring) -> None:
    """Both passages name Élise; she speaks in one of them."""
    bruno = ["Élise, the garden, the garden!", "Élise, that is hard work.", "Nobody helps you, Élise.", "Élise?"]
    elise = ["I planted tomatoes in the garden.", "And beans.", "On Sunday, if it does not rain.", "Yes."]
    bring(*("\n".join(f"{name}: {line}" for line in said) for name, said in (("Bruno", bruno), ("Élise M", elise))))
    best = search(alice, "What did Élise plant in the garden?")["hits"][0]
    assert best["text"].startswith("Élise M: I planted")
    assert best["why"]["speaker"] == "elise"


def test_searches_are_listed_by_request_and_status(
    alice: Person, bob: Person, bring: Bring, owner_conn: psycopg.Connection[Any]
) -> None:
    bring(ISLAND)
    made = [search(alice, f"lighthouse number {number}")["retrieval_id"] for number in range(3)]
    owner_conn.execute("update retrieval_logs set status = 'failed' where retrieval_id = %s", [made[1]])
    page = alice.http.get("/api/v1/retrievals", params={"limit": 2}).json()
    assert [row["retrieval_id"] for row in page["items"]] == made[:0:-1]
    rest = alice.http.get("/api/v1/retrievals", params={"limit": 2, "cursor": page["next_cursor"]}).json()
    assert ([row["retrieval_id"] for row in rest["items"]], rest["next_cursor"]) == ([made[0]], None)
    failed = alice.http.get("/api/v1/retrievals", params={"status": "failed"}).json()
    assert [row["retrieval_id"] for row in failed["items"]] == [made[1]]
    assert alice.http.get("/api/v1/retrievals", params={"request_id": 9_999_999}).json()["items"] == []
    assert bob.http.get("/api/v1/retrievals").json()["items"] == []
    assert alice.http.get("/api/v1/retrievals", params={"cursor": "bm8"}).status_code == 422


def test_explain_shows_the_plan_and_no_figures(alice: Person, bring: Bring) -> None:
    bring(ISLAND)
    plan = search(alice, "lighthouse", explain=True)["plan"]
    assert any("embeddings" in line for line in plan)
    assert not any("cost=" in line or "rows=" in line for line in plan)
    assert search(alice, "lighthouse")["plan"] is None


@pytest.mark.parametrize(
    "body",
    [
        {"purpose": "context", "purposes": ["findings"]},
        {"purposes": []},
        {"purposes": [str(number) for number in range(9)]},
        {"modulators": {"theta": "much"}},
        {"modulators": {"theta": 1e9}},
        {"filter": {"after": "2020-05-01T00:00:00"}},
        {"filter": {"before": "yesterday"}},
        {"explain": "loudly"},
    ],
)
def test_what_makes_no_sense_is_refused(alice: Person, body: dict[str, Any]) -> None:
    assert alice.http.post("/api/v1/search", json={"query": "lighthouse", **body}).status_code == 422
