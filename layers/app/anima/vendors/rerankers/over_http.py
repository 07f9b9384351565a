"""Rerankers that speak the protocol of Cohere, Jina, vLLM and others: POST …/rerank."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from anima.kernel.addresses import check_public
from anima.kernel.errors import AnimaError
from anima.vendors.rerankers import RerankerFailed

if TYPE_CHECKING:
    import httpx

SECONDS = 1.0
"""How long a search waits for a better order."""
_MOST_BYTES = 1_000_000


class HttpReranker:
    """Asks `<url>/rerank` (or the url itself where it ends so) for the scores of documents.

    The address is the operator's: one that is not public must be among the hosts that settings allow.
    """

    def __init__(self, url: str, key: str | None, model: str | None, seconds: float = SECONDS) -> None:
        self._url = url if url.rstrip("/").endswith("/rerank") else f"{url.rstrip('/')}/rerank"
        self._key = key
        self._model = model
        self._seconds = seconds

    def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        """The relevance of each text. Raises RerankerFailed."""
        import httpx

        if not texts:
            return []
        body = {"query": query, "documents": list(texts), "top_n": len(texts), "return_documents": False}
        try:
            answer = self._asked(body | ({"model": self._model} if self._model else {}))
        except httpx.HTTPError as error:
            raise RerankerFailed(what="The reranker", reason=f"it failed ({type(error).__name__})") from error
        except AnimaError as error:
            raise RerankerFailed(what="The reranker", reason=error.detail) from error
        return _scores(answer, len(texts))

    def _asked(self, body: dict[str, Any]) -> Any:
        """What it answers, as JSON; the whole of it within the time there is."""
        import httpx

        deadline = time.monotonic() + self._seconds
        checked = check_public(self._url)
        headers = {"Host": checked.host_header, "Accept": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        with (
            httpx.Client(timeout=self._seconds, follow_redirects=False, trust_env=False) as client,
            client.stream(
                "POST", checked.pinned, json=body, headers=headers, extensions={"sni_hostname": checked.host}
            ) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise RerankerFailed(what="The reranker", reason=f"it answered {answer.status_code}")
            return _read(answer, deadline)


def _read(answer: httpx.Response, deadline: float) -> Any:
    import json

    received = b""
    for piece in answer.iter_bytes():
        received += piece
        if time.monotonic() > deadline:
            raise RerankerFailed(what="The reranker", reason="it took too long")
        if len(received) > _MOST_BYTES:
            raise RerankerFailed(what="The reranker", reason="its answer is too long")
    try:
        return json.loads(received)
    except ValueError as error:
        raise RerankerFailed(what="The reranker", reason="its answer is no JSON") from error


def _scores(answer: Any, count: int) -> list[float]:
    """`{"results": [{"index": 2, "relevance_score": 0.9}, …]}`, each index once."""
    results = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(results, list):
        raise RerankerFailed(what="The reranker", reason="its answer has no results")
    scores: dict[int, float] = {}
    for result in results:
        index, score = _scored(result)
        if not 0 <= index < count or index in scores:
            raise RerankerFailed(what="The reranker", reason="its answer names texts that it was not given")
        scores[index] = score
    if len(scores) != count or not all(map(math.isfinite, scores.values())):
        raise RerankerFailed(what="The reranker", reason="its answer leaves texts out, or scores that are none")
    return [scores[number] for number in range(count)]


def _scored(result: Any) -> tuple[int, float]:
    if isinstance(result, dict):
        index, score = result.get("index"), result.get("relevance_score")
        if type(index) is int and isinstance(score, (int, float)) and not isinstance(score, bool):
            return index, float(score)
    raise RerankerFailed(what="The reranker", reason="its answer is not what the protocol says")
