"""Makes a question of a text: its vector by an embedder, its terms by the kernel."""

from __future__ import annotations

from array import array
from dataclasses import replace
from typing import Protocol

from anima.kernel.terms import Question, without_names
from anima.vendors.embeddings import Embedder, embedder

_KIND = "question"


class Cache(Protocol):
    """Where vectors are kept; whoever composes the app says so."""

    def get(self, tenant: int, kind: str, of: str) -> bytes | None: ...

    def put(self, tenant: int, kind: str, of: str, value: bytes) -> None: ...


_cache: Cache | None = None


def keep_in(cache: Cache | None) -> None:
    """Has vectors of questions kept, each for its tenant."""
    global _cache
    _cache = cache


def ask(text: str, model: str | None = None, *, tenant: int | None = None) -> Question:
    """The question in `text`, embedded (by the model that serves, or another) and stemmed; knowledge and memory
    alike take it. What is kept of a tenant's questions is used; `keep` keeps this one.
    """
    asked = embedder(model)
    plain, names = without_names(text)
    vector, of_plain = _known(text, asked, tenant) or (asked.embed_question(text).tolist(), None)
    question = Question.of(text, vector, asked.name)
    if not names:
        return question
    return replace(question, names=names, plain=of_plain or asked.embed_question(plain).tolist())


def keep(question: Question, tenant: int) -> None:
    """Keeps a question's vectors for a while, so that it need not be embedded when it is asked again."""
    if _cache is not None and question.model is not None:
        numbers = array("f", [*question.vector, *(question.plain or ())])
        _cache.put(tenant, _KIND, f"{question.model}\0{question.text}", numbers.tobytes())


def _known(text: str, asked: Embedder, tenant: int | None) -> tuple[list[float], list[float] | None] | None:
    """The vectors of a question that was asked before: of the whole, and of the text without its names."""
    kept = None if _cache is None or tenant is None else _cache.get(tenant, _KIND, f"{asked.name}\0{text}")
    if kept is None or len(kept) not in (4 * asked.dimension, 8 * asked.dimension):
        return None
    numbers = array("f", kept).tolist()
    return numbers[: asked.dimension], numbers[asked.dimension :] or None
