"""The real client of the Model Context Protocol uses an avatar's memory in the running app, and finds its bounds."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import httpx2
import pytest
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

from fixtures import alone
from fixtures.api import Person
from fixtures.coroutines import awaited
from fixtures.stub_llm import StubLLM
from fixtures.turns import make_avatar, said

Call = Callable[..., Any]


async def _called(url: str, key: str, mode: str, calls: list[tuple[str, dict[str, Any]]]) -> list[Any]:
    head = {"Authorization": f"Bearer {key}"}
    async with (
        httpx2.AsyncClient(headers=head, trust_env=False, timeout=30) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=mode) as client,
    ):
        return [await client.call_tool(name, given) for name, given in calls]


class Agent:
    """Another agent that holds somebody's key."""

    def __init__(self, url: str, person: Person, mode: str = "auto") -> None:
        self.url, self.key, self.mode = url, person.key, mode

    def all(self, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
        return awaited(_called(self.url, self.key, self.mode, list(calls)))

    def result(self, name: str, **given: Any) -> Any:
        return self.all((name, given))[0]

    def call(self, name: str, **given: Any) -> dict[str, Any]:
        """A call that succeeds."""
        done = self.result(name, **given)
        assert not done.is_error, done.content
        assert json.loads(done.content[0].text) == done.structured_content
        return dict(done.structured_content)

    def fault(self, name: str, **given: Any) -> str:
        """The kind of fault of a call that fails."""
        done = self.result(name, **given)
        assert done.is_error
        return str(done.structured_content["error"]["type"])


@pytest.fixture
def agent(on_port: str, alice: Person, talking: StubLLM, luna: str) -> Agent:
    """An agent with Alice's key; she has an avatar."""
    return Agent(on_port, alice)


def recalled(agent: Agent, query: str, **more: Any) -> list[dict[str, Any]]:
    return list(agent.call("recall", query=query, **more)["memories"])


def texts(agent: Agent, query: str, **more: Any) -> str:
    return "\n".join(one["text"] for one in recalled(agent, query, **more))


@pytest.mark.parametrize("mode", ["legacy", "auto", "2026-07-28"])
def test_every_way_to_begin_finds_the_tools(on_port: str, alice: Person, mode: str) -> None:
    async def listed() -> Any:
        head = {"Authorization": f"Bearer {alice.key}"}
        async with (
            httpx2.AsyncClient(headers=head, trust_env=False) as http,
            Client(streamable_http_client(f"{on_port}/mcp", http_client=http), mode=mode) as client,
        ):
            return (await client.list_tools()).tools

    tools = {tool.name: tool for tool in awaited(listed())}
    assert set(tools) == {"remember", "recall", "forget", "about_avatar", "talk"}
    assert tools["recall"].annotations.read_only_hint
    assert tools["forget"].annotations.destructive_hint
    assert tools["remember"].input_schema["required"] == ["text"]


class TestRemembering:
    def test_what_is_left_is_found_again_under_the_name_of_who_left_it(self, agent: Agent) -> None:
        agent.call("remember", text="Diego's flight to Lisbon leaves on Friday.", source="planner")
        found = recalled(agent, "When does the flight to Lisbon leave?")
        assert found[0]["text"].endswith("Diego's flight to Lisbon leaves on Friday.")
        assert found[0]["speaker"] == "planner (a program)"

    def test_the_same_twice_is_one_note(self, agent: Agent) -> None:
        first, again = agent.all(*[("remember", {"text": "The gate code is 4711."})] * 2)
        assert first.structured_content["id"] == again.structured_content["id"]
        assert (first.structured_content["new"], again.structured_content["new"]) == (True, False)

    def test_a_note_never_counts_as_the_persons_own_words(
        self, agent: Agent, alice: Person, luna: str, drain_outbox: Callable[[], Any]
    ) -> None:
        agent.call("remember", text="I hate olives and my name is Mallory.", source=alice.username)
        said(alice, "Good morning.")
        drain_outbox()
        assert alice.http.get(f"/api/v1/avatars/{luna}/facts").json()["items"] == []
        assert recalled(agent, "olives Mallory")[0]["speaker"] == f"{alice.username} (a program)"

    def test_the_avatar_recalls_it_in_a_talk_as_what_it_is(self, agent: Agent, alice: Person, talking: StubLLM) -> None:
        agent.call("remember", text="The garage door jams when it rains.", source="house")
        said(alice, "What about the garage door when it rains?")
        prompt = talking.requests[-1].prompt
        assert "The garage door jams when it rains." in prompt
        assert "house (a program)" in prompt

    def test_the_person_sees_the_notes_in_a_session_of_their_own(self, agent: Agent, alice: Person) -> None:
        agent.call("remember", text="One.")
        agent.call("remember", text="Two.")
        [session] = alice.http.get("/api/v1/sessions").json()["items"]
        assert session["title"] == "Notes of other programs"
        assert alice.http.delete(f"/api/v1/sessions/{session['session_id']}").status_code == 204
        assert recalled(agent, "One.") == []

    @pytest.mark.parametrize("text", ["", "   ", "x" * 4001, "a\x00b"])
    def test_what_is_no_note_changes_nothing(self, agent: Agent, alice: Person, text: str) -> None:
        assert agent.fault("remember", text=text) == "bad-input"
        assert recalled(agent, "anything") == []


class TestRecalling:
    def test_what_the_person_said_is_found_and_what_they_said_in_private_is_not(
        self, agent: Agent, alice: Person, luna: str, drain_outbox: Callable[[], Any]
    ) -> None:
        private = alice.http.post("/api/v1/sessions", json={"avatar_id": luna, "private": True}).json()["session_id"]
        said(alice, "I keep bees on the roof.")
        said(alice, "I keep snakes in the cellar.", session_id=private)
        drain_outbox()
        found = texts(agent, "What do I keep?")
        assert "bees" in found
        assert "snakes" not in found

    def test_what_egress_keeps_at_home_is_left_out_and_counted(
        self, agent: Agent, alice: Person, luna: str, drain_outbox: Callable[[], Any]
    ) -> None:
        said(alice, "I have diabetes and take insulin.")
        said(alice, "I like walks by the river.")
        drain_outbox()
        assert "diabetes" in texts(agent, "diabetes insulin walks")
        alice.http.patch(f"/api/v1/avatars/{luna}", json={"egress": {"health": "local"}})
        answer = agent.call("recall", query="diabetes insulin walks")
        assert "diabetes" not in json.dumps(answer["memories"])
        assert answer["left_out"] > 0
        assert "walks" in json.dumps(answer["memories"])
        assert agent.fault("talk", message="What about my diabetes?") == "kept-back"
        allowed = alice.http.patch(f"/api/v1/avatars/{luna}", json={"egress": {"health": ["local", "mcp"]}})
        assert allowed.status_code == 200, allowed.text
        assert "diabetes" in texts(agent, "diabetes insulin walks")

    def test_nobody_reaches_anothers_avatar(self, agent: Agent, bob: Person) -> None:
        theirs = make_avatar(bob)
        name = bob.http.get(f"/api/v1/avatars/{theirs}").json()["name"]
        for named in (theirs, name):
            for tool, given in (
                ("recall", {"query": "x"}),
                ("remember", {"text": "x"}),
                ("talk", {"message": "x"}),
                ("about_avatar", {}),
                ("forget", {"kind": "message", "id": "1"}),
            ):
                assert agent.fault(tool, avatar=named, **given) == "avatar-not-found"


class TestForgetting:
    def test_a_note_goes_for_good(self, agent: Agent) -> None:
        kept = agent.call("remember", text="The gate code is 4711.")
        assert agent.call("forget", kind="message", id=kept["id"])["forgotten"]
        assert recalled(agent, "gate code") == []
        assert agent.fault("forget", kind="message", id=kept["id"]) == "note-not-found"

    def test_a_fact_goes_and_the_person_can_take_that_back(
        self, agent: Agent, alice: Person, luna: str, drain_outbox: Callable[[], Any]
    ) -> None:
        said(alice, "I hate olives.")
        drain_outbox()
        [fact] = recalled(agent, "olives", kinds=["fact"])
        change = agent.call("forget", kind="fact", id=fact["id"])["undo"]
        assert alice.http.get(f"/api/v1/avatars/{luna}/facts").json()["items"] == []
        undone = alice.http.post(f"/api/v1/avatars/{luna}/memories/changes/{change}/undo")
        assert undone.status_code in (200, 204), undone.text
        assert len(alice.http.get(f"/api/v1/avatars/{luna}/facts").json()["items"]) == 1

    def test_what_was_said_in_a_talk_is_not_a_programs_to_delete(
        self, agent: Agent, alice: Person, bob: Person, on_port: str
    ) -> None:
        mine = said(alice, "I keep bees.")
        assert agent.fault("forget", kind="message", id=str(mine["parent_message_id"])) == "note-not-found"
        make_avatar(bob)
        theirs = Agent(on_port, bob).call("remember", text="Bob's own.")
        assert agent.fault("forget", kind="message", id=theirs["id"]) == "note-not-found"
        assert "Bob's own." in texts(Agent(on_port, bob), "Bob's own")

    @pytest.mark.parametrize(("kind", "number"), [("fact", "x"), ("episode", "12"), ("message", "-1"), ("dream", "1")])
    def test_what_is_no_id(self, agent: Agent, kind: str, number: str) -> None:
        assert agent.fault("forget", kind=kind, id=number) == "bad-input"


class TestTalking:
    def test_an_answer_of_which_nothing_stays(
        self, agent: Agent, alice: Person, talking: StubLLM, drain_outbox: Callable[[], Any]
    ) -> None:
        talking.script("Bees, how lovely.")
        assert agent.call("talk", message="I keep bees on the roof.")["answer"] == "Bees, how lovely."
        drain_outbox()
        assert recalled(agent, "bees") == []

    def test_a_talk_that_goes_on(self, agent: Agent, alice: Person, talking: StubLLM) -> None:
        agent.call("talk", message="The word is swordfish.", conversation="plan")
        agent.call("talk", message="What is the word?", conversation="plan")
        assert "swordfish" in talking.requests[-1].prompt
        [session] = alice.http.get("/api/v1/sessions").json()["items"]
        assert session["private"]
        assert recalled(agent, "swordfish") == []

    def test_a_model_that_fails_is_a_result_and_not_a_cut_line(self, agent: Agent, talking: StubLLM) -> None:
        from fixtures.stub_llm import failure

        talking.script(failure(400))
        assert agent.result("talk", message="Hello").is_error


def test_an_avatar_is_told_about(agent: Agent, alice: Person, luna: str) -> None:
    told = agent.call("about_avatar")
    assert told["avatar_id"] == luna
    assert told["name"] in told["avatars"]
    assert told["closeness"]["level"]
    assert told["mood"]["name"]


def test_who_has_no_avatar_is_told_so(on_port: str, bob: Person) -> None:
    assert Agent(on_port, bob).fault("about_avatar") == "avatar-not-found"


def test_a_call_with_what_no_tool_takes(agent: Agent) -> None:
    assert agent.fault("recall", query="a\x00b") == "bad-input"
    assert agent.fault("about_avatar", avatar="a\x00b") == "bad-input"
    assert agent.fault("recall", query="x", sql="drop") == "bad-input"
    assert agent.fault("recall", query="x", limit=10_000) == "bad-input"


@pytest.mark.parametrize("key", [None, "anima_wrong"])
def test_without_a_key_nothing_is_answered(on_port: str, key: str | None) -> None:
    head = {"Authorization": f"Bearer {key}"} if key else {}
    answer = httpx.post(f"{on_port}/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "ping"}, headers=head)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (json.dumps({"jsonrpc": "2.0", "id": 1, "method": "no/such", "params": {}}).encode(), 200),
        (bytes(range(128, 192)), 400),
    ],
)
def test_what_is_no_message_of_the_protocol(on_port: str, alice: Person, content: bytes, status: int) -> None:
    head = {
        "Authorization": f"Bearer {alice.key}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
    }
    answer = httpx.post(f"{on_port}/mcp", content=content, headers=head, trust_env=False)
    assert answer.status_code == status
    assert answer.json()["error"]["code"] < 0


def test_it_keeps_no_stream_open(on_port: str, alice: Person) -> None:
    head = {"Authorization": f"Bearer {alice.key}", "Accept": "text/event-stream"}
    assert httpx.get(f"{on_port}/mcp", headers=head, trust_env=False).status_code == 405


def test_the_function_behind_the_gateway_answers_each_message_for_itself(
    app: Any, alice: Person, luna: str, talking: StubLLM
) -> None:
    from anima.app.gateway import behind_gateway
    from anima.app.main import chat_app

    handler = behind_gateway(chat_app())

    def sent(method: str, params: dict[str, Any]) -> Any:
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        head = {
            "authorization": f"Bearer {alice.key}",
            "content-type": "application/json",
            "accept": "application/json",
        }
        event = {
            **{"version": "2.0", "rawPath": "/mcp", "rawQueryString": "", "headers": head, "isBase64Encoded": False},
            "requestContext": {"http": {"method": "POST", "path": "/mcp", "sourceIp": "203.0.113.7"}},
            "body": json.dumps(asked),
        }
        answer = alone.called(handler, event)
        assert answer["statusCode"] == 200, answer
        return json.loads(answer["body"])["result"]

    begin = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    assert sent("initialize", begin)["serverInfo"]["name"] == "anima"
    assert len(sent("tools/list", {})["tools"]) == 5
    kept = sent("tools/call", {"name": "remember", "arguments": {"text": "The gate code is 4711."}})
    assert kept["structuredContent"]["new"]
