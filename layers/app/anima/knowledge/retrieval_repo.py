"""SQL of what a search needs beside its hits: which stores there are, and the log of searches."""

from __future__ import annotations

from collections.abc import Sequence

from anima.kernel import db
from anima.knowledge.retrieval_model import PlanLine, Retrieval, SearchedStore
from anima.knowledge.search_model import Asked

STORES = db.Query(
    SearchedStore,
    """
    select store_id, store_name, purpose, provider, embedding_model, owner_id is null as shared, metadata
    from vector_stores
    where (owner_id = %(owner_id)s or owner_id is null) and purpose = any(%(purposes)s::text[])
    order by owner_id nulls last, store_id
    """,
)

PLAN = db.Query(
    PlanLine,
    """
    select own.line from explain_nearest(
        %(owner_id)s, array(
            select store_id from vector_stores where owner_id = %(owner_id)s and purpose = any(%(purposes)s::text[])
        ), %(model)s::text, %(vector)s::vector, %(candidates)s::int, null, null
    ) own
    union all
    select shared.line from explain_nearest(
        null, array(
            select store_id from vector_stores where owner_id is null and purpose = any(%(purposes)s::text[])
        ), %(model)s::text, %(vector)s::vector, %(candidates)s::int, null, null
    ) shared
    """,
)

RETRIEVAL = db.Query(
    Retrieval,
    """
    select retrieval_id, request_id, store_id, purposes, query_text, mode, top_k, floor, result_ids, distances, status,
        latency_ms, warnings, retrieved_at
    from retrieval_logs
    where owner_id = %(owner_id)s and retrieval_id = %(retrieval_id)s
    """,
)

RETRIEVALS = db.Query(
    Retrieval,
    """
    select retrieval_id, request_id, store_id, purposes, query_text, mode, top_k, floor, result_ids, distances, status,
        latency_ms, warnings, retrieved_at
    from retrieval_logs
    where owner_id = %(owner_id)s and (%(before_id)s::bigint is null or retrieval_id < %(before_id)s::bigint)
        and (%(request_id)s::bigint is null or request_id = %(request_id)s::bigint)
        and (%(status)s::text is null or status = %(status)s::text)
    order by retrieval_id desc
    limit %(limit)s
    """,
)


def stores(tx: db.Transaction, owner_id: int, purposes: Sequence[str]) -> db.Pending[SearchedStore]:
    """The owner's stores of these purposes, and the shared ones."""
    return tx.fetch(STORES, owner_id=owner_id, purposes=list(purposes))


def plan(
    tx: db.Transaction, owner_id: int, question: Asked, purposes: Sequence[str], candidates: int
) -> db.Pending[PlanLine]:
    """How the database looks for the vectors nearest to a question, store by store."""
    return tx.fetch(
        PLAN,
        owner_id=owner_id,
        purposes=list(purposes),
        model=question.model,
        vector=db.vector_text(question.vector) if question.vector else None,
        candidates=candidates,
    )


def retrieval(tx: db.Transaction, owner_id: int, retrieval_id: int) -> db.Pending[Retrieval]:
    """One logged search."""
    return tx.fetch(RETRIEVAL, owner_id=owner_id, retrieval_id=retrieval_id)


def retrievals(
    tx: db.Transaction, owner_id: int, limit: int, before_id: int | None, request_id: int | None, status: str | None
) -> db.Pending[Retrieval]:
    """Logged searches, newest first."""
    return tx.fetch(
        RETRIEVALS, owner_id=owner_id, limit=limit, before_id=before_id, request_id=request_id, status=status
    )
