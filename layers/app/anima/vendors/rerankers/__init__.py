"""Models that read question and passage together and say how well they fit: the protocol, and the one configured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from anima.kernel.config import settings
from anima.kernel.errors import Unavailable


class RerankerFailed(Unavailable):
    """The reranker gave no order: {reason}."""

    slug = "reranker-failed"
    quoted = ("reason",)


class Reranker(Protocol):
    """Says how well texts answer a question; may be called by several threads at once."""

    def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        """How relevant each text is, in their order; more is better, the scale is the model's own.

        Raises RerankerFailed; within about a second either way.
        """


def reranker() -> Reranker | None:
    """The reranker that the settings name, if any."""
    url = settings().reranker_url
    if url is None:
        return None
    from anima.vendors.rerankers.over_http import HttpReranker

    key = settings().reranker_key
    return HttpReranker(url, key.get_secret_value() if key else None, settings().reranker_model)
