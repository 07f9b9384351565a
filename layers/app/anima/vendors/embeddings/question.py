"""Makes a question of a text: its vector by an embedder, its terms by the kernel."""

from __future__ import annotations

from dataclasses import replace

from anima.kernel.terms import Question, without_names
from anima.vendors.embeddings import embedder


def ask(text: str, model: str | None = None) -> Question:
    """The question in `text`, embedded (by the model that serves, or another) and stemmed; knowledge and memory
    alike take it.
    """
    asked = embedder(model)
    question = Question.of(text, asked.embed_question(text).tolist(), asked.name)
    plain, names = without_names(text)
    return replace(question, names=names, plain=asked.embed_question(plain).tolist()) if names else question
