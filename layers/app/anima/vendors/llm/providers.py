"""The providers of chat models that are known by name: what each speaks, where it is, what it takes.

Addresses and abilities were checked in each provider's documentation on the day that its row names. A server that is
not in the table may be asked as well: by its address, in the OpenAI protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from anima.kernel.config import settings
from anima.vendors.llm.calls import Endpoint, Protocol

_CHECKED = "2026-11-22"
_OLLAMA_PORT = 11434
_RAY_URL = "http://127.0.0.1:8000/v1"


@dataclass(frozen=True, slots=True)
class Provider:
    """A row of the table.

    `key`, `address` and `model_setting` are names of settings; `model` is asked where nobody names one (its setting
    wins). `tools`, `images` and `json_schema` say what its protocol carries; whether a model heeds them is the
    model's affair. `longest` is the field for the longest answer, `usage` whether usage must be asked for in a
    stream, `cache` the field that names a cached prompt, `seed` the one of the random seed. `systems_first`:
    templates of its models may know one system message, at the front.
    """

    name: str
    docs: str
    protocol: Protocol = "openai"
    base_url: str | None = None
    key: str | None = None
    address: str | None = None
    model: str | None = None
    model_setting: str | None = None
    local: bool = False
    tools: bool = True
    images: bool = True
    json_schema: bool = True
    embeddings: bool = False
    longest: str = "max_tokens"
    usage: bool = True
    cache: str | None = None
    seed: str = "seed"
    systems_first: bool = False
    checked: str = _CHECKED


_TABLE = (
    Provider(
        "openai",
        "https://developers.openai.com/api/reference",
        base_url="https://api.openai.com/v1",
        key="openai_api_key",
        address="openai_base_url",
        model_setting="openai_model",
        embeddings=True,
        longest="max_completion_tokens",
        cache="prompt_cache_key",
    ),
    Provider(
        "anthropic",
        "https://platform.claude.com/docs/en/api/messages",
        protocol="anthropic",
        base_url="https://api.anthropic.com",
        key="anthropic_api_key",
        model="claude-haiku-5-5",
    ),
    Provider(
        "google",
        "https://ai.google.dev/gemini-api/docs/openai",
        base_url="https://generativelanguage.googleapis.com/v1beta/openai",
        key="google_api_key",
        model="gemini-3.8-flash",
        embeddings=True,
    ),
    Provider(
        "mistral",
        "https://docs.mistral.ai/api",
        base_url="https://api.mistral.ai/v1",
        key="mistral_api_key",
        model="mistral-small-latest",
        embeddings=True,
        usage=False,
        seed="random_seed",
        systems_first=True,
    ),
    Provider(
        "deepseek",
        "https://api-docs.deepseek.com",
        base_url="https://api.deepseek.com",
        key="deepseek_api_key",
        model="deepseek-flash",
        images=False,
        json_schema=False,
    ),
    Provider(
        "groq",
        "https://console.groq.com/docs/openai",
        base_url="https://api.groq.com/openai/v1",
        key="groq_api_key",
        model="openai/gpt-oss-120b",
        longest="max_completion_tokens",
        systems_first=True,
    ),
    Provider(
        "huggingface",
        "https://huggingface.co/docs/inference-providers",
        base_url="https://router.huggingface.co/v1",
        key="hf_token",
        model="openai/gpt-oss-120b",
        systems_first=True,
    ),
    Provider(
        "nvidia",
        "https://docs.api.nvidia.com/nim/reference",
        base_url="https://integrate.api.nvidia.com/v1",
        key="nvidia_api_key",
        address="nim_base_url",
        model_setting="nim_llm_model",
        embeddings=True,
        systems_first=True,
    ),
    Provider(
        "replicate",
        "https://replicate.com/docs/reference/http",
        protocol="replicate",
        base_url="https://api.replicate.com/v1",
        key="replicate_api_token",
        model="meta/meta-llama-3-70b-instruct",
        tools=False,
        json_schema=False,
    ),
    Provider(
        "bedrock",
        "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html",
        protocol="bedrock",
        model_setting="bedrock_model",
    ),
    Provider(
        "ollama",
        "https://docs.ollama.com/api/openai-compatibility",
        address="ollama_host",
        model_setting="ollama_model",
        local=True,
        embeddings=True,
    ),
    Provider(
        "vllm",
        "https://docs.vllm.ai/en/stable/serving/openai_compatible_server",
        key="vllm_api_key",
        address="vllm_url",
        model_setting="vllm_model",
        local=True,
        embeddings=True,
        systems_first=True,
    ),
    Provider(
        "ray",
        "https://docs.ray.io/en/latest/serve/llm",
        address="ray_serve_url",
        model_setting="ray_serve_model",
        local=True,
        embeddings=True,
        systems_first=True,
    ),
    Provider(
        "local",
        "https://github.com/ggml-org/llama.cpp/tree/master/tools/server",
        model_setting="local_model",
        local=True,
        tools=False,  # the small models write calls as words
        images=False,
    ),
)

PROVIDERS: Mapping[str, Provider] = MappingProxyType({provider.name: provider for provider in _TABLE})
_UNKNOWN = Provider("", "")


def known(name: str) -> Provider:
    """The row of a provider; for a name that is not in the table what a server of the OpenAI protocol takes."""
    return PROVIDERS.get(name, _UNKNOWN)


def is_configured(name: str) -> bool:
    """Whether the settings hold what this provider needs to be asked."""
    found, given = known(name), settings()
    if name == "local":
        return given.local_llm
    if name == "bedrock":
        return given.bedrock_region is not None
    if name == "ray":
        return given.use_ray_serve or given.ray_serve_url is not None
    if name == "openai":
        return given.openai_api_key is not None
    return any(getattr(given, field) is not None for field in (found.key, found.address) if field is not None)


def is_placed(name: str) -> bool:
    """Whether an address is known for a provider: its own, its usual one, or one that the settings name."""
    found = known(name)
    return name in PROVIDERS and (found.address is None or bool(_set_address(found) or found.base_url))


def default_model(name: str) -> str | None:
    """The model of a provider that is asked where nobody names one; None where the settings must name it."""
    found = known(name)
    if found.model_setting is None:
        return found.model
    value: Any = getattr(settings(), found.model_setting)
    return value if value is None else str(value)


def endpoint(name: str, address: str | None = None) -> Endpoint:
    """Where a provider is asked, by the settings; `address` replaces theirs. Not for `local`, whose server is found.

    A key is only sent to the provider's own address, to that of the settings, and to one that a profile names.
    """
    found = known(name)
    if found.protocol == "bedrock":
        region = settings().bedrock_region or "us-east-1"
        base_url = address or f"https://bedrock-runtime.{region}.amazonaws.com"
        return Endpoint(base_url, None, found.protocol, name, region=region)
    base_url = address or _set_address(found) or found.base_url or ""
    return Endpoint(base_url.rstrip("/"), _key(found), found.protocol, name)


def _key(provider: Provider) -> str | None:
    secret: Any = getattr(settings(), provider.key) if provider.key is not None else None
    return secret.get_secret_value() if isinstance(secret, SecretStr) else None


def _set_address(provider: Provider) -> str | None:
    given: Any = getattr(settings(), provider.address) if provider.address is not None else None
    if given is None and provider.name == "ray":
        return _RAY_URL
    if given is None and provider.name == "ollama":
        given = "127.0.0.1"
    if given is None:
        return None
    return _ollama_url(str(given)) if provider.name == "ollama" else _with_version(str(given))


def _ollama_url(host: str) -> str:
    """The OpenAI-protocol address of what OLLAMA_HOST holds: a host, a host and port, or a URL."""
    if "://" in host:
        return f"{host.rstrip('/').removesuffix('/v1')}/v1"
    return f"http://{host if ':' in host else f'{host}:{_OLLAMA_PORT}'}/v1"


def _with_version(url: str) -> str:
    """An address with /v1 where it names only a host."""
    return url if urlsplit(url).path.strip("/") else f"{url.rstrip('/')}/v1"
