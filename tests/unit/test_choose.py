"""Which model answers: request, avatar, profile, a key, Ollama, the local one; and what is said where none can."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anima.gateway import service as gateway
from anima.gateway.model import Model, default_context_len, estimate_tokens, prompt_budget
from anima.gateway.profiles import BadProfiles
from anima.gateway.service import ModelNotConfigured, NoModel, UnknownModel
from anima.vendors.llm.errors import ModelUnavailable

Setting = Callable[[str, str], None]
LOCAL = "local:qwen2.5-coder-1.5b-instruct"


def write(path: Path, value: Any) -> str:
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return str(path)


def test_without_anything_the_local_model_answers() -> None:
    assert gateway.choose(None, None).id == LOCAL


def test_each_way_stands_before_the_next(setting: Setting, tmp_path: Path) -> None:
    setting("OLLAMA_HOST", "127.0.0.1:11434")
    assert gateway.choose(None, None).id == "ollama:llama3.2"
    setting("OPENAI_API_KEY", "sk-1")
    assert gateway.choose(None, None).id == "openai:gpt-6-luna"
    profiles = {"profiles": {"mine": {"general": {"provider": "openai", "model": "gpt-4.1"}}}}
    setting("LLM_MODELS_CONFIG_PATH", write(tmp_path / "llm.json", profiles))
    assert gateway.choose(None, None).id == "openai:gpt-4.1"
    assert gateway.choose(None, "ollama:phi4").id == "ollama:phi4"
    assert gateway.choose(LOCAL, "ollama:phi4").id == LOCAL


def test_a_bare_name_and_any_name_of_an_open_server_are_accepted(setting: Setting) -> None:
    assert gateway.choose("qwen2.5-coder-1.5b-instruct", None).id == LOCAL
    setting("OLLAMA_HOST", "http://box:11434")
    chosen = gateway.choose("ollama:llama3.2:3b", None)
    assert (chosen.name, chosen.endpoint) == ("llama3.2:3b", "http://box:11434/v1")


def test_an_unknown_model_is_refused_with_what_is_accepted(setting: Setting) -> None:
    setting("OPENAI_API_KEY", "sk-1")
    with pytest.raises(UnknownModel) as refused:
        gateway.choose("gpt-17", None)
    assert refused.value.status == 422
    assert refused.value.fields[0].path == "model"
    for name in (LOCAL, "openai:gpt-6-luna", "openai:*"):
        assert name in refused.value.detail


def test_an_avatar_whose_model_is_not_configured_says_so() -> None:
    with pytest.raises(ModelNotConfigured, match="openai:gpt-4o"):
        gateway.choose(None, "openai:gpt-4o")


def test_where_none_can_answer_it_says_what_to_set(setting: Setting) -> None:
    setting("ANIMA_LOCAL_LLM", "false")
    with pytest.raises(NoModel, match="OPENAI_API_KEY"):
        gateway.choose(None, None)


def test_the_active_profile_is_chosen_by_setting_and_by_role(setting: Setting, tmp_path: Path) -> None:
    entry = {"provider": "vllm", "model": "big", "endpoint": "http://gpu:8000/v1", "context_len": 32768}
    profiles = {"profiles": {"default": {"general": {"provider": "local", "model": "x"}}, "gpu": {"coding": entry}}}
    setting("LLM_MODELS_CONFIG_PATH", write(tmp_path / "llm.json", profiles))
    assert gateway.choose(None, None).id == "local:x"
    setting("LLM_MODELS_PROFILE", "gpu")
    assert gateway.choose(None, None).id == LOCAL  # the profile has no general role
    coding = gateway.choose(None, None, "coding")
    assert (coding.endpoint, coding.context_len, coding.api_key) == ("http://gpu:8000/v1", 32768, None)
    assert gateway.choose("big", None) == coding


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("{", "no JSON"),
        ({"profiles": {"a": {"general": {"provider": "openai"}}}}, "profiles.a.general.model"),
        ({"profiles": {"a": {"general": {"provider": "openai", "model": "m", "key": 1}}}}, "profiles.a.general.key"),
        ({"profiles": {"a": {"general": {"provider": "vllm", "model": "m"}}}}, "profiles.a.general.endpoint"),
        ({"profiles": {}}, "profiles"),
        ({"profiles": {"a": {}, "b": {}}}, "LLM_MODELS_PROFILE to one of a, b"),
    ],
)
def test_a_bad_file_of_profiles_names_what_is_wrong(setting: Setting, tmp_path: Path, value: Any, told: str) -> None:
    setting("LLM_MODELS_CONFIG_PATH", write(tmp_path / "llm.json", value))
    with pytest.raises(BadProfiles) as bad:
        gateway.choose(None, None)
    assert told in bad.value.detail


def test_a_file_that_is_not_there_is_named(setting: Setting) -> None:
    setting("LLM_MODELS_CONFIG_PATH", "/nowhere/llm.json")
    with pytest.raises(BadProfiles, match=r"/nowhere/llm\.json"):
        gateway.choose(None, None)


def test_the_local_model_that_does_not_run_says_what_starts_it() -> None:
    with pytest.raises(ModelUnavailable, match="anima up"):
        list(gateway.stream(gateway.choose(LOCAL, None), [], max_tokens=1, deadline=0.0))


def test_a_key_is_never_shown(setting: Setting) -> None:
    setting("OPENAI_API_KEY", "sk-secret")
    chosen = gateway.choose(None, None)
    assert chosen.api_key == "sk-secret"
    assert "sk-secret" not in repr(chosen)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("box", "http://box:11434/v1"),
        ("box:9999", "http://box:9999/v1"),
        ("https://ollama.example.org/", "https://ollama.example.org/v1"),
        ("http://box:1/v1", "http://box:1/v1"),
    ],
)
def test_ollama_is_found_however_its_host_is_written(setting: Setting, host: str, url: str) -> None:
    setting("OLLAMA_HOST", host)
    assert gateway.choose(None, None).endpoint == url


def test_windows_and_budgets() -> None:
    assert default_context_len("openai", "gpt-4o-mini") == 128_000
    assert default_context_len("openai", "gpt-4") == 8_192
    assert default_context_len("local", "anything") == 4096
    assert 1150 <= prompt_budget(4096) <= 1250
    assert prompt_budget(1_000_000) == 8000


def test_a_temperature_is_not_set_for_models_that_have_their_own() -> None:
    assert Model("openai", "gpt-4o-mini", 1).sampled(0.5) == {"temperature": 0.5}
    assert Model("openai", "o3-mini", 1).sampled(0.5) == {}
    assert Model("local", "x", 1).sampled(None) == {}


def test_a_model_that_reasons_unasked_is_told_not_to_unless_somebody_wants_it() -> None:
    quick, slow = Model("openai", "gpt-6-luna", 1), Model("openai", "gpt-6-luna", 1, params={"reasoning_effort": "low"})
    assert quick.sampled(0.5) == {"reasoning_effort": "none", "temperature": 0.5}
    assert quick.taking({"reasoning_effort": "high", "top_p": 0.9}) == {"reasoning_effort": "high"}
    assert slow.sampled(0.5) == {"reasoning_effort": "low"}
    assert Model("openai", "gpt-6-astra", 1).sampled(0.5) == {}


def test_tokens_are_estimated_from_above_for_prose() -> None:
    english = "The quick brown fox jumps over the lazy dog near the river bank. " * 10  # 140 tokens or so
    assert 140 <= estimate_tokens(english) <= 200
    assert estimate_tokens("") == 0
    assert estimate_tokens("1234567890") >= 9
