"""A session as a tree: what was said is edited, answered again, and every branch is kept and can be gone on from."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from fixtures.api import Person
from fixtures.stub_llm import StubLLM
from fixtures.turns import make_avatar, said, say, streamed

Drain = Callable[[], list[Any]]


def history(person: Person, session_id: int, **query: Any) -> list[dict[str, Any]]:
    answer = person.http.get(f"/api/v1/sessions/{session_id}/messages", params=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def texts(person: Person, session_id: int, **query: Any) -> list[str]:
    return [one["content"] for one in history(person, session_id, **query)]


def regenerated(person: Person, message_id: int, **body: Any) -> dict[str, Any]:
    answer = person.http.post(f"/api/v1/messages/{message_id}/regenerate", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def asked_of(stub: StubLLM) -> list[str]:
    """What a model was told of the conversation, and asked."""
    return [m["content"] for m in stub.chats[-1].messages if m["role"] in ("user", "assistant")]


def test_an_edited_message_stands_beside_the_old_one_and_the_turn_goes_on_from_it(
    alice: Person, luna: str, talking: StubLLM
) -> None:
    talking.script("Hello.", "A cat, fine.", "A dog, fine.", "Rex it is.")
    first = said(alice, "Good morning", avatar_id=luna)
    session_id = first["session_id"]
    cat = said(alice, "I would like a cat", session_id=session_id)
    dog = said(alice, "I would like a dog", session_id=session_id, edit_message_id=cat["parent_message_id"])
    assert "I would like a cat" not in talking.chats[-1].prompt
    assert texts(alice, session_id) == ["Good morning", "Hello.", "I would like a dog", "A dog, fine."]
    shown = history(alice, session_id)[2]
    siblings = [cat["parent_message_id"], dog["parent_message_id"]]
    assert shown["branch"] == {"index": 2, "of": 2, "siblings": siblings}
    assert history(alice, session_id)[0]["branch"]["of"] == 1
    old = texts(alice, session_id, leaf=siblings[0])
    assert old == ["Good morning", "Hello.", "I would like a cat", "A cat, fine."]
    assert len(texts(alice, session_id, branches="all")) == 6
    said(alice, "Call it Rex", session_id=session_id)
    assert texts(alice, session_id)[2:] == ["I would like a dog", "A dog, fine.", "Call it Rex", "Rex it is."]
    assert "cat" not in talking.chats[-1].prompt


def test_the_first_message_of_a_session_can_be_edited_too(alice: Person, luna: str, talking: StubLLM) -> None:
    talking.script("One.", "Two.", "Three.")
    first = said(alice, "I am Ann", avatar_id=luna)
    again = said(alice, "I am Anna", session_id=first["session_id"], edit_message_id=first["parent_message_id"])
    assert texts(alice, first["session_id"]) == ["I am Anna", "Two."]
    assert "I am Ann\n" not in talking.chats[-1].prompt + "\n"
    third = said(alice, "I am Anne", session_id=first["session_id"], edit_message_id=again["parent_message_id"])
    (shown, _) = history(alice, first["session_id"])
    ids = [one["parent_message_id"] for one in (first, again, third)]
    assert shown["branch"] == {"index": 3, "of": 3, "siblings": ids}
    assert texts(alice, first["session_id"], leaf=ids[0]) == ["I am Ann", "One."]


def test_an_answer_is_made_again_and_both_are_kept(alice: Person, luna: str, talking: StubLLM) -> None:
    talking.script("Blue.", "Green.", "Red.")
    first = said(alice, "Name a colour", avatar_id=luna)
    second = regenerated(alice, first["message_id"])
    assert (second["content"], second["parent_message_id"]) == ("Green.", first["parent_message_id"])
    assert [text.split("\n")[0] for text in asked_of(talking)].count("Name a colour") == 1
    assert "Blue." not in talking.chats[-1].prompt
    third = regenerated(alice, first["parent_message_id"], stream=False)
    message, answer = history(alice, first["session_id"])
    assert (message["content"], answer["content"]) == ("Name a colour", "Red.")
    ids = [one["message_id"] for one in (first, second, third)]
    assert answer["branch"] == {"index": 3, "of": 3, "siblings": ids}
    assert texts(alice, first["session_id"], leaf=ids[1]) == ["Name a colour", "Green."]
    assert alice.http.get(f"/api/v1/responses/{first['response_id']}").json()["content"] == "Blue."


def test_an_older_answer_can_be_gone_on_from(alice: Person, luna: str, talking: StubLLM) -> None:
    talking.script("Blue.", "Green.", "As the sea.")
    first = said(alice, "Name a colour", avatar_id=luna)
    regenerated(alice, first["message_id"])
    session_id = first["session_id"]
    said(alice, "Why that one?", session_id=session_id, parent_message_id=first["message_id"])
    assert "Green." not in talking.chats[-1].prompt
    assert texts(alice, session_id) == ["Name a colour", "Blue.", "Why that one?", "As the sea."]


def test_an_answer_made_again_is_streamed_and_done_once_under_its_key(
    alice: Person, luna: str, talking: StubLLM
) -> None:
    talking.script("Blue.", "Green.", "Red.")
    first = said(alice, "Name a colour", avatar_id=luna)
    place, headers = f"/api/v1/messages/{first['message_id']}/regenerate", {"Idempotency-Key": "again-1"}
    with alice.http.stream("POST", place, json={"stream": True}, headers=headers) as answer:
        told = answer.read().decode()
    assert "event: done" in told
    assert "Green." in told
    once_more = alice.http.post(place, json={}, headers=headers)
    assert once_more.json()["content"] == "Green."
    assert len(talking.chats) == 2
    streaming = streamed(alice, "Name two", session_id=first["session_id"], edit_message_id=first["parent_message_id"])
    assert streaming[-1][1]["content"] == "Red."


def test_what_others_said_elsewhere_cannot_be_edited_or_answered_again(
    alice: Person, bob: Person, luna: str, talking: StubLLM
) -> None:
    mine = said(alice, "This is mine", avatar_id=luna)
    other = said(alice, "Another talk", avatar_id=luna)
    theirs = said(bob, "This is his", avatar_id=make_avatar(bob))
    asked = len(talking.chats)
    here = {"session_id": mine["session_id"]}
    for wrong in (other["parent_message_id"], theirs["parent_message_id"], 2**62):
        refused = say(alice, "New words", **here, edit_message_id=wrong)
        assert (refused.status_code, refused.json()["type"].rsplit("/", 1)[-1]) == (404, "message-not-found")
        assert refused.json()["errors"][0]["path"] == "edit_message_id"
        assert say(alice, "New words", **here, parent_message_id=wrong).status_code == 404
    assert say(alice, "New words", edit_message_id=mine["parent_message_id"]).status_code == 404
    assert say(alice, "New words", **here, edit_message_id=mine["message_id"]).json()["type"].endswith("only-own-words")
    both = say(alice, "x", **here, edit_message_id=mine["parent_message_id"], parent_message_id=mine["message_id"])
    assert both.status_code == 422
    for wrong in (theirs["message_id"], theirs["parent_message_id"], 2**62):
        assert alice.http.post(f"/api/v1/messages/{wrong}/regenerate", json={}).status_code == 404
        assert alice.http.get(f"/api/v1/sessions/{mine['session_id']}/messages?leaf={wrong}").status_code == 404
    assert (
        alice.http.get(f"/api/v1/sessions/{mine['session_id']}/messages?leaf={other['message_id']}").status_code == 404
    )
    assert len(talking.chats) == asked
    assert len(texts(alice, mine["session_id"], branches="all")) == 2


def test_edits_at_the_same_time_all_stay(alice: Person, luna: str, talking: StubLLM) -> None:
    first = said(alice, "One", avatar_id=luna)
    done: list[dict[str, Any]] = []

    def edit(words: str) -> None:
        done.append(said(alice, words, session_id=first["session_id"], edit_message_id=first["parent_message_id"]))

    threads = [threading.Thread(target=edit, args=(f"One, edited {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 4
    shown, answer = history(alice, first["session_id"])
    assert shown["branch"]["of"] == 5
    assert sorted(shown["branch"]["siblings"]) == sorted(
        [first["parent_message_id"], *(one["parent_message_id"] for one in done)]
    )
    assert answer["parent_message_id"] == shown["message_id"]


def test_a_session_that_was_imported_without_parents_is_shown_whole(
    alice: Person, luna: str, talking: StubLLM, owner_conn: psycopg.Connection[Any]
) -> None:
    session_id = alice.http.post("/api/v1/sessions", json={"avatar_id": luna}).json()["session_id"]
    for number, role in enumerate(("user", "assistant", "user", "assistant")):
        owner_conn.execute(
            "insert into messages (session_id, owner_id, role, content, created_at)"
            " values (%s, %s, %s, %s, timestamptz '2024-01-01' + %s * interval '1 minute')",
            [session_id, alice.user_id, role, f"line {number}", number],
        )
    assert texts(alice, session_id) == [f"line {number}" for number in range(4)]
    assert {one["branch"]["of"] for one in history(alice, session_id)} == {1}
    talking.script("Good.")
    said(alice, "And then?", session_id=session_id)
    assert "line 0" in talking.chats[-1].prompt
    assert texts(alice, session_id)[:5] == [*(f"line {number}" for number in range(4)), "And then?"]


def test_pages_of_a_branch_follow_each_other(alice: Person, luna: str, talking: StubLLM) -> None:
    first = said(alice, "Begin", avatar_id=luna)
    session_id = first["session_id"]
    for number in range(3):
        said(alice, f"Go on {number}", session_id=session_id)
        regenerated(alice, history(alice, session_id)[-1]["message_id"])
    whole = [one["message_id"] for one in history(alice, session_id)]
    assert len(whole) == 8
    for order in ("oldest", "newest"):
        seen: list[int] = []
        cursor: str | None = ""
        while cursor is not None:
            query = {"limit": 3, "order": order, **({"cursor": cursor} if cursor else {})}
            page = alice.http.get(f"/api/v1/sessions/{session_id}/messages", params=query).json()
            seen += [one["message_id"] for one in page["items"]]
            cursor = page["next_cursor"]
        assert seen == (whole if order == "oldest" else whole[::-1])


@pytest.fixture
def facts_of(alice: Person, luna: str) -> Callable[[], set[tuple[str, Any]]]:
    def listed() -> set[tuple[str, Any]]:
        items = alice.http.get(f"/api/v1/avatars/{luna}/facts").json()["items"]
        return {(one["key"].partition(":")[0], one["value"]) for one in items}

    return listed


def test_what_an_edit_takes_back_is_not_remembered(
    alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain, facts_of: Callable[[], set[tuple[str, Any]]]
) -> None:
    first = said(alice, "I live in Lyon and I hate olives", avatar_id=luna)
    drain_outbox()
    assert {key for key, _ in facts_of()} >= {"home", "dislikes"}
    said(alice, "I live in Nantes", session_id=first["session_id"], edit_message_id=first["parent_message_id"])
    drain_outbox()
    assert {value for key, value in facts_of() if key == "home"} == {"Nantes"}
    assert not [key for key, _ in facts_of() if key == "dislikes"]
    past = alice.http.get(f"/api/v1/avatars/{luna}/facts?history=true").json()["items"]
    assert "Lyon" not in str(past), "what was never meant is no history either"
    found = alice.http.post(f"/api/v1/avatars/{luna}/memories/search", json={"query": "olives"}).json()["hits"]
    assert not [hit for hit in found if "olives" in hit["text"]]
    assert "I live in Lyon and I hate olives" in texts(alice, first["session_id"], branches="all")


def test_what_was_said_elsewhere_too_stays_after_an_edit(
    alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain, facts_of: Callable[[], set[tuple[str, Any]]]
) -> None:
    said(alice, "I hate olives", avatar_id=luna)
    drain_outbox()
    second = said(alice, "I hate olives", avatar_id=luna)
    drain_outbox()
    said(alice, "I hate capers", session_id=second["session_id"], edit_message_id=second["parent_message_id"])
    drain_outbox()
    assert {value for key, value in facts_of() if key == "dislikes"} == {"olives", "capers"}


def test_an_edit_that_overtakes_its_message_takes_it_back_all_the_same(
    alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain, facts_of: Callable[[], set[tuple[str, Any]]]
) -> None:
    first = said(alice, "I live in Lyon", avatar_id=luna)
    said(alice, "I live in Nantes", session_id=first["session_id"], edit_message_id=first["parent_message_id"])
    drain_outbox()
    assert {value for key, value in facts_of() if key == "home"} == {"Nantes"}


def test_an_answer_made_again_teaches_nothing_twice(
    alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain, owner_conn: psycopg.Connection[Any]
) -> None:
    talking.script("Noted.", "Noted indeed.")
    first = said(alice, "I hate olives, and my sister Ana got married yesterday", avatar_id=luna)
    drain_outbox()

    def counts() -> Any:
        return owner_conn.execute(
            "select (select sum(mention_count) from user_facts where avatar_id = %(a)s),"
            " (select count(*) from episodes where avatar_id = %(a)s),"
            " (select total_messages from user_affinity where avatar_id = %(a)s)",
            {"a": luna},
        ).fetchone()

    before = counts()
    second = regenerated(alice, first["message_id"])
    drain_outbox()
    assert counts() == before
    indexed = owner_conn.execute("select message_id from message_embeddings where avatar_id = %s", [luna]).fetchall()
    assert {row[0] for row in indexed} == {first["parent_message_id"], second["message_id"]}


def test_turns_that_went_on_at_the_same_time_are_all_shown(alice: Person, luna: str, talking: StubLLM) -> None:
    session_id = said(alice, "Hello", avatar_id=luna)["session_id"]
    waiting, go = threading.Event(), threading.Event()

    def slow(body: Any) -> str | None:
        if "Turn one" in str(body["messages"][-1]["content"]):
            waiting.set()
            go.wait(10)
            return "Answer one."
        return None

    talking.always(slow)
    first = threading.Thread(target=said, args=(alice, "Turn one"), kwargs={"session_id": session_id})
    first.start()
    assert waiting.wait(10)
    talking.script("Answer two.")
    said(alice, "Turn two", session_id=session_id)
    go.set()
    first.join()
    assert texts(alice, session_id)[2:] == ["Turn one", "Turn two", "Answer two.", "Answer one."]
    talking.script("Answer three.")
    said(alice, "Turn three", session_id=session_id)
    assert "Answer two." in talking.chats[-1].prompt
    assert texts(alice, session_id)[-2:] == ["Turn three", "Answer three."]
    assert set(texts(alice, session_id)) >= {"Turn one", "Answer one.", "Turn two", "Answer two."}
