"""Every function runs in Lambda's own emulator on its sample event, on the real database, and answers."""

from __future__ import annotations

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from scripts.venvs import ROOT
from tests.emulator import invoke, runtime

from anima.kernel import db, secrets
from anima.socket import worker as socket

EVENTS = ROOT / "events"
pytestmark = pytest.mark.skipif(runtime.emulator() is None, reason="THE RUNTIME INTERFACE EMULATOR IS NOT INSTALLED")


def event(name: str) -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text())


def with_key(sample: Any, key: str) -> Any:
    headers = {**sample["headers"], "authorization": f"Bearer {key}"}
    return {**sample, "headers": headers}


def with_body(sample: Any, owner_id: int, payload: dict[str, Any]) -> Any:
    record = sample["Records"][0]
    body = {
        **json.loads(record["body"]),
        "owner_id": owner_id,
        "payload": payload,
        "event_id": str(os.urandom(16).hex()),
    }
    return {"Records": [{**record, "body": json.dumps(body)}]}


@pytest.fixture
def settings(database: Any, stub_llm: Any, tmp_path: Path) -> dict[str, str]:
    """The environment of a deployed function, on the database of the tests and a stub of a provider."""
    return {
        "ANIMA_APP_DATABASE_URL": database.app_url,
        "ANIMA_WORKER_DATABASE_URL": database.worker_url,
        "ANIMA_DATABASE_DIRECT_URL": database.owner_url,
        "ANIMA_DATA_DIR": str(tmp_path),
        "ANIMA_LOCAL_LLM": "false",
        "SECRET_KEY": secrets.master_key().decode(),
        "OPENAI_API_KEY": "a-key-of-the-stub",
        "OPENAI_BASE_URL": stub_llm.url,
        **({"ANIMA_MODEL_DIR": os.environ["ANIMA_MODEL_DIR"]} if "ANIMA_MODEL_DIR" in os.environ else {}),
    }


@pytest.mark.model
def test_a_turn_over_the_api_gateway(alice: Any, settings: dict[str, str], owner_conn: psycopg.Connection[Any]) -> None:
    with runtime.running("chat", settings) as function:
        answer = function.invoke(with_key(event("chat"), alice.key))
    assert answer["statusCode"] == 200, function
    said = json.loads(answer["body"])
    assert said["role"] == "assistant"
    assert said["content"]
    kept = owner_conn.execute(
        "select role, content from messages where session_id = %s order by message_id", [said["session_id"]]
    ).fetchall()
    assert kept[0] == ("user", "Hello, I am Diego and I hate olives")
    assert kept[1] == ("assistant", said["content"])


def test_without_a_key_the_door_stays_shut(settings: dict[str, str]) -> None:
    with runtime.running("manage", settings) as function:
        answer = function.invoke(event("manage"))
    assert answer["statusCode"] == 401
    assert json.loads(answer["body"])["type"].endswith("/unauthenticated")


def test_manage_answers_who_one_is(alice: Any, settings: dict[str, str]) -> None:
    with runtime.running("manage", settings) as function:
        answer = function.invoke(with_key(event("manage"), alice.key))
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["username"] == alice.username


@pytest.mark.model
def test_ingest_then_retrieve(alice: Any, settings: dict[str, str]) -> None:
    """A document queued over HTTP is ingested by the one function and found by the other; five times is once."""
    blobs = {**settings, "ANIMA_DATA_DIR": os.environ["ANIMA_DATA_DIR"]}
    sent = alice.http.post(
        "/api/v1/documents",
        json={"title": "Harbour", "text": "The harbour crane is greased with seal fat every second Tuesday."},
    )
    assert sent.status_code == 202
    payload = {"document_id": sent.json()["document_id"]}
    with runtime.running("ingest", blobs) as function:
        queued = with_body(event("ingest"), alice.user_id, payload)
        for _ in range(5):
            assert function.invoke(queued) == {"batchItemFailures": []}, function.log()
    shown = alice.http.get(f"/api/v1/documents/{payload['document_id']}").json()
    assert (shown["state"], shown["chunks_total"]) == ("done", 1)
    with runtime.running("retrieve", blobs) as function:
        answer = function.invoke(with_key(event("retrieve"), alice.key))
    hits = json.loads(answer["body"])["hits"]
    assert [hit["document_id"] for hit in hits] == [payload["document_id"]]


@pytest.mark.model
def test_past_conversations_come_in_by_the_same_queue(alice: Any, settings: dict[str, str]) -> None:
    """Brought over HTTP, imported by the function that ingests; three times is once."""
    blobs = {**settings, "ANIMA_DATA_DIR": os.environ["ANIMA_DATA_DIR"]}
    avatar = alice.http.post("/api/v1/avatars", json={"name": "Luna", "personality": "luna"}).json()["avatar_id"]
    turns = [{"id": "1", "date": "2024-05-01T10:00:00Z", "speaker": "me", "text": "I live in Oslo"}]
    sent = alice.http.post(f"/api/v1/avatars/{avatar}/transcripts", json={"turns": turns, "proposals": 0})
    assert sent.status_code == 202, sent.text
    payload = {"document_id": sent.json()["document_id"]}
    with runtime.running("ingest", blobs) as function:
        queued = with_body(event("transcript"), alice.user_id, payload)
        for _ in range(3):
            assert function.invoke(queued) == {"batchItemFailures": []}, function.log()
    shown = alice.http.get(f"/api/v1/documents/{payload['document_id']}").json()
    assert (shown["state"], shown["chunks_total"]) == ("done", 1)
    facts = alice.http.get(f"/api/v1/avatars/{avatar}/facts").json()["items"]
    assert [(fact["value"], fact["mention_count"]) for fact in facts] == [("Oslo", 1)]


@pytest.mark.model
def test_reflect_embeds_what_was_said(
    alice: Any, talking: Any, settings: dict[str, str], owner_conn: psycopg.Connection[Any]
) -> None:
    avatar = alice.http.post("/api/v1/avatars", json={"name": "Luna", "personality": "luna"}).json()
    turn = alice.http.post(
        "/api/v1/chat", json={"avatar_id": avatar["avatar_id"], "message": "Hello, I am Diego and I hate olives"}
    )
    assert turn.status_code == 200, turn.text
    query = "select payload from outbox where owner_id = %s and topic = 'turn.finished'"
    row = owner_conn.execute(query, [alice.user_id]).fetchone()
    assert row is not None
    with runtime.running("reflect", settings) as function:
        answer = function.invoke(with_body(event("reflect"), alice.user_id, row[0]))
        assert answer == {"batchItemFailures": []}, function.log()
    facts = alice.http.get(f"/api/v1/avatars/{avatar['avatar_id']}/facts").json()["items"]
    assert any("olives" in json.dumps(fact) for fact in facts)


SHAPES: dict[str, list[Any]] = {
    "chat": [{"hello": "world"}, {"requestContext": {"http": {"method": "POST"}}}, [], "words"],
    "retrieve": [{}, {"Records": []}],
    "manage": [{"requestContext": None}, {"version": "2.0", "requestContext": {"http": "GET"}}],
    "socket": [{}, {"requestContext": {"eventType": "MESSAGE"}}, {"requestContext": "CONNECT"}],
    "ingest": [{"hello": "world"}, {"Records": None}, []],
    "reflect": [{"hello": "world"}, {"Records": "many"}],
    "outbox": [{"drop": "everything"}, {"wake": "now"}, {"wake": {"failures": -1}}],
    "training": [
        {"hello": "world"},
        {"task": "dance"},
        {"task": "validate", "job_id": "mine", "owner_id": 1},
        {"task": "ended", "status": "ABORTED", "input": "no json"},
        {"Records": "many"},
        [],
    ],
    "migrate": [
        {"drop": "everything"},
        {"phase": "sideways"},
        {"dry_run": "yes"},
        {"phase": "post", "code": 9},
        {"link_for": "admin"},
        {"RequestType": "Create"},
        {"ResponseURL": "http://127.0.0.1:1"},
        [],
    ],
}
"""To each function, events of another shape than its own."""


def whole(owner_conn: psycopg.Connection[Any]) -> dict[str, int]:
    """How many rows every table has."""
    names = owner_conn.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
    return {name: owner_conn.execute(f"select count(*) from {name}").fetchone()[0] for (name,) in names}  # type: ignore[index]


@pytest.mark.parametrize("name", SHAPES)
def test_an_event_of_another_shape_is_refused_clearly_and_changes_nothing(
    name: str, settings: dict[str, str], owner_conn: psycopg.Connection[Any]
) -> None:
    before = whole(owner_conn)
    with runtime.running(name, settings) as function:
        for wrong in SHAPES[name]:
            answer = function.invoke(wrong)
            assert answer["errorType"] == "BadInput", (wrong, answer)
            assert len(answer["errorMessage"]) > 20, wrong
            assert "Traceback" not in answer["errorMessage"]
    assert whole(owner_conn) == before


def test_every_function_has_its_wrong_shapes() -> None:
    names = {path.parent.name for path in (ROOT / "functions").glob("*/handler.py")}
    assert set(SHAPES) == names - {"chat_stream"}  # that one is a server, not a handler


@pytest.mark.parametrize("name", ["ingest", "reflect"])
def test_poison_fails_alone_however_often_it_comes(
    name: str, alice: Any, settings: dict[str, str], owner_conn: psycopg.Connection[Any]
) -> None:
    sample = event(name)
    gone = with_body(sample, alice.user_id, {"document_id": 2**62, "session_id": 2**62})["Records"][0]
    poison = [
        {**gone, "messageId": "m-1", "body": "no json"},
        {**gone, "messageId": "m-2", "body": "{}"},
        {**gone, "messageId": "m-3", "body": json.dumps({**json.loads(gone["body"]), "owner_id": "nobody"})},
        {**gone, "messageId": "m-4", "body": json.dumps({**json.loads(gone["body"]), "payload": {}})},
    ]
    before = whole(owner_conn)
    with runtime.running(name, settings) as function:
        for _ in range(5):
            answer = function.invoke({"Records": poison})
            assert {one["itemIdentifier"] for one in answer["batchItemFailures"]} == {"m-1", "m-2", "m-3", "m-4"}
    assert whole(owner_conn) == before


@pytest.mark.model
def test_what_follows_a_turn_is_done_once_however_often_it_comes(
    alice: Any, talking: Any, settings: dict[str, str], owner_conn: psycopg.Connection[Any]
) -> None:
    avatar = alice.http.post("/api/v1/avatars", json={"name": "Luna", "personality": "luna"}).json()
    turn = {"avatar_id": avatar["avatar_id"], "message": "Hello, I am Diego and I hate olives"}
    assert alice.http.post("/api/v1/chat", json=turn).status_code == 200
    query = "select payload from outbox where owner_id = %s and topic = 'turn.finished'"
    row = owner_conn.execute(query, [alice.user_id]).fetchone()
    assert row is not None
    queued = with_body(event("reflect"), alice.user_id, row[0])
    counts = []
    with runtime.running("reflect", settings) as function:
        for _ in range(5):
            assert function.invoke(queued) == {"batchItemFailures": []}, function.log()
            counts.append(whole(owner_conn))
    assert counts == counts[:1] * 5


def test_who_may_connect_to_the_socket(alice: Any, settings: dict[str, str]) -> None:
    connect = event("socket")
    bare = {name: value for name, value in connect["headers"].items() if name != "Authorization"}

    def offering(key: str) -> Any:
        return {**connect, "headers": {**bare, "Sec-WebSocket-Protocol": f"bearer, {key}"}}

    with runtime.running("socket", settings) as function:
        assert function.invoke(connect)["statusCode"] == 401
        assert function.invoke({**connect, "headers": bare})["statusCode"] == 401
        assert function.invoke(offering("anima_nobodys"))["statusCode"] == 401
        keyed = {**connect, "headers": {**bare, "authorization": f"Bearer {alice.key}"}}
        assert function.invoke(keyed) == {"statusCode": 200}
        answer = function.invoke(offering(alice.key))
        assert answer == {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "bearer"}}
        assert function.invoke(event("socket_disconnect")) == {"statusCode": 200}
        assert alice.key not in function.log()


def test_a_socket_while_the_database_is_away_is_told_to_come_again(
    database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "_PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(db, "login_url", lambda _login: "postgresql://anima_app:x@127.0.0.1:1/anima")
    db.close_pools()
    connect = event("socket")
    answer = socket.handle({**connect, "headers": {"authorization": "Bearer anima_some-key"}})
    db.close_pools()
    assert answer["statusCode"] == 503


def test_outbox_and_migrate(settings: dict[str, str]) -> None:
    with runtime.running("outbox", settings) as function:
        function.invoke(event("outbox"))  # closes what other tests have left
        for _ in range(5):
            assert function.invoke(event("outbox")) == {"sent": 0, "closed": 0}
    with runtime.running("migrate", settings) as function:
        for _ in range(5):
            assert function.invoke(event("migrate"))["migrations"] == []


def test_a_link_for_who_lost_the_password(alice: Any, settings: dict[str, str]) -> None:
    asked = {**event("migrate_link"), "link_for": alice.username}
    with runtime.running("migrate", settings) as function:
        answer = function.invoke(asked)
        assert answer["link"].startswith(f"{asked['base_url']}/console/welcome#")
        assert answer["link"].partition("#")[2] not in function.log()
        nobody = function.invoke({**asked, "link_for": "nobody-of-that-name"})
        assert nobody["errorType"] == "UserNotFound"


def test_cloudformation_is_answered_by_the_function(settings: dict[str, str]) -> None:
    """The rest of it is told in test_setup: here, that it works in the runtime, which has a clock and a main thread."""
    answers: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            answers.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = {"ResponseURL": f"http://127.0.0.1:{server.server_port}/"}
    try:
        with runtime.running("migrate", settings) as function:
            assert function.invoke({**event("migrate_first_admin"), **address}) == {"Status": "SUCCESS"}
            failed = function.invoke({**event("migrate_setup"), **address, "ResourceProperties": {}})
            assert failed["Status"] == "FAILED"
    finally:
        server.shutdown()
        server.server_close()
    assert [answer["Status"] for answer in answers] == ["SUCCESS", "FAILED"]
    assert answers[0]["Data"]["AdminLink"]


@pytest.mark.model
def test_chat_stream_streams_from_its_port(alice: Any, settings: dict[str, str]) -> None:
    body = json.loads(event("chat_stream")["body"])
    with (
        runtime.serving("chat_stream", settings) as url,
        httpx.stream(
            "POST", f"{url}/api/v1/chat", json=body, headers={"Authorization": f"Bearer {alice.key}"}, timeout=60
        ) as response,
    ):
        names = [line[7:] for line in response.iter_lines() if line.startswith("event: ")]
    assert names[0] == "started"
    assert names[-1] == "done"
    assert names.count("token") > 1


@pytest.mark.parametrize(
    ("name", "file", "said"),
    [("nobody", "events/chat.json", "there are: chat, chat_stream"), ("chat", "events/none.json", "no file")],
)
def test_by_hand_a_wrong_name_is_told(name: str, file: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke.main(name, file) == 2
    assert said in capsys.readouterr().err


def test_by_hand_an_answer_to_cloudformation_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with invoke._told(event("migrate_setup")) as asked:
        httpx.put(asked["ResponseURL"], content=b'{"Status": "FAILED"}').raise_for_status()
    assert json.loads(capsys.readouterr().out) == {"told to CloudFormation": {"Status": "FAILED"}}
    with invoke._told(event("migrate")) as asked:
        assert asked == event("migrate")
