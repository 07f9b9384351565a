"""The client against a service that fails: limits, cut and silent lines, errors of servers and proxies, nonsense."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from anima.client import (
    Anima,
    AnimaError,
    AsyncAnima,
    BudgetExceeded,
    ConnectionFailed,
    ModelFailed,
    Other,
    RateLimited,
    Retries,
    ServerFailed,
    Started,
    StreamCut,
    TimedOut,
    Unavailable,
    UnexpectedAnswer,
)
from fixtures.coroutines import awaited

QUICK = Retries(attempts=3, first=0.001, most=0.002)
SESSION = {
    "session_id": 7,
    "avatar_id": None,
    "avatar_name": None,
    "title": None,
    "private": False,
    "started_at": "2026-11-22T01:00:00Z",
    "ended_at": None,
}
STARTED = b'event: started\ndata: {"session_id": 7, "message_id": 8, "request_id": 9}\n\n'
TOKEN = b'event: token\ndata: {"index": 0, "text": "Hel"}\n\n'


@dataclass(slots=True)
class Say:
    """One answer of the service; `cut`: the line ends within the body, `silent`: nothing is said at all."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    silent: bool = False


def problem(status: int, slug: str, **headers: str) -> Say:
    told = {
        "type": f"https://anima.dev/problems/{slug}",
        "title": slug,
        "status": status,
        "detail": f"It is {slug}.",
        "request_id": "r-1",
        "errors": [],
    }
    return Say(status, told, {"Content-Type": "application/problem+json", **headers})


class Service:
    """Says what is scripted, then that there is a session; keeps what was asked."""

    def __init__(self) -> None:
        self.script: deque[Say] = deque()
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.released = threading.Event()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing is written."""

            def do_GET(self) -> None:
                service.answer(self)

            do_POST = do_PUT = do_GET  # noqa: N815

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        handler.rfile.read(int(handler.headers.get("content-length") or 0))
        self.asked.append((handler.command, handler.path, {k.lower(): v for k, v in handler.headers.items()}))
        said = self.script.popleft() if self.script else Say(200, SESSION)
        if said.silent:
            self.released.wait(20)
            handler.close_connection = True
            return
        content = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
        handler.send_response(said.status)
        for name, value in said.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content) + (100 if said.cut else 0)))
        handler.end_headers()
        handler.wfile.write(content)
        handler.close_connection = said.cut

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def keys(self) -> list[str | None]:
        return [headers.get("idempotency-key") for _, _, headers in self.asked]


@pytest.fixture
def service() -> Iterator[Service]:
    """A service of the test's own."""
    made = Service()
    yield made
    made.close()


@pytest.fixture
def anima(service: Service) -> Iterator[Anima]:
    """A client of it."""
    with Anima(service.url, key="a-key", retries=QUICK, timeout=5) as client:
        yield client


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_passes_is_asked_again(anima: Anima, service: Service, status: int) -> None:
    service.script.extend([problem(status, "of-a-moment"), Say(status, b"<html>a proxy says no</html>")])
    assert anima.get_session(7).session_id == 7
    assert len(service.asked) == 3


def test_a_change_is_repeated_under_one_key_and_another_call_has_another(anima: Anima, service: Service) -> None:
    service.script.append(problem(503, "unavailable"))
    anima.create_session()
    anima.create_session()
    first, again, other = service.keys()
    assert first == again
    assert first is not None
    assert other not in (None, first)


def test_what_could_be_done_twice_is_not_repeated(anima: Anima, service: Service) -> None:
    service.script.append(problem(503, "unavailable"))
    with pytest.raises(Unavailable) as refused:
        anima.sign_in("somebody", "a password")
    assert len(service.asked) == 1
    assert refused.value.request_id == "r-1"
    service.script.append(Say(200, b"", cut=True))
    with pytest.raises(ConnectionFailed):
        anima.sign_in("somebody", "a password")
    assert len(service.asked) == 2


def test_it_waits_as_long_as_it_is_asked_to(anima: Anima, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("anima.client.sync_client.time.sleep", waits.append)
    service.script.extend([problem(429, "too-many-requests", **{"Retry-After": "3"}), problem(503, "unavailable")])
    anima.get_session(7)
    assert 3 <= waits[0] <= 3.25
    assert 0.001 <= waits[1] <= 0.002


def test_a_wait_beyond_patience_and_a_used_up_budget_are_told_at_once(anima: Anima, service: Service) -> None:
    service.script.append(problem(429, "too-many-requests", **{"Retry-After": "600"}))
    with pytest.raises(RateLimited) as limited:
        anima.get_session(7)
    assert limited.value.retry_after == 600
    service.script.append(problem(429, "budget-exceeded", **{"Retry-After": "1"}))
    with pytest.raises(BudgetExceeded):
        anima.send_message(7, "Hello")
    assert len(service.asked) == 2


@pytest.mark.parametrize(
    ("status", "kind"), [(500, ServerFailed), (502, ModelFailed), (503, Unavailable), (504, TimedOut)]
)
def test_what_does_not_pass_is_told_after_the_last_attempt(
    anima: Anima, service: Service, status: int, kind: type[AnimaError]
) -> None:
    service.script.extend([problem(status, "for-ever")] * 3)
    with pytest.raises(kind, match=f"{status} for-ever: It is for-ever. .request r-1."):
        anima.get_session(7)
    assert len(service.asked) == 3


def test_a_cut_answer_is_asked_for_again(anima: Anima, service: Service) -> None:
    service.script.append(Say(200, SESSION, cut=True))
    assert anima.create_session().session_id == 7
    assert len(set(service.keys())) == 1


def test_a_service_that_says_nothing_is_given_up(service: Service) -> None:
    service.script.extend([Say(silent=True)] * 2)
    with Anima(service.url, key="k", retries=Retries(attempts=2, first=0.001), timeout=0.1) as anima:
        with pytest.raises(ConnectionFailed):
            anima.get_session(7)
        assert len(service.asked) == 2


def test_nobody_there_is_told(service: Service) -> None:
    service.close()
    with Anima(service.url, key="k", retries=QUICK) as anima, pytest.raises(ConnectionFailed, match=service.url):
        anima.sign_in("somebody", "a password")
    with pytest.raises(ConnectionFailed, match="no http"):
        Anima("ftp://somewhere", key="k")


@pytest.mark.parametrize(
    "body", [b"<html>a page</html>", b"[]", {**SESSION, "session_id": "seven"}, {"session_id": 7}, b'{"a": NaN'],
)  # fmt: skip
def test_nonsense_is_no_answer(anima: Anima, service: Service, body: Any) -> None:
    service.script.append(Say(200, body))
    with pytest.raises(UnexpectedAnswer, match="/api/v1/sessions/7"):
        anima.get_session(7)


def test_a_newer_service_may_say_more(anima: Anima, service: Service) -> None:
    service.script.append(Say(200, {**SESSION, "invented_later": 1}))
    assert anima.get_session(7).session_id == 7


def stream_of(*parts: bytes, cut: bool = False) -> Say:
    return Say(200, b"".join(parts), {"Content-Type": "text/event-stream"}, cut=cut)


@pytest.mark.parametrize("cut", [True, False])
def test_a_stream_that_ends_too_early_says_what_was_heard(anima: Anima, service: Service, cut: bool) -> None:
    service.script.append(stream_of(STARTED, TOKEN, cut=cut))
    with anima.stream_message(7, "Hello?") as stream:
        heard = []
        with pytest.raises(StreamCut) as ended:
            heard += list(stream.words())
    assert (ended.value.text, ended.value.session_id, ended.value.request_id) == ("Hel", 7, 9)
    with pytest.raises(StreamCut):
        _ = stream.answer
    assert len(service.asked) == 1


def test_an_error_within_a_stream_is_the_error_that_it_would_have_been(anima: Anima, service: Service) -> None:
    told = problem(503, "no-model-answered").body
    service.script.append(stream_of(STARTED, TOKEN, b"event: error\ndata: " + json.dumps(told).encode() + b"\n\n"))
    with anima.stream_message(7, "Hello?") as stream, pytest.raises(Unavailable, match="no-model-answered"):
        stream.finish()
    assert stream.text == "Hel"


def test_a_stream_that_does_not_begin_is_asked_for_again(anima: Anima, service: Service) -> None:
    service.script.extend([problem(503, "unavailable"), stream_of(STARTED, b": still here\n\n", TOKEN)])
    with anima.stream_message(7, "Hello?") as stream, pytest.raises(StreamCut):
        stream.finish()
    assert stream.text == "Hel"
    assert len(set(service.keys())) == 1


def test_an_event_of_a_newer_service_is_handed_on(anima: Anima, service: Service) -> None:
    service.script.append(stream_of(STARTED, b'event: weather\r\ndata: {"sky":\r\ndata:  "blue"}\r\n\r\n'))
    with anima.stream_message(7, "Hello?") as stream:
        events = iter(stream)
        assert next(events) == Started(7, 8, 9)
        assert next(events) == Other("weather", {"sky": "blue"})


@pytest.mark.parametrize("data", [b"{", b"[1]", b'{"index": "one", "text": 5}'])
def test_a_malformed_event_is_told(anima: Anima, service: Service, data: bytes) -> None:
    service.script.append(stream_of(STARTED, b"event: token\ndata: " + data + b"\n\n"))
    with anima.stream_message(7, "Hello?") as stream, pytest.raises(UnexpectedAnswer, match="token"):
        stream.finish()


def test_an_event_without_an_end_is_not_kept(anima: Anima, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anima.client.sse.MOST_BYTES", 10_000)
    service.script.append(stream_of(STARTED, b"data: " + b"x" * 200_000))
    with anima.stream_message(7, "Hello?") as stream, pytest.raises(UnexpectedAnswer, match="10000 bytes"):
        stream.finish()


def test_the_other_colour_fails_alike(service: Service) -> None:
    async def story() -> list[str]:
        told: list[str] = []
        async with AsyncAnima(service.url, key="k", retries=QUICK, timeout=5) as anima:
            service.script.append(problem(503, "unavailable"))
            told.append(str((await anima.get_session(7)).session_id))
            service.script.append(stream_of(STARTED, TOKEN, cut=True))
            async with anima.stream_message(7, "Hello?") as stream:
                try:
                    await stream.finish()
                except StreamCut as ended:
                    told.append(ended.text)
            service.script.extend([Say(500, b"")] * 3)
            try:
                await anima.list_avatars().all()
            except ServerFailed as failed:
                told.append(failed.problem.detail)
        return told

    assert awaited(story()) == ["7", "Hel", "the server answered 500"]


def test_a_key_never_goes_to_the_store_behind_an_upload(anima: Anima, service: Service) -> None:
    ticket = {
        "upload_id": "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f",
        "method": "POST",
        "url": service.url.replace("127.0.0.1", "localhost") + "/bucket",
        "headers": {},
        "fields": {"policy": "signed"},
        "expires_at": "2026-11-22T01:00:00Z",
    }
    service.script.extend([Say(201, ticket), Say(204, b"")])
    assert str(anima.send_file(b"content", name="notes.txt")) == ticket["upload_id"]
    assert [path for _, path, _ in service.asked] == ["/api/v1/uploads", "/bucket"]
    assert "authorization" not in service.asked[1][2]
    assert service.asked[0][2]["authorization"] == "Bearer a-key"


def test_no_secret_is_shown_by_what_holds_it(anima: Anima) -> None:
    assert "a-key" not in repr(anima._place)
