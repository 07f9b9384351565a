"""The table of providers and the settings that configure them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from anima.kernel import config
from anima.vendors.llm import providers
from anima.vendors.llm.providers import PROVIDERS

Configure = Callable[..., None]
KEYS = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    "google": "GOOGLE_API_KEY",
    "groq": "GROQ_API_KEY",
    "huggingface": "HF_TOKEN",
    "mistral": "MISTRAL_API_KEY",
    "replicate": "REPLICATE_API_TOKEN",
    "nvidia": "NVIDIA_API_KEY",
}


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Configure]:
    """Sets settings for one test."""

    def set_all(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        config.settings.cache_clear()

    config.settings.cache_clear()
    yield set_all
    monkeypatch.undo()
    config.settings.cache_clear()


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_row_can_be_looked_up(name: str) -> None:
    row = PROVIDERS[name]
    assert row.name == name
    assert urlsplit(row.docs).scheme == "https"
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", row.checked)
    assert row.base_url is None or urlsplit(row.base_url).scheme == "https", "what is sent abroad is encrypted"
    for setting in (row.key, row.address, row.model_setting):
        assert setting is None or setting in config.Settings.model_fields


@pytest.mark.parametrize("name", KEYS)
def test_one_key_is_enough(name: str, configure: Configure) -> None:
    assert not providers.is_configured(name)
    configure(**{KEYS[name]: "key-of-tests"})
    assert [each for each in PROVIDERS if each != "local" and providers.is_configured(each)] == [name]
    endpoint = providers.endpoint(name)
    assert endpoint.api_key == "key-of-tests"
    assert endpoint.base_url == PROVIDERS[name].base_url
    assert providers.default_model(name)
    assert "key-of-tests" not in repr(endpoint)


@pytest.mark.parametrize(
    ("name", "given", "address"),
    [
        ("openai", {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://box:9000/v1/"}, "http://box:9000/v1"),
        ("ollama", {"OLLAMA_HOST": "box"}, "http://box:11434/v1"),
        ("ollama", {"OLLAMA_HOST": "box:99"}, "http://box:99/v1"),
        ("ollama", {"OLLAMA_HOST": "https://box/v1"}, "https://box/v1"),
        ("nvidia", {"NIM_BASE_URL": "http://nim:8000"}, "http://nim:8000/v1"),
        ("vllm", {"ANIMA_VLLM_URL": "http://box:8000/v1"}, "http://box:8000/v1"),
        ("ray", {"USE_RAY_SERVE": "true"}, "http://127.0.0.1:8000/v1"),
        ("ray", {"RAY_SERVE_URL": "http://ray:8000/app/v1"}, "http://ray:8000/app/v1"),
        ("bedrock", {"ANIMA_BEDROCK_REGION": "eu-central-1"}, "https://bedrock-runtime.eu-central-1.amazonaws.com"),
    ],
)
def test_an_address_is_enough(name: str, given: dict[str, str], address: str, configure: Configure) -> None:
    configure(**given)
    assert providers.is_configured(name)
    assert providers.endpoint(name).base_url == address


def test_a_server_of_ones_own_is_asked_without_a_key_of_others(configure: Configure) -> None:
    configure(OPENAI_API_KEY="sk-of-tests")
    endpoint = providers.endpoint("my-server", "http://box:1234/v1/")
    assert (endpoint.base_url, endpoint.api_key, endpoint.protocol) == ("http://box:1234/v1", None, "openai")


def test_bedrock_has_no_key_but_a_region(configure: Configure) -> None:
    configure(ANIMA_BEDROCK_REGION="eu-west-1", ANIMA_BEDROCK_MODEL="eu.amazon.nova-pro-v1:0")
    endpoint = providers.endpoint("bedrock")
    assert (endpoint.api_key, endpoint.region, endpoint.protocol) == (None, "eu-west-1", "bedrock")
    assert providers.default_model("bedrock") == "eu.amazon.nova-pro-v1:0"
