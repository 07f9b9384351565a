"""A language model as the gateway sees it, and estimates that need no model: tokens of a text, sizes of windows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

_DIGIT = re.compile(r"\d")
_BYTES_A_TOKEN = 3.6
_TOKENS_A_DIGIT = 0.72  # beyond its share of bytes: most tokenizers make each digit a token
_TOKENS_A_MESSAGE = 4  # its role and its marks
_UNKNOWN_CONTEXT = 8192
_OLLAMA_CONTEXT = 4096  # what Ollama loads a model with unless told otherwise; it cuts silently
_LOCAL_CONTEXT = 4096
_OPENAI_CONTEXTS = {
    "gpt-3.5": 16_385,
    "gpt-4.1": 1_000_000,
    "gpt-4o": 128_000,
    "gpt-4-turbo": 128_000,
    "gpt-4": 8_192,
    "gpt-": 128_000,
    "chatgpt": 128_000,
    "o": 128_000,
}
_SEEING = ("gpt-4o", "gpt-4.1", "gpt-4-turbo", "gpt-5", "gpt-6", "chatgpt", "o1", "o3", "o4")
_OWN_TEMPERATURE = ("o1", "o3", "o4", "gpt-5", "gpt-6")
_LOCAL_PARAMS: Mapping[str, Any] = {"temperature": 0.3, "min_p": 0.05, "top_k": 0, "cache_prompt": True}


@dataclass(frozen=True, slots=True)
class Model:
    """A model that can be asked: who serves it, its name there, and how much it reads at once (tokens).

    `endpoint` is the address of its server (None: the local one, found when it is asked); `params` go into every
    request.
    """

    provider: str
    name: str
    context_len: int
    endpoint: str | None = None
    api_key: str | None = field(default=None, repr=False)
    params: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""

    @property
    def id(self) -> str:
        """What a request calls it: `provider:name`."""
        return f"{self.provider}:{self.name}"

    def sampled(self, temperature: float | None) -> dict[str, Any]:
        """The fields of a request that set a temperature; none for models that take only their own."""
        own = self.provider == "openai" and self.name.startswith(_OWN_TEMPERATURE)
        return {} if temperature is None or own else {"temperature": temperature}


@dataclass(frozen=True, slots=True)
class CatalogueModel:
    """A model that the catalogue knows."""

    model_id: int
    provider: str
    model_name: str
    model_version: str
    max_context_len: int
    supported_modalities: list[str]
    default_params: dict[str, Any]
    created_at: datetime


def default_context_len(provider: str, name: str) -> int:
    """How many tokens a model reads at once, as far as its name tells."""
    if provider == "local":
        return _LOCAL_CONTEXT
    if provider == "ollama":
        return _OLLAMA_CONTEXT
    if provider == "openai":
        return next((size for start, size in _OPENAI_CONTEXTS.items() if name.startswith(start)), _UNKNOWN_CONTEXT)
    return _UNKNOWN_CONTEXT


def default_params(provider: str) -> dict[str, Any]:
    """What a request carries besides the messages; the local model's values are those that were tried."""
    return dict(_LOCAL_PARAMS) if provider == "local" else {}


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has: 3.6 bytes of UTF-8 each, and more for digits.

    An estimate from above for prose in most scripts (English 4.2 bytes a token, Russian 4.6, Chinese 4.5); code
    and tables of numbers may have some 20% more. The count that matters is the one the model itself gives.
    """
    digits = len(_DIGIT.findall(text))
    return round(len(text.encode("utf-8", "replace")) / _BYTES_A_TOKEN + digits * _TOKENS_A_DIGIT)


def estimate_messages(contents: list[str]) -> int:
    """About how many tokens the messages of a prompt have together."""
    return sum(estimate_tokens(content) + _TOKENS_A_MESSAGE for content in contents)


def prompt_budget(context_len: int) -> int:
    """How many tokens a prompt should have: about 1,200 for a window of 4,096, at most 8,000 (they cost)."""
    return max(400, min(8_000, int(context_len * 0.3)))


def answer_budget(context_len: int) -> int:
    """The longest answer in tokens: some 340 for a window of 4,096, at most 1,024."""
    return max(128, min(1_024, context_len // 12))


def takes_images(name: str) -> bool:
    """Whether a model of OpenAI takes images, by its name."""
    return name.startswith(_SEEING)
