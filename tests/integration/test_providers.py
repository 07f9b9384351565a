"""Every provider asked the same: words, persona, tools, images, shapes. With LIVE_PROVIDERS=1 the real ones."""

from __future__ import annotations

import base64
import json

import pytest

from anima.vendors.llm import client
from anima.vendors.llm.client import Message, Tool, ToolCall
from anima.vendors.llm.errors import ModelAuthFailed, ModelRefused
from fixtures.provider_servers import NAMES, Asker
from fixtures.providers.chat_dialects import THOUGHT
from fixtures.providers.images_dialect import png
from fixtures.providers.server import Answer

WEATHER = Tool(
    "get_weather",
    "The weather in a city now. Call it whenever you are asked about weather.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False},
)
MOOD = {
    "type": "object",
    "properties": {"mood": {"type": "string", "enum": ["calm", "angry"]}, "sure": {"type": "integer", "minimum": 0}},
    "required": ["mood", "sure"],
    "additionalProperties": False,
}
SHAPED = {"type": "json_schema", "json_schema": {"name": "mood", "schema": MOOD, "strict": True}}
PERSONA: list[Message] = [
    {"role": "system", "content": "You are Mira, a gardener. You answer in one short sentence."},
    {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": "Good morning! The roses are awake."},
    {"role": "system", "content": "You know: the person's cat is called Ziggy."},
    {"role": "user", "content": "What is my cat called? Say the name."},
]

every = pytest.mark.parametrize("asker", NAMES, indirect=True)
CALLING = [name for name in NAMES if name != "replicate"]
calling = pytest.mark.parametrize("asker", CALLING, indirect=True)
heeding = pytest.mark.parametrize("asker", [n for n in CALLING if n not in ("deepseek", "ollama")], indirect=True)


def red_square() -> str:
    """A small picture as a data URL."""
    return f"data:image/png;base64,{base64.b64encode(png()).decode()}"


@every
def test_an_answer_comes_in_pieces_with_its_end_and_its_usage(asker: Asker) -> None:
    asker.script("Good evening to you, Diego.")
    deltas = list(client.stream(asker.call("Say good evening to Diego.", params={"temperature": 0.2})))
    assert "diego" in "".join(delta.text for delta in deltas).lower()
    assert [delta.finish for delta in deltas if delta.finish] == ["stop"]
    assert deltas[-1].usage is not None
    assert deltas[-1].usage.prompt_tokens >= deltas[-1].usage.cached_tokens
    assert deltas[-1].usage.completion_tokens > 0
    if asker.double is not None:
        assert len([delta for delta in deltas if delta.text]) == 5
        assert deltas[-1].usage.prompt_tokens == 20


@every
def test_a_persona_with_context_before_the_question(asker: Asker) -> None:
    asker.script("Your cat is called Ziggy.")
    done = asker.said(PERSONA, fixed=3, cache_key="one avatar")
    assert "ziggy" in done.text.lower()
    if asker.double is not None:
        sent = json.dumps(asker.double.chats[-1])
        assert sent.index("Mira") < sent.index("Ziggy"), "what changes follows what stays"
        assert sent.count("What is my cat called") == sent.count("The roses are awake") == 1


@every
def test_the_longest_answer_is_kept_to(asker: Asker) -> None:
    asker.script(Answer("One two three", finish="length"))
    if asker.double is not None and asker.name == "replicate":
        assert asker.said("Count.", max_tokens=5).finish == "length", "it gives no reason, but counts five tokens"
        return
    assert asker.said("Count from one to a hundred in words.", max_tokens=16).finish == "length"


@calling
def test_a_tool_is_called_and_its_result_is_read(asker: Asker) -> None:
    question: list[Message] = [{"role": "user", "content": "What is the weather in Oslo? Use the tool."}]
    asker.script(Answer(tools=(("get_weather", '{"city": "Oslo"}'),), thought=THOUGHT), "It rains in Oslo.")
    asked = asker.said(question, tools=[WEATHER], max_tokens=2000)
    assert asked.finish == "tool_calls"
    assert [call.name for call in asked.tool_calls] == ["get_weather"]
    assert json.loads(asked.tool_calls[0].arguments)["city"].startswith("Oslo")
    result: Message = {"role": "tool", "content": "rain, 4 degrees", "tool_call_id": asked.tool_calls[0].id}
    said: Message = {"role": "assistant", "content": asked.text, "tool_calls": asked.tool_calls}
    done = asker.said([*question, said, result], tools=[WEATHER], max_tokens=2000)
    assert "rain" in done.text.lower()
    assert not done.tool_calls


@calling
def test_two_calls_at_once_stay_two(asker: Asker) -> None:
    if asker.double is None:
        pytest.skip("whether a model calls twice is its own affair")
    asker.script(Answer(tools=(("get_weather", '{"city": "Oslo"}'), ("get_weather", '{"city": "Rome"}'))))
    asked = asker.said("Oslo and Rome?", tools=[WEATHER])
    assert [json.loads(call.arguments)["city"] for call in asked.tool_calls] == ["Oslo", "Rome"]
    assert len({call.id for call in asked.tool_calls}) == 2


@calling
def test_calls_that_another_provider_made_are_understood_after_a_fallback(asker: Asker) -> None:
    foreign = ToolCall("toolu_01:x/7", "get_weather", "no json at all", {"other": {"secret": 1}})
    asker.script("It rained, I was told.")
    messages: list[Message] = [
        {"role": "user", "content": "The weather in Oslo?"},
        {"role": "assistant", "content": "", "tool_calls": [foreign]},
        {"role": "tool", "content": "rain", "tool_call_id": foreign.id},
    ]
    assert asker.said(messages, tools=[WEATHER], max_tokens=2000).text


@every
def test_a_last_round_may_forbid_tools(asker: Asker) -> None:
    made = ToolCall("call_abc", "get_weather", '{"city": "Oslo"}')
    messages: list[Message] = [
        {"role": "user", "content": "The weather in Oslo?"},
        {"role": "assistant", "content": "I look.", "tool_calls": [made]},
        {"role": "tool", "content": "rain", "tool_call_id": made.id},
    ]
    asker.script("Rain.", "Rain.")
    forbidden = asker.said(messages, tools=[WEATHER], tool_choice="none", max_tokens=2000)
    assert forbidden.text
    assert not forbidden.tool_calls
    assert asker.said(messages, max_tokens=2000).text, "nor need they be offered any more"


@heeding
def test_a_tool_may_be_required(asker: Asker) -> None:
    asker.script(Answer(tools=(("get_weather", '{"city": "Oslo"}'),)))
    assert asker.said("Oslo.", tools=[WEATHER], tool_choice="required", max_tokens=2000).tool_calls


@pytest.mark.parametrize("asker", ["replicate"], indirect=True)
def test_who_calls_no_tools_says_so_only_where_they_are_required(asker: Asker) -> None:
    asker.script("I cannot look, but it often rains.")
    assert asker.said("The weather in Oslo?", tools=[WEATHER]).text
    with pytest.raises(ModelRefused):
        asker.said("The weather in Oslo?", tools=[WEATHER], tool_choice="required")


@every
def test_an_image_is_shown_where_it_can_be_seen(asker: Asker) -> None:
    parts = [
        {"type": "text", "text": "Which colour? One word."},
        {"type": "image_url", "image_url": {"url": red_square()}},
    ]
    asker.script("Red.")
    done = asker.said([{"role": "user", "content": parts}], max_tokens=2000)
    assert done.text
    if asker.double is not None:
        sent = json.dumps(asker.double.chats[-1])
        assert (red_square().partition(",")[2] in sent) == asker.takes.images
        assert ("cannot see" in sent) != asker.takes.images


@every
def test_an_answer_by_a_schema(asker: Asker) -> None:
    asker.script('{"mood": "calm", "sure": 3}')
    done = asker.said("The sea is still. Which mood is that, how sure are you (0 to 9)?", response_format=SHAPED)
    assert json.loads(done.text)["mood"] in ("calm", "angry")
    if asker.double is not None and not asker.takes.json_schema:
        assert "angry" in json.dumps(asker.double.chats[-1]), "who knows no schemas is told in words"


@every
def test_an_answer_in_json(asker: Asker) -> None:
    asker.script('{"mood": "calm"}')
    question = 'Answer {"mood": "calm"} as JSON.'
    assert json.loads(asker.said(question, response_format={"type": "json_object"}, max_tokens=2000).text)


@pytest.mark.parametrize("asker", [name for name in NAMES if name not in ("ollama", "ray")], indirect=True)
def test_a_wrong_key_is_told_and_never_shown(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = asker.with_key("wrong-key-0123456789", monkeypatch)
    with pytest.raises(ModelAuthFailed) as refused:
        stranger.said("Hello", seconds=20)
    assert "wrong-key" not in refused.value.detail
    assert "wrong-key" not in repr(stranger)
