"""SQL of the turn: what is asked and answered, with all that belongs to it, and what was cut."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from anima.chat.model import Citation
from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Opened:
    """A turn that was entered: the person's message and the request that it makes."""

    request_id: int
    message_id: int


@dataclass(frozen=True, slots=True)
class Stored:
    """An answer that was stored: its message and the response."""

    message_id: int
    response_id: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Marked:
    """A fact that was drawn from a message; without a key, only that its turn was kept for the category."""

    message_id: int
    key: str
    category: str


@dataclass(frozen=True, slots=True)
class Closed:
    """A request that was closed."""

    request_id: int


# What an avatar was told in some categories, and in which messages; and the messages of turns that were kept for one.
MARKED = db.Query(
    Marked,
    """
    select said.message_id, f.key, f.category
    from user_facts f
    cross join lateral (
        select f.source_message_id as message_id
        union
        select m.message_id from fact_mentions m where m.owner_id = f.user_id and m.fact_id = f.id
    ) said
    where f.user_id = %(owner_id)s and f.avatar_id = %(avatar_id)s and said.message_id is not null
        and (f.category = any(%(categories)s::text[]) or split_part(f.key, ':', 1) = any(%(keys)s::text[]))
    union all
    select m.message_id, '', kept.category
    from messages m
    cross join lateral jsonb_array_elements_text(m.metadata -> 'kept') kept (category)
    where m.owner_id = %(owner_id)s and m.metadata ? 'kept' and kept.category = any(%(categories)s::text[])
    """,
)

# Enters message and request together. A message that an earlier try has stored is not stored again. Where no model may
# read what is asked, the request has none.
OPENED_TURN = db.Query(
    Opened,
    """
    with said as (
        insert into messages (session_id, owner_id, author_id, parent_message_id, role, content, created_at, metadata)
        select %(session_id)s, %(owner_id)s, %(owner_id)s, %(parent_message_id)s, 'user', %(content)s, %(at)s,
            jsonb_strip_nulls(jsonb_build_object('edits', %(edits)s::bigint, 'kept', to_jsonb(%(kept)s::text[])))
        where %(message_id)s::bigint is null
        returning message_id
    ), named as (
        update sessions s set title = %(title)s::text
        from said
        where s.user_id = %(owner_id)s and s.session_id = %(session_id)s and s.title is null and not s.private
            and %(parent_message_id)s::bigint is null
    ), tied as (
        insert into message_media (owner_id, message_id, media_id)
        select m.owner_id, said.message_id, m.media_id
        from said join media m on m.owner_id = %(owner_id)s and m.media_id = any(%(media_ids)s::bigint[])
    ), request as (
        insert into llm_requests (
            owner_id, session_id, user_id, message_id, model_id, prompt_id, purpose, parameters, instance, expires_at
        )
        select %(owner_id)s, %(session_id)s, %(owner_id)s,
            coalesce(%(message_id)s::bigint, (select message_id from said)),
            case when %(provider)s::text is not null then coalesce(
                (
                    select m.model_id from llm_models m
                    where m.provider = %(provider)s and m.model_name = %(model_name)s
                        and m.model_version = %(model_version)s
                ),
                catalogue_model(
                    %(provider)s, %(model_name)s, %(model_version)s, %(endpoint_url)s,
                    %(max_context_len)s::integer
                )
            ) end,
            (
                select p.prompt_id from prompts p
                where p.prompt_id = %(prompt_id)s::bigint and (p.owner_id is null or p.owner_id = %(owner_id)s)
            ),
            'turn', %(parameters)s::jsonb, %(instance)s::uuid, now() + %(lifetime)s::interval
        returning request_id, message_id
    ), noted as (
        update idempotency_keys k
        set response = jsonb_build_object('session_id', %(session_id)s::bigint, 'message_id', request.message_id)
        from request
        where k.owner_id = %(owner_id)s and k.key = %(key)s and k.state = 'running'
    )
    select request_id, message_id from request
    """,
)

# Requests of the session whose process must have died: they are past their time.
CLOSE_EXPIRED = db.Command(
    """
    update llm_requests set state = 'interrupted', finished_at = now(), error = '{"slug": "interrupted"}'
    where owner_id = %(owner_id)s and session_id = %(session_id)s and state = 'pending' and expires_at < now()
    """
)

# A request is answered once: whoever comes second waits for the first, and finds nothing to answer. Where another model
# answered than the one that was asked for, its name is set right.
STORED_ANSWER = db.Query(
    Stored,
    """
    with closed as (
        update llm_requests set
            state = 'completed', finished_at = now(), error = null, prompt_json = %(prompt)s::jsonb,
            token_estimate = %(token_estimate)s::integer,
            parameters = (parameters - 'waiting') || %(parameters)s::jsonb,
            model_id = case when %(provider)s::text is null then model_id else coalesce(
                (
                    select m.model_id from llm_models m
                    where m.provider = %(provider)s and m.model_name = %(model_name)s
                        and m.model_version = %(model_version)s
                ),
                catalogue_model(
                    %(provider)s, %(model_name)s, %(model_version)s, %(endpoint_url)s,
                    %(max_context_len)s::integer
                )
            ) end
        where owner_id = %(owner_id)s and request_id = %(request_id)s and state <> 'completed'
        returning request_id
    ), reply as (
        insert into messages (
            session_id, owner_id, avatar_id, parent_message_id, role, content, created_at, metadata
        )
        select %(session_id)s, %(owner_id)s, %(avatar_id)s, %(parent_message_id)s, 'assistant', %(content)s, %(at)s,
            jsonb_strip_nulls(jsonb_build_object('kept', to_jsonb(%(kept)s::text[])))
        from closed
        returning message_id
    ), made as (
        insert into message_media (owner_id, message_id, media_id)
        select m.owner_id, reply.message_id, m.media_id
        from reply join media m on m.owner_id = %(owner_id)s and m.media_id = any(%(media_ids)s::bigint[])
    ), response as (
        insert into llm_responses (
            owner_id, request_id, message_id, content, usage, memories, affect, timings, created_at
        )
        select %(owner_id)s, %(request_id)s, message_id, %(answer)s::jsonb, %(usage)s::jsonb, %(memories)s::jsonb,
            %(affect)s::jsonb, %(timings)s::jsonb, %(at)s
        from reply
        returning response_id, message_id, created_at
    ), cited as (
        insert into response_citations (
            owner_id, response_id, document_id, chunk_id, marker, location, quote
        )
        select c.owner_id, response.response_id, c.document_id, c.chunk_id, given.marker, c.location, given.quote
        from response,
            unnest(%(chunk_ids)s::bigint[], %(markers)s::smallint[], %(quotes)s::text[])
                as given (chunk_id, marker, quote)
            join chunks c on c.owner_id = %(owner_id)s and c.chunk_id = given.chunk_id
    ), cited_of_shared as (
        insert into shared_citations (
            owner_id, response_id, document_id, chunk_id, marker, location, quote
        )
        select %(owner_id)s, response.response_id, c.document_id, c.chunk_id, given.marker, c.location, given.quote
        from response,
            unnest(%(chunk_ids)s::bigint[], %(markers)s::smallint[], %(quotes)s::text[])
                as given (chunk_id, marker, quote)
            join shared_chunks c on c.chunk_id = given.chunk_id
        where not exists (
            select from chunks o where o.owner_id = %(owner_id)s and o.chunk_id = given.chunk_id
        )
    ), spoken as (
        insert into llm_response_chunks (owner_id, response_id, token_index, token_text)
        select %(owner_id)s, response.response_id, (token.number - 1)::integer, token.piece
        from response, unnest(%(tokens)s::text[]) with ordinality as token (piece, number)
    )
    select message_id, response_id, created_at from response
    """,
)

CLOSE_REQUEST = db.Command(
    """
    update llm_requests set
        state = %(state)s, finished_at = now(), error = %(error)s::jsonb, prompt_json = %(prompt)s::jsonb
    where owner_id = %(owner_id)s and request_id = %(request_id)s and state = 'pending'
    """
)

CLOSED_CUT = db.Query(
    Closed,
    """
    with cut as (
        update llm_requests set state = 'interrupted', finished_at = now(), error = '{"slug": "interrupted"}'
        where owner_id = %(owner_id)s and state = 'pending'
            and (
                expires_at < now() or instance = %(instance)s::uuid or parameters ->> 'turn' = %(turn_id)s::text
            )
        returning request_id, parameters ->> 'idempotency_key' as key
    ), freed as (
        update idempotency_keys k set expires_at = now()
        from cut
        where k.owner_id = %(owner_id)s and k.key = cut.key and k.state = 'running'
    )
    select request_id from cut
    """,
)


def opened_turn(
    tx: db.Transaction,
    owner_id: int,
    *,
    session_id: int,
    parent_message_id: int | None,
    message_id: int | None,
    content: str,
    title: str,
    media_ids: Sequence[int],
    model: tuple[str, str, str, str | None, int] | None,
    parameters: dict[str, Any],
    instance: uuid.UUID,
    lifetime: timedelta,
    key: str | None,
    at: datetime,
    edits: int | None = None,
    kept: Sequence[str] = (),
    prompt_id: int | None = None,
) -> db.Pending[Opened]:
    """Enters a turn. `model` is provider, name, version, endpoint and context length; `message_id` a stored one;
    `title` names a session that has none, with its first message; `edits` is the message that this one replaces;
    `kept` are the categories because of which it stays here; `prompt_id` is
    that of an experiment.
    """
    return tx.fetch(
        OPENED_TURN,
        owner_id=owner_id,
        session_id=session_id,
        parent_message_id=parent_message_id,
        message_id=message_id,
        content=content,
        title=title,
        media_ids=list(media_ids),
        **_columns(model),
        parameters=db.jsonb(parameters),
        instance=instance,
        lifetime=lifetime,
        key=key,
        at=at,
        edits=edits,
        kept=list(kept) or None,
        prompt_id=prompt_id,
    )


def _columns(model: tuple[str, str, str, str | None, int] | None) -> dict[str, Any]:
    names = ("provider", "model_name", "model_version", "endpoint_url", "max_context_len")
    return dict(zip(names, model or (None,) * len(names), strict=True))


def marked(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, categories: Sequence[str], keys: Sequence[str]
) -> db.Pending[Marked]:
    """The messages from which facts of some categories or keys were drawn."""
    return tx.fetch(MARKED, owner_id=owner_id, avatar_id=avatar_id, categories=list(categories), keys=list(keys))


def close_expired(tx: db.Transaction, owner_id: int, session_id: int) -> None:
    """Closes what is past its time in a session."""
    tx.execute(CLOSE_EXPIRED, owner_id=owner_id, session_id=session_id)


def stored_answer(
    tx: db.Transaction,
    owner_id: int,
    *,
    session_id: int,
    request_id: int,
    avatar_id: uuid.UUID | None,
    parent_message_id: int,
    content: str,
    citations: Sequence[Citation],
    tokens: Sequence[str],
    token_estimate: int,
    at: datetime,
    kept: Sequence[str],
    media_ids: Sequence[int] = (),
    model: tuple[str, str, str, str | None, int] | None = None,
    **values: Any,
) -> db.Pending[Stored]:
    """Stores an answer with all that belongs to it; `media_ids` are files that tools made for it, `model` who answered
    where it was not the one that was asked. `values` are JSON: answer, usage, memories, affect, timings, prompt,
    parameters.
    """
    return tx.fetch(
        STORED_ANSWER,
        owner_id=owner_id,
        session_id=session_id,
        request_id=request_id,
        avatar_id=avatar_id,
        parent_message_id=parent_message_id,
        content=content,
        chunk_ids=[citation.chunk_id for citation in citations],
        markers=[citation.marker for citation in citations],
        quotes=[citation.quote for citation in citations],
        tokens=list(tokens),
        token_estimate=token_estimate,
        at=at,
        kept=list(kept) or None,
        media_ids=list(media_ids),
        **_columns(model),
        **{name: db.jsonb(value) for name, value in values.items()},
    )


def close_request(
    tx: db.Transaction, owner_id: int, request_id: int, state: str, error: dict[str, Any], prompt: Any
) -> None:
    """Closes a request that has no answer."""
    tx.execute(
        CLOSE_REQUEST,
        owner_id=owner_id,
        request_id=request_id,
        state=state,
        error=db.jsonb(error),
        prompt=db.jsonb(prompt),
    )


def closed_cut(
    tx: db.Transaction, owner_id: int, instance: uuid.UUID | None = None, *, turn_id: str | None = None
) -> db.Pending[Closed]:
    """Closes one owner's turns that were cut, and frees the keys that they held."""
    return tx.fetch(CLOSED_CUT, owner_id=owner_id, instance=instance, turn_id=turn_id)
