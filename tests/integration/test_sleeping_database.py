"""A database that sleeps, restarts and has no room: reads and keyed writes go on, nothing is lost or done twice."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from anima.app.main import build
from anima.app.replays import repeatable
from anima.kernel import auth, config, connections, db, delivery, outbox
from anima.kernel.errors import DatabaseUnavailable
from fixtures.api import PASSWORD, Person
from fixtures.proxy import Proxy
from fixtures.stub_llm import StubLLM
from fixtures.turns import said, say, streamed

API = "/api/v1"
STARTING = ("57P03", "the database system is starting up")
FULL = ("53300", "sorry, too many clients already")
POOLER_FULL = ("08P01", "no more connections allowed (max_client_conn)")
QUEUED_TOO_LONG = ("08P01", "query_wait_timeout")


@pytest.fixture
def far(database: Any, proxy: Proxy) -> Iterator[Proxy]:
    """The logins of the house speak to their database through a proxy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANIMA_APP_DATABASE_URL", proxy.url(database.app_url))
        patch.setenv("ANIMA_WORKER_DATABASE_URL", proxy.url(database.worker_url))
        _forget()
        yield proxy
        _forget()
    _forget()


def _forget() -> None:
    db.close_pools()
    config.settings.cache_clear()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request waits for a short time only."""
    monkeypatch.setattr(connections, "PATIENCE_SECONDS", 0.3)


def me(person: Person) -> Any:
    return person.http.get(f"{API}/users/me")


def keys(person: Person) -> int:
    return len(person.http.get(f"{API}/api-keys").json()["items"])


def add_key(person: Person, **headers: str) -> Any:
    return person.http.post(f"{API}/api-keys", json={"name": "another"}, headers=headers)


def expect_try_again(answer: Any) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.headers["retry-after"] == "2"
    assert answer.json()["type"].endswith("/database-unavailable")


def test_one_that_sleeps_is_waited_for(far: Proxy, alice: Person, luna: str, talking: StubLLM) -> None:
    asks: list[Callable[[], Any]] = [
        lambda: me(alice).status_code == 200,
        lambda: add_key(alice).status_code == 201,
        lambda: said(alice, "Hello", avatar_id=luna)["content"],
    ]
    for ask in asks:
        _forget()
        far.wake_after(0.1)
        assert ask()


@pytest.mark.parametrize("reason", [STARTING, FULL, POOLER_FULL, QUEUED_TOO_LONG, (None, "")])
def test_one_that_says_not_yet_is_asked_again(far: Proxy, alice: Person, reason: tuple[str | None, str]) -> None:
    _forget()
    far.refuse(2, *reason)
    assert me(alice).status_code == 200
    assert far.tries - far.connections == 2


@pytest.mark.parametrize("reason", [STARTING, FULL, POOLER_FULL])
def test_one_that_never_comes_is_503_and_the_house_lives(
    far: Proxy, alice: Person, impatient: None, reason: tuple[str, str]
) -> None:
    _forget()
    far.refuse(10_000, *reason)
    expect_try_again(me(alice))
    expect_try_again(add_key(alice))
    assert alice.http.get("/healthz").status_code == 200
    expect_try_again(alice.http.get("/readyz"))
    far.refuse(0)
    assert me(alice).status_code == 200
    assert keys(alice) == 1


def test_all_waits_of_a_request_come_out_of_one_purse(far: Proxy, alice: Person, impatient: None) -> None:
    far.sleep()
    with connections.patient() as patience:
        tried: list[float] = []
        for _ in range(3):
            with pytest.raises(DatabaseUnavailable), db.transaction(alice.principal):
                pass
            tried.append(connections.waited())
    assert patience.left < 0.3
    assert tried == sorted(tried)
    assert connections.waited() == 0.0


def test_a_restart_between_two_requests_is_not_noticed(far: Proxy, alice: Person) -> None:
    assert me(alice).status_code == 200
    for _ in range(2):
        far.cut()
        assert me(alice).status_code == 200
        far.cut()
        assert add_key(alice).status_code == 201
    assert keys(alice) == 3


@pytest.mark.parametrize("after", range(3))
@pytest.mark.parametrize("where", ["question", "answer"])
def test_a_read_that_is_cut_is_read_again(far: Proxy, alice: Person, where: str, after: int) -> None:
    assert me(alice).status_code == 200
    cut(far, where, after)
    for _ in range(2):
        answer = me(alice)
        assert answer.status_code == 200, answer.text
        assert answer.json()["user_id"] == alice.user_id
    assert not far.armed


def test_a_page_without_scripts_is_read_again_too_or_says_when_to_come(
    far: Proxy, alice: Person, client: TestClient, impatient: None
) -> None:
    form = {"username": alice.username, "password": alice.password}
    own = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    client.post("/console/sign-in", data=form, headers=own)
    for where in ("question", "answer"):
        for after in range(3):
            assert client.get("/console/plain").status_code == 200
            cut(far, where, after)
            assert client.get("/console/plain").status_code == 200
            far.disarm()
    far.sleep()
    for signed_in in (True, False):
        if not signed_in:
            client.cookies.delete("anima_session")
        away = client.get("/console/plain")
        assert (away.status_code, away.headers.get("retry-after")) == (503, "2")
        assert "text/html" in away.headers["content-type"]


def cut(proxy: Proxy, where: str, after: int) -> None:
    (proxy.cut_question if where == "question" else proxy.cut_answer)(after)


@pytest.mark.parametrize("where", ["question", "answer"])
def test_a_write_without_a_key_is_not_done_again(far: Proxy, alice: Person, where: str) -> None:
    assert keys(alice) == 1
    told = []
    for after in (1, 2):  # the first asks who it is
        before = keys(alice)
        cut(far, where, after)
        answer = add_key(alice)
        told.append(answer.status_code)
        if answer.status_code != 201:
            expect_try_again(answer)
        far.disarm()
        assert keys(alice) - before in ([1] if answer.status_code == 201 else [0, 1])
    assert 503 in told


def test_a_commit_whose_answer_is_cut_is_told_as_unknown(far: Proxy, alice: Person) -> None:
    renamed = db.Command("update users set full_name = 'Alice' where user_id = %(owner_id)s")
    assert me(alice).status_code == 200
    far.cut_answer()
    with pytest.raises(DatabaseUnavailable), db.transaction(alice.principal) as tx:
        tx.execute(renamed, owner_id=alice.user_id)
    assert me(alice).json()["full_name"] == "Alice"


def test_who_asks_is_asked_again_even_for_a_write(far: Proxy, alice: Person) -> None:
    for where in ("question", "answer"):
        assert me(alice).status_code == 200
        cut(far, where, 0)
        assert add_key(alice).status_code == 201
    assert keys(alice) == 3


@pytest.mark.parametrize("where", ["question", "answer"])
def test_a_keyed_write_is_done_once_wherever_it_is_cut(far: Proxy, alice: Person, where: str) -> None:
    body = {"text": "The lighthouse of Punta Norte is green.", "title": "Lighthouses"}
    assert me(alice).status_code == 200
    documents: set[int] = set()
    cuts = 0
    for after in range(10):
        cut(far, where, after)
        key = os.urandom(4).hex()
        sent = {**body, "text": f"{body['text']} {key}"}
        answer = alice.http.post(f"{API}/documents", json=sent, headers={"Idempotency-Key": key})
        assert answer.status_code == 202, answer.text
        cuts += not far.armed
        again = alice.http.post(f"{API}/documents", json=sent, headers={"Idempotency-Key": key})
        assert again.json() == answer.json()
        documents.add(answer.json()["document_id"])
        far.disarm()
    assert cuts >= 3
    listed = alice.http.get(f"{API}/documents").json()["items"]
    assert len(listed) == len(documents) == 10


@pytest.mark.parametrize("where", ["question", "answer"])
@pytest.mark.parametrize("after", range(5))
def test_a_turn_with_a_key_is_one_turn_wherever_it_is_cut(
    far: Proxy, alice: Person, luna: str, talking: StubLLM, where: str, after: int
) -> None:
    session = said(alice, "Hello", avatar_id=luna)["session_id"]
    cut(far, where, after)
    answer = said(alice, "What do I hate?", session_id=session, key="of-the-tests")
    far.disarm()
    again = said(alice, "What do I hate?", session_id=session, key="of-the-tests")
    assert again["response_id"] == answer["response_id"]
    expect_one_more_turn(alice, session, answer)


def expect_one_more_turn(person: Person, session: int, answer: dict[str, Any]) -> None:
    listed = person.http.get(f"{API}/sessions/{session}/messages").json()["items"]
    assert [one["role"] for one in listed] == ["user", "assistant"] * 2
    assert listed[-1]["message_id"] == answer["message_id"]
    kept = person.http.get(f"{API}/responses/{answer['response_id']}").json()
    assert kept["content"] == answer["content"]


@pytest.mark.parametrize("where", ["question", "answer"])
@pytest.mark.parametrize("after", range(4))
def test_a_turn_without_a_key_is_told_or_done_but_never_twice(
    far: Proxy, alice: Person, luna: str, talking: StubLLM, where: str, after: int
) -> None:
    session = said(alice, "Hello", avatar_id=luna)["session_id"]
    cut(far, where, after)
    answer = say(alice, "What do I hate?", session_id=session)
    far.disarm()
    if answer.status_code == 200:
        expect_one_more_turn(alice, session, answer.json())
        return
    expect_try_again(answer)
    pending = alice.http.get(f"{API}/sessions/{session}/messages").json()["items"][2:]
    assert [(one["role"], one["state"]) for one in pending] in ([], [("user", "interrupted")])


def test_the_model_is_not_asked_again_because_the_database_restarted(
    far: Proxy, alice: Person, luna: str, talking: StubLLM
) -> None:
    session = said(alice, "Hello", avatar_id=luna)["session_id"]
    asked = len(talking.chats)
    far.cut_answer(after=3)  # of the transaction that stores what the model said
    events = streamed(alice, "What do I hate?", session_id=session)
    assert not far.armed
    assert [name for name, _ in events][-1] == "done"
    assert len(talking.chats) == asked + 1
    expect_one_more_turn(alice, session, events[-1][1])


def test_what_is_delivered_while_it_restarts_is_delivered_later(
    far: Proxy, alice: Person, luna: str, talking: StubLLM, drain_outbox: Callable[[], list[outbox.Event]]
) -> None:
    said(alice, "I hate olives", avatar_id=luna)
    assert delivery.next_due() is not None
    far.cut_answer()
    with pytest.raises(DatabaseUnavailable):
        delivery.claim()
    delivery.release_leases()
    event = delivery.claim()
    assert event is not None
    far.cut_answer()
    with pytest.raises(DatabaseUnavailable):
        delivery.delivered(event)
    delivery.release_leases()
    assert event.event_id not in {one.event_id for one in drain_outbox()}


def test_signing_in_wakes_it(far: Proxy, alice: Person) -> None:
    _forget()
    far.wake_after(0.1)
    given = {"username": alice.username, "password": PASSWORD}
    assert alice.http.post(f"{API}/token", data=given).status_code == 200


def test_a_transaction_that_is_left_open_ends_by_itself(
    far: Proxy, alice: Person, owner_conn: psycopg.Connection[Any]
) -> None:
    connection = db.pool("app").get()
    connection.execute("set idle_in_transaction_session_timeout = '10ms'")
    connection.execute("begin")
    idle = "select count(*) from pg_stat_activity where pid = %s"
    while owner_conn.execute(idle, [connection.info.backend_pid]).fetchone() != (0,):
        owner_conn.execute("select pg_sleep(0.01)")
    with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
        connection.execute("select 1")
    db.pool("app").put(connection)
    assert me(alice).status_code == 200


def test_what_takes_too_long_is_not_asked_again(
    failing: Callable[[Callable[[], Any]], TestClient],
) -> None:
    asked: list[int] = []

    def slow() -> None:
        asked.append(1)
        with db.transaction(auth.NOBODY) as tx:
            tx.execute(db.Command("set local statement_timeout = '1ms'"))
            tx.execute(db.Command("select pg_sleep(10)"))

    def lost() -> None:
        asked.append(1)
        raise DatabaseUnavailable(retry_after=2)

    expect_try_again(failing(slow).get("/act"))
    assert len(asked) == 1
    expect_try_again(failing(lost).get("/act"))
    assert len(asked) == 3


@pytest.fixture
def failing(database: Any) -> Callable[[Callable[[], Any]], TestClient]:
    """An app with a route that does what one says."""

    def made(act: Callable[[], Any]) -> TestClient:
        built = build({"retrieve"})
        built.add_api_route("/act", lambda: act(), methods=["GET"])
        return TestClient(built, base_url="http://localhost")

    return made


def test_only_routes_that_heed_a_key_are_repeated_for_it(app: Any) -> None:
    def asked(path: str, method: str = "POST", *headers: tuple[bytes, bytes]) -> dict[str, Any]:
        route = next(one for one in routes(app) if one.path.endswith(path) and method in one.methods)
        return {"type": "http", "method": method, "headers": list(headers), "route": route}

    key = (b"idempotency-key", b"of-the-tests")
    assert repeatable(asked("/chat", "POST", key))
    assert repeatable(asked("/documents", "POST", key))
    assert not repeatable(asked("/chat"))
    assert not repeatable(asked("/token", "POST", key))
    assert repeatable(asked("/users/me", "GET"))
    assert not repeatable({"type": "http", "method": "POST", "headers": [key]})


def routes(app: Any) -> Iterator[Any]:
    """The routes of the app, those of its parts with them."""
    for one in app.routes:
        if hasattr(one, "methods"):
            yield one
        inner = getattr(one, "original_router", None) or getattr(one, "router", None)
        if inner is not None:
            yield from routes(inner)
