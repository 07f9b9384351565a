"""Every function runs in Lambda's own emulator on its sample event, on the real database, and answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from scripts.venvs import ROOT
from tests.emulator import runtime

from anima.kernel import secrets

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


def test_a_worker_answers_an_event_of_another_shape_with_a_clear_error(settings: dict[str, str]) -> None:
    for name in ("ingest", "reflect"):
        with runtime.running(name, settings) as function:
            answer = function.invoke({"hello": "world"})
            assert answer["errorType"] == "BadInput"
            assert "SQS" in answer["errorMessage"]
            poison = {"Records": [{"messageId": "m-1", "body": "no json"}]}
            assert function.invoke(poison) == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}


def test_outbox_and_migrate(settings: dict[str, str]) -> None:
    with runtime.running("outbox", settings) as function:
        assert function.invoke(event("outbox")) == {"sent": 0, "closed": 0}
    with runtime.running("migrate", settings) as function:
        assert function.invoke(event("migrate"))["migrations"] == []
        refused = function.invoke({"drop": "everything"})
        assert refused["errorType"] == "BadInput"


@contextmanager
def stream_app(settings: dict[str, str]) -> Iterator[str]:
    """What Lambda Web Adapter would find: the app of chat_stream on its port."""
    port = str(runtime.free_port())
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("ANIMA_")},
        **settings,
        "PYTHONPATH": str(ROOT / "layers" / "app"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "AWS_LWA_PORT": port,
    }
    process = subprocess.Popen(["sh", "run.sh"], cwd=ROOT / "functions" / "chat_stream", env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                httpx.get(f"{url}/healthz").raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.model
def test_chat_stream_streams_from_its_port(alice: Any, settings: dict[str, str]) -> None:
    body = json.loads(event("chat_stream")["body"])
    with (
        stream_app(settings) as url,
        httpx.stream(
            "POST", f"{url}/api/v1/chat", json=body, headers={"Authorization": f"Bearer {alice.key}"}, timeout=60
        ) as response,
    ):
        names = [line[7:] for line in response.iter_lines() if line.startswith("event: ")]
    assert names[0] == "started"
    assert names[-1] == "done"
    assert names.count("token") > 1
