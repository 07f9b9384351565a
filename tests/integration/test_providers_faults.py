"""What goes wrong with providers: each fault, as each of them tells it, becomes one typed error, in time."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import Any

import pytest

from anima.vendors.llm import client, wire
from anima.vendors.llm.client import Message
from anima.vendors.llm.errors import (
    ContextTooLong,
    MalformedAnswer,
    ModelAuthFailed,
    ModelError,
    ModelQuotaExceeded,
    ModelRefused,
    ModelTimeout,
    ModelUnavailable,
)
from anima.vendors.llm.spoken import BadImage
from fixtures import provider_servers
from fixtures.provider_servers import NAMES, Asker
from fixtures.providers.server import Answer, Double

pytestmark = pytest.mark.skipif(provider_servers.LIVE, reason="real providers do not fail on demand")

every = pytest.mark.parametrize("asker", NAMES, indirect=True)
each_protocol = pytest.mark.parametrize("asker", ["openai", "anthropic", "replicate", "bedrock"], indirect=True)
SHORT = 0.2


def double(asker: Asker) -> Double:
    assert asker.double is not None
    return asker.double


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pause before a second attempt is short."""
    monkeypatch.setattr(client, "_FIRST_DELAY", 0.005)


@every
@pytest.mark.parametrize(
    ("kind", "error", "attempts"),
    [
        ("auth", ModelAuthFailed, 1),
        ("busy", ModelQuotaExceeded, 3),
        ("quota", ModelQuotaExceeded, 1),
        ("too_long", ContextTooLong, 1),
        ("server", ModelUnavailable, 3),
        ("overloaded", ModelUnavailable, 3),
        ("refused", ModelRefused, 1),
        ("missing", ModelUnavailable, 1),
    ],
)
def test_a_failure_is_typed_and_tried_again_where_that_may_help(
    asker: Asker, kind: str, error: type[ModelError], attempts: int
) -> None:
    double(asker).always(Answer(fails=kind))
    with pytest.raises(error) as failed:
        asker.said("Hello")
    assert type(failed.value) in (error, *error.__subclasses__())
    assert asker.endpoint.api_key is None or asker.endpoint.api_key not in failed.value.detail
    if kind != "quota" or asker.name not in ("bedrock", "google"):  # these tell both kinds of quota alike
        assert len(double(asker).chats) == attempts


@every
def test_a_failure_that_passes_is_not_seen(asker: Asker) -> None:
    asker.script(Answer(fails="overloaded"), Answer(fails="busy"), "Here I am.")
    assert asker.said("Hello").text == "Here I am."
    assert len(double(asker).chats) == 3


@each_protocol
def test_how_often_it_is_tried_is_the_calls_affair(asker: Asker) -> None:
    double(asker).always(Answer(fails="overloaded"))
    with pytest.raises(ModelUnavailable):
        asker.said("Hello", attempts=1)
    assert len(double(asker).chats) == 1


@every
def test_who_asks_for_time_gets_it(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    paused: list[float] = []
    monkeypatch.setattr(client.time, "sleep", paused.append)
    soon = formatdate(time.time() + 30, usegmt=True)
    asker.script(Answer(fails="busy", retry_after="7"), Answer(fails="busy", retry_after=soon), "Here I am.")
    assert asker.said("Hello").text == "Here I am."
    waits = [one for one in paused if one > 1]
    assert waits[0] == 7
    assert 20 < waits[1] <= 31


@every
def test_who_asks_for_more_time_than_there_is_is_not_asked_again(asker: Asker) -> None:
    asker.script(Answer(fails="busy", retry_after="90"))
    with pytest.raises(ModelQuotaExceeded) as failed:
        asker.said("Hello", seconds=20)
    assert failed.value.retry_after == 90
    assert len(double(asker).chats) == 1


@each_protocol
@pytest.mark.parametrize("fault", [{"hangs": True}, {"silent_after": 0}, {"silent_after": 2}, {"pause": 0.2}])
def test_silence_and_slowness_end_at_the_deadline(asker: Asker, fault: dict[str, Any]) -> None:
    asker.script(Answer("one two three four five six", **fault))
    with pytest.raises(ModelTimeout):
        asker.said("Hello", seconds=SHORT)
    assert len(double(asker).chats) <= 1


@each_protocol
def test_who_says_nothing_leaves_time_for_another(asker: Asker) -> None:
    asker.script(Answer(hangs=True))
    with pytest.raises(ModelTimeout):
        client.complete(asker.call("Hello", seconds=60, first_by=time.monotonic() + SHORT))


@each_protocol
def test_who_began_in_time_may_take_longer(asker: Asker) -> None:
    asker.said("Hello")  # what is loaded at first takes time too
    asker.script(Answer("one two three", pause=0.6))
    call = asker.call("Hello", seconds=60, first_by=time.monotonic() + 1.5)
    assert client.complete(call).text == "one two three"


@every
def test_a_stream_that_breaks_before_a_word_is_tried_again(asker: Asker) -> None:
    asker.script(Answer("one two", cut_after=0), "Here I am.")
    assert asker.said("Hello").text == "Here I am."


@every
@pytest.mark.parametrize("fault", [{"cut_after": 2}, {"breaks_after": 2}])
def test_a_stream_that_breaks_in_the_middle_is_told_and_not_begun_again(asker: Asker, fault: dict[str, Any]) -> None:
    double(asker).always(Answer("one two three", **fault))
    heard: list[str] = []
    with pytest.raises(ModelUnavailable):
        heard.extend(delta.text for delta in client.stream(asker.call("Hello")))
    assert "".join(heard) == "one two"
    assert len(double(asker).chats) == 1


@every
@pytest.mark.parametrize("after", [0, 2])
def test_what_is_not_of_the_protocol_is_told(asker: Asker, after: int) -> None:
    asker.script(Answer("one two three", garbage_after=after))
    with pytest.raises(MalformedAnswer):
        asker.said("Hello")


@each_protocol
def test_an_endless_answer_ends(asker: Asker) -> None:
    asker.script(Answer("on", endless=True))
    with pytest.raises(MalformedAnswer):
        asker.said("Hello", max_tokens=20)
    assert double(asker).left.wait(10), "the provider was left"


@pytest.mark.parametrize("asker", ["openai", "anthropic", "replicate"], indirect=True)
def test_a_flood_ends(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "_MOST_BYTES", 50_000)
    asker.script(Answer("on", endless=True))
    with pytest.raises(MalformedAnswer):
        asker.said("Hello", max_tokens=1_000_000)


@each_protocol
def test_a_stream_that_is_left_is_closed_towards_the_provider(asker: Asker) -> None:
    asker.script(Answer("word " * 3000, pause=0.002))
    deltas = client.stream(asker.call("Hello", max_tokens=9000))
    assert next(delta for delta in deltas if delta.text)
    deltas.close()
    assert double(asker).left.wait(10)


@every
def test_a_refusal_is_no_answer(asker: Asker) -> None:
    if asker.name in ("anthropic", "replicate"):
        asker.script(Answer(fails="refused") if asker.name == "replicate" else Answer(finish="refusal"))
        with pytest.raises(ModelRefused):
            asker.said("Hello")
    else:
        asker.script(Answer("I would", finish="refusal"))
        assert asker.said("Hello").finish == "content_filter"


@pytest.mark.parametrize("asker", [name for name in NAMES if name != "replicate"], indirect=True)
def test_a_call_that_was_cut_is_none(asker: Asker) -> None:
    asker.script(Answer("I look", finish="length"))
    done = asker.said("Hello")
    assert (done.finish, done.tool_calls) == ("length", ())


@pytest.mark.parametrize("asker", ["deepseek"], indirect=True)
def test_a_provider_without_room_is_tried_again(asker: Asker) -> None:
    asker.script(Answer("", finish="starved"), "Here I am.")
    assert asker.said("Hello").text == "Here I am."


@pytest.mark.parametrize("asker", ["replicate"], indirect=True)
def test_a_model_that_does_not_stream_is_waited_for(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(double(asker).dialect, "streams", False)
    asker.script("Good evening, Diego.")
    assert asker.said("Hello").text == "Good evening, Diego."
    double(asker).reset()
    asker.script(Answer(fails="refused"))
    with pytest.raises(ModelRefused):
        asker.said("Hello")


@pytest.mark.parametrize("asker", ["anthropic", "bedrock"], indirect=True)
def test_what_stays_the_same_is_marked_for_the_cache(asker: Asker) -> None:
    messages: list[Message] = [
        {"role": "system", "content": "You are Mira."},
        {"role": "system", "content": "It is evening."},
        {"role": "user", "content": "Hello"},
    ]
    done = asker.said(messages, fixed=1, cache_key="mira")
    system = double(asker).chats[-1]["system"]
    if asker.name == "anthropic":
        assert [block.get("cache_control") for block in system] == [{"type": "ephemeral"}, None]
    else:
        assert system[1] == {"cachePoint": {"type": "default"}}
    assert done.usage is not None
    assert done.usage.cached_tokens == 12


@pytest.mark.parametrize("asker", ["openai"], indirect=True)
def test_a_cached_prompt_is_named_by_no_name_of_ours(asker: Asker) -> None:
    asker.said("Hello", cache_key="the id of an avatar", fixed=1)
    key = double(asker).chats[-1]["prompt_cache_key"]
    assert key
    assert "avatar" not in key


@pytest.mark.parametrize("asker", ["anthropic"], indirect=True)
def test_how_an_answer_is_drawn_is_told_to_models_that_take_it(asker: Asker) -> None:
    import dataclasses

    given = {"temperature": 1.4, "top_p": 0.9, "min_p": 0.1, "stop": "END"}
    asker.said("Hello", params=given)
    dataclasses.replace(asker, model="claude-haiku-4-5").said("Hello", params=given)
    newer, older = double(asker).chats
    assert (newer.get("temperature"), newer.get("top_p"), newer["stop_sequences"]) == (None, None, ["END"])
    assert (older.get("temperature"), older.get("top_p")) == (1.0, None)


@pytest.mark.parametrize("asker", ["mistral"], indirect=True)
def test_a_seed_has_the_name_that_the_provider_knows(asker: Asker) -> None:
    asker.said("Hello", params={"seed": 7})
    assert double(asker).chats[-1]["random_seed"] == 7


@pytest.mark.parametrize("asker", ["anthropic", "bedrock"], indirect=True)
@pytest.mark.parametrize("url", ["data:image/png;base64,!!!", "data:text/html,hello"])
def test_what_is_no_image_is_the_askers_mistake(asker: Asker, url: str) -> None:
    parts = [{"type": "text", "text": "See?"}, {"type": "image_url", "image_url": {"url": url}}]
    with pytest.raises(BadImage):
        asker.said([{"role": "user", "content": parts}])
    assert not double(asker).chats
