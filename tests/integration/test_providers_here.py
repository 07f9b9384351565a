"""The providers that run here, for real: the local model, and its server under the names of others of its protocol."""

from __future__ import annotations

import time
from typing import Any

import pytest

from anima.vendors.llm import client
from anima.vendors.llm.client import Call, Endpoint, Message, Tool, ToolCall
from anima.vendors.llm.errors import ContextTooLong
from anima.vendors.llm.local_server import LocalServer
from fixtures.providers.images_dialect import png

pytestmark = pytest.mark.model

WEATHER = Tool("get_weather", "The weather in a city.", {"type": "object", "properties": {"city": {"type": "string"}}})
ASKED: list[Message] = [
    {"role": "system", "content": "You answer in one short sentence."},
    {"role": "user", "content": "What is the weather in Oslo?"},
    {"role": "assistant", "content": "", "tool_calls": [ToolCall("c1", "get_weather", '{"city": "Oslo"}')]},
    {"role": "tool", "content": "rain, 4 degrees", "tool_call_id": "c1"},
]


def call(server: LocalServer, provider: str, messages: list[Message], **more: Any) -> Call:
    endpoint = Endpoint(server.url, server.api_key, provider=provider)
    limit = more.pop("max_tokens", 20)
    return Call(endpoint, server.model, messages, limit, time.monotonic() + 120, {"temperature": 0}, **more)


@pytest.mark.parametrize("provider", ["ollama", "vllm"])
def test_a_server_of_the_protocol_is_asked_under_the_name_of_its_provider(
    local_llm: LocalServer, provider: str
) -> None:
    said: list[Message] = [
        {"role": "system", "content": "You answer with one word."},
        {"role": "user", "content": "What is the capital of France?"},
    ]
    deltas = list(client.stream(call(local_llm, provider, said)))
    assert "Paris" in "".join(delta.text for delta in deltas)
    assert deltas[-1].finish in ("stop", "length")
    assert deltas[-1].usage is not None


def test_results_of_tools_do_the_local_model_no_harm(local_llm: LocalServer) -> None:
    done = client.complete(call(local_llm, "local", ASKED))
    assert "rain" in done.text.lower()
    assert not done.tool_calls


def test_the_local_server_takes_tools_where_they_are_offered_all_the_same(local_llm: LocalServer) -> None:
    done = client.complete(call(local_llm, "local", ASKED[:2], tools=[WEATHER], max_tokens=2))
    assert done.text or done.tool_calls


def test_an_image_does_the_local_model_no_harm(local_llm: LocalServer) -> None:
    import base64

    url = f"data:image/png;base64,{base64.b64encode(png()).decode()}"
    parts = [
        {"type": "text", "text": "Say yes."},
        {"type": "image_url", "image_url": {"url": url}},
    ]
    assert client.complete(call(local_llm, "local", [{"role": "user", "content": parts}], max_tokens=4)).text


def test_too_long_a_prompt_is_told(local_llm: LocalServer) -> None:
    with pytest.raises(ContextTooLong):
        client.complete(call(local_llm, "local", [{"role": "user", "content": "word " * 6000}]))
