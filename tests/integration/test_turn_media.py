"""Files that come along with a message: tied to it in its transaction, made documents of, found later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from anima.kernel import db, delivery, outbox
from anima.knowledge import attached_service, worker
from fixtures import files
from fixtures.api import Person
from fixtures.stub_llm import StubLLM
from fixtures.turns import said, say
from fixtures.wire import Wire

Drain = Callable[[], list[outbox.Event]]
Connection = psycopg.Connection[Any]

API = "/api/v1"
NOTE = b"The boat of the house is called Marguerite. She is green.\n"


def medium(person: Person, name: str = "boat.txt", data: bytes = NOTE) -> int:
    answer = person.http.post(f"{API}/media", files={"file": (name, data)})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["media_id"])


def documents(person: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.http.get(f"{API}/documents").json()["items"]
    return found


def test_a_file_comes_with_a_message_and_is_found_later(
    alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain
) -> None:
    media_id = medium(alice)
    answer = said(alice, "Look at this", avatar_id=luna, media=[media_id])
    (message, _) = alice.http.get(f"{API}/sessions/{answer['session_id']}/messages").json()["items"]
    assert message["media_refs"] == [{"media_id": media_id, "media_type": "text", "mime_type": "text/plain"}]
    drain_outbox()
    (document,) = documents(alice)
    assert (document["state"], document["title"], document["media_id"]) == ("done", "boat.txt", media_id)
    assert document["metadata"] == {"message_id": message["message_id"]}
    hits = alice.http.post(f"{API}/search", json={"query": "What is the boat called?"}).json()["hits"]
    assert "Marguerite" in hits[0]["text"]

    assert alice.http.delete(f"{API}/documents/{document['document_id']}").status_code == 204
    assert alice.http.get(f"{API}/media/{media_id}/content").content == NOTE
    assert alice.http.post(f"{API}/search", json={"query": "boat"}).json()["hits"] == []


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("paper.pdf", files.pdf("The boat is green."), "pdf"),
        ("boat.png", b"\x89PNG\r\n\x1a\n" + bytes(64), "image"),
        ("boat.mp4", b"\x00\x00\x00\x18ftypisom" + bytes(64), "video"),
        ("boat.ogg", b"OggS" + bytes(64), "audio"),
        ("notes.docx", files.docx(), "text"),
    ],
)
def test_every_kind_comes_along(
    alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain, name: str, data: bytes, kind: str
) -> None:
    media_id = medium(alice, name, data)
    answer = said(alice, "Look at this", avatar_id=luna, media=[media_id])
    (message, _) = alice.http.get(f"{API}/sessions/{answer['session_id']}/messages").json()["items"]
    assert [ref["media_type"] for ref in message["media_refs"]] == [kind]


def test_several_files_come_with_one_message_and_one_file_with_several(
    alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain
) -> None:
    boat, lake = medium(alice), medium(alice, "lake.txt", b"The lake is deep.")
    first = said(alice, "Look", avatar_id=luna, media=[boat, lake, boat])
    said(alice, "Again", session_id=first["session_id"], media=[boat])
    items = alice.http.get(f"{API}/sessions/{first['session_id']}/messages").json()["items"]
    assert [[ref["media_id"] for ref in item["media_refs"]] for item in items] == [[boat, lake], [], [boat], []]
    events = drain_outbox()
    assert {document["title"] for document in documents(alice)} == {"boat.txt", "lake.txt"}
    for event in events:
        if event.topic == "media.attached":
            worker.handle(delivery.as_sqs(event), raising=True)
    assert len(documents(alice)) == 2


def test_the_media_of_another_are_not_there(
    alice: Person, bob: Person, luna: str, talking: StubLLM, owner_conn: Connection
) -> None:
    his, hers = medium(bob), medium(alice)
    for media in ([his], [hers, his], [2**62]):
        answer = say(alice, "Look", avatar_id=luna, media=media)
        assert answer.status_code == 404, answer.text
        assert answer.json()["type"].endswith("/media-not-found")
    for table in ("messages", "message_media", "llm_requests", "outbox"):
        count = owner_conn.execute(f"select count(*) from {table} where owner_id = %s", [alice.user_id]).fetchone()
        assert count == (0,), table
    assert not talking.chats


@pytest.mark.parametrize("media", [["x"], [0], [-1], [2**70], list(range(1, 18)), "3", {"id": 1}])
def test_what_is_no_list_of_media_is_refused(alice: Person, luna: str, talking: StubLLM, media: object) -> None:
    assert say(alice, "Look", avatar_id=luna, media=media).status_code == 422


def test_nothing_of_a_private_session_is_ingested(
    alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain
) -> None:
    session = alice.http.post(f"{API}/sessions", json={"avatar_id": luna, "private": True}).json()["session_id"]
    media_id = medium(alice)
    said(alice, "A secret", session_id=session, media=[media_id])
    assert drain_outbox() == []
    assert documents(alice) == []
    # Nor if somebody were told of it.
    attached_service.take_in(db.Principal(alice.user_id, login="worker"), alice.user_id, [media_id])
    assert documents(alice) == []


def test_the_same_key_ties_the_files_once(alice: Person, luna: str, talking: StubLLM, owner_conn: Connection) -> None:
    media_id = medium(alice)
    answers = [said(alice, "Look", avatar_id=luna, media=[media_id], key="once") for _ in range(2)]
    assert answers[0] == answers[1]
    tied = "select count(*) from message_media where owner_id = %s"
    assert owner_conn.execute(tied, [alice.user_id]).fetchone() == (1,)
    events = "select count(*) from outbox where owner_id = %s and topic = 'media.attached'"
    assert owner_conn.execute(events, [alice.user_id]).fetchone() == (1,)
    other = say(alice, "Look", avatar_id=luna, media=[], key="once")
    assert other.status_code == 409


def test_files_cost_a_turn_no_wait(alice: Person, luna: str, talking: StubLLM, wire: Wire) -> None:
    assert alice.http.get(f"{API}/users/me").status_code == 200
    media_id = medium(alice)
    before = wire.waits
    said(alice, "Look at this", avatar_id=luna, media=[media_id])
    assert wire.waits - before <= 4
