"""Embedding models by name: those that run here on onnxruntime, and those of a server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DIGEST = "85bb1de96885"
"""The first digits of the sha256 over those of the default model's three files, as the catalogue pins them."""


@dataclass(frozen=True, slots=True)
class Local:
    """A model whose files lie in the folder `name` of the model folder; some want to be told what a text is for.

    `assets` name its files in the catalogue; of one that is not pinned there, `repository` is where its publisher
    has them. Vectors are of `dimension`, made of the first `max_tokens` tokens.
    """

    name: str
    dimension: int
    max_tokens: int
    repository: str
    digest: str | None = None
    before_question: str = ""
    before_passage: str = ""


@dataclass(frozen=True, slots=True)
class Hosted:
    """A model that a server of the OpenAI protocol runs."""

    name: str
    dimension: int
    max_tokens: int
    provider: Literal["openai", "ollama"]


Profile = Local | Hosted

_HUB = "https://huggingface.co"
DEFAULT = Local("all-MiniLM-L6-v2", 384, 256, f"{_HUB}/onnx-community/all-MiniLM-L6-v2-ONNX", DIGEST)
PROFILES: dict[str, Profile] = {
    "all-minilm-l6-v2": DEFAULT,
    # for many languages at once
    "multilingual-e5-small": Local(
        "multilingual-e5-small",
        384,
        512,
        f"{_HUB}/intfloat/multilingual-e5-small",
        before_question="query: ",
        before_passage="passage: ",
    ),
    "paraphrase-multilingual-minilm-l12-v2": Local(
        "paraphrase-multilingual-MiniLM-L12-v2",
        384,
        128,
        f"{_HUB}/sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
    ),
    "bge-m3": Hosted("bge-m3", 1024, 8192, "ollama"),
    "nomic-embed-text": Hosted("nomic-embed-text", 768, 2048, "ollama"),
    "text-embedding-3-small": Hosted("text-embedding-3-small", 1536, 8191, "openai"),
    "text-embedding-3-large": Hosted("text-embedding-3-large", 3072, 8191, "openai"),
}
"""By the names that settings and commands take."""


def profile_of(name: str) -> Profile | None:
    """The profile of a name, or of the name that vectors carry (`Model@files`); None where there is none."""
    return PROFILES.get(name.partition("@")[0].lower())
