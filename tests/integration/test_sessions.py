"""Sessions, history and media over HTTP, and what a turn reads of them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from anima.conversations import service, turn_service
from anima.conversations.model import TurnContext
from anima.kernel import db
from fixtures.api import Person

API = "/api/v1"
PNG = b"\x89PNG\r\n\x1a\n" + b"a small picture"


def avatar(person: Person, name: str = "Luna") -> str:
    answer = person.http.post(f"{API}/avatars", json={"name": name})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["avatar_id"])


def session(person: Person, **body: Any) -> dict[str, Any]:
    answer = person.http.post(f"{API}/sessions", json=body)
    assert answer.status_code == 201, answer.text
    begun: dict[str, Any] = answer.json()
    return begun


def say(person: Person, session_id: int, said: str, parent: int | None = None, media: Sequence[int] = ()) -> int:
    with db.transaction(person.principal) as tx:
        added = service.add_message(
            tx,
            person.user_id,
            session_id=session_id,
            role="user",
            content=said,
            parent_message_id=parent,
            media_ids=media,
        )
    return added.one().message_id


def context(person: Person, **asked: Any) -> TurnContext:
    with db.transaction(person.principal) as tx:
        return turn_service.begin_turn_context(tx, person.user_id, **asked).get()


def pages_of(person: Person, path: str, **params: Any) -> list[list[dict[str, Any]]]:
    pages: list[list[dict[str, Any]]] = []
    cursor: str | None = None
    while cursor or not pages:
        answer = person.http.get(API + path, params={**params, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.text
        pages.append(answer.json()["items"])
        cursor = answer.json()["next_cursor"]
    return pages


def test_a_session_with_an_avatar_by_id_by_name_and_by_default(alice: Person) -> None:
    luna, mia = avatar(alice), avatar(alice, "Mia")
    assert session(alice, avatar_id=mia)["avatar_name"] == "Mia"
    assert session(alice, avatar="mia", private=True, title="Secrets")["private"] is True
    first = session(alice)
    assert (first["avatar_id"], first["private"], first["title"]) == (luna, False, None)
    assert alice.http.get(f"{API}/sessions/{first['session_id']}").json() == first


def test_nobody_to_talk_with_is_a_session_too(alice: Person) -> None:
    assert session(alice)["avatar_id"] is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"avatar": "Nobody"}, 404),
        ({"avatar_id": str(uuid.uuid4())}, 404),
        ({"avatar_id": "luna"}, 422),
        ({"avatar_id": str(uuid.uuid4()), "avatar": "Luna"}, 422),
        ({"user_id": 1}, 422),
        ({"title": " "}, 422),
        ({"private": "perhaps"}, 422),
    ],
)
def test_what_is_no_session_is_refused(alice: Person, body: dict[str, Any], status: int) -> None:
    assert alice.http.post(f"{API}/sessions", json=body).status_code == status
    assert alice.http.get(f"{API}/sessions").json()["items"] == []


def test_the_same_call_twice_begins_one(alice: Person) -> None:
    headers = {"Idempotency-Key": "begin"}
    answers = [alice.http.post(f"{API}/sessions", json={}, headers=headers).json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(alice.http.get(f"{API}/sessions").json()["items"]) == 1


def test_sessions_come_newest_first_page_by_page(alice: Person) -> None:
    luna, mia = avatar(alice), avatar(alice, "Mia")
    begun = [session(alice, avatar_id=who)["session_id"] for who in (luna, mia, luna, mia, luna)]
    pages = pages_of(alice, "/sessions", limit=2)
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [each["session_id"] for page in pages for each in page] == begun[::-1]
    with_mia = pages_of(alice, "/sessions", avatar_id=mia)
    assert [each["session_id"] for page in with_mia for each in page] == [begun[3], begun[1]]


def test_history_from_either_end(alice: Person) -> None:
    session_id = session(alice)["session_id"]
    parent: int | None = None
    for index in range(5):
        parent = say(alice, session_id, f"{index}", parent)
    path = f"/sessions/{session_id}/messages"
    oldest, newest = (
        [each["content"] for page in pages_of(alice, path, limit=2, order=order) for each in page]
        for order in ("oldest", "newest")
    )
    assert oldest == ["0", "1", "2", "3", "4"]
    assert newest == oldest[::-1]
    for wrong in ({"cursor": "x"}, {"cursor": "WyJhIiwxXQ"}, {"order": "best"}, {"limit": 0}):
        assert alice.http.get(API + path, params=wrong).status_code == 422


def test_history_shows_what_became_of_a_turn(alice: Person, owner_conn: psycopg.Connection[Any]) -> None:
    session_id = session(alice)["session_id"]
    said = [say(alice, session_id, state) for state in ("pending", "cut", "interrupted", "never asked")]
    statement = """
        insert into llm_requests (owner_id, session_id, user_id, message_id, state, expires_at)
        values (%(me)s, %(session)s, %(me)s, %(message)s, %(state)s, now() + %(left)s::interval)
        returning request_id
    """
    states = zip(said, ("pending", "pending", "interrupted"), ("1 min", "-1 min", "-1 min"), strict=False)
    for message, state, left in states:
        row = owner_conn.execute(
            statement,
            {"me": alice.user_id, "session": session_id, "message": message, "state": state, "left": left},
        ).fetchone()
    assert row is not None
    owner_conn.execute(
        "insert into llm_responses (owner_id, request_id, message_id, content) values (%s, %s, %s, '{}')",
        [alice.user_id, row[0], said[3]],
    )
    [page] = pages_of(alice, f"/sessions/{session_id}/messages")
    assert [each["state"] for each in page] == ["pending", "interrupted", "interrupted", None]
    assert [each["response_id"] is None for each in page] == [True, True, True, False]
    assert [each["citations"] for each in page] == [0, 0, 0, 0]


def test_deleting_a_session_deletes_what_was_said(alice: Person, owner_conn: psycopg.Connection[Any]) -> None:
    session_id = session(alice)["session_id"]
    say(alice, session_id, "forget this")
    assert alice.http.delete(f"{API}/sessions/{session_id}").status_code == 204
    row = owner_conn.execute("select count(*) from messages where session_id = %s", [session_id]).fetchone()
    assert row == (0,)
    for answer in (
        alice.http.get(f"{API}/sessions/{session_id}"),
        alice.http.get(f"{API}/sessions/{session_id}/messages"),
        alice.http.delete(f"{API}/sessions/{session_id}"),
    ):
        assert answer.status_code == 404
        assert answer.json()["type"].endswith("/session-not-found")


def test_a_session_outlives_its_avatar(alice: Person) -> None:
    luna = avatar(alice)
    session_id = session(alice, avatar_id=luna)["session_id"]
    say(alice, session_id, "hello")
    assert alice.http.delete(f"{API}/avatars/{luna}").status_code == 204
    assert alice.http.get(f"{API}/sessions/{session_id}").json()["avatar_id"] is None
    found = context(alice, session_id=session_id)
    assert found.avatar is None
    assert [past.content for past in found.history] == ["hello"]


def test_foreign_sessions_are_not_there(alice: Person, bob: Person) -> None:
    luna = avatar(alice)
    session_id = session(alice, avatar_id=luna)["session_id"]
    message_id = say(alice, session_id, "mine")
    assert bob.http.get(f"{API}/sessions").json()["items"] == []
    for path in (f"/sessions/{session_id}", f"/sessions/{session_id}/messages", "/sessions/999999999"):
        assert bob.http.get(API + path).status_code == 404
    assert bob.http.delete(f"{API}/sessions/{session_id}").status_code == 404
    assert bob.http.post(f"{API}/sessions", json={"avatar_id": luna}).status_code == 404
    with pytest.raises(turn_service.SessionNotFound):
        context(bob, session_id=session_id)
    with pytest.raises(turn_service.MessageNotFound):
        context(bob, session_id=session(bob)["session_id"], parent_message_id=message_id)
    assert [each["content"] for each in pages_of(alice, f"/sessions/{session_id}/messages")[0]] == ["mine"]


def test_a_turn_begins_a_session_or_goes_on_in_one(alice: Person) -> None:
    luna = avatar(alice)
    fresh = context(alice, title="Olives", private=True)
    assert fresh.fresh
    assert fresh.avatar is not None
    assert (str(fresh.avatar.avatar_id), fresh.avatar.personality_name) == (luna, "luna")
    assert (fresh.history, fresh.parent_message_id) == ([], None)
    parent: int | None = None
    said: list[int] = []
    for index in range(6):
        parent = say(alice, fresh.session.session_id, str(index), parent)
        said.append(parent)
    again = context(alice, session_id=fresh.session.session_id, history_limit=4)
    assert not again.fresh
    assert again.session == fresh.session
    assert [past.content for past in again.history] == ["2", "3", "4", "5"]
    assert again.parent_message_id == said[-1]


def test_a_branch_goes_by_parents(alice: Person) -> None:
    session_id = session(alice)["session_id"]
    root = say(alice, session_id, "root")
    left = say(alice, session_id, "left", root)
    say(alice, session_id, "left leaf", left)
    right = say(alice, session_id, "right", root)
    newest = context(alice, session_id=session_id)
    assert [past.content for past in newest.history] == ["root", "right"]
    assert newest.parent_message_id == right
    chosen = context(alice, session_id=session_id, parent_message_id=left)
    assert [past.content for past in chosen.history] == ["root", "left"]


def test_a_turn_that_asks_for_what_is_not_there_changes_nothing(alice: Person) -> None:
    avatar(alice)
    session_id = session(alice)["session_id"]
    elsewhere = say(alice, session(alice)["session_id"], "elsewhere")
    before = alice.http.get(f"{API}/sessions").json()
    for asked, error in (
        ({"avatar": "Nobody"}, turn_service.AvatarNotFound),
        ({"avatar": uuid.uuid4()}, turn_service.AvatarNotFound),
        ({"session_id": session_id, "avatar": "Nobody"}, turn_service.OtherAvatar),
        ({"session_id": session_id, "avatar": uuid.uuid4()}, turn_service.OtherAvatar),
        ({"session_id": session_id, "parent_message_id": elsewhere}, turn_service.MessageNotFound),
        ({"parent_message_id": elsewhere}, turn_service.MessageNotFound),
        ({"session_id": 999_999_999}, turn_service.SessionNotFound),
    ):
        with pytest.raises(error):
            context(alice, **asked)
    assert alice.http.get(f"{API}/sessions").json() == before


def test_a_file_is_stored_once_and_comes_with_its_message(alice: Person, bob: Person) -> None:
    stored = [alice.http.post(f"{API}/media", files={"file": ("x.bin", PNG)}).json() for _ in range(2)]
    assert stored[0] == stored[1]
    assert (stored[0]["mime_type"], stored[0]["size_bytes"]) == ("image/png", len(PNG))
    media_id = stored[0]["media_id"]
    content = alice.http.get(f"{API}/media/{media_id}/content")
    assert (content.content, content.headers["content-type"]) == (PNG, "image/png")
    session_id = session(alice)["session_id"]
    say(alice, session_id, "look", media=[media_id])
    [[message]] = pages_of(alice, f"/sessions/{session_id}/messages")
    assert message["media_refs"] == [{"media_id": media_id, "media_type": "image", "mime_type": "image/png"}]
    for path in (f"/media/{media_id}", f"/media/{media_id}/content"):
        assert bob.http.get(API + path).status_code == 404
    other_id = session(bob)["session_id"]
    say(bob, other_id, "mine now", media=[media_id])
    [[message]] = pages_of(bob, f"/sessions/{other_id}/messages")
    assert message["media_refs"] == []


@pytest.mark.parametrize(("data", "status"), [(b"MZ\x00\x01", 415), (b"", 415), (b"a" * 1_000_001, 413)])
def test_what_is_no_medium_is_refused(alice: Person, data: bytes, status: int) -> None:
    assert alice.http.post(f"{API}/media", files={"file": ("x", data)}).status_code == status
