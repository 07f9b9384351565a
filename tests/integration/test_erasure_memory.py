"""What is remembered goes from everywhere it was written to, and only that; so with an avatar, and with a session."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from anima import personality
from anima.conversations import service as conversations
from anima.kernel import db, delivery
from anima.knowledge import analysis_service
from anima.operations.deliverer import workers
from anima.snapshots import erase_service
from anima.vendors.cache import cache
from fixtures.api import Person
from fixtures.life import Life
from tenancy import two_people

Connection = psycopg.Connection[Any]
API = "/api/v1"
MEMORY = {
    "user_facts",
    "fact_mentions",
    "episodes",
    "entities",
    "entity_mentions",
    "memory_changes",
    "message_embeddings",
    "message_postings",
    "curiosity_gaps",
}
"""Tables of which nothing stays when memory is erased."""
pytestmark = pytest.mark.usefixtures("fast_embedder")


def deliver(owner: Connection, *topics: str) -> None:
    """Has some events handled, those that are due later too."""
    while True:
        owner.execute(
            "update outbox set next_attempt_at = now() where topic = any (%s) and delivered_at is null", [list(topics)]
        )
        event = delivery.claim(topics)
        if event is None:
            return
        workers()[event.topic](delivery.as_sqs(event), raising=True)
        delivery.delivered(event)


def one(owner: Connection, statement: str, *params: Any) -> Any:
    row = owner.execute(statement, params).fetchone()  # type: ignore[call-overload]
    assert row is not None
    return row[0]


def answered(owner: Connection, life: Life, recalled: int, session_id: int | None = None) -> int:
    """An answer that has recalled something of a session, as its log tells; answers its request."""
    here = session_id or life.says("What do I hate?").payload["session_id"]
    request_id = one(
        owner,
        "insert into llm_requests (owner_id, session_id, user_id, prompt_json, state, expires_at) "
        "values (%s, %s, %s, '[\"you hate olives\"]', 'completed', now()) returning request_id",
        life.user_id,
        here,
        life.user_id,
    )
    memories = [
        {"kind": "fact", "text": "The user hates olives.", "source": {"session_id": recalled}},
        {"kind": "fact", "text": "The user bakes.", "source": {"session_id": None}},
    ]
    owner.execute(
        "insert into llm_responses (owner_id, request_id, content, memories) values (%s, %s, '{}', %s)",
        [life.user_id, request_id, psycopg.types.json.Jsonb(memories)],
    )
    return int(request_id)


def log_of(owner: Connection, request_id: int) -> tuple[list[str], Any]:
    """The memories of an answer, and the prompt that it was given on."""
    memories = one(owner, "select memories from llm_responses where request_id = %s", request_id)
    return [each["text"] for each in memories], one(
        owner, "select prompt_json from llm_requests where request_id = %s", request_id
    )


def summed_up(life: Life, session_id: int, newest: int, owner: Connection) -> int:
    """A summary of a session, as it is written when that is quiet."""
    document_id = analysis_service.write(
        life.person.principal, f"session:{session_id}", "Olives", f"You hate olives ({newest}).", [], kind="session"
    )
    owner.execute(
        "insert into session_digests (owner_id, session_id, message_id, document_id, waiting) "
        "values (%s, %s, %s, %s, false)",
        [life.user_id, session_id, newest, document_id],
    )
    return document_id


def test_nothing_that_is_remembered_stays_anywhere(alice: Person, bob: Person, owner_conn: Connection) -> None:
    for person in (alice, bob):
        owner_conn.execute("delete from user_roles where user_id = %s", [person.user_id])
        two_people.seed(owner_conn, person.user_id, f"words-of-{person.username}", personality.load_ready("luna"))
        owner_conn.execute(
            "update documents set storage_uri = 'local:nowhere' where owner_id = %s and storage_uri is not null",
            [person.user_id],
        )
        cache().put(person.user_id, "question", "olives", b"vector")
    before, others = (two_people.digests(owner_conn, each.user_id) for each in (alice, bob))
    assert all(before[table][0] for table in MEMORY)
    assert alice.http.delete(f"{API}/users/me/memory").status_code == 200
    after = two_people.digests(owner_conn, alice.user_id)
    assert {table for table in MEMORY if after[table][0]} == set()
    assert after["messages"] == before["messages"]
    assert after["user_affinity"] == before["user_affinity"]
    assert cache().get(alice.user_id, "question", "olives") is None
    assert cache().get(bob.user_id, "question", "olives") == b"vector"
    assert two_people.digests(owner_conn, bob.user_id) == others


def test_summaries_findings_and_logs_go_too_and_what_comes_after_stays(
    life: Life, owner_conn: Connection, drain_outbox: Callable[[], Any]
) -> None:
    first = life.tells("I hate olives. My sister Ana lives in Lyon.").payload
    request_id = answered(owner_conn, life, first["session_id"])
    summary = summed_up(life, first["session_id"], first["response_message_id"], owner_conn)
    drain_outbox()
    assert life.person.http.delete(f"{API}/users/me/memory").status_code == 200
    assert life.person.http.get(f"{API}/documents/{summary}").status_code == 404
    assert log_of(owner_conn, request_id) == ([], None)

    # Somebody had read what was said, and writes his summary down only now; another is of what was said since.
    late = life.says("I said this before.").payload
    owner_conn.execute(
        "update avatars set remembers_after = %s where owner_id = %s", [late["response_message_id"], life.user_id]
    )
    then = life.tells("I love figs.").payload
    of_late = summed_up(life, late["session_id"], late["message_id"], owner_conn)
    of_then = summed_up(life, then["session_id"], then["response_message_id"], owner_conn)
    deliver(owner_conn, "memory.erased")
    assert life.person.http.get(f"{API}/documents/{of_late}").status_code == 404
    assert life.person.http.get(f"{API}/documents/{of_then}").status_code == 200
    assert life.known() == {"likes:figs": "figs"}


def test_if_it_dies_on_the_way_the_event_does_the_rest(
    life: Life, owner_conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = life.tells("I hate olives.").payload
    summary = summed_up(life, first["session_id"], first["response_message_id"], owner_conn)

    def dies(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(erase_service, "forget_written", dies)
        with pytest.raises(KeyboardInterrupt):
            erase_service.erase_memory(life.person.principal)
    assert life.facts() == []
    assert life.person.http.get(f"{API}/documents/{summary}").status_code == 200
    deliver(owner_conn, "memory.erased")
    assert life.person.http.get(f"{API}/documents/{summary}").status_code == 404


def test_a_deleted_session_is_recalled_by_no_log_and_brought_back_by_no_undo(
    life: Life, owner_conn: Connection
) -> None:
    told = life.tells("I hate olives.").payload
    life.tells("I love figs.")
    (olives,) = [fact for fact in life.facts() if fact["value"] == "olives"]
    forgotten = life.person.http.delete(life.place("facts", olives["id"]))
    request_id = answered(owner_conn, life, told["session_id"])
    another = answered(owner_conn, life, 0)
    assert life.person.http.delete(f"{API}/sessions/{told['session_id']}").status_code == 204
    deliver(owner_conn, "session.deleted")
    change = forgotten.headers["anima-change"]
    assert life.person.http.post(life.place("memories/changes", f"{change}/undo")).status_code == 404
    assert log_of(owner_conn, request_id) == (["The user bakes."], None)
    assert log_of(owner_conn, another)[1] == ["you hate olives"]
    assert life.known() == {"likes:figs": "figs"}


def test_with_an_avatar_goes_what_it_remembers_and_its_sessions_if_asked_for(
    life: Life, bob: Person, owner_conn: Connection
) -> None:
    told = life.tells("I hate olives. My sister Ana lives in Lyon.").payload
    request_id = answered(owner_conn, life, told["session_id"])
    other = Life(life.person, owner_conn)
    other.tells("I love figs.")
    place = f"{API}/avatars/{life.avatar_id}"
    assert bob.http.delete(place).status_code == 404
    assert life.person.http.delete(place).status_code == 204
    assert life.person.http.delete(place).status_code == 404
    assert log_of(owner_conn, request_id) == ([], None)
    assert life.person.http.get(f"{API}/sessions/{told['session_id']}").status_code == 200
    assert [fact["value"] for fact in other.facts()] == ["figs"]
    assert one(owner_conn, "select count(*) from entities where owner_id = %s", life.user_id) == 0

    sessions = f"{API}/avatars/{other.avatar_id}?sessions=true"
    assert life.person.http.delete(sessions).status_code == 204
    left = life.person.http.get(f"{API}/sessions").json()["items"]
    assert {one["avatar_id"] for one in left} == {None}
    assert one(owner_conn, "select count(*) from user_facts where user_id = %s", life.user_id) == 0


def test_past_conversations_go_with_the_sessions_of_the_avatar(life: Life, drain_outbox: Callable[[], Any]) -> None:
    turns = [{"id": "1", "session": 1, "date": "2024-05-08T13:56:00Z", "speaker": "me", "text": "I hate olives."}]
    sent = life.person.http.post(life.place("transcripts"), json={"turns": turns, "me": "me"})
    assert sent.status_code == 202, sent.text
    drain_outbox()
    document_id = sent.json()["document_id"]
    assert life.person.http.delete(f"{API}/avatars/{life.avatar_id}", params={"sessions": True}).status_code == 204
    assert life.person.http.get(f"{API}/documents/{document_id}").status_code == 404
    assert life.person.http.get(f"{API}/sessions").json()["items"] == []


def test_a_session_that_somebody_else_deletes_meanwhile_is_no_error(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    life.tells("I hate olives.")
    real = conversations.delete_session

    def twice(principal: db.Principal, session_id: int) -> None:
        real(principal, session_id)
        real(principal, session_id)

    monkeypatch.setattr(conversations, "delete_session", twice)
    erase_service.erase_avatar(life.person.principal, life.avatar_id, sessions=True)
    assert life.person.http.get(f"{API}/avatars/{uuid.UUID(str(life.avatar_id))}").status_code == 404
