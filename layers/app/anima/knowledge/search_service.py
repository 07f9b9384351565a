"""Search over documents, and the log of it: what callers may do, and the transactions of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from anima.kernel import db, pages, telemetry
from anima.kernel.errors import BadInput, FieldError, NotFound, Unauthenticated
from anima.kernel.terms import Question
from anima.knowledge import joining, rank, retrieval_repo, search_repo
from anima.knowledge.elsewhere_service import Looking
from anima.knowledge.errors import UnknownPurpose
from anima.knowledge.retrieval_model import PlanLine, Retrieval, SearchedStore, SearchRequest, SearchResult
from anima.knowledge.search_model import Asked, Hit, Outside
from anima.knowledge.service import asked
from anima.vendors import rerankers
from anima.vendors.embeddings.question import ask, keep

_RERANKED = 50


@dataclass(slots=True)
class _Search:
    """A search while it goes on."""

    request: SearchRequest
    owner_id: int
    question: Question
    warnings: list[str] = field(default_factory=list)
    stores: Sequence[SearchedStore] = ()
    plan: db.Pending[PlanLine] | None = None

    def send(self, tx: db.Transaction, question: Asked, outside: Outside, shared: bool) -> Sequence[db.Pending[Hit]]:
        """Sends the statements of all purposes; they are answered together."""
        request = self.request
        return [
            search_repo.hits(
                tx,
                self.owner_id,
                question,
                purpose=purpose,
                mode=request.mode,
                limit=2 * request.top_k + 10,
                within=request.within,
                outside=outside,
                shared=shared,
            )
            for purpose in request.purposes
        ]

    def floor(self) -> float:
        """The lowest floor of the stores that were searched."""
        return min((rank.floor_of(store.metadata, self.request.modulators) for store in self.stores), default=0.0)


def search(principal: db.Principal, request: SearchRequest) -> SearchResult:
    """Searches the stores of some purposes and logs it, also where it fails. Raises UnknownPurpose."""
    timings: dict[str, float] = {}
    begun = time.perf_counter()
    current = _Search(request, _owner(principal), Question.of(request.query, []))
    try:
        with telemetry.measured(timings, "embed"):
            if request.mode != "words":
                current.question = ask(request.query, tenant=current.owner_id)
                keep(current.question, current.owner_id)
        with telemetry.measured(timings, "search"):
            found = _found(principal, current)
        with telemetry.measured(timings, "rank"):
            good, hits = _ranked(current, found)
        retrieval_id = _logged(principal, current, hits, "completed", timings["search"])
    except UnknownPurpose:
        raise
    except Exception:
        _log_failure(principal, current, (time.perf_counter() - begun) * 1000)
        raise
    timings["total"] = round((time.perf_counter() - begun) * 1000, 3)
    best_below = found[0].score if found and not good else None
    plan = None if current.plan is None else [row.line for row in current.plan.all()]
    return SearchResult(retrieval_id, hits, timings, current.warnings, current.floor(), best_below, plan)


def _owner(principal: db.Principal) -> int:
    if principal.user_id is None:
        raise Unauthenticated(reason="this is for users")
    return principal.user_id


def _found(principal: db.Principal, current: _Search) -> list[Hit]:
    """All candidates of all stores, best first; what lies elsewhere is asked after the transaction."""
    request, owner_id, question = current.request, current.owner_id, asked(current.question)
    with db.transaction(principal) as tx:
        stores = retrieval_repo.stores(tx, owner_id, request.purposes)
        first = current.send(tx, question, Outside(), False)
        if request.explain:
            current.plan = retrieval_repo.plan(tx, owner_id, question, request.purposes, search_repo.CANDIDATES)
    current.stores = stores.all()
    if missing := [one for one in request.purposes if one not in {store.purpose for store in current.stores}]:
        raise UnknownPurpose(what="vector store", id=missing[0], purpose=missing[0])
    _warn_of_modulators(current)
    ids = request.within.document_ids
    looking = Looking(principal, question, first, current.send, current.warnings.append, ids)
    return rank.merged(pending.all() for pending in looking.found(current.stores))


def _warn_of_modulators(current: _Search) -> None:
    bound = {name for store in current.stores for name in rank.bindings(store.metadata)}
    unknown = sorted(set(current.request.modulators) - bound)
    current.warnings += [f"no store that was searched has a binding for {name}" for name in unknown]


def _ranked(current: _Search, found: Sequence[Hit]) -> tuple[list[Hit], list[Hit]]:
    """What is good enough, and of that the hits: reordered where there is a reranker, folded, joined, cut."""
    good = rank.above_floor(found, current.request.modulators)
    hits = joining.joined(rank.folded(_reranked(current, good)))
    return good, hits[: current.request.top_k]


def _reranked(current: _Search, hits: list[Hit]) -> list[Hit]:
    """The hits in the order of the reranker; as they are, with a warning, where it fails."""
    model = rerankers.reranker()
    if model is None or len(hits) < 2:
        return hits
    first, rest = hits[:_RERANKED], hits[_RERANKED:]
    try:
        scores = model.rerank(current.request.query, [f"{hit.title}\n{hit.text}" for hit in first])
    except rerankers.RerankerFailed as error:
        telemetry.warning("reranker.failed", reason=error.for_logs)
        current.warnings.append(f"the order is not the reranker's: {error.values['reason']}")
        return hits
    order = sorted(range(len(first)), key=lambda number: (-scores[number], number))
    falling = [hit.score for hit in first]  # the scores stay where they are: they order the hits
    return [replace(first[number], score=score) for number, score in zip(order, falling, strict=True)] + rest


def _logged(
    principal: db.Principal, current: _Search, hits: Sequence[Hit], status: str, latency_ms: float | None
) -> int:
    with db.transaction(principal) as tx:
        logged = search_repo.log(
            tx,
            current.owner_id,
            asked(current.question),
            hits,
            purposes=current.request.purposes,
            mode=current.request.mode,
            limit=current.request.top_k,
            status=status,
            latency_ms=latency_ms,
            floor=current.floor(),
            warnings=current.warnings,
        )
    return logged.one().retrieval_id


def _log_failure(principal: db.Principal, current: _Search, latency_ms: float) -> None:
    """Logs a search that failed, if the database takes it; the failure itself is what the caller hears of."""
    try:
        _logged(principal, current, [], "failed", latency_ms)
    except Exception as error:
        telemetry.error("retrieval.log", error)


def get_retrieval(principal: db.Principal, retrieval_id: int) -> Retrieval:
    """The log of a search. Raises NotFound."""
    with db.transaction(principal) as tx:
        found = retrieval_repo.retrieval(tx, _owner(principal), retrieval_id)
    if (retrieval := found.first()) is None:
        raise NotFound(what="retrieval", id=retrieval_id)
    return retrieval


def list_retrievals(
    principal: db.Principal, limit: int, cursor: str | None, *, request_id: int | None, status: str | None
) -> pages.Page[Retrieval]:
    """Logged searches, newest first. Raises BadInput for a cursor that is none."""
    position = pages.decode(cursor, 1)
    below = None if position is None else _number(position[0])
    with db.transaction(principal) as tx:
        rows = retrieval_repo.retrievals(tx, _owner(principal), limit + 1, below, request_id, status)
    return pages.page(rows.all(), limit, lambda row: [row.retrieval_id])


def _number(position: object) -> int:
    if isinstance(position, int) and not isinstance(position, bool) and 0 <= position < 2**63:
        return position
    raise BadInput(reason="unknown cursor", fields=[FieldError("cursor", "take it from next_cursor of a page")])
