"""A language model as the gateway sees it; which models may read what, by an avatar's rules; and estimates of tokens
and of the sizes of windows, which need no model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from anima.gateway.spend_model import Price

_LOCAL, _ANYBODY = "local", "any"
_THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "::1"})
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
_CONTEXTS = {
    "claude": 200_000,
    "gemini": 1_000_000,
    "gpt-oss": 131_072,
    "deepseek": 128_000,
    "mistral": 128_000,
    "llama-3.3": 128_000,
    "nova": 128_000,
}
"""By a part of a name, wherever it is served; what has none of them is taken to read little."""
_SEEING = re.compile(
    r"^(gpt-4o|gpt-4\.1|gpt-4-turbo|gpt-[5-9]|chatgpt|o[134])|claude|gemini|llava|pixtral|vision|llama-?4|gemma-?3"
    r"|nova-(lite|pro|premier)|mistral-(small|medium)|(^|[-.:/\d])vl([-.:\d]|$)",
    re.IGNORECASE,
)
_OWN_TEMPERATURE = ("o1", "o3", "o4", "gpt-5", "gpt-6")
_SAMPLING = frozenset({"temperature", "top_p"})
# These reason before the first word unless told not to, call tools here only then, and are drawn as asked only then.
_REASONING = ("gpt-6-luna", "gpt-6-sol")
_LOCAL_PARAMS: Mapping[str, Any] = {"temperature": 0.3, "min_p": 0.05, "top_k": 0, "cache_prompt": True}


@dataclass(frozen=True, slots=True)
class Model:
    """A model that can be asked: who serves it, its name there, and how much it reads at once (tokens).

    `endpoint` is the address of its server (None: the local one, found when it is asked); `params` go into every
    request. `price` is None where nobody told it. `fallbacks` are asked in its place where it does not answer: names of
    models (`provider:name`) or roles. `sees`: it takes images; `tools`: it calls tools; `patience` is how many seconds
    it has for the first word where another one could answer instead.
    """

    provider: str
    name: str
    context_len: int
    endpoint: str | None = None
    api_key: str | None = field(default=None, repr=False)
    params: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""
    price: Price | None = None
    fallbacks: tuple[str, ...] = ()
    sees: bool = False
    tools: bool = False
    patience: float | None = None

    @property
    def id(self) -> str:
        """What a request calls it: `provider:name`."""
        return f"{self.provider}:{self.name}"

    @property
    def is_here(self) -> bool:
        """Whether it runs on this machine, as far as its address tells."""
        return self.endpoint is None or urlsplit(self.endpoint).hostname in _THIS_MACHINE

    def sampled(self, temperature: float | None, top_p: float | None = None) -> dict[str, Any]:
        """The fields of a request that say how it is drawn; none for models that take only their own."""
        given = {"temperature": temperature, "top_p": top_p}
        return self.taking({name: value for name, value in given.items() if value is not None})

    def taking(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Those of a request's parameters that it takes."""
        if self.provider != "openai" or not self.name.startswith(_OWN_TEMPERATURE):
            return dict(params)
        if self.name.startswith(_REASONING):
            params = {"reasoning_effort": self.params.get("reasoning_effort", "none"), **params}
            if params["reasoning_effort"] == "none":
                return params
        return {name: value for name, value in params.items() if name not in _SAMPLING}


@dataclass(frozen=True, slots=True)
class Route:
    """Where a turn goes: the model that answers (none: no model may read what is asked), the categories because of
    which it stays here (whichever model was chosen), and those that the model may not read.
    """

    model: Model | None
    kept: tuple[str, ...] = ()
    barred: frozenset[str] = frozenset()


def limited(rules: Mapping[str, Any]) -> frozenset[str]:
    """The categories that not everybody may read."""
    return frozenset(category for category, rule in rules.items() if rule != _ANYBODY)


def permits(rules: Mapping[str, Any], category: str, provider: str) -> bool:
    """Whether a provider may read a category; `local` is a model on this machine, which may read all."""
    rule = rules.get(category, _ANYBODY)
    return provider == _LOCAL or rule == _ANYBODY or (rule != _LOCAL and provider in rule)


def barred(rules: Mapping[str, Any], model: Model) -> frozenset[str]:
    """The categories that a model may not read. One called local that another machine serves counts as none."""
    provider = model.provider if model.provider != _LOCAL or model.is_here else ""
    return frozenset(category for category in limited(rules) if not permits(rules, category, provider))


def routed(chosen: Model, local: Callable[[], Model | None], rules: Mapping[str, Any], asked: Collection[str]) -> Route:
    """The chosen model where it may read the categories of what is asked, else the local one (looked for only then),
    else none.
    """
    hidden = barred(rules, chosen)
    home_only = {name for name, rule in rules.items() if rule == _LOCAL and chosen.provider == _LOCAL}
    kept = tuple(sorted((hidden | home_only) & frozenset(asked)))
    if not hidden & frozenset(asked):
        return Route(chosen, kept, hidden)
    home = local()
    if home is None or barred(rules, home):
        return Route(None, kept, hidden)
    return Route(home, kept)


def default_context_len(provider: str, name: str) -> int:
    """How many tokens a model reads at once, as far as its name tells."""
    if provider == "local":
        return _LOCAL_CONTEXT
    if provider == "ollama":
        return _OLLAMA_CONTEXT
    if provider == "openai":
        return next((size for start, size in _OPENAI_CONTEXTS.items() if name.startswith(start)), _UNKNOWN_CONTEXT)
    return next((size for part, size in _CONTEXTS.items() if part in name.lower()), _UNKNOWN_CONTEXT)


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
    """Whether a model takes images, as far as its name tells; a profile may say otherwise."""
    return _SEEING.search(name) is not None
