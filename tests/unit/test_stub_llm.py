"""The stub of the OpenAI protocol is one to the SDK that real clients use, also when it fails."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import openai
import pytest

from fixtures import stub_llm as stubs
from fixtures.stub_llm import Reply, StubLLM

FACTS = {
    "type": "object",
    "properties": {
        "facts": {"type": "array", "items": {"$ref": "#/$defs/fact"}},
        "mood": {"enum": ["calm", "angry"]},
        "certain": {"type": "boolean"},
        "score": {"type": "number", "minimum": 0.5},
        "first": {"$ref": "#/$defs/fact"},
        "last": {"anyOf": [{"type": "null"}, {"type": "string"}]},
    },
    "required": ["facts", "mood", "certain", "score", "first", "last"],
    "additionalProperties": False,
    "$defs": {"fact": {"type": "object", "properties": {"key": {"type": "string"}}, "required": ["key"]}},
}
HELLO: list[Any] = [
    {"role": "system", "content": "You are Luna."},
    {"role": "system", "content": "Diego hates olives."},
    {"role": "user", "content": "What do I hate?"},
]


@pytest.fixture
def client(stub_llm: StubLLM) -> openai.OpenAI:
    return openai.OpenAI(base_url=stub_llm.url, api_key="any", max_retries=0, timeout=10)


def ask(client: openai.OpenAI, **more: Any) -> Any:
    return client.chat.completions.create(**{"model": "stub-1", "messages": HELLO, **more})


def test_answers_echo_the_question_and_its_context(client: openai.OpenAI, stub_llm: StubLLM) -> None:
    answer = ask(client)
    assert answer.choices[0].message.content == 'You said "What do I hate?". I was told: Diego hates olives.'
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert stub_llm.requests[0].headers["authorization"] == "Bearer any"
    assert stub_llm.chats[0].prompt.endswith("user: What do I hate?")
    assert [model.id for model in client.models.list()] == ["stub-1"]


def test_stream_is_the_same_answer_with_its_usage(client: openai.OpenAI, stub_llm: StubLLM) -> None:
    stub_llm.script("One two, three.\n", "One two, three.\n")
    whole = ask(client)
    chunks = list(ask(client, stream=True, stream_options={"include_usage": True}))
    texts = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(texts) == whole.choices[0].message.content == "One two, three.\n"
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage
    assert [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason] == ["stop"]
    assert len(list(ask(client, stream=True))) > 3


def test_answer_stops_at_the_limit(client: openai.OpenAI) -> None:
    answer = ask(client, max_completion_tokens=2)
    assert answer.choices[0].message.content == "You said"
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 2


def test_schema_gets_json_that_it_accepts(client: openai.OpenAI, stub_llm: StubLLM) -> None:
    stub_llm.script("this is for a request for text")
    stub_llm.script_json({"facts": [{"key": "food"}]})
    format = {"type": "json_schema", "json_schema": {"name": "facts", "strict": True, "schema": FACTS}}
    scripted = ask(client, response_format=format).choices[0].message.content
    minimal = json.loads(ask(client, response_format=format).choices[0].message.content)
    assert json.loads(scripted) == {"facts": [{"key": "food"}]}
    jsonschema.validate(minimal, FACTS)
    assert minimal["score"] == 0.5
    assert ask(client).choices[0].message.content == "this is for a request for text"


def test_computed_answers(client: openai.OpenAI, stub_llm: StubLLM) -> None:
    stub_llm.always(lambda body: "olives" if "hate" in body["messages"][-1]["content"] else None)
    assert ask(client).choices[0].message.content == "olives"
    other = ask(client, messages=[{"role": "user", "content": "Hi"}])
    assert other.choices[0].message.content == 'You said "Hi".'


@pytest.mark.parametrize(
    ("reply", "error", "code"),
    [
        (stubs.failure(401), openai.AuthenticationError, "invalid_api_key"),
        (stubs.failure(404), openai.NotFoundError, "model_not_found"),
        (stubs.failure(429, retry_after=7), openai.RateLimitError, "rate_limit_exceeded"),
        (stubs.no_quota(), openai.RateLimitError, "insufficient_quota"),
        (stubs.context_too_long(), openai.BadRequestError, "context_length_exceeded"),
        (stubs.failure(500), openai.InternalServerError, None),
        (stubs.failure(503), openai.InternalServerError, None),
    ],
)
def test_failures_are_those_of_the_protocol(
    client: openai.OpenAI, stub_llm: StubLLM, reply: Reply, error: type[openai.APIStatusError], code: str | None
) -> None:
    stub_llm.script(reply)
    with pytest.raises(error) as failed:
        ask(client)
    assert failed.value.code == code
    assert failed.value.response.headers.get("retry-after") == (str(reply.retry_after) if reply.retry_after else None)


def test_bad_requests_are_refused(client: openai.OpenAI, stub_llm: StubLLM) -> None:
    with pytest.raises(openai.BadRequestError, match="empty array"):
        ask(client, messages=[])
    with pytest.raises(openai.BadRequestError, match="Invalid value"):
        ask(client, messages=[{"role": "owl", "content": ""}])
    stub_llm.api_key = "the right one"
    with pytest.raises(openai.AuthenticationError):
        ask(client)


def test_stream_that_is_cut_breaks_off(client: openai.OpenAI, stub_llm: StubLLM) -> None:
    stub_llm.script(Reply("One two three four", cut_after=2), Reply("One two", cut_after=1))
    heard = []
    with pytest.raises(openai.APIError):  # noqa: PT012 - what came before the end is part of the story
        for chunk in ask(client, stream=True):
            heard.append(chunk.choices[0].delta.content)
    assert "".join(filter(None, heard)) == "One two"
    with pytest.raises(openai.APIConnectionError):
        ask(client)


def test_server_that_hangs_lets_go_at_the_end(client: openai.OpenAI, stub_llm: StubLLM) -> None:
    stub_llm.script(Reply(hang=True))
    with pytest.raises(openai.APITimeoutError):
        ask(client, timeout=0.1)
    assert ask(client).choices[0].message.content.startswith("You said")
