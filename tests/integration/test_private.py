"""A private session: it is answered like any other, and nothing of it is remembered, found or left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from anima.vendors.blobs import blobs
from fixtures.api import Person
from fixtures.stub_llm import StubLLM
from fixtures.turns import make_avatar, said, streamed

Drain = Callable[[], list[Any]]
Owner = psycopg.Connection[Any]

WORD = "quagga"
"""A word that nothing else in the house holds."""

# What a session itself is made of, and what was asked and answered in it: there while it lives, and no longer.
OWN = {"sessions", "messages", "llm_requests", "llm_responses", "llm_response_chunks", "media"}


def holding(owner: Owner, word: str) -> set[str]:
    """Every table of the database in which a row holds a word, in whatever column."""
    tables = owner.execute(
        "select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')"
        " and not c.relispartition"
    ).fetchall()
    statement = "select exists (select from {0} t where t::text ilike %s)"
    found = set()
    for (table,) in tables:
        row = owner.execute(sql.SQL(statement).format(sql.Identifier(table)), [f"%{word}%"]).fetchone()
        if row is not None and row[0]:
            found.add(str(table))
    return found


def private_session(person: Person, avatar_id: str, **more: Any) -> int:
    made = person.http.post("/api/v1/sessions", json={"avatar_id": avatar_id, "private": True, **more})
    assert (made.status_code, made.json()["private"]) == (201, True)
    return int(made.json()["session_id"])


def affinity(person: Person, avatar_id: str) -> Any:
    return person.http.get(f"/api/v1/avatars/{avatar_id}/affinity").json()


@pytest.fixture
def luna(alice: Person) -> str:
    return make_avatar(alice)


@pytest.fixture(autouse=True)
def unheard(owner_conn: Owner) -> Iterator[None]:
    """The word is nowhere when a test begins, and the session that held it is gone when it ends."""
    assert holding(owner_conn, WORD) == set()
    yield
    owner_conn.execute(
        "delete from sessions where session_id in (select session_id from messages where content ~ %s)", [WORD]
    )


def test_nothing_of_it_is_remembered_and_nothing_is_left(
    alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain, owner_conn: Owner
) -> None:
    said(alice, "I hate olives", avatar_id=luna)
    drain_outbox()
    before = affinity(alice, luna)
    session_id = private_session(alice, luna, title=f"About my {WORD}")
    talking.script(f"A {WORD}, how lovely.", f"Your {WORD} is Tom.", f"Tom the {WORD}.")
    said(alice, f"My sister got married today and she has a {WORD} called Tom", session_id=session_id)
    said(alice, f"What is the name of my sister's {WORD}?", session_id=session_id)
    streamed(alice, f"I love my {WORD} so much, thank you", session_id=session_id)
    for _ in range(5):
        said(alice, f"Something else about a {WORD}", session_id=session_id)
    handled = drain_outbox()
    assert [event.topic for event in handled if event.topic not in ("curiosity.look", "memory.sleep")] == []
    assert holding(owner_conn, WORD) <= OWN, "while it lives, only itself holds what was said in it"
    assert affinity(alice, luna) == before
    for place in ("facts", "episodes", "entities", "gaps"):
        listed = alice.http.get(f"/api/v1/avatars/{luna}/{place}")
        assert WORD not in listed.text.lower()
    search = alice.http.post(f"/api/v1/avatars/{luna}/memories/search", json={"query": f"{WORD} Tom sister"})
    assert WORD not in search.text.lower()
    found = alice.http.post("/api/v1/search", json={"query": f"{WORD} Tom", "purpose": "analysis"})
    assert not found.json()["hits"]
    owner_conn.execute("delete from retrieval_logs where owner_id = %s", [alice.user_id])  # of the search just made
    elsewhere = said(alice, "What is my sister's animal called?", avatar_id=luna)
    assert WORD not in str(elsewhere["memories"]).lower()
    assert WORD not in talking.chats[-1].prompt.lower()
    assert alice.http.delete(f"/api/v1/sessions/{session_id}").status_code == 204
    drain_outbox()
    assert holding(owner_conn, WORD) == set()


def test_its_own_memory_is_the_conversation(alice: Person, luna: str, talking: StubLLM) -> None:
    session_id = private_session(alice, luna)
    said(alice, f"I call him {WORD}", session_id=session_id)
    said(alice, "What do I call him?", session_id=session_id)
    assert f"I call him {WORD}" in talking.chats[-1].prompt
    alice.http.delete(f"/api/v1/sessions/{session_id}")


def test_what_is_remembered_elsewhere_serves_it_and_is_not_touched(
    alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain, owner_conn: Owner
) -> None:
    said(alice, "I passed my driving test today, I am so happy!", avatar_id=luna)
    drain_outbox()
    recalled = "select times_recalled, last_recalled, forget_at from episodes where avatar_id = %s"
    before = owner_conn.execute(recalled, [luna]).fetchall()
    assert before
    answer = said(alice, "Which test did I pass?", session_id=private_session(alice, luna))
    assert "driving" in str(answer["memories"])
    assert owner_conn.execute(recalled, [luna]).fetchall() == before
    assert alice.http.get(f"/api/v1/requests/{answer['request_id']}").json()["retrieval_ids"] == []


def test_files_that_came_along_become_no_documents_and_go_with_it(
    alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain, owner_conn: Owner
) -> None:
    def stored(text: str) -> int:
        files = {"file": ("note.txt", text.encode(), "text/plain")}
        return int(alice.http.post("/api/v1/media", files=files).json()["media_id"])

    hidden, shared = stored(f"The {WORD} sleeps in the shed."), stored("The key lies under the mat.")
    session_id = private_session(alice, luna)
    said(alice, "Look at these", session_id=session_id, media=[hidden, shared])
    said(alice, "And this one", avatar_id=luna, media=[shared])
    drain_outbox()
    documents = alice.http.get("/api/v1/documents").text
    assert WORD not in documents
    assert not holding(owner_conn, "sleeps in the shed")
    uris = dict(
        owner_conn.execute("select media_id, storage_uri from media where owner_id = %s", [alice.user_id]).fetchall()
    )
    alice.http.delete(f"/api/v1/sessions/{session_id}")
    assert alice.http.get(f"/api/v1/media/{hidden}").status_code == 404
    assert not blobs().exists(uris[hidden])
    assert alice.http.get(f"/api/v1/media/{shared}/content").content == b"The key lies under the mat."


def test_an_edit_and_another_answer_in_it_teach_nothing_either(
    alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain, owner_conn: Owner
) -> None:
    session_id = private_session(alice, luna)
    first = said(alice, f"I live in a house with a {WORD}", session_id=session_id)
    alice.http.post(f"/api/v1/messages/{first['message_id']}/regenerate", json={})
    said(alice, f"I hate every {WORD}", session_id=session_id, edit_message_id=first["parent_message_id"])
    assert drain_outbox() == []
    assert holding(owner_conn, WORD) <= OWN


def test_feedback_in_it_moves_nothing_and_its_keys_go(
    alice: Person, luna: str, talking: StubLLM, owner_conn: Owner
) -> None:
    session_id = private_session(alice, luna)
    before = affinity(alice, luna)
    answer = said(alice, f"A {WORD}!", session_id=session_id, key="private-1")
    place = f"/api/v1/responses/{answer['response_id']}"
    assert alice.http.post(f"{place}/feedback", json={"rating": 5, "comment": f"About the {WORD}"}).status_code == 200
    assert affinity(alice, luna) == before
    alice.http.delete(f"/api/v1/sessions/{session_id}")
    assert holding(owner_conn, WORD) == set()
    keys = owner_conn.execute("select key from idempotency_keys where owner_id = %s", [alice.user_id]).fetchall()
    assert not [key for (key,) in keys if "private-1" in key]
    for gone in (place, f"/api/v1/requests/{answer['request_id']}", f"/api/v1/sessions/{session_id}"):
        assert alice.http.get(gone).status_code == 404
