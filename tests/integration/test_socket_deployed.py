"""The deployed WebSocket API, by its events: frames are posted to connections, which may be gone, or come back."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from anima.kernel.errors import Unavailable
from anima.socket import talk, worker
from anima.vendors import sockets
from fixtures.api import Person
from fixtures.stub_llm import Reply, StubLLM

pytestmark = pytest.mark.usefixtures("talking")
Frame = dict[str, Any]
LONG = " ".join(f"word{n}" for n in range(60))


class Gateway:
    """The Management API as its reference describes it: 410 for a connection that is gone, 413 above 128 KB."""

    def __init__(self) -> None:
        self.gone: set[str] = set()
        self.closed: set[str] = set()
        self.frames: dict[str, list[Frame]] = {}
        self.failing = 0
        self._lock = threading.Lock()

    def post(self, endpoint: str, connection_id: str, frame: str) -> bool:
        assert endpoint == "https://f6g7h8i9j0.execute-api.eu-central-1.amazonaws.com/dev"
        assert len(frame.encode()) <= 32 * 1024
        if self.failing > 0:
            self.failing -= 1
            raise Unavailable(what="The gateway of connections (LimitExceededException)")
        with self._lock:
            if connection_id in self.gone:
                return False
            self.frames.setdefault(connection_id, []).append(json.loads(frame))
        return True

    def cut(self, connection_id: str) -> int:
        """The connection is gone; the greatest number that it heard."""
        with self._lock:
            self.gone.add(connection_id)
            return max(frame["n"] for frame in self.frames[connection_id] if "n" in frame)

    def close(self, _endpoint: str, connection_id: str) -> bool:
        self.closed.add(connection_id)
        return True

    def heard(self, connection_id: str, kind: str) -> list[Frame]:
        return [frame for frame in self.frames.get(connection_id, []) if frame["type"] == kind]

    def text(self, connection_id: str) -> str:
        return "".join(frame["text"] for frame in self.news(connection_id) if frame["type"] == "token")

    def news(self, connection_id: str, after: int = 0) -> list[Frame]:
        """Numbered frames as a client takes them: one that was there before counts once."""
        found: list[Frame] = []
        for frame in self.frames[connection_id]:
            if frame.get("n", 0) > after:
                after = frame["n"]
                found.append(frame)
        return found


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """What stands between the functions and their clients."""
    double = Gateway()
    monkeypatch.setattr(sockets, "post", double.post)
    monkeypatch.setattr(sockets, "close", double.close)
    monkeypatch.setattr(worker, "_wired", True)  # the app of the tests has done it
    return double


def event(kind: str, connection_id: str, **more: Any) -> dict[str, Any]:
    context = {
        "eventType": kind,
        "connectionId": connection_id,
        "domainName": "f6g7h8i9j0.execute-api.eu-central-1.amazonaws.com",
        "stage": "dev",
    }
    return {"requestContext": context, **more}


def connect(person: Person, connection_id: str) -> dict[str, Any]:
    return worker.handle(event("CONNECT", connection_id, headers={"Authorization": f"Bearer {person.key}"}))


def send(connection_id: str, kind: str, **fields: Any) -> None:
    answer = worker.handle(event("MESSAGE", connection_id, body=json.dumps({"type": kind, **fields})))
    assert answer == {"statusCode": 200}


def kept(owner_conn: psycopg.Connection[Any], person: Person) -> int:
    row = owner_conn.execute("select count(*) from socket_connections where owner_id = %s", [person.user_id]).fetchone()
    assert row is not None
    return int(row[0])


def eventually(true: Any, seconds: float = 15) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.02)


def test_a_talk_from_event_to_event(
    alice: Person, luna: str, gateway: Gateway, stub_llm: StubLLM, owner_conn: psycopg.Connection[Any]
) -> None:
    stub_llm.script("Olives! You told me so.", "Good night.")
    assert connect(alice, "c1") == {"statusCode": 200}
    send("c1", "ping")
    send("c1", "join", avatar_id=luna)
    send("c1", "message", content="What do I hate?", id="one")
    (answer,) = gateway.heard("c1", "avatar_response")
    assert gateway.text("c1") == answer["content"] == "Olives! You told me so."
    assert [frame["type"] for frame in gateway.frames["c1"]][:3] == ["pong", "joined", "started"]
    assert gateway.heard("c1", "state")
    send("c1", "message", content="Good night")  # in the session that began: another process would find it so
    assert gateway.heard("c1", "avatar_response")[1]["session_id"] == answer["session_id"]
    assert worker.handle(event("DISCONNECT", "c1")) == {"statusCode": 200}
    assert kept(owner_conn, alice) == 0


def test_who_comes_back_goes_on_and_nothing_is_lost(
    alice: Person, luna: str, gateway: Gateway, stub_llm: StubLLM
) -> None:
    stub_llm.script(Reply(LONG, token_delay=0.02))
    connect(alice, "c2")
    send("c2", "join", avatar_id=luna)
    turn = threading.Thread(target=send, args=("c2", "message"), kwargs={"content": "Tell me all"})
    turn.start()
    eventually(lambda: len(gateway.heard("c2", "token")) > 1)
    last, begun = gateway.cut("c2"), gateway.heard("c2", "started")[0]
    connect(alice, "c3")
    send("c3", "join", session_id=begun["session_id"], after=last)
    assert gateway.heard("c3", "joined")[0]["resumed"]
    turn.join(30)
    rest = gateway.news("c3", last)
    assert rest[-1]["type"] == "avatar_response"
    assert rest == gateway.news("c3")  # nothing that was heard is told again
    assert gateway.text("c2") + gateway.text("c3") == rest[-1]["content"] == LONG
    assert talk.open_talks() == 0


def test_an_answer_that_is_over_is_told_from_what_is_stored(
    alice: Person, luna: str, gateway: Gateway, stub_llm: StubLLM
) -> None:
    stub_llm.script(LONG)
    connect(alice, "c4")
    send("c4", "join", avatar_id=luna)
    send("c4", "message", content="Tell me all")
    begun, first = gateway.heard("c4", "started")[0], gateway.heard("c4", "token")[0]
    connect(alice, "c5")
    send("c5", "join", session_id=begun["session_id"], after=begun["n"] + 3)
    assert gateway.heard("c5", "joined")[0]["resumed"] is True
    pieces = LONG.split(" ")
    assert gateway.text("c5").split() == pieces[3:]
    assert gateway.heard("c5", "avatar_response")[0]["content"] == LONG
    send("c5", "join", session_id=begun["session_id"], after=gateway.heard("c5", "avatar_response")[0]["n"])
    assert len(gateway.heard("c5", "avatar_response")) == 1
    assert first["index"] == 0


def test_a_stop_from_another_process_ends_the_answer_and_keeps_it(
    alice: Person, luna: str, gateway: Gateway, stub_llm: StubLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anima.socket.deployed.LOOK_SECONDS", 0.1)
    stub_llm.script(Reply(LONG, token_delay=0.1))
    connect(alice, "c6")
    send("c6", "join", avatar_id=luna)
    turn = threading.Thread(target=send, args=("c6", "message"), kwargs={"content": "Tell me all"})
    turn.start()
    eventually(lambda: len(gateway.heard("c6", "token")) > 1)
    send("c6", "stop")
    turn.join(30)
    (answer,) = gateway.heard("c6", "avatar_response")
    assert answer["finish"] == "stopped"
    assert answer["content"]
    assert answer["content"] in LONG


def test_nobody_listens_any_more(
    alice: Person,
    luna: str,
    gateway: Gateway,
    stub_llm: StubLLM,
    owner_conn: psycopg.Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(talk, "GRACE_SECONDS", 0.2)
    stub_llm.script(Reply(LONG, token_delay=0.1))
    connect(alice, "c7")
    send("c7", "join", avatar_id=luna)
    gateway.gone.add("c7")
    send("c7", "message", content="Tell me all")  # comes back long before the answer would be whole
    query = "select content ->> 'finish', content ->> 'text' from llm_responses where owner_id = %s"
    row = owner_conn.execute(query, [alice.user_id]).fetchone()
    assert row is None or (row[0] == "stopped" and row[1] in LONG and row[1] != LONG)
    assert kept(owner_conn, alice) == 0
    assert talk.open_talks() == 0


def test_a_key_that_was_revoked_and_a_connection_that_nobody_knows(
    alice: Person, gateway: Gateway, owner_conn: psycopg.Connection[Any]
) -> None:
    connect(alice, "c8")
    owner_conn.execute("update api_keys set revoked_at = now() where user_id = %s", [alice.user_id])
    send("c8", "get_state")
    send("c9", "join")
    for name, slug in {"c8": "token-expired", "c9": "unauthenticated"}.items():
        (frame,) = gateway.heard(name, "error")
        assert frame["error"]["status"] == 401
        assert frame["error"]["type"].endswith(slug)
        assert frame["closes"]
        assert name in gateway.closed
    assert kept(owner_conn, alice) == 0


def test_a_stranger_reaches_no_session_through_a_connection_of_theirs(
    alice: Person, bob: Person, luna: str, gateway: Gateway, stub_llm: StubLLM
) -> None:
    stub_llm.script("It is between us.")
    connect(alice, "c10")
    send("c10", "join", avatar_id=luna)
    send("c10", "message", content="A secret")
    begun = gateway.heard("c10", "started")[0]
    connect(bob, "c11")
    send("c11", "join", session_id=begun["session_id"], after=begun["n"])
    send("c11", "message", content="Tell me")
    assert [frame["type"] for frame in gateway.frames["c11"]] == ["error", "error"]
    assert gateway.frames["c11"][0]["error"]["status"] == 404
    assert gateway.frames["c11"][1]["error"]["type"].endswith("not-joined")


@pytest.mark.parametrize("body", ["no json", "[]", '{"type": 5}', '{"type":"message"}', None, "\ud800"])
def test_what_is_no_frame_is_told_so(alice: Person, gateway: Gateway, body: Any) -> None:
    connect(alice, "c12")
    assert worker.handle(event("MESSAGE", "c12", body=body)) == {"statusCode": 200}
    (frame,) = gateway.frames["c12"]
    assert frame["error"]["status"] == 422
    assert frame["error"]["errors"]
    assert not frame["closes"]


def test_a_gateway_that_fails_once_costs_no_answer(
    alice: Person, luna: str, gateway: Gateway, stub_llm: StubLLM
) -> None:
    stub_llm.script("Here I am.")
    connect(alice, "c13")
    send("c13", "join", avatar_id=luna)
    gateway.failing = 1
    send("c13", "message", content="Where are you?", id="same")
    connect(alice, "c14")
    send("c14", "join", avatar_id=luna)
    send("c14", "message", content="Where are you?", id="same")
    assert gateway.heard("c14", "avatar_response")[0]["content"] == "Here I am."
    assert len(stub_llm.chats) == 1


def test_frames_go_through_the_management_api(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the real client, against a double of the service."""
    from moto import mock_aws
    from moto.apigatewaymanagementapi.models import apigatewaymanagementapi_backends

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    sockets._client.cache_clear()
    with mock_aws():
        endpoint = "https://f6g7h8i9j0.execute-api.eu-central-1.amazonaws.com/dev"
        assert sockets.post(endpoint, "L0SM9cOFvHcCIhw=", '{"type":"pong"}')
        backend = apigatewaymanagementapi_backends["123456789012"]["eu-central-1"]
        assert b"".join(one.data for one in backend.connections.values()) == b'{"type":"pong"}'
        assert sockets.close(endpoint, "L0SM9cOFvHcCIhw=")
    sockets._client.cache_clear()


@pytest.mark.parametrize(
    ("status", "code", "gone"), [(410, "GoneException", True), (429, "LimitExceededException", False)]
)
def test_a_gone_connection_is_told_from_a_gateway_that_fails(
    monkeypatch: pytest.MonkeyPatch, status: int, code: str, gone: bool
) -> None:
    from botocore.exceptions import ClientError

    class Client:
        def post_to_connection(self, **_given: Any) -> None:
            raise ClientError(
                {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "PostToConnection"
            )

    monkeypatch.setattr(sockets, "_client", lambda _endpoint: Client())
    if gone:
        assert not sockets.post("https://x", "c", "{}")
    else:
        with pytest.raises(Unavailable):
            sockets.post("https://x", "c", "{}")


def test_more_connections_than_a_person_may_have(
    alice: Person, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anima.socket.connections.MOST", 2)
    assert [connect(alice, f"m{n}")["statusCode"] for n in range(4)] == [200, 200, 429, 429]


def test_a_page_of_another_site_is_refused(alice: Person, setting: Any) -> None:
    def status(origin: str) -> int:
        headers = {"Authorization": f"Bearer {alice.key}", "Origin": origin, "Host": "socket.example"}
        return int(worker.handle(event("CONNECT", "o1", headers=headers))["statusCode"])

    assert status("https://evil.example") == 403
    setting("WS_ALLOWED_ORIGINS", "https://one.example, https://evil.example")
    assert status("https://evil.example") == 200
    assert status("https://evil.example.org") == 403
