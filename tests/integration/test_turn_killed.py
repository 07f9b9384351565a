"""A server that is killed in the middle of a turn, and a client that goes away: nothing is lost, nothing done twice."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import pytest

from anima.chat import cut_service as turns
from anima.chat import service as chat
from fixtures.api import Person
from fixtures.served import Serve, Served
from fixtures.stub_llm import Reply, StubLLM
from fixtures.turns import said, say


def reach(server: Served, person: Person) -> httpx.Client:
    headers = {"Authorization": f"Bearer {person.key}"}
    return httpx.Client(base_url=server.url, headers=headers, timeout=30, trust_env=False)


def wait_for(there: Callable[[], object]) -> None:
    """Waits until something is so; a test that waits in vain fails."""
    for _ in range(1500):
        if there():
            return
        threading.Event().wait(0.02)
    pytest.fail("it did not come to that")


@pytest.fixture(autouse=True)
def nobody_else_was_cut(database: Any) -> None:
    """What others left open here is closed first, for the tests count what they close."""
    turns.close_cut()


def post_and_forget(client: httpx.Client, body: dict[str, Any], key: str) -> threading.Thread:
    def post() -> None:
        try:
            client.post("/api/v1/chat", json=body, headers={"Idempotency-Key": key})
        except httpx.HTTPError:
            return  # it was killed

    thread = threading.Thread(target=post, daemon=True)
    thread.start()
    return thread


def states(connection: psycopg.Connection[Any], person: Person) -> list[str]:
    statement = "select state from llm_requests where owner_id = %s order by request_id"
    return [row[0] for row in connection.execute(statement, [person.user_id])]


def test_a_turn_that_was_killed_is_closed_and_done_anew(
    alice: Person, luna: str, talking: StubLLM, serve: Serve, owner_conn: psycopg.Connection[Any]
) -> None:
    server, key = serve(), str(uuid.uuid4())
    talking.script(Reply(hang=True))
    with reach(server, alice) as client:
        asked = post_and_forget(client, {"message": "Remember the milk", "avatar_id": luna}, key)
        wait_for(lambda: talking.chats)
        server.kill()
        asked.join()
    assert states(owner_conn, alice) == ["pending"]
    assert say(alice, "Remember the milk", avatar_id=luna, key=key).status_code == 409

    assert turns.close_cut(uuid.uuid4()) == 0
    assert turns.close_cut(server.instance) == 1
    assert turns.close_cut(server.instance) == 0
    session = alice.http.get("/api/v1/sessions").json()["items"][0]["session_id"]
    messages = f"/api/v1/sessions/{session}/messages"
    (kept,) = alice.http.get(messages).json()["items"]
    assert (kept["content"], kept["state"]) == ("Remember the milk", "interrupted")

    talking.script("Milk it is.", "Yes.")
    answer = said(alice, "Remember the milk", avatar_id=luna, key=key)
    assert (answer["content"], answer["session_id"]) == ("Milk it is.", session)
    assert said(alice, "Did I say milk?", session_id=session)["content"] == "Yes."
    told = [one["content"] for one in alice.http.get(messages).json()["items"]]
    assert told == ["Remember the milk", "Milk it is.", "Did I say milk?", "Yes."]
    assert states(owner_conn, alice) == ["interrupted", "completed", "completed"]


def test_the_next_turn_of_the_session_needs_nobody_to_close_the_last(
    alice: Person, luna: str, talking: StubLLM, owner_conn: psycopg.Connection[Any]
) -> None:
    first = said(alice, "Hello", avatar_id=luna)
    owner_conn.execute(
        "update llm_requests set state = 'pending', expires_at = now() - interval '1 second' where request_id = %s",
        [first["request_id"]],
    )
    said(alice, "Still there?", session_id=first["session_id"])
    assert states(owner_conn, alice) == ["interrupted", "completed"]


def test_what_runs_elsewhere_is_left_alone(
    alice: Person, luna: str, talking: StubLLM, owner_conn: psycopg.Connection[Any]
) -> None:
    talking.script(Reply("Slow but sure.", delay=1.0))
    answers: list[dict[str, Any]] = []
    turn = threading.Thread(target=lambda: answers.append(said(alice, "Hello", avatar_id=luna)))
    turn.start()
    wait_for(lambda: talking.chats)
    assert turns.close_cut() == 0
    turn.join()
    assert answers[0]["content"] == "Slow but sure."


def test_a_client_that_goes_away_stops_the_model_and_what_was_said_is_kept(
    alice: Person, luna: str, talking: StubLLM, serve: Serve, owner_conn: psycopg.Connection[Any]
) -> None:
    server, key = serve(), str(uuid.uuid4())
    talking.script(Reply("word " * 2000, token_delay=0.2))
    body = {"message": "Talk on", "avatar_id": luna, "stream": True}
    with (
        reach(server, alice) as client,
        client.stream("POST", "/api/v1/chat", json=body, headers={"Idempotency-Key": key}) as response,
    ):
        lines = response.iter_lines()
        while "token" not in next(lines):
            pass
    wait_for(lambda: states(owner_conn, alice) == ["completed"])
    row = owner_conn.execute(
        "select response_id, content from llm_responses where owner_id = %s", [alice.user_id]
    ).fetchone()
    assert row is not None
    kept = alice.http.get(f"/api/v1/responses/{row[0]}").json()
    assert kept["finish"] == "stopped"
    assert 0 < kept["content"].count("word") < 40
    talking.script("A whole answer.")
    again = said(alice, "Talk on", avatar_id=luna, key=key)
    assert again["content"] == "A whole answer."
    statement = "select count(*) from messages where owner_id = %s and role = 'user'"
    assert owner_conn.execute(statement, [alice.user_id]).fetchone() == (1,)


def test_a_client_that_leaves_before_anything_is_said_leaves_an_interrupted_turn(
    alice: Person, luna: str, talking: StubLLM, owner_conn: psycopg.Connection[Any]
) -> None:
    from anima.chat.model import TurnRequest

    events = chat.reply(alice.principal, TurnRequest("Hello", stream=True))
    next(events)
    events.close()
    assert states(owner_conn, alice) == ["interrupted"]
    assert not talking.chats
