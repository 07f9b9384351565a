"""What the system concluded of sessions: written when they are quiet, found again with its sources, gone with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from anima.chat import quiet_service
from anima.chat import worker as chat_worker
from anima.kernel import delivery, outbox
from anima.knowledge import analysis_service
from anima.knowledge.analysis_service import Source
from fixtures.api import Person
from fixtures.stub_llm import StubLLM, failure
from fixtures.turns import said

Drain = Callable[[], list[outbox.Event]]
Setting = Callable[[str, str], None]
Connection = psycopg.Connection[Any]
TALK = (
    "The sluices of the harbour of Brume must be replaced before winter.",
    "The harbour board meets on Thursday to decide about the sluices.",
    "I think the sluices of the harbour cost too much.",
)


@pytest.fixture
def talk(alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain) -> int:
    """A session of three turns, reflected on."""
    return held(alice, drain_outbox, avatar_id=luna)


def held(person: Person, drain: Drain, **more: Any) -> int:
    for sentence in TALK:
        more = {"session_id": said(person, sentence, **more)["session_id"]}
        drain()
    return int(more["session_id"])


def waiting(owner: Connection, person: Person) -> list[str]:
    rows = owner.execute(
        "select topic from outbox where owner_id = %s and delivered_at is null order by seq", [person.user_id]
    )
    return [topic for (topic,) in rows]


def silence(owner: Connection, person: Person) -> None:
    """Lets some quiet minutes pass."""
    owner.execute(
        "update messages set created_at = created_at - interval '5 minutes' where owner_id = %s", [person.user_id]
    )
    owner.execute("update outbox set next_attempt_at = now() where owner_id = %s", [person.user_id])


def written(person: Person) -> list[dict[str, Any]]:
    found = person.http.get("/api/v1/documents", params={"purpose": "analysis"})
    return list(found.json()["items"])


def test_a_quiet_session_is_summed_up_and_found_again(
    alice: Person, talk: int, talking: StubLLM, drain_outbox: Drain, owner_conn: Connection, setting: Setting
) -> None:
    setting("OPENAI_API_KEY", "")
    assert waiting(owner_conn, alice) == ["session.quiet"]
    silence(owner_conn, alice)
    drain_outbox()
    (document,) = written(alice)
    assert (document["state"], document["metadata"]["kind"]) == ("done", "session")
    (source,) = document["metadata"]["sources"]
    assert source["place"]["session_id"] == talk
    messages = alice.http.get(f"/api/v1/sessions/{talk}/messages").json()["items"]
    assert document["metadata"]["message_ids"] == [one["message_id"] for one in messages]
    found = alice.http.post("/api/v1/search", json={"query": "harbour sluices", "purpose": "analysis"}).json()
    assert found["hits"][0]["document_id"] == document["document_id"]
    assert "The person: The sluices of the harbour of Brume must be replaced" in found["hits"][0]["text"]


def test_a_larger_model_tells_it_in_its_own_words(
    alice: Person, talk: int, talking: StubLLM, drain_outbox: Drain, owner_conn: Connection
) -> None:
    talking.script("They spoke of the sluices of Brume.")
    silence(owner_conn, alice)
    drain_outbox()
    assert "<<<\nThe person: The sluices" in talking.chats[-1].prompt
    (document,) = written(alice)
    chunks = alice.http.get(f"/api/v1/documents/{document['document_id']}/chunks").json()["items"]
    assert "They spoke of the sluices of Brume." in chunks[0]["text"]


def test_a_model_that_is_away_leaves_it_to_the_sentences(
    alice: Person, talk: int, talking: StubLLM, drain_outbox: Drain, owner_conn: Connection
) -> None:
    talking.always(lambda body: failure(503))
    silence(owner_conn, alice)
    drain_outbox()
    assert len(written(alice)) == 1


def test_one_event_a_session_waits_however_long_it_goes_on(
    alice: Person, talk: int, talking: StubLLM, drain_outbox: Drain, owner_conn: Connection
) -> None:
    said(alice, "And the lighthouse?", session_id=talk)
    drain_outbox()
    assert waiting(owner_conn, alice) == ["session.quiet"]
    owner_conn.execute("update outbox set next_attempt_at = now() where owner_id = %s", [alice.user_id])
    assert [event.topic for event in drain_outbox()] == ["session.quiet"]
    assert waiting(owner_conn, alice) == ["session.quiet"], "it was not quiet, and is looked at again"
    assert written(alice) == []


def test_the_same_event_twice_writes_once(
    alice: Person, talk: int, talking: StubLLM, drain_outbox: Drain, owner_conn: Connection
) -> None:
    silence(owner_conn, alice)
    event = delivery.claim()
    assert event is not None
    for _ in range(2):
        assert chat_worker.handle(delivery.as_sqs(event)) == {"batchItemFailures": []}
    delivery.delivered(event)
    drain_outbox()
    assert len(written(alice)) == 1


def test_a_worker_that_is_killed_after_writing_writes_nothing_twice(
    alice: Person, talk: int, talking: StubLLM, drain_outbox: Drain, owner_conn: Connection, monkeypatch: Any
) -> None:
    silence(owner_conn, alice)
    event = delivery.claim()
    assert event is not None
    with monkeypatch.context() as patch:
        patch.setattr(quiet_service.quiet_repo, "kept", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            quiet_service.look(event)
    assert len(written(alice)) == 1
    quiet_service.look(event)
    delivery.delivered(event)
    drain_outbox()
    assert len(written(alice)) == 1


def test_a_session_that_goes_on_is_summed_up_anew_and_the_old_one_goes(
    alice: Person, talk: int, talking: StubLLM, drain_outbox: Drain, owner_conn: Connection
) -> None:
    silence(owner_conn, alice)
    drain_outbox()
    (first,) = written(alice)
    held(alice, drain_outbox, session_id=talk)
    silence(owner_conn, alice)
    drain_outbox()
    (second,) = written(alice)
    assert second["document_id"] != first["document_id"]
    assert len(second["metadata"]["message_ids"]) == 12


def test_nothing_of_a_private_session_is_written(
    alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain, owner_conn: Connection
) -> None:
    made = alice.http.post("/api/v1/sessions", json={"avatar_id": luna, "private": True}).json()
    held(alice, drain_outbox, session_id=made["session_id"])
    assert waiting(owner_conn, alice) == []
    assert written(alice) == []


def test_a_session_that_became_private_is_not_written(
    alice: Person, talk: int, talking: StubLLM, drain_outbox: Drain, owner_conn: Connection
) -> None:
    owner_conn.execute("update sessions set private = true where session_id = %s", [talk])
    silence(owner_conn, alice)
    drain_outbox()
    assert written(alice) == []


def test_a_short_session_is_not_worth_it(
    alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain, owner_conn: Connection
) -> None:
    said(alice, "Good morning", avatar_id=luna)
    drain_outbox()
    assert waiting(owner_conn, alice) == []


def test_what_was_written_goes_with_its_session(
    alice: Person, talk: int, talking: StubLLM, drain_outbox: Drain, owner_conn: Connection
) -> None:
    silence(owner_conn, alice)
    drain_outbox()
    assert len(written(alice)) == 1
    assert alice.http.delete(f"/api/v1/sessions/{talk}").status_code == 204
    drain_outbox()
    assert written(alice) == []


def test_a_session_that_is_deleted_before_it_is_quiet_leaves_nothing(
    alice: Person, talk: int, talking: StubLLM, drain_outbox: Drain, owner_conn: Connection
) -> None:
    alice.http.delete(f"/api/v1/sessions/{talk}")
    silence(owner_conn, alice)
    drain_outbox()
    assert written(alice) == []


def test_a_session_that_is_deleted_while_it_is_summed_up_leaves_nothing_even_if_the_worker_is_killed(
    alice: Person, talk: int, talking: StubLLM, drain_outbox: Drain, owner_conn: Connection, monkeypatch: Any
) -> None:
    silence(owner_conn, alice)
    event = delivery.claim()
    assert event is not None
    told = quiet_service._told

    def meanwhile(*given: Any) -> str:
        assert alice.http.delete(f"/api/v1/sessions/{talk}").status_code == 204
        drain_outbox()  # what is to go with the session goes before it is written
        return told(*given)

    with monkeypatch.context() as patch:
        patch.setattr(quiet_service, "_told", meanwhile)
        patch.setattr(quiet_service.quiet_repo, "kept", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            quiet_service.look(event)
    assert len(written(alice)) == 1
    quiet_service.look(event)
    delivery.delivered(event)
    drain_outbox()
    assert written(alice) == []


def test_a_conclusion_is_written_once_under_its_key(
    alice: Person, bob: Person, talking: StubLLM, drain_outbox: Drain
) -> None:
    sources = [Source("document", "Rules", {"document_id": 3, "page": 2})]
    first, second = (
        analysis_service.write(alice.principal, "k", "Conclusion", f"Text {n}.", sources, kind="conclusion")
        for n in range(2)
    )
    assert first == second
    other = analysis_service.write(bob.principal, "k", "Conclusion", "Bob's.", [], kind="conclusion")
    assert other != first
    drain_outbox()
    (chunk,) = alice.http.get(f"/api/v1/documents/{first}/chunks").json()["items"][:1]
    assert "Text 0." in chunk["text"]
    (document,) = written(alice)
    assert document["metadata"]["sources"] == [
        {"kind": "document", "title": "Rules", "place": {"document_id": 3, "page": 2}}
    ]
