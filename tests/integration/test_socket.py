"""A talk over WebSocket, from outside: tokens as they come, the answer, what is felt; stopped, resumed, left."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import jwt
import psycopg
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from anima.kernel import secrets
from anima.socket import asking, talk
from fixtures.api import Person
from fixtures.sockets import Client, Frame, Open
from fixtures.stub_llm import Reply, StubLLM, calls, failure

pytestmark = pytest.mark.usefixtures("talking")


def test_a_talk(alice: Person, luna: str, opened: Open, stub_llm: StubLLM) -> None:
    stub_llm.script("Olives! You told me so.", "Good night.")
    with opened(alice) as client:
        joined = client.join(avatar_id=luna)
        assert (joined["session_id"], joined["avatar_id"], joined["answering"]) == (None, luna, False)
        answer = client.say("What do I hate?", id="one")
        started, *tokens = [frame for frame in client.frames if frame["type"] in ("started", "token")]
        assert started["id"] == answer["id"] == "one"
        assert client.text == answer["content"] == "Olives! You told me so."
        assert answer["left_out"] == []
        assert answer["mood"]
        assert answer["finish"] == "stop"
        numbers = [frame["n"] for frame in client.frames if "n" in frame]
        assert numbers == sorted(set(numbers))
        assert [one["index"] for one in tokens] == [
            sum(other["count"] for other in tokens[:at]) for at in range(len(tokens))
        ]
        felt = client.until("state")
        assert felt["avatar_id"] == luna
        assert felt["mood"]
        again = client.say("Good night")
        assert again["session_id"] == answer["session_id"] == started["session_id"]


RUN = ("run_python", {"code": "print(6 * 7)"})
LONG = " ".join(f"word{n}" for n in range(80))


def problem(frame: Frame) -> tuple[int, str]:
    """Status and slug of an error."""
    assert frame["type"] == "error", frame
    return frame["error"]["status"], frame["error"]["type"].rpartition("/")[2]


def begun(client: Client, message: str = "Tell me all") -> Frame:
    """An answer that has begun: its first tokens are there."""
    client.send("message", content=message)
    started = client.until("started")
    client.until("token")
    return started


def stored(owner_conn: psycopg.Connection[Any], person: Person) -> list[tuple[str, str]]:
    """How the answers of a person ended, and what was said."""
    query = "select content ->> 'finish', content ->> 'text' from llm_responses where owner_id = %s order by 1"
    return [(str(finish), str(text)) for finish, text in owner_conn.execute(query, [person.user_id]).fetchall()]


def eventually(true: Callable[[], bool], seconds: float = 15) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.02)


def test_stopped_in_the_middle_what_was_said_is_kept(
    alice: Person, luna: str, opened: Open, stub_llm: StubLLM, owner_conn: psycopg.Connection[Any]
) -> None:
    stub_llm.script(Reply(LONG, token_delay=0.05))
    with opened(alice) as client:
        client.join(avatar_id=luna)
        begun(client)
        client.send("stop")
        answer = client.until("avatar_response")
        assert answer["finish"] == "stopped"
        assert answer["content"] == client.text.strip()
        assert answer["content"] != LONG
        assert LONG.startswith(answer["content"])
    assert stored(owner_conn, alice) == [("stopped", answer["content"])]


def test_a_lost_connection_goes_on_where_it_was(alice: Person, luna: str, opened: Open, stub_llm: StubLLM) -> None:
    stub_llm.script(Reply(LONG, token_delay=0.01))
    with opened(alice) as client:
        client.join(avatar_id=luna)
        started = begun(client)
        heard, last = client.text, client.last
        client.connection.socket.close()  # a phone in a tunnel
    with opened(alice) as client:
        joined = client.join(session_id=started["session_id"], after=last)
        assert joined["resumed"] is True
        answer = client.until("avatar_response")
        assert heard + client.text == answer["content"] == LONG
        assert all(frame["n"] > last for frame in client.frames if "n" in frame)
    with opened(alice) as client:  # it is over: told from what is stored
        client.join(session_id=started["session_id"], after=last)
        client.until("avatar_response")
        assert heard + client.text == LONG
    assert len(stub_llm.chats) == 1


def test_numbers_of_elsewhere_resume_nothing(alice: Person, bob: Person, luna: str, opened: Open) -> None:
    with opened(alice) as client:
        client.join(avatar_id=luna)
        mine = client.say("Hello")
    with opened(alice) as client:
        for after in (0, 7, 2**53 - 1, mine["n"] + 2**20):
            assert client.join(session_id=mine["session_id"], after=after)["resumed"] is False
    with opened(bob) as client:
        assert problem(client.join(session_id=mine["session_id"], after=mine["n"] - 5)) == (404, "session-not-found")
        assert problem(client.join(avatar_id=luna))[0] == 404
        assert problem(client.say("Hello")) == (422, "not-joined")


def test_who_goes_away_ends_the_answer_and_it_is_kept(
    alice: Person,
    luna: str,
    opened: Open,
    stub_llm: StubLLM,
    owner_conn: psycopg.Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(talk, "GRACE_SECONDS", 0.1)
    stub_llm.script(Reply(LONG, token_delay=0.05), Reply(LONG, token_delay=0.05))
    with opened(alice) as client:
        client.join(avatar_id=luna)
        begun(client)
    eventually(lambda: len(stored(owner_conn, alice)) == 1)
    with opened(alice) as client:
        client.join(avatar_id=luna)
        begun(client)
        client.send("leave")
        client.until("left")
        assert problem(client.say("Still there?")) == (422, "not-joined")
        eventually(lambda: len(stored(owner_conn, alice)) == 2)
    assert all(finish == "stopped" and LONG.startswith(text) for finish, text in stored(owner_conn, alice))
    eventually(lambda: talk.open_talks() == 0)


def test_one_answer_at_a_time_and_the_same_message_once(
    alice: Person, luna: str, opened: Open, stub_llm: StubLLM
) -> None:
    stub_llm.script(Reply(LONG, token_delay=0.005), "Another.")
    with opened(alice) as client, opened(alice) as other:
        client.join(avatar_id=luna)
        client.send("message", content="Tell me all", id="a")
        started = client.until("started")
        other.join(session_id=started["session_id"])  # a second device hears it too
        assert problem(other.say("Me first")) == (409, "still-answering")
        other.send("message", content="Tell me all", id="a")
        for one in (client, other):
            assert one.until("avatar_response")["content"] == LONG
        assert other.text == LONG
        client.until("state")
        assert client.say("Tell me all", id="a")["content"] == LONG  # once more, as it was stored
    assert len(stub_llm.chats) == 1


def test_of_a_private_talk_the_answer_is_heard_and_nothing_remembered(
    alice: Person, luna: str, opened: Open, stub_llm: StubLLM, owner_conn: psycopg.Connection[Any]
) -> None:
    stub_llm.script("Just between us.")
    with opened(alice) as client:
        assert client.join(avatar_id=luna, private=True)["private"] is True
        assert client.say("A secret")["content"] == "Just between us."
    query = "select count(*) from outbox where owner_id = %s and topic = 'turn.finished'"
    assert owner_conn.execute(query, [alice.user_id]).fetchone() == (0,)


@pytest.mark.parametrize(
    ("frame", "status"),
    [
        ("no json", 422),
        ("[" * 20_000, 422),
        ('"join"', 422),
        ('{"type":"fly"}', 422),
        ('{"type":"join","session_id":"1"}', 422),
        ('{"type":"join","session_id":true}', 422),
        ('{"type":"join","session_id":0}', 422),
        ('{"type":"join","session_id":9007199254740993}', 404),
        ('{"type":"join","after":-1}', 422),
        ('{"type":"join","owner_id":1}', 422),
        ('{"type":"message","content":5}', 422),
        ('{"type":"message","content":"a","media":[' + "1," * 16 + "1]}", 422),
        ('{"type":"message","content":"a","id":"\\u0000"}', 422),
        (b"\x00\x01", 422),
        ('{"type":"message","content":"' + "a" * 131_072 + '"}', 413),
    ],
)
def test_what_is_no_frame_is_refused_by_name(alice: Person, opened: Open, frame: str | bytes, status: int) -> None:
    with opened(alice) as client:
        client.connection.send(frame)
        told = client.next()
        assert problem(told)[0] == status
        assert not told["closes"]
        assert status != 422 or told["error"]["errors"]
        client.send("ping")
        assert client.next() == {"type": "pong"}


@pytest.mark.parametrize("content", ["", "  ", "a" * 32_001, "nul \u0000", "\ud83d"])
def test_what_cannot_be_said_is_refused_and_the_next_message_is_answered(
    alice: Person, luna: str, opened: Open, content: str
) -> None:
    with opened(alice) as client:
        client.join(avatar_id=luna)
        assert problem(client.say(content))[0] in (413, 422)
        assert client.say("Hello")["type"] == "avatar_response"


def test_who_sends_what_is_no_frame_again_and_again_is_let_go(alice: Person, opened: Open) -> None:
    with opened(alice) as client:
        for _ in range(20):
            client.connection.send("no json")
        for _ in range(20):
            client.next()
        with pytest.raises(ConnectionClosed) as closed:
            client.next()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008
    assert client.frames[-1]["closes"] is True


def test_a_flood_is_slowed_by_name(alice: Person, opened: Open, setting: Any) -> None:
    setting("WS_RATE_LIMIT_MAX_TOKENS", "5")
    setting("WS_RATE_LIMIT_REFILL_SECONDS", "3600")  # however slow the machine is, nothing comes back meanwhile
    with opened(alice) as client:
        for _ in range(8):
            client.send("ping")
        kinds = [client.next()["type"] for _ in range(8)]
    assert kinds == ["pong"] * 4 + ["error"] * 4  # the connection itself took one
    assert problem(client.frames[-1]) == (429, "too-many-requests")
    assert client.frames[-1]["error"]["retry_after"] >= 1
    with pytest.raises(InvalidStatus) as refused, opened(alice):
        pass
    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["Retry-After"]


def test_who_may_open_a_connection(alice: Person, opened: Open, server_url: str, setting: Any) -> None:
    types: set[str] = set()

    def status(**more: Any) -> int:
        try:
            with opened(**more):
                return 101
        except InvalidStatus as refused:
            types.add(refused.response.headers["content-type"])
            return refused.response.status_code

    own = server_url.replace("ws://", "http://").removesuffix("/ws")
    assert status() == 401
    assert status(additional_headers={"Authorization": "Bearer anima_wrong"}) == 401
    assert status(additional_headers={"Authorization": f"Bearer {alice.key}"}, origin="https://evil.example") == 403
    assert status(subprotocols=["bearer", alice.key]) == 101
    assert status(subprotocols=["bearer", alice.key], origin=own) == 101
    cookie = {"Cookie": f"anima_session={alice.key}"}
    assert status(additional_headers=cookie) == 401  # no page: it has no business with the console's cookie
    assert status(additional_headers=cookie, origin=own) == 101
    setting("WS_ALLOWED_ORIGINS", "https://app.example")
    assert status(subprotocols=["bearer", alice.key], origin="https://app.example") == 101
    assert status(additional_headers=cookie, origin="https://app.example") == 401  # its own key, not the console's
    assert types == {"application/problem+json"}


def test_a_token_that_ends_in_a_stream_ends_the_connection_after_the_answer(
    alice: Person, luna: str, opened: Open, stub_llm: StubLLM
) -> None:
    stub_llm.script(Reply(LONG, token_delay=0.02))
    tokens = alice.http.post("/api/v1/token", data={"username": alice.username, "password": alice.password}).json()
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    claims["exp"] = int(time.time()) + 1
    token = jwt.encode(claims, secrets.derive("access-token"), algorithm="HS256")
    with opened(additional_headers={"Authorization": f"Bearer {token}"}) as client:
        client.join(avatar_id=luna)
        assert client.say("Tell me all")["content"] == LONG
        last = client.until("error")
        assert problem(last) == (401, "token-expired")
        assert last["closes"]
        with pytest.raises(ConnectionClosed) as closed:
            client.next()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


def test_a_key_that_is_revoked_ends_the_connection(
    alice: Person, luna: str, opened: Open, owner_conn: psycopg.Connection[Any]
) -> None:
    with opened(alice) as client:
        client.join(avatar_id=luna)
        owner_conn.execute("update api_keys set revoked_at = now() where user_id = %s", [alice.user_id])
        assert problem(client.say("Hello")) == (401, "unauthenticated")
        with pytest.raises(ConnectionClosed):
            client.next()


@pytest.mark.parametrize(
    "reply",
    [Reply(LONG, cut_after=5), failure(500), failure(401), Reply("")],
    ids=["cut", "500", "401", "empty"],
)
def test_a_model_that_fails_is_told_and_the_next_message_is_answered(
    alice: Person, luna: str, opened: Open, stub_llm: StubLLM, reply: Reply
) -> None:
    stub_llm.script(*[reply] * 4)
    with opened(alice) as client:
        client.join(avatar_id=luna)
        answer = client.say("Hello")
        assert answer["type"] == "error"
        assert answer["error"]["status"] >= 400
        assert answer["n"] % 2**20 == 2**20 - 1
        stub_llm.reset()
        assert client.say("Hello")["type"] == "avatar_response"


def test_an_endless_stream_ends_at_its_limit(alice: Person, luna: str, opened: Open, stub_llm: StubLLM) -> None:
    stub_llm.script("word " * 20_000)
    with opened(alice) as client:
        client.join(avatar_id=luna)
        answer = client.say("Go on for ever")
        assert answer["finish"] == "length"
        assert client.text == answer["content"]


def test_a_storm_of_reconnects_leaves_nothing_behind(
    alice: Person, luna: str, opened: Open, stub_llm: StubLLM, setting: Any
) -> None:
    setting("WS_RATE_LIMIT_MAX_TOKENS", "0")
    stub_llm.script(Reply(LONG, token_delay=0.02))
    threads = {thread.name for thread in threading.enumerate()}
    with opened(alice) as client:
        client.join(avatar_id=luna)
        started = begun(client)
        text, last = client.text, client.last
    for _ in range(25):
        with opened(alice) as client:
            client.join(session_id=started["session_id"], after=last)
            client.connection.socket.close()
    with opened(alice) as client:
        client.join(session_id=started["session_id"], after=last)
        assert client.until("avatar_response")["content"] == text + client.text == LONG
    eventually(lambda: talk.open_talks() == 0)
    eventually(lambda: not [one for one in threading.enumerate() if one.name == "turn"])
    assert len(stub_llm.chats) == 1
    assert "turn" not in threads


def test_more_connections_than_a_person_may_have(alice: Person, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anima.socket.api.MOST_CONNECTIONS", 2)
    with opened(alice), opened(alice):
        with pytest.raises(InvalidStatus) as refused, opened(alice):
            pass
        assert refused.value.response.status_code == 429


def test_more_answers_than_a_server_gives_at_once(
    alice: Person, luna: str, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talk, "_running", threading.BoundedSemaphore(1))
    assert talk._running.acquire(blocking=False)
    with opened(alice) as client:
        client.join(avatar_id=luna)
        assert problem(client.say("Hello")) == (503, "busy")
        talk._running.release()
        assert client.say("Hello")["type"] == "avatar_response"


def test_state_is_told_when_asked_and_else_as_the_settings_have_it(
    alice: Person, luna: str, opened: Open, setting: Any
) -> None:
    setting("WS_ENABLE_EVENTS", "false")
    with opened(alice) as client:
        client.send("get_state")
        assert problem(client.next()) == (422, "not-joined")
        client.join(avatar_id=luna)
        client.say("Hello")
        client.send("ping")
        assert client.next() == {"type": "pong"}
        client.send("get_state")
        told = client.next()
        assert told["type"] == "state"
        assert 0 <= told["intensity"] <= 1


def test_a_tool_is_allowed_and_the_answer_goes_on(alice: Person, coder: str, opened: Open, stub_llm: StubLLM) -> None:
    stub_llm.script(calls(RUN, text="I will compute it."), "It is 42.")
    with opened(alice) as client:
        client.join(avatar_id=coder)
        waiting = client.say("What is six times seven, by a program?")
        assert (waiting["finish"], waiting["response_id"], waiting["content"]) == (
            "approval",
            None,
            "I will compute it.",
        )
        [asked] = [frame for frame in client.frames if frame["type"] == "approval"]
        assert (asked["plugin"], asked["name"], asked["arguments"]) == ("code", *RUN)
        seen, heard = client.last, len(client.frames)
        client.send("decide", invocation_id=asked["invocation_id"], approve=True)
        answer = client.until("avatar_response", "error")
        assert (answer["content"], answer["finish"]) == ("I will compute it.\n\nIt is 42.", "stop")
        assert (answer["request_id"], [one["text"] for one in answer["tools"]]) == (waiting["request_id"], ["42\n"])
        [ended] = [frame for frame in client.frames if frame["type"] == "tool_result"]
        assert (ended["ok"], ended["text"]) == (True, "42")
        assert client.text == answer["content"]
        assert all(frame["n"] > seen for frame in client.frames[heard:] if frame["type"] == "token")
        assert answer["n"] == client.last
        client.send("decide", invocation_id=asked["invocation_id"], approve=True)
        assert client.until("avatar_response", "error")["response_id"] == answer["response_id"]
        client.send("decide", invocation_id=asked["invocation_id"], approve=False)
        assert problem(client.until("avatar_response", "error"))[0] == 409


def test_who_comes_back_decides_and_nobody_else_does(
    alice: Person, bob: Person, coder: str, opened: Open, stub_llm: StubLLM
) -> None:
    stub_llm.script(calls(RUN, text="I will compute it."), "Then I do not know.")
    with opened(alice) as client:
        client.join(avatar_id=coder)
        waiting = client.say("What is six times seven, by a program?")
    call = waiting["tools"][0]["invocation_id"]
    with opened(bob) as other:
        other.join()
        other.send("decide", invocation_id=call, approve=True)
        assert problem(other.until("avatar_response", "error"))[0] == 404
    with opened(alice) as client:
        client.send("decide", invocation_id=call, approve=False)
        assert problem(client.until("error"))[1] == "not-joined"
        client.join(session_id=waiting["session_id"])
        client.send("decide", invocation_id=call, approve=False)
        answer = client.until("avatar_response", "error")
    assert (answer["content"], answer["tools"][0]["state"]) == ("I will compute it.\n\nThen I do not know.", "denied")
    assert "did not allow" in stub_llm.chats[-1].prompt


def test_who_answers_at_once_is_not_told_to_wait(
    alice: Person, luna: str, opened: Open, stub_llm: StubLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, asked = threading.Event(), asking.state

    def slowly(*of: Any) -> str:
        told.wait(1)
        return asked(*of)

    monkeypatch.setattr(asking, "state", slowly)
    stub_llm.script("Hello.", "Hello again.")
    with opened(alice) as client:
        client.join(avatar_id=luna)
        assert client.say("Good morning")["content"] == "Hello."
        client.send("message", content="And again")
        threading.Timer(0.1, told.set).start()
        assert client.until("avatar_response", "error")["content"] == "Hello again."
