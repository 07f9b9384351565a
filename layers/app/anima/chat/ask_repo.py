"""SQL of questions and reviews outside of a turn: the request as it is opened, and its answer."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from anima.chat.model import Citation
from anima.kernel import db


@dataclass(frozen=True, slots=True)
class OpenedRequest:
    """A request that was entered."""

    request_id: int


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that was stored."""

    response_id: int
    created_at: datetime


OPENED_REQUEST = db.Query(
    OpenedRequest,
    """
    insert into llm_requests (
        owner_id, session_id, user_id, model_id, purpose, prompt_text, parameters, instance, expires_at
    )
    select %(owner_id)s, %(session_id)s::bigint, %(owner_id)s,
        case when %(provider)s::text is null then null else coalesce(
            (
                select m.model_id from llm_models m
                where m.provider = %(provider)s and m.model_name = %(model_name)s
                    and m.model_version = %(model_version)s
            ),
            catalogue_model(
                %(provider)s, %(model_name)s, %(model_version)s, %(endpoint_url)s, %(max_context_len)s::integer
            )
        ) end,
        %(purpose)s, %(question)s, %(parameters)s::jsonb, %(instance)s::uuid, now() + %(lifetime)s::interval
    returning request_id
    """,
)

ANSWERED = db.Query(
    Answered,
    """
    with closed as (
        update llm_requests set
            state = 'completed', finished_at = now(), error = null, prompt_json = %(prompt)s::jsonb,
            token_estimate = %(token_estimate)s::integer, parameters = parameters || %(parameters)s::jsonb
        where owner_id = %(owner_id)s and request_id = %(request_id)s and state <> 'completed'
        returning owner_id, request_id
    ), response as (
        insert into llm_responses (owner_id, request_id, content, usage, timings)
        select owner_id, request_id, %(answer)s::jsonb, %(usage)s::jsonb, %(timings)s::jsonb
        from closed
        returning response_id, created_at
    ), cited as (
        insert into response_citations (owner_id, response_id, document_id, chunk_id, marker, location, quote)
        select c.owner_id, response.response_id, c.document_id, c.chunk_id, given.marker, c.location, given.quote
        from response,
            unnest(%(chunk_ids)s::bigint[], %(markers)s::smallint[], %(quotes)s::text[])
                as given (chunk_id, marker, quote)
            join chunks c on c.owner_id = %(owner_id)s and c.chunk_id = given.chunk_id
    )
    select response_id, created_at from response
    """,
)


def opened_request(
    tx: db.Transaction,
    owner_id: int,
    *,
    purpose: str,
    question: str,
    session_id: int | None,
    model: tuple[str, str, str, str | None, int] | None,
    parameters: dict[str, Any],
    instance: uuid.UUID,
    lifetime: timedelta,
) -> db.Pending[OpenedRequest]:
    """Enters a request; `model` is provider, name, version, endpoint and context length."""
    provider, name, version, endpoint, context_len = model or (None, None, None, None, None)
    return tx.fetch(
        OPENED_REQUEST,
        owner_id=owner_id,
        session_id=session_id,
        provider=provider,
        model_name=name,
        model_version=version,
        endpoint_url=endpoint,
        max_context_len=context_len,
        purpose=purpose,
        question=question,
        parameters=db.jsonb(parameters),
        instance=instance,
        lifetime=lifetime,
    )


def answered(
    tx: db.Transaction,
    owner_id: int,
    request_id: int,
    *,
    citations: Sequence[Citation],
    token_estimate: int,
    **values: Any,
) -> db.Pending[Answered]:
    """Stores an answer; `values` are JSON: answer, usage, timings, prompt, parameters."""
    return tx.fetch(
        ANSWERED,
        owner_id=owner_id,
        request_id=request_id,
        chunk_ids=[citation.chunk_id for citation in citations],
        markers=[citation.marker for citation in citations],
        quotes=[citation.quote for citation in citations],
        token_estimate=token_estimate,
        **{name: db.jsonb(value) for name, value in values.items()},
    )
