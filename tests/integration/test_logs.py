"""What is logged, traced and counted of a whole life: enough to find a fault, nothing that is secret or somebody's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from anima.app import metrics
from anima.app.main import local
from anima.chat import worker as chat_worker
from anima.console import plain
from anima.identity import service as identity
from anima.kernel import config, db, telemetry, watch
from anima.kernel.watch.emf import Emf
from anima.kernel.watch.tracing import Tracing
from anima.knowledge import worker as knowledge_worker
from fixtures.api import BASE_URL, PASSWORD, Person
from fixtures.stub_llm import Reply, StubLLM, failure
from fixtures.turns import say, streamed

API = "/api/v1"
MARK = "xyzzymark"
SECRET = "s3cr3tword"


class Heard:
    """Everything that leaves the house besides answers."""

    def __init__(self, capfd: pytest.CaptureFixture[str], exporter: InMemorySpanExporter) -> None:
        self._capfd, self._exporter = capfd, exporter
        self.emf = Emf("test", "of-the-tests")
        self.text = ""

    def lines(self, event: str) -> list[dict[str, Any]]:
        """The lines of the log with this event, all that was written so far."""
        out, err = self._capfd.readouterr()
        self.text += out + err
        found = [json.loads(line) for line in self.text.splitlines() if line.startswith("{")]
        return [one for one in found if one.get("event") == event]

    def everything(self) -> str:
        self.emf.flush("api")
        self.lines("")
        watch.stop()
        spans = "".join(span.to_json() for span in self._exporter.get_finished_spans())
        return self.text + spans + metrics.prometheus().text().decode()

    def spans(self) -> list[Any]:
        watch.stop()
        return list(self._exporter.get_finished_spans())


@pytest.fixture
def heard(capfd: pytest.CaptureFixture[str]) -> Iterator[Heard]:
    """Listens to logs of every level, spans and metrics."""
    exporter = InMemorySpanExporter()
    watch.stop()
    watch.trace(Tracing("otlp", "test", exporter))
    listening = Heard(capfd, exporter)
    telemetry.sinks.append(listening.emf.take)
    telemetry.configure("debug")
    yield listening
    telemetry.configure("info")
    telemetry.sinks.remove(listening.emf.take)
    watch.stop()


def test_a_turn_is_one_line_with_its_parts(alice: Person, luna: str, talking: StubLLM, heard: Heard) -> None:
    talking.script("Yes.")
    sent = {"X-Request-Id": "findable", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    answer = alice.http.post(f"{API}/chat", json={"message": "Hello", "avatar_id": luna}, headers=sent)
    assert answer.status_code == 200
    (line,) = [one for one in heard.lines("http.request") if one["path"] == f"{API}/chat"]
    assert (line["request_id"], line["method"], line["status"]) == ("findable", "POST", 200)
    assert line["tenant"] == telemetry.tenant(alice.user_id)
    assert line["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert line["cold_start"] in (True, False)
    assert {"load", "model", "llm", "db"} <= set(line["spans"])
    assert line["ms"] >= line["spans"]["model"] >= 0
    assert "user_id" not in line
    assert talking.chats[-1].headers["traceparent"].startswith("00-0af7651916cd43dd8448eb211c80319c-")
    spans = {span.name: span for span in heard.spans()}
    assert spans["llm"].parent.span_id == spans["model"].context.span_id
    assert spans["llm"].attributes["provider"] == "openai"
    assert spans["http.request"].attributes["http.route"] == f"{API}/chat"


def test_what_follows_a_turn_is_a_line_too(
    alice: Person, luna: str, talking: StubLLM, heard: Heard, drain_outbox: Callable[[], Any]
) -> None:
    say(alice, "Hello", avatar_id=luna)
    drain_outbox()
    (line,) = heard.lines("event.handled")
    assert (line["topic"], line["tenant"]) == ("turn.finished", telemetry.tenant(alice.user_id))
    assert line["spans"]


def people(alice: Person, luna: str) -> None:
    """Doors of people: JSON, streams, pages without JavaScript, search, memory, documents."""
    say(alice, MARK, avatar_id=luna)
    streamed(alice, f"{MARK} streamed", avatar_id=luna)
    alice.http.post(f"{API}/search", json={"query": MARK})
    alice.http.post(f"{API}/avatars/{luna}/memories/search", json={"query": MARK})
    for path in ("facts", "episodes", "affinity"):
        alice.http.get(f"{API}/avatars/{luna}/{path}?q={MARK}")
    alice.http.post(f"{API}/documents", json={"title": MARK, "text": f"{MARK} is a word."})
    alice.http.post(f"{API}/personalities/validate", json={"name": MARK, MARK: MARK})
    page = TestClient(local(), base_url=BASE_URL, headers={"Origin": BASE_URL})
    page.post(f"{plain.ROOT}/sign-in", data={"username": alice.username, "password": SECRET})
    page.post(f"{plain.ROOT}/sign-in", data={"username": alice.username, "password": PASSWORD})
    page.post(f"{plain.ROOT}/say", data={"message": MARK, "avatar_id": luna})


def strangers(client: TestClient, alice: Person) -> None:
    """Doors of strangers: sign-in, keys, paths and headers that hold a secret."""
    for password in (SECRET, PASSWORD):
        client.post(f"{API}/token", data={"username": alice.username, "password": password})
    client.post(f"{API}/token/refresh", json={"refresh_token": SECRET})
    client.get(f"{API}/sessions", headers={"Authorization": f"Bearer {SECRET}"})
    client.get(f"{API}/sessions", headers={"Authorization": f"Basic {SECRET}"})
    client.get(f"/{MARK}/{SECRET}?key={SECRET}")
    client.request(SECRET.upper(), f"{API}/chat")
    client.get("/healthz", headers={"traceparent": MARK, "tracestate": f"a={MARK}", "X-Request-Id": f"{MARK} !"})
    client.post(f"{API}/chat", content=f'{{"{MARK}', headers={"Authorization": f"Bearer {alice.key}"})


def faults(alice: Person, luna: str, stub: StubLLM) -> None:
    """A model that fails in every way, in words that repeat what it was told."""
    told = f"I cannot say {MARK}, and your key {SECRET} is odd"
    for reply in (
        failure(400, message=told),
        failure(401, message=told),
        failure(429, message=told, code="insufficient_quota"),
        failure(500, message=told),
        Reply(f"{MARK} and then nothing", cut_after=1),
        Reply("", finish_reason="content_filter"),
    ):
        for speak in (say, streamed):
            stub.always(lambda _body, reply=reply: reply)
            speak(alice, MARK, avatar_id=luna)
    stub.reset()


def workers() -> None:
    """Events that are none, and one that fails."""
    body = json.dumps({"event_id": MARK, "topic": MARK, "owner_id": SECRET, "payload": {"text": MARK}})
    good = {"event_id": "0" * 32, "topic": "t", "key": "k", "owner_id": 1, "payload": {"document_id": MARK}}
    odd = {**good, "owner_id": MARK}
    for handle in (chat_worker.handle, knowledge_worker.handle):
        for record in (MARK, body, json.dumps(good), json.dumps(odd)):
            handle({"Records": [{"messageId": "m-1", "body": record, "attributes": {}}]})


def test_nothing_secret_and_no_text_of_anybody_is_told(
    alice: Person,
    luna: str,
    client: TestClient,
    talking: StubLLM,
    heard: Heard,
    drain_outbox: Callable[[], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f"sk-{SECRET}")
    config.settings.cache_clear()
    talking.always(lambda _body: f"You said {MARK}.")
    people(alice, luna)
    drain_outbox()
    strangers(client, alice)
    faults(alice, luna, talking)
    workers()
    told = heard.everything()
    assert told.count('"http.request"') > 30
    assert '"event.handled"' in told
    assert "_aws" in told
    for word in (MARK, SECRET, PASSWORD, alice.key, alice.username):
        at = told.lower().find(word.lower())
        assert at < 0, told[max(0, at - 300) : at + 300]
    for line in told.splitlines():
        if line.startswith("{") and '"event"' in line:
            assert {"user_id", "owner_id"}.isdisjoint(json.loads(line))


def test_errors_that_hold_texts_are_told_by_their_class(
    alice: Person, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody expected, in a door, and an error of the database that repeats a value."""

    def failing(error: Exception) -> Callable[..., Any]:
        def fail(*_given: object, **_more: object) -> Any:
            raise error

        return fail

    for one in (RuntimeError(MARK), psycopg.errors.UniqueViolation(f"Key (name)=({MARK}) exists")):
        with monkeypatch.context() as patch:
            patch.setattr(identity, "keys", failing(one))
            TestClient(local(), base_url=BASE_URL, raise_server_exceptions=False).get(
                f"{API}/api-keys", headers={"Authorization": f"Bearer {alice.key}"}
            )
    unexpected = heard.lines("http.unexpected")
    assert {one["error"] for one in unexpected} == {"RuntimeError", "UniqueViolation"}
    assert MARK not in heard.everything()


def test_what_the_driver_has_to_say_of_a_lost_pipeline_is_not_told(
    alice: Person, caplog: pytest.LogCaptureFixture, heard: Heard
) -> None:
    wrong = db.Command("select cast(%(text)s as integer)")

    def refused() -> None:
        with db.transaction(alice.principal) as tx:
            tx.execute(wrong, text=MARK)
            raise LookupError

    with pytest.raises(LookupError):
        refused()
    assert MARK not in caplog.text + heard.everything()


def test_the_first_request_of_a_process_is_cold(monkeypatch: pytest.MonkeyPatch, heard: Heard) -> None:
    monkeypatch.setattr(watch, "_cold", [True])
    app: FastAPI = local()
    for _ in range(2):
        TestClient(app, base_url=BASE_URL).get("/healthz")
    assert [one["cold_start"] for one in heard.lines("http.request")] == [True, False]
