"""Whatever is wrong with a request, or goes wrong with it, ends in one problem that says what."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient

from anima.app.limits import MAX_BODY_BYTES
from anima.app.main import build, local
from anima.kernel import telemetry
from anima.kernel.config import settings
from anima.kernel.errors import BadInput, NotFound, Unavailable
from anima.kernel.postgres.schema_version import SCHEMA_VERSION
from fixtures.api import Person
from fixtures.served import Serve

API = "/api/v1"


def expect_problem(answer: Any, status: int, slug: str) -> dict[str, Any]:
    """Checks the shape that every error has, and hands it over."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert set(body) == {"type", "title", "status", "detail", "request_id", "errors"}
    assert body["type"] == f"https://anima.dev/problems/{slug}"
    assert body["status"] == status
    assert body["request_id"] == answer.headers["x-request-id"]
    return body


def test_an_unknown_route(client: TestClient, alice: Person) -> None:
    expect_problem(client.get("/nothing/here"), 404, "no-such-route")
    expect_problem(alice.http.get(f"{API}/nothing-here"), 404, "no-such-route")


def test_a_method_that_is_not_taken(client: TestClient) -> None:
    answer = client.put(f"{API}/token")
    expect_problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "POST"


def test_an_unknown_field_is_named(alice: Person) -> None:
    answer = alice.http.post(f"{API}/api-keys", json={"name": "x", "nmae": "y"})
    body = expect_problem(answer, 422, "bad-input")
    assert body["errors"] == [{"path": "nmae", "message": "there is no such field"}]


def test_each_wrong_field_is_named(alice: Person) -> None:
    answer = alice.http.get(f"{API}/api-keys", params={"limit": 0, "cursor": "x" * 501})
    paths = {one["path"] for one in expect_problem(answer, 422, "bad-input")["errors"]}
    assert paths == {"query.limit", "query.cursor"}
    answer = alice.http.delete(f"{API}/api-keys/seven")
    assert expect_problem(answer, 422, "bad-input")["errors"][0]["path"] == "path.api_key_id"
    answer = alice.http.post(f"{API}/api-keys", json={"name": "x"}, headers={"Idempotency-Key": "k" * 256})
    assert expect_problem(answer, 422, "bad-input")["errors"][0]["path"] == "header.Idempotency-Key"


@pytest.mark.parametrize("text", ['{"name": ', "[" * 100_000, '{"name": NaN}', b"\xff\xfe{}", "", "null", "[]"])
def test_json_that_is_none(alice: Person, text: str | bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = alice.http.post(f"{API}/api-keys", content=text, headers=headers)
    assert expect_problem(answer, 422, "bad-input")["errors"]


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_characters_that_text_cannot_hold(alice: Person, name: str) -> None:
    body = json.dumps({"name": name})
    headers = {"Content-Type": "application/json"}
    expect_problem(alice.http.post(f"{API}/api-keys", content=body, headers=headers), 422, "bad-input")


@pytest.mark.parametrize("number", [2**31, 2**63, 10**30, -1])
def test_numbers_that_no_id_has(alice: Person, number: int) -> None:
    expect_problem(alice.http.delete(f"{API}/api-keys/{number}"), 404, "not-found")


def test_a_body_of_more_than_a_megabyte(alice: Person) -> None:
    answer = alice.http.post(f"{API}/api-keys", json={"name": "x" * MAX_BODY_BYTES})
    body = expect_problem(answer, 413, "too-large")
    assert str(MAX_BODY_BYTES) in body["detail"]
    assert answer.headers["connection"] == "close"


def test_a_large_body_that_does_not_say_how_large_it_is(alice: Person) -> None:
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(64):
            sent += 100_000
            yield b"x" * 100_000

    headers = {"Content-Type": "application/json"}
    answer = alice.http.post(f"{API}/api-keys", content=chunks(), headers=headers)
    expect_problem(answer, 413, "too-large")


def test_a_client_that_is_still_sending_hears_the_refusal(alice: Person, serve: Serve) -> None:
    """Over a real connection: without a Content-Length, and all of it sent before the answer is read."""
    address = serve().url.removeprefix("http://")
    connection = HTTPConnection(address, timeout=20)
    chunks = (b"x" * 50_000 for _ in range(80))
    headers = {"Authorization": f"Bearer {alice.key}", "Content-Type": "application/json"}
    connection.request("POST", f"{API}/api-keys", body=chunks, headers=headers, encode_chunked=True)
    answer = connection.getresponse()
    assert answer.status == 413
    assert json.loads(answer.read())["type"].endswith("/too-large")


def test_a_body_is_refused_before_it_is_read(alice: Person) -> None:
    """Straight at the ASGI app: what it asks for is counted."""
    asked = 0

    async def receive() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": b"x" * 100_000, "more_body": True}

    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": f"{API}/api-keys",
        "raw_path": b"",
        "query_string": b"",
        "http_version": "1.1",
        "scheme": "http",
        "headers": [(b"host", b"localhost"), (b"content-length", b"1000000000")],
        "client": None,
        "server": ("localhost", 80),
    }
    # In a thread: a browser's tests in this process leave a loop running here.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(local()(scope, receive, send))).result()
    assert sent[0]["status"] == 413
    assert asked <= 40


def test_documents_may_be_larger() -> None:
    from anima.app.limits import limit

    assert limit(f"{API}/documents") > settings().max_document_bytes > limit(f"{API}/documents-x")
    assert limit(f"{API}/chat") == MAX_BODY_BYTES


def test_a_sane_request_id_is_kept_and_another_is_not(client: TestClient) -> None:
    kept = client.get("/healthz", headers={"X-Request-Id": "my-id.1"})
    assert kept.headers["x-request-id"] == "my-id.1"
    for strange in ("a b", "x" * 101, "", "{}"):
        answer = client.get("/healthz", headers={"X-Request-Id": strange})
        assert answer.headers["x-request-id"] not in {"", strange}


def test_a_page_elsewhere_gets_nowhere(app: Any, client: TestClient, alice: Person) -> None:
    strange = TestClient(app, base_url="http://rebound.example")
    expect_problem(strange.get("/healthz"), 421, "unknown-host")
    for origin in ("http://evil.example", "null", "http://localhost:81"):
        answer = alice.http.post(f"{API}/api-keys", json={"name": "x"}, headers={"Origin": origin})
        expect_problem(answer, 403, "foreign-origin")
    for host in ("127.0.0.1:52929", "[::1]:52929", "localhost", "192.168.1.7:52929"):
        assert client.get("/healthz", headers={"Host": host}).status_code == 200
    own = {"Origin": "http://localhost"}
    assert alice.http.post(f"{API}/api-keys", json={"name": "x"}, headers=own).status_code == 201


def test_answers_carry_what_browsers_heed(client: TestClient) -> None:
    headers = client.get("/healthz").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert client.get(f"{API}/users/me").headers["cache-control"] == "no-store"


@pytest.fixture
def failing(database: Any) -> Callable[[Callable[[], Any]], TestClient]:
    """An app with a route that does what one says."""

    def made(act: Callable[[], Any]) -> TestClient:
        app: FastAPI = build({"retrieve"})
        app.add_api_route("/act", lambda: act(), methods=["GET"])
        return TestClient(app, base_url="http://localhost")

    return made


def raising(error: Exception) -> Callable[[], Any]:
    def act() -> Any:
        raise error

    return act


SECRET = "the password is hunter2"


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (NotFound(what="avatar", id=7), 404, "not-found"),
        (BadInput(reason="it is {odd}"), 422, "bad-input"),
        (Unavailable(what="The model", retry_after=3), 503, "unavailable"),
        (RuntimeError(SECRET), 500, "internal"),
        (LookupError(SECRET), 500, "internal"),
        (psycopg.errors.UndefinedTable(SECRET), 500, "internal"),
        (psycopg.errors.InsufficientPrivilege(SECRET), 500, "internal"),
        (psycopg.errors.NumericValueOutOfRange(SECRET), 422, "bad-input"),
        (psycopg.errors.ForeignKeyViolation(SECRET), 409, "conflict"),
        (psycopg.errors.AdminShutdown(SECRET), 503, "database-unavailable"),
        (psycopg.InterfaceError(SECRET), 503, "database-unavailable"),
    ],
)
def test_an_error_is_told_without_what_is_inside(
    failing: Callable[[Callable[[], Any]], TestClient],
    capfd: pytest.CaptureFixture[str],
    error: Exception,
    status: int,
    slug: str,
) -> None:
    answer = failing(raising(error)).get("/act", headers={"X-Request-Id": "findable"})
    body = expect_problem(answer, status, slug)
    assert SECRET not in answer.text
    logged = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    assert SECRET not in json.dumps(logged)
    assert {one["request_id"] for one in logged} == {"findable"}
    access = [one for one in logged if one["event"] == "http.request"]
    assert [(one["path"], one["status"]) for one in access] == [("/act", status)]
    if status >= 500:
        assert [one["error"] for one in logged if one["level"] == "error"] == [type(error).__name__]
    if slug == "unavailable":
        assert answer.headers["retry-after"] == "3"
        assert body["detail"].startswith("The model cannot be reached")


def test_an_answer_that_breaks_off_is_cut_and_not_finished(
    failing: Callable[[Callable[[], Any]], TestClient],
) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise RuntimeError(SECRET)

    with pytest.raises(RuntimeError):
        failing(lambda: StreamingResponse(broken())).get("/act")


def test_the_log_names_the_route_and_the_user_and_nothing_that_was_sent(
    alice: Person, capfd: pytest.CaptureFixture[str]
) -> None:
    alice.http.delete(f"{API}/api-keys/123?note=private")
    (line,) = [one for one in capfd.readouterr().err.splitlines() if "http.request" in one]
    entry = json.loads(line)
    assert entry["path"] == "/api/v1/api-keys/{api_key_id}"
    assert entry["tenant"] == telemetry.tenant(alice.user_id)
    assert str(alice.user_id) not in entry["tenant"]
    assert entry["status"] == 404
    assert "private" not in line
    assert alice.key not in line


def test_a_database_that_is_gone_is_503(client: TestClient, alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    from anima.kernel import db

    class Gone:
        def get(self) -> Any:
            raise psycopg.OperationalError(SECRET)

    monkeypatch.setattr(db, "pool", lambda _login: Gone())
    expect_problem(client.get("/readyz"), 503, "database-unavailable")
    answer = alice.http.get(f"{API}/users/me")
    expect_problem(answer, 503, "database-unavailable")
    assert answer.headers["retry-after"] == "2"
    assert client.get("/healthz").json() == {"status": "ok", "schema_version": SCHEMA_VERSION}


def test_it_is_ready_when_the_database_answers(client: TestClient) -> None:
    assert client.get("/readyz").json() == {"status": "ready", "schema_version": SCHEMA_VERSION}


def test_each_part_of_the_app_has_its_own_routes() -> None:
    def paths(parts: set[str]) -> set[str]:
        return set(build(parts).openapi()["paths"]) - {"/healthz", "/readyz"}

    chat, retrieve, manage = paths({"chat"}), paths({"retrieve"}), paths({"manage"})
    assert f"{API}/token" in manage - chat - retrieve
    assert chat | retrieve | manage == set(local().openapi()["paths"]) - {"/healthz", "/readyz", "/metrics"}
    assert not chat & manage
    assert not retrieve & (chat | manage)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/token/refresh", {"refresh_token": "\ud800"}),
        ("/personalities/validate", {"personality": "\ud800"}),
        ("/personalities/validate", {"personality": {"\ud800": "\ud800"}}),
    ],
)
def test_a_lone_surrogate_is_told_and_breaks_nothing(alice: Person, path: str, body: dict[str, Any]) -> None:
    headers = {"Content-Type": "application/json"}
    answer = alice.http.post(f"{API}{path}", content=json.dumps(body), headers=headers)
    assert answer.status_code < 500
    assert isinstance(answer.json(), dict)
