"""Parts of the client without a line: events cut anywhere, results read and refused, frames that come twice."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import pytest

from anima.client.call import Call, Given, filled, plain, text_of
from anima.client.decode import Unreadable, decoded
from anima.client.errors import KeyReused, NotFound, ServerFailed, StillRunning, of_response
from anima.client.events import Started, Token
from anima.client.frames import Joined, Responded, Talk
from anima.client.lines import socket_url
from anima.client.retries import Attempts, Retries
from anima.client.sse import Event, Parser

STREAM = (
    ': hello\n\nevent: started\ndata: {"a": 1}\n\nevent: token\r\ndata: {"text":\r\ndata: "Bär €"}\r\n\r\n'
    "data: nameless\n\nid: 7\nevent: empty\n\nevent: last\ndata: without an end"
).encode()
EVENTS = [Event("started", '{"a": 1}'), Event("token", '{"text":\n"Bär €"}'), Event("message", "nameless")]


@dataclass(frozen=True, slots=True)
class Inner:
    """A part."""

    at: datetime
    id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Outer:
    """A whole."""

    from_: str
    share: float
    inner: Inner | None
    rows: tuple[Inner, ...]
    kind: Literal["a", "b"] = "a"
    either: int | str | None = None


GOOD = {"at": "2026-11-22T01:00:00Z", "id": "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f"}


@pytest.mark.parametrize("size", range(1, 40))
def test_events_are_the_same_wherever_their_bytes_are_cut(size: int) -> None:
    parser = Parser()
    heard = [event for at in range(0, len(STREAM), size) for event in parser.feed(STREAM[at : at + size])]
    assert heard == EVENTS


def test_a_result_is_read_with_all_that_is_in_it() -> None:
    told = {"from": "here", "share": 1, "inner": None, "rows": [GOOD], "either": "x", "newer": True}
    read = decoded(Outer, told)
    when = datetime(2026, 11, 22, 1, tzinfo=UTC)
    assert read == Outer("here", 1, None, (Inner(when, uuid.UUID(GOOD["id"])),), "a", "x")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"from": 5}, "from: str, not int"),
        ({"share": True}, "share: float, not bool"),
        ({"rows": [GOOD, {**GOOD, "at": "noon"}]}, "rows: 1: at: a time, not 'noon'"),
        ({"rows": {}}, "rows: a list, not dict"),
        ({"inner": {"at": GOOD["at"]}}, "inner: there is no id"),
        ({"inner": {**GOOD, "id": 7}}, "inner: id: a UUID, not 7"),
    ],
)
def test_what_is_not_of_its_type_is_refused_with_its_place(change: dict[str, Any], place: str) -> None:
    with pytest.raises(Unreadable) as refused:
        decoded(Outer, {"from": "here", "share": 0.5, "inner": None, "rows": [], **change})
    assert str(refused.value) == place


def test_what_is_put_into_an_address_stays_one_part_of_it() -> None:
    assert filled("/avatars/{avatar_id}/facts", {"avatar_id": "../users?x=1#y"}) == (
        "/api/v1/avatars/..%2Fusers%3Fx%3D1%23y/facts"
    )
    assert filled("//healthz", {}) == "/healthz"
    assert text_of(True) == "true"
    assert plain({"at": datetime(2026, 1, 1, tzinfo=UTC), "ids": (uuid.UUID(int=0),)}) == {
        "at": "2026-01-01T00:00:00+00:00",
        "ids": ["00000000-0000-0000-0000-000000000000"],
    }
    call = Call("GET", "/x", None, Given(query={"trust": ["a", "b"], "none": None, "yes": False}))
    assert call.params() == [("trust", "a"), ("trust", "b"), ("yes", "false")]


def test_an_error_is_what_its_problem_says() -> None:
    def told(status: int, slug: str) -> bytes:
        problem = {"type": f"https://anima.dev/problems/{slug}", "title": slug, "status": status, "detail": "So."}
        return json.dumps(problem).encode()

    assert type(of_response(409, told(409, "idempotency-key-reused"), None)) is KeyReused
    running = of_response(409, told(409, "still-running"), "2")
    assert (type(running), running.retry_after) == (StillRunning, 2)
    assert type(of_response(404, b"<html>", "soon")) is NotFound
    assert type(of_response(599, b"[]", None)) is ServerFailed


def test_pauses_double_and_are_bounded() -> None:
    attempts = Attempts(Retries(attempts=9, first=1, most=4), Call("GET", "/x"))
    error = of_response(503, b"", None)
    pauses = [attempts.after(error) for _ in range(6)]
    for pause, longest in zip(pauses, (1, 2, 4, 4, 4, 4), strict=True):
        assert longest / 2 <= pause <= longest


def frame(**fields: Any) -> str:
    return json.dumps(fields)


def test_frames_that_come_twice_are_heard_once_and_a_cut_talk_goes_on_after_the_last() -> None:
    talk = Talk(avatar_id="luna", private=True)
    assert json.loads(talk.join()) == {"type": "join", "avatar_id": "luna", "private": True}
    message = json.loads(talk.message("Hello", {"media": [1], "model": None}))
    assert (message["content"], message["media"], "model" in message) == ("Hello", [1], False)
    started = frame(type="started", n=10, session_id=7, message_id=8, request_id=9)
    token = frame(type="token", n=11, request_id=9, index=0, count=1, text="Hi")
    tool = frame(type="tool", n=11, name="calculate", arguments={}, plugin="calculator", invocation_id=3)
    assert talk.heard(started) == Started(7, 8, 9)
    assert talk.heard(token) == Token(0, "Hi")
    assert talk.heard(tool) is not None
    assert json.loads(talk.join()) == {"type": "join", "session_id": 7, "after": 11}
    assert json.loads(talk.again() or "") == message
    joined = frame(type="joined", session_id=7, avatar_id=None, name=None, private=True, answering=True, resumed=True)
    assert isinstance(talk.heard(joined), Joined)
    assert [talk.heard(one) for one in (started, token, tool)] == [None, None, None]
    answered = talk.heard(frame(type="avatar_response", n=99, content="Hi.", finish="stop", id=message["id"]))
    assert isinstance(answered, Responded)
    assert talk.again() is None
    assert talk.heard(frame(message="Endpoint request timed out")) is None


@pytest.mark.parametrize(
    ("url", "socket"),
    [
        ("http://127.0.0.1:52929", "ws://127.0.0.1:52929/ws"),
        ("https://anima.example.org/here", "wss://anima.example.org/here/ws"),
    ],
)
def test_the_socket_of_a_server_is_beside_it(url: str, socket: str) -> None:
    assert socket_url(url) == socket
