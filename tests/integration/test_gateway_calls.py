"""One way for every call: who stands in for what is dead, silent or barred, and what is said when all are."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from anima.gateway import breaker
from anima.gateway import service as gateway
from anima.gateway.json_service import complete_json
from anima.gateway.model import Model
from anima.kernel import remaining
from anima.kernel.errors import BadInput
from anima.vendors.llm import client
from anima.vendors.llm.calls import Delta, Message, Tool, Usage
from anima.vendors.llm.errors import (
    ContextTooLong,
    MalformedAnswer,
    ModelAuthFailed,
    ModelRefused,
    ModelTimeout,
    ModelUnavailable,
    NoModelAnswered,
)
from fixtures.stub_llm import Reply, StubLLM, context_too_long, failure

Setting = Callable[[str, str], None]
Profile = Callable[..., Model]
HELLO: list[Message] = [{"role": "user", "content": "Hello"}]
GONE = "http://127.0.0.1:9/v1"
SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer", "minimum": 1}},
    "required": ["n"],
    "additionalProperties": False,
}


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Next to nothing is waited between the tries of one endpoint."""
    monkeypatch.setattr(client, "_FIRST_DELAY", 0.001)


@pytest.fixture(scope="module")
def other_server() -> Iterator[StubLLM]:
    server = StubLLM()
    yield server
    server.close()


@pytest.fixture
def other(other_server: StubLLM) -> StubLLM:
    """A second server."""
    other_server.reset()
    return other_server


@pytest.fixture
def profile(setting: Setting, tmp_path: Path) -> Profile:
    """Makes a profile of these roles; the model of `general`."""

    def made(**roles: Any) -> Model:
        path = tmp_path / f"llm-{time.monotonic_ns()}.json"
        usual = {"provider": "vllm", "context_len": 8192}
        entries = {role: {**usual, "model": role, **entry} for role, entry in roles.items()}
        path.write_text(json.dumps({"profiles": {"mine": entries}}))
        setting("LLM_MODELS_CONFIG_PATH", str(path))
        return gateway.default()

    return made


def ask(model: Model, **more: Any) -> list[Delta]:
    given = {"max_tokens": 50, "deadline": time.monotonic() + 20, **more}
    return list(gateway.stream(model, given.pop("messages", HELLO), **given))


def text(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas)


def test_who_answers_is_told_with_the_first_piece(profile: Profile, stub_llm: StubLLM) -> None:
    deltas = ask(profile(general={"endpoint": stub_llm.url}))
    assert [delta.by for delta in deltas if delta.by] == ["vllm:general"]
    assert deltas[0].by == "vllm:general"


def test_a_dead_provider_is_bridged_by_the_next_of_the_chain(profile: Profile, other: StubLLM) -> None:
    model = profile(
        general={"endpoint": GONE, "fallbacks": ["second", "third"]},
        second={"endpoint": GONE},
        third={"endpoint": other.url},
    )
    done = gateway.complete(model, HELLO, max_tokens=50)
    assert (done.by, done.text) == ("vllm:third", 'You said "Hello".')


@pytest.mark.parametrize(
    "how", [failure(401), failure(429, retry_after=60), failure(404), Reply("a b", cut_after=0), ""]
)
def test_a_refused_key_a_full_quota_a_missing_model_and_silence_are_bridged(
    profile: Profile, stub_llm: StubLLM, other: StubLLM, how: Reply | str
) -> None:
    stub_llm.always(lambda _: how)
    model = profile(general={"endpoint": stub_llm.url, "fallbacks": ["second"]}, second={"endpoint": other.url})
    assert ask(model)[0].by == "vllm:second"


@pytest.mark.parametrize(("how", "error"), [(context_too_long(), ContextTooLong), (failure(400), ModelRefused)])
def test_what_the_request_itself_is_refused_for_is_not_tried_elsewhere(
    profile: Profile, stub_llm: StubLLM, other: StubLLM, how: Reply, error: type[Exception]
) -> None:
    stub_llm.script(how)
    model = profile(general={"endpoint": stub_llm.url, "fallbacks": ["second"]}, second={"endpoint": other.url})
    with pytest.raises(error):
        ask(model)
    assert other.chats == []


def test_nothing_is_bridged_once_a_word_was_said(profile: Profile, stub_llm: StubLLM, other: StubLLM) -> None:
    stub_llm.script(Reply("one two three four", cut_after=2))
    model = profile(general={"endpoint": stub_llm.url, "fallbacks": ["second"]}, second={"endpoint": other.url})
    heard: list[str] = []
    with pytest.raises((ModelUnavailable, MalformedAnswer)):
        heard.extend(delta.text for delta in gateway.stream(model, HELLO, max_tokens=9, deadline=time.monotonic() + 9))
    assert other.chats == []


def test_a_silent_provider_leaves_time_for_the_next(profile: Profile, stub_llm: StubLLM, other: StubLLM) -> None:
    stub_llm.script(Reply(hang=True))
    model = profile(
        general={"endpoint": stub_llm.url, "fallbacks": ["second"], "patience_seconds": 0.2},
        second={"endpoint": other.url},
    )
    assert ask(model)[0].by == "vllm:second"


def test_a_slow_answer_that_has_begun_is_heard_to_its_end(profile: Profile, stub_llm: StubLLM, other: StubLLM) -> None:
    stub_llm.script(Reply("one two three", token_delay=0.15))
    model = profile(
        general={"endpoint": stub_llm.url, "fallbacks": ["second"], "patience_seconds": 0.3},
        second={"endpoint": other.url},
    )
    assert text(ask(model)) == "one two three"


def test_where_nobody_answers_the_error_names_everybody_who_was_asked(profile: Profile, stub_llm: StubLLM) -> None:
    stub_llm.always(lambda _: failure(401))
    model = profile(general={"endpoint": GONE, "fallbacks": ["second"]}, second={"endpoint": stub_llm.url})
    with pytest.raises(NoModelAnswered) as nobody:
        ask(model)
    assert nobody.value.status == 503
    assert "model general cannot be reached" in nobody.value.detail
    assert "the model second does not accept" in nobody.value.detail
    assert [type(one) for one in nobody.value.failures] == [ModelUnavailable, ModelAuthFailed]


def test_a_stand_in_that_may_not_read_this_is_never_asked(profile: Profile, other: StubLLM) -> None:
    model = profile(general={"endpoint": GONE, "fallbacks": ["second"]}, second={"endpoint": other.url})
    with pytest.raises(ModelUnavailable):
        ask(model, permitted=lambda one: one.name != "second")
    assert other.chats == []


def test_one_that_reads_too_little_is_passed_over_unless_the_messages_are_fitted(
    profile: Profile, other: StubLLM
) -> None:
    model = profile(
        general={"endpoint": GONE, "fallbacks": ["second"]},
        second={"endpoint": other.url, "context_len": 100},
    )
    long: list[Message] = [{"role": "user", "content": "word " * 500}]
    with pytest.raises(NoModelAnswered, match="too few"):
        ask(model, messages=long)
    asked: list[str] = []

    def fitted(one: Model) -> list[Message]:
        asked.append(one.id)
        return HELLO

    assert text(ask(model, messages=long, adapted=fitted)) == 'You said "Hello".'
    assert asked == ["vllm:second"]


def test_a_role_lends_its_stand_ins_to_a_model_that_has_none(
    profile: Profile, setting: Setting, other: StubLLM
) -> None:
    profile(general={"endpoint": GONE, "fallbacks": ["second"]}, second={"endpoint": other.url})
    setting("ANIMA_VLLM_URL", GONE)
    own = gateway.choose(None, "vllm:of-the-avatar")
    with pytest.raises(ModelUnavailable):
        ask(own)
    assert ask(own, role="general")[0].by == "vllm:second"


def test_tools_go_to_models_that_call_them(profile: Profile, stub_llm: StubLLM) -> None:
    tool = Tool("add", "Adds.", {"type": "object", "properties": {}})
    ask(profile(general={"endpoint": stub_llm.url}), tools=[tool])
    ask(profile(general={"endpoint": stub_llm.url, "tools": False}), tools=[tool])
    assert [request.body.get("tools") is not None for request in stub_llm.chats] == [True, False]


def test_an_endpoint_that_fails_again_and_again_is_left_alone_and_heals(
    profile: Profile, stub_llm: StubLLM, other: StubLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(gateway, "BREAKER", breaker.Breaker(lambda: now[0]))
    stub_llm.always(lambda _: failure(503))
    alone = profile(general={"endpoint": stub_llm.url})
    for _ in range(breaker.FAILURES):
        with pytest.raises(ModelUnavailable):
            ask(alone)
    asked = len(stub_llm.chats)
    with pytest.raises(ModelUnavailable, match="again and again") as left_alone:
        ask(alone)
    assert left_alone.value.retry_after == round(breaker.PAUSE_SECONDS)
    chained = profile(general={"endpoint": stub_llm.url, "fallbacks": ["second"]}, second={"endpoint": other.url})
    assert ask(chained)[0].by == "vllm:second"
    assert len(stub_llm.chats) == asked
    stub_llm.always(lambda _: None)
    now[0] += breaker.PAUSE_SECONDS
    assert ask(alone)[0].by == ask(alone)[0].by == "vllm:general"


def test_a_name_that_a_server_does_not_have_speaks_against_the_name_alone(profile: Profile, stub_llm: StubLLM) -> None:
    model = profile(general={"endpoint": stub_llm.url})
    stub_llm.always(lambda _: failure(404))
    for _ in range(breaker.FAILURES):
        with pytest.raises(ModelUnavailable, match="does not have it"):
            ask(model)
    stub_llm.always(lambda _: None)
    assert ask(model)[0].by == "vllm:general"


def test_a_price_is_that_of_the_profile_or_of_its_list_and_never_a_guess(setting: Setting, tmp_path: Path) -> None:
    path = tmp_path / "llm.json"
    entry = {"provider": "openai", "model": "a", "price": {"prompt": 1, "completion": "2.5"}}
    prices = {"openai:b": {"prompt": 3, "completion": 3}}
    path.write_text(json.dumps({"profiles": {"mine": {"general": entry}}, "prices": prices}))
    setting("LLM_MODELS_CONFIG_PATH", str(path))
    setting("OPENAI_API_KEY", "sk-1")
    used = Usage(1_000_000, 1_000_000)
    assert str(gateway.cost("openai:a", used)) == "3.500000"
    assert str(gateway.cost("openai:b", used)) == "6.000000"
    assert gateway.cost("openai:c", used) is None
    assert gateway.cost("nobody:c", used) is None


@pytest.mark.parametrize("said", ['{"n": 3}', '```json\n{"n": 3}\n```'])
def test_json_of_the_schema_is_taken_as_it_comes(profile: Profile, stub_llm: StubLLM, said: str) -> None:
    stub_llm.script_json(said)
    value, done = complete_json(profile(general={"endpoint": stub_llm.url}), HELLO, SCHEMA, max_tokens=50)
    assert value == {"n": 3}
    assert done.by == "vllm:general"
    assert stub_llm.chats[0].body["response_format"]["json_schema"]["schema"] == SCHEMA


@pytest.mark.parametrize("first", ['{"n": 0}', "I think it is three.", '{"n": 3, "more": 1}', '{"n":'])
def test_json_that_does_not_fit_is_repaired_once(profile: Profile, stub_llm: StubLLM, first: str) -> None:
    stub_llm.script_json(first, {"n": 3})
    value, done = complete_json(profile(general={"endpoint": stub_llm.url}), HELLO, SCHEMA, max_tokens=50)
    assert value == {"n": 3}
    told = stub_llm.chats[1].messages
    assert told[-2] == {"role": "assistant", "content": first}
    assert "does not fit" in told[-1]["content"]
    assert done.usage is not None
    assert done.usage.prompt_tokens > 20  # of both calls


def test_a_model_that_writes_no_json_is_refused_after_two_calls(profile: Profile, stub_llm: StubLLM) -> None:
    stub_llm.script_json(*["no"] * 5)
    model = profile(general={"endpoint": stub_llm.url})
    with pytest.raises(MalformedAnswer, match="twice"):
        complete_json(model, HELLO, SCHEMA, max_tokens=50)
    assert len(stub_llm.chats) == 2


@pytest.mark.parametrize("schema", [{"type": "nothing"}, {"$ref": "https://example.org/schema.json"}])
def test_what_is_no_schema_or_lies_elsewhere_is_refused(
    profile: Profile, stub_llm: StubLLM, schema: dict[str, Any]
) -> None:
    stub_llm.script_json({"n": 1})
    with pytest.raises(BadInput, match="schema"), suppress(MalformedAnswer):
        complete_json(profile(general={"endpoint": stub_llm.url}), HELLO, schema, max_tokens=50)


def test_a_token_that_is_there_for_downloads_sends_no_words_away(setting: Setting) -> None:
    setting("HF_TOKEN", "hf-1")
    assert gateway.choose(None, None).provider == "local"
    assert gateway.choose("huggingface:openai/gpt-oss-120b", None).provider == "huggingface"
    setting("ANIMA_LOCAL_LLM", "false")
    assert gateway.choose(None, None).provider == "huggingface"


def test_every_provider_is_usable_by_one_key(setting: Setting) -> None:
    keys = {
        "OPENAI_API_KEY": "openai",
        "ANTHROPIC_API_KEY": "anthropic",
        "DEEPSEEK_API_KEY": "deepseek",
        "GOOGLE_API_KEY": "google",
        "GROQ_API_KEY": "groq",
        "HF_TOKEN": "huggingface",
        "MISTRAL_API_KEY": "mistral",
        "REPLICATE_API_TOKEN": "replicate",
        "NVIDIA_API_KEY": "nvidia",
    }
    for key, provider in keys.items():
        setting(key, "k-1")
        found = gateway.choose(f"{provider}:some-model", None)
        assert (found.provider, found.name, found.api_key) == (provider, "some-model", "k-1")
        assert f"{provider}:*" in gateway.accepted()
    assert {model.provider for model in gateway.configured()} >= set(keys.values())


class Function:
    """The context of a function that ends soon."""

    def get_remaining_time_in_millis(self) -> int:
        return 2_000


def test_a_call_ends_before_the_function_that_makes_it(profile: Profile, stub_llm: StubLLM) -> None:
    stub_llm.script(Reply(hang=True))
    model = profile(general={"endpoint": stub_llm.url})
    with remaining.within(Function()), pytest.raises(ModelTimeout):
        ask(model, deadline=time.monotonic() + 300)
    assert ask(model)[0].by == "vllm:general"
