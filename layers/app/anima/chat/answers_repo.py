"""SQL of answers as they were stored, with their citations: a turn that comes again is answered from here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anima.chat.model import Citation
from anima.kernel import db


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer as it was stored, without its citations."""

    response_id: int
    request_id: int
    session_id: int | None
    message_id: int | None
    parent_message_id: int | None
    content: dict[str, Any]
    usage: dict[str, Any]
    memories: list[dict[str, Any]]
    affect: dict[str, Any]
    timings: dict[str, float]
    provider: str | None
    model_name: str | None
    created_at: datetime
    rating: int | None
    comment: str | None


KEPT_ANSWER = db.Query(
    KeptAnswer,
    """
    select r.response_id, r.request_id, q.session_id, r.message_id, q.message_id as parent_message_id,
        r.content, r.usage, r.memories, r.affect, r.timings, m.provider, m.model_name, r.created_at,
        f.rating::integer as rating, f.comment
    from llm_responses r
    join llm_requests q on q.owner_id = r.owner_id and q.request_id = r.request_id
    left join llm_models m on m.model_id = q.model_id
    left join feedback f on f.owner_id = r.owner_id and f.response_id = r.response_id
    where r.owner_id = %(owner_id)s
        and (r.response_id = %(response_id)s::bigint or r.request_id = %(request_id)s::bigint)
    """,
)

KEPT_CITATIONS = db.Query(
    Citation,
    """
    select c.marker::integer as marker, c.document_id, c.chunk_id, d.title, d.source_uri, c.location, c.quote
    from response_citations c
    join llm_responses r on r.owner_id = c.owner_id and r.response_id = c.response_id
    join documents d on d.owner_id = c.owner_id and d.document_id = c.document_id
    where c.owner_id = %(owner_id)s
        and (r.response_id = %(response_id)s::bigint or r.request_id = %(request_id)s::bigint)
    union all
    select c.marker::integer, c.document_id, c.chunk_id, d.title, d.source_uri, c.location, c.quote
    from shared_citations c
    join llm_responses r on r.owner_id = c.owner_id and r.response_id = c.response_id
    join shared_documents d on d.document_id = c.document_id
    where c.owner_id = %(owner_id)s
        and (r.response_id = %(response_id)s::bigint or r.request_id = %(request_id)s::bigint)
    order by marker
    """,
)


def kept_answer(
    tx: db.Transaction, owner_id: int, *, response_id: int | None = None, request_id: int | None = None
) -> db.Pending[KeptAnswer]:
    """The answer with this id, or to this request."""
    return tx.fetch(KEPT_ANSWER, owner_id=owner_id, response_id=response_id, request_id=request_id)


def kept_citations(
    tx: db.Transaction, owner_id: int, *, response_id: int | None = None, request_id: int | None = None
) -> db.Pending[Citation]:
    """The citations of an answer whose documents are still there."""
    return tx.fetch(KEPT_CITATIONS, owner_id=owner_id, response_id=response_id, request_id=request_id)
