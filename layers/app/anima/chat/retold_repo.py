"""SQL of answers that are told once more to somebody who heard a part of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Retold:
    """A turn of a session, with the tokens that were not heard yet: [index, text] each."""

    request_id: int
    message_id: int | None
    state: str
    error: dict[str, Any] | None
    waits: bool
    tokens: list[list[Any]]


RETOLD = db.Query(
    Retold,
    """
    select q.request_id, q.message_id, q.state, q.error,
        q.state = 'pending' and q.parameters -> 'waiting' is not null as waits,
        coalesce((
            select jsonb_agg(jsonb_build_array(c.token_index, c.token_text) order by c.token_index)
            from llm_responses r join llm_response_chunks c
                on c.owner_id = r.owner_id and c.response_id = r.response_id
            where r.owner_id = q.owner_id and r.request_id = q.request_id
                and (q.request_id > %(request_id)s or c.token_index >= %(position)s)
        ), '[]'::jsonb) as tokens
    from llm_requests q
    where q.owner_id = %(owner_id)s and q.session_id = %(session_id)s and q.request_id >= %(request_id)s
        and q.purpose = 'turn'
    order by q.request_id limit %(limit)s
    """,
)


def retold(
    tx: db.Transaction, owner_id: int, session_id: int, request_id: int, position: int, limit: int
) -> db.Pending[Retold]:
    """The turns of a session from a request on, oldest first; of that one the tokens from a position on."""
    return tx.fetch(
        RETOLD, owner_id=owner_id, session_id=session_id, request_id=request_id, position=position, limit=limit
    )
