"""Search over documents: what callers may do, and the transactions of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from anima.kernel import db, telemetry
from anima.kernel.errors import NotFound, Unauthenticated
from anima.kernel.terms import Question
from anima.knowledge import search_repo
from anima.knowledge.errors import UnknownPurpose
from anima.knowledge.model import Hit, Mode, Retrieval, SearchRequest, SearchResult
from anima.vendors.embeddings.question import ask


def _owner(principal: db.Principal) -> int:
    if principal.user_id is None:
        raise Unauthenticated(reason="this is for users")
    return principal.user_id


@dataclass(frozen=True, slots=True)
class PendingSearch:
    """A search on its way, as part of somebody's transaction."""

    _pending: db.Pending[Hit]

    def hits(self) -> list[Hit]:
        """What was found, best first; before the transaction's end this waits."""
        return self._pending.all()


def begin_search(
    tx: db.Transaction,
    owner_id: int,
    question: Question,
    top_k: int,
    *,
    purpose: str = "context",
    mode: Mode = "hybrid",
) -> PendingSearch:
    """Sends a search in the running transaction and waits for nothing."""
    return PendingSearch(
        search_repo.hits(
            tx,
            owner_id,
            vector=question.vector,
            terms=question.terms,
            words=question.words,
            purpose=purpose,
            mode=mode,
            limit=top_k,
        )
    )


def log_retrieval(
    tx: db.Transaction,
    owner_id: int,
    question: Question,
    hits: Sequence[Hit],
    *,
    request_id: int | None,
    top_k: int,
    latency_ms: float | None,
    purpose: str = "context",
    mode: Mode = "hybrid",
) -> db.Pending[search_repo.Logged]:
    """Logs a search in the running transaction and waits for nothing; the answer names the retrieval."""
    return search_repo.log(
        tx,
        owner_id,
        purpose=purpose,
        query_text=question.text,
        vector=question.vector,
        mode=mode,
        limit=top_k,
        found=hits,
        status="completed",
        latency_ms=latency_ms,
        request_id=request_id,
    )


def search(principal: db.Principal, request: SearchRequest) -> SearchResult:
    """Searches the stores of a purpose and logs it, also where it fails. Raises UnknownPurpose."""
    timings: dict[str, float] = {}
    begun = time.perf_counter()
    question: Question | None = None
    try:
        with telemetry.measured(timings, "embed"):
            question = Question.of(request.query, []) if request.mode == "words" else ask(request.query)
        retrieval_id, found = _searched(principal, request, question, timings)
    except UnknownPurpose:
        raise
    except Exception:
        _log_failure(principal, request, question, (time.perf_counter() - begun) * 1000)
        raise
    timings["total"] = round((time.perf_counter() - begun) * 1000, 3)
    return SearchResult(retrieval_id, found, timings)


def _searched(
    principal: db.Principal, request: SearchRequest, question: Question, timings: dict[str, float]
) -> tuple[int, list[Hit]]:
    owner_id = _owner(principal)
    with db.transaction(principal) as tx:
        store = search_repo.store(tx, owner_id, request.purpose)
        pending = search_repo.hits(
            tx,
            owner_id,
            vector=question.vector or None,
            terms=question.terms,
            words=question.words,
            purpose=request.purpose,
            mode=request.mode,
            limit=request.top_k,
            document_ids=request.document_ids,
            metadata=request.metadata,
        )
        with telemetry.measured(timings, "search"):
            found = pending.all()
        if store.first() is None:
            raise UnknownPurpose(what="vector store", id=request.purpose, purpose=request.purpose)
        logged = search_repo.log(
            tx,
            owner_id,
            purpose=request.purpose,
            query_text=request.query,
            vector=question.vector or None,
            mode=request.mode,
            limit=request.top_k,
            found=found,
            status="completed",
            latency_ms=timings["search"],
            request_id=None,
        )
    return logged.one().retrieval_id, found


def _log_failure(principal: db.Principal, request: SearchRequest, question: Question | None, latency_ms: float) -> None:
    """Logs a search that failed, if the database takes it; the failure itself is what the caller hears of."""
    try:
        with db.transaction(principal) as tx:
            search_repo.log(
                tx,
                _owner(principal),
                purpose=request.purpose,
                query_text=request.query,
                vector=(question.vector or None) if question else None,
                mode=request.mode,
                limit=request.top_k,
                found=[],
                status="failed",
                latency_ms=latency_ms,
                request_id=None,
            )
    except Exception as error:
        telemetry.error("retrieval.log", error)


def get_retrieval(principal: db.Principal, retrieval_id: int) -> Retrieval:
    """The log of a search. Raises NotFound."""
    with db.transaction(principal) as tx:
        found = search_repo.retrieval(tx, _owner(principal), retrieval_id)
    if (retrieval := found.first()) is None:
        raise NotFound(what="retrieval", id=retrieval_id)
    return retrieval
