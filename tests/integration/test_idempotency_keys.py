"""A call that comes twice with the same key is done once, whatever it does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from anima.app.once import AGAIN, HEADER
from fixtures.api import Person

API = "/api/v1"
Owner = psycopg.Connection[Any]


def keyed(person: Person, key: str, method: str = "POST", path: str = "/vector-stores", **more: Any) -> Any:
    return person.http.request(method, f"{API}{path}", headers={HEADER: key}, **more)


def test_a_call_that_comes_again_with_its_key_is_answered_as_before(alice: Person, owner_conn: Owner) -> None:
    first = keyed(alice, "one", json={"store_name": "herons", "purpose": "context"})
    assert first.status_code == 201, first.text
    again = keyed(alice, "one", json={"store_name": "herons", "purpose": "context"})
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers[AGAIN] == "true"
    assert AGAIN not in first.headers
    stores = alice.http.get(f"{API}/vector-stores").json()["items"]
    assert [one["store_name"] for one in stores].count("herons") == 1
    [kept] = owner_conn.execute(
        "select response::text from idempotency_keys where owner_id = %s and key = 'one'", [alice.user_id]
    ).fetchall()
    assert "herons" not in kept[0], "what is kept is encrypted"


def test_a_key_stands_for_one_call(alice: Person, bob: Person) -> None:
    assert keyed(alice, "one", json={"store_name": "herons", "purpose": "context"}).status_code == 201
    other = keyed(alice, "one", json={"store_name": "cranes", "purpose": "context"})
    assert (other.status_code, other.json()["type"].rsplit("/", 1)[1]) == (409, "idempotency-key-reused")
    elsewhere = keyed(alice, "one", path="/personalities/random", json={})
    assert elsewhere.status_code != 409, "a look-up takes no key"
    assert keyed(alice, "one", "DELETE", "/sessions/1").status_code == 409
    assert keyed(bob, "one", json={"store_name": "cranes", "purpose": "context"}).status_code == 201, "of each person"


def test_what_failed_may_be_done_again_with_its_key(alice: Person) -> None:
    assert keyed(alice, "two", json={"store_name": "", "purpose": "context"}).status_code == 422
    assert keyed(alice, "two", "DELETE", "/sessions/999999999").status_code == 404
    assert keyed(alice, "two", json={"store_name": "herons", "purpose": "context"}).status_code == 201


def test_something_that_was_deleted_is_deleted_once(alice: Person) -> None:
    session = alice.http.post(f"{API}/sessions", json={}).json()["session_id"]
    assert keyed(alice, "three", "DELETE", f"/sessions/{session}").status_code == 204
    again = keyed(alice, "three", "DELETE", f"/sessions/{session}")
    assert (again.status_code, again.headers.get(AGAIN)) == (204, "true")
    assert alice.http.delete(f"{API}/sessions/{session}").status_code == 404


def test_of_what_is_deleted_no_kept_answer_tells(alice: Person, owner_conn: Owner) -> None:
    assert keyed(alice, "four", json={"store_name": "herons", "purpose": "context"}).status_code == 201
    session = alice.http.post(f"{API}/sessions", json={}).json()["session_id"]
    assert alice.http.delete(f"{API}/sessions/{session}").status_code == 204
    left = owner_conn.execute("select key from idempotency_keys where owner_id = %s", [alice.user_id]).fetchall()
    assert ("four",) not in left


def test_a_form_is_known_again_by_what_is_in_it(alice: Person) -> None:
    files = {"file": ("note.txt", b"Herons wait.", "text/plain")}
    first = keyed(alice, "five", path="/media", files=files)
    if first.status_code == 422:
        pytest.fail(first.text)
    boundary = {"Content-Type": first.request.headers["content-type"], HEADER: "five"}
    again = alice.http.post(f"{API}/media", content=first.request.read(), headers=boundary)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again.headers[AGAIN] == "true"


def test_of_calls_at_the_same_time_one_is_done(alice: Person) -> None:
    body = {"store_name": "herons", "purpose": "context"}
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: keyed(alice, "six", json=body), range(4)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    stores = alice.http.get(f"{API}/vector-stores").json()["items"]
    assert [one["store_name"] for one in stores].count("herons") == 1


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_that_is_none_is_refused_by_name(alice: Person, key: str) -> None:
    for path, body in (("/vector-stores", {"store_name": "herons", "purpose": "context"}), ("/sessions", {})):
        answer = keyed(alice, key, path=path, json=body)
        assert answer.status_code == 422, path
        assert HEADER.lower() in answer.json()["errors"][0]["path"].lower()
