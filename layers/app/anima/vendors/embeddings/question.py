"""Makes a question of a text: its vector by the process's embedder, its terms by the kernel."""

from __future__ import annotations

from anima.kernel.terms import Question
from anima.vendors.embeddings import embedder


def ask(text: str) -> Question:
    """The question in `text`, embedded and stemmed; made once, it serves knowledge and memory alike."""
    return Question.of(text, embedder().embed([text])[0].tolist())
