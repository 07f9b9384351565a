"""Bodies that no honest client sends, at the doors for other protocols: a typed refusal or an answer, never a fault."""

from __future__ import annotations

import json
from typing import Any

import httpx
import psycopg
import pytest

from fixtures.api import Person
from fixtures.sockets import Open
from fixtures.stub_llm import StubLLM, calls, failure
from fixtures.turns import said, say

USER = '{"role": "user", "content": "Hello"}'
HALF = '"\\ud800"'
NAN = '{"a": NaN}'
DEEP = "[" * 50_000

MODEL = "openai:gpt-6-luna"
MODELS = (MODEL, "avatar")
CHAT = [
    '{"role": "user", "content": "\\ud800"}',
    '{"role": "user", "content": "\\u0000"}',
    '{"role": "user", "content": [{"type": "text", "text": "\\udfff"}]}',
    '{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,\\ud800"}}]}',
    '{"role": "user", "content": [{"type": "image_url", "image_url": {"url": {"a": 1}}}]}',
    '{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://169.254.169.254/latest"}}]}',
    '{"role": "user", "content": [{"type": "image_url", "image_url": "file:///etc/passwd"}]}',
    '{"role": "assistant", "tool_calls": [{"id": "\\ud800", "function": {"name": "x"}}]}, ' + USER,
    '{"role": "tool", "tool_call_id": "\\ud800", "content": "x"}, ' + USER,
    '{"role": "tool", "content": "x"}, ' + USER,
]
BODIES = {f"message {number}": f'"messages": [{one}]' for number, one in enumerate(CHAT)} | {
    "NaN in a tool": f'"messages": [{USER}], "tools": [{{"function": {{"name": "x", "parameters": {NAN}}}}}]',
    "half a tool": f'"messages": [{USER}], "tools": [{{"function": {{"name": {HALF}}}}}]',
    "half a description": f'"messages": [{USER}], "tools": [{{"function": {{"name": "x", "description": {HALF}}}}}]',
    "NaN in a format": f'"messages": [{USER}], "response_format": {{"type": "json_schema", "json_schema": {NAN}}}',
    "half a stop": f'"messages": [{USER}], "stop": [{HALF}]',
    "a large seed": f'"messages": [{USER}], "seed": {"9" * 4000}',
    "a large limit": f'"messages": [{USER}], "max_tokens": {"9" * 400}',
    "deep": f'"messages": [{USER}], "metadata": {DEEP}',
    "deep and closed": f'"messages": [{USER}], "metadata": {"[" * 900}{"]" * 900}',
}


@pytest.fixture
def luna_model(alice: Person, luna: str) -> str:
    """What Alice's avatar is called as a model."""
    return f"avatar:{luna}"


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_completion_of_anything(alice: Person, luna_model: str, talking: StubLLM, body: str) -> None:
    for model in (MODEL, luna_model):
        for stream in ("false", "true"):
            raw = f'{{"model": "{model}", "stream": {stream}, {body}}}'
            answer = alice.http.post("/v1/chat/completions", content=raw.encode(), headers=JSON)
            assert answer.status_code < 500, (model, stream, answer.text)
            if answer.status_code != 200:
                assert answer.json()["error"]["type"], answer.text
            elif stream == "true":
                assert '"error"' not in answer.text, (model, answer.text)


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "body",
    [
        f'"input": {HALF}',
        f'"input": "Hello", "instructions": {HALF}',
        f'"input": "Hello", "conversation": {HALF}',
        '"input": "Hello", "conversation": "\\u0000"',
        f'"input": "Hello", "previous_response_id": {HALF}',
        '"input": "Hello", "previous_response_id": "resp_99999999999999999999999999"',
        '"input": "Hello", "metadata": {"a": NaN}',
        f'"input": "Hello", "metadata": {{"a": {HALF}}}',
        '"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "http://127.0.0.1:1/"}]}]',
    ],
)
def test_a_response_of_anything(alice: Person, luna_model: str, talking: StubLLM, body: str) -> None:
    for model in (MODEL, luna_model):
        for stream in ("false", "true"):
            raw = f'{{"model": "{model}", "stream": {stream}, {body}}}'
            answer = alice.http.post("/v1/responses", content=raw.encode(), headers=JSON)
            assert answer.status_code < 500, (model, stream, answer.text)
            assert answer.status_code != 200 or "response.failed" not in answer.text


@pytest.mark.parametrize(
    "given", [HALF, '"\\u0000"', "[[1e999]]", "[NaN]", DEEP, '[["x"]]', "[[99999999999999999999]]"]
)
def test_an_embedding_of_anything(alice: Person, talking: StubLLM, given: str) -> None:
    raw = f'{{"model": "anima-embedding", "input": {given}}}'
    assert alice.http.post("/v1/embeddings", content=raw.encode(), headers=JSON).status_code < 500


@pytest.mark.parametrize(
    "params",
    [
        '{"name": "recall", "arguments": {"query": "\\ud800"}}',
        '{"name": "remember", "arguments": {"text": "a\\u0000b"}}',
        '{"name": "remember", "arguments": {"text": "x", "source": "\\ud800"}}',
        '{"name": "\\ud800", "arguments": {}}',
        '{"name": "recall", "arguments": {"query": "x", "limit": 1e999}}',
        '{"name": "forget", "arguments": {"kind": "message", "id": "9999999999999999999"}}',
        '{"name": "talk", "arguments": {"message": "x", "conversation": "\\ud800"}}',
        '{"name": "talk", "arguments": {"message": "x", "conversation": "a\\nb"}}',
        '{"name": "recall", "arguments": {"query": ' + DEEP + "}}",
    ],
)
def test_a_call_of_anything(alice: Person, luna: str, on_port: str, talking: StubLLM, params: str) -> None:
    answer = called(on_port, alice, params)
    assert answer.status_code < 500, answer.text
    told: Any = json.loads(answer.text)
    assert "error" in told or told["result"]["isError"] or answer.status_code >= 400, answer.text


def test_no_door_leads_past_a_budget(
    alice: Person, luna: str, luna_model: str, talking: StubLLM, opened: Open, on_port: str
) -> None:
    enable(alice, luna, "code")
    first = said(alice, "Hello", avatar_id=luna)
    talking.script(calls(("run_python", {"code": "print(6 * 7)"})))
    waiting = said(alice, "What is six times seven, by a program?", avatar_id=luna)
    [call] = [one["invocation_id"] for one in waiting["tools"]]
    budget = {"items": [{"period": "day", "max_tokens": 1}]}
    answer = alice.http.put("/api/v1/users/me/budgets", json=budget)
    assert answer.status_code == 200, answer.text
    before = len(talking.chats)
    hello = [{"role": "user", "content": "Hello"}]
    asked: list[tuple[str, dict[str, Any]]] = [
        *(
            ("/v1/chat/completions", {"model": m, "messages": hello, "stream": s})
            for m in MODELS
            for s in (True, False)
        ),
        *(("/v1/responses", {"model": m, "input": "Hello", "stream": s}) for m in MODELS for s in (True, False)),
        ("/api/v1/chat", {"message": "Hello", "avatar_id": luna, "stream": True}),
        (f"/api/v1/messages/{first['message_id']}/regenerate", {}),
        (f"/api/v1/tool-calls/{call}", {"approve": True, "stream": True}),
    ]
    for path, body in asked:
        named = {"model": luna_model} if body.get("model") == "avatar" else {}
        refused = alice.http.post(path, json={**body, **named})
        assert refused.status_code == 429, (path, body, refused.text)
        assert "Retry-After" in refused.headers
    with opened(alice) as client:
        client.join(avatar_id=luna)
        assert client.say("Hello")["error"]["status"] == 429
    told = called(on_port, alice, '{"name": "talk", "arguments": {"message": "Hello"}}')
    assert told.json()["result"]["structuredContent"]["error"]["type"] == "budget-exceeded"
    assert len(talking.chats) == before


def called(url: str, person: Person, params: str) -> httpx.Response:
    """A call of a tool at the door for other programs."""
    raw = f'{{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {params}}}'
    headers = {**JSON, "Authorization": f"Bearer {person.key}", "Accept": "application/json, text/event-stream"}
    return httpx.post(f"{url}/mcp", content=raw.encode(), headers=headers, timeout=20, trust_env=False)


def enable(person: Person, avatar: str, name: str) -> None:
    """Lets an avatar use a plugin of the catalogue."""
    found = person.http.get(f"/api/v1/avatars/{avatar}/plugins").json()["items"]
    [plugin] = [one for one in found if one["name"] == name]
    wish = {"plugin_id": plugin["plugin_id"], "enabled": True}
    answer = person.http.put(f"/api/v1/avatars/{avatar}/plugins", json={"items": [wish]})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("status", [400, 403, 429])
def test_a_provider_that_echoes_its_key_shows_it_to_nobody(
    alice: Person,
    luna: str,
    luna_model: str,
    talking: StubLLM,
    status: int,
    capfd: pytest.CaptureFixture[str],
    owner_conn: psycopg.Connection[Any],
) -> None:
    code = "insufficient_quota" if status == 429 else None
    talking.always(lambda _: failure(status, code=code, message="This key is not good: sk-of-the-tests"))
    hello = [{"role": "user", "content": "Hello"}]
    told = [say(alice, "Hello", avatar_id=luna).text]
    told += [
        alice.http.post("/v1/chat/completions", json={"model": model, "messages": hello, "stream": stream}).text
        for model in (MODEL, luna_model)
        for stream in (False, True)
    ]
    assert all('"error"' in one or '"status"' in one for one in told)
    rows = owner_conn.execute("select to_jsonb(q)::text from llm_requests q where owner_id = %s", [alice.user_id])
    everything = "\n".join([*told, *(row[0] for row in rows), *capfd.readouterr()])
    assert "sk-of-the-tests" not in everything
