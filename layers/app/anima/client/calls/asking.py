"""Enriched questions and reviews, and the enrichment alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict, Unpack
from uuid import UUID

from anima.client.call import Given, present
from anima.client.operations import operation
from anima.client.results.asking import AskAnswer, Review, ReviewContext


class ReviewSource(TypedDict, total=False):
    """What is reviewed: one of `code` (with the `path` it has), `diff`, `files` (path, content) or `document_id`."""

    code: str
    path: str
    diff: str
    files: Sequence[Mapping[str, str]]
    document_id: int
    question: str
    focus_areas: Sequence[str]
    repositories: Sequence[str]


class Asking:
    """Asking with sources."""

    @operation("POST", "/ask", AskAnswer)
    def ask(
        self,
        question: str,
        *,
        avatar_id: UUID | str | None = None,
        session_id: int | None = None,
        focus: Sequence[str] = (),
        repositories: Sequence[str] | None = None,
        purpose: str = "context",
        model: str | None = None,
    ) -> Given:
        """Answers a question out of documents and repositories, and says where each statement comes from."""
        named = present(avatar_id=avatar_id, session_id=session_id, repositories=repositories, model=model)
        return Given(body={"question": question, "focus": focus, "purpose": purpose, **named})

    @operation("POST", "/review", Review)
    def review(self, *, model: str | None = None, private: bool = False, **source: Unpack[ReviewSource]) -> Given:
        """Reviews code, a diff, files or a document; findings name their lines."""
        return Given(body=present(model=model, private=private, **source))

    @operation("POST", "/review/rag-context", ReviewContext, harmless=True)
    def review_context(self, **source: Unpack[ReviewSource]) -> Given:
        """What a review would be told besides the text itself."""
        return Given(body=present(**source))
