"""SQL of what the logs of turns hold of memory: the memories that went into an answer, and the prompt they stood in."""

from __future__ import annotations

import uuid

from anima.kernel import db

# A prompt is one text: it goes where anything in it goes.
FORGET_SESSION = db.Command(
    """
    with recalled as (
        update llm_responses r set memories = coalesce((
            select jsonb_agg(m.item order by m.place)
            from jsonb_array_elements(r.memories) with ordinality as m (item, place)
            where m.item -> 'source' ->> 'session_id' is distinct from %(session_id)s::bigint::text
        ), '[]')
        where r.owner_id = %(owner_id)s and r.memories @> jsonb_build_array(
            jsonb_build_object('source', jsonb_build_object('session_id', %(session_id)s::bigint))
        )
        returning r.request_id
    )
    update llm_requests q set prompt_text = null, prompt_json = null
    from recalled where q.owner_id = %(owner_id)s and q.request_id = recalled.request_id
    """
)

FORGET_AVATAR = db.Command(
    """
    with of_it as (
        select q.request_id from llm_requests q
        where q.owner_id = %(owner_id)s and (
            %(avatar_id)s::uuid is null
            or exists (
                select from sessions s
                where s.user_id = q.owner_id and s.session_id = q.session_id and s.avatar_id = %(avatar_id)s::uuid
            )
        )
    ),
    answered as (
        update llm_responses r set memories = '[]' from of_it
        where r.owner_id = %(owner_id)s and r.request_id = of_it.request_id and r.memories <> '[]'
    ),
    kept as (
        delete from idempotency_keys k where k.owner_id = %(owner_id)s and k.response ?| array['memories', 'sealed']
    )
    update llm_requests q set prompt_text = null, prompt_json = null from of_it
    where q.owner_id = %(owner_id)s and q.request_id = of_it.request_id
        and (q.prompt_text is not null or q.prompt_json is not null)
    """
)


def forget_session(tx: db.Transaction, owner_id: int, session_id: int) -> None:
    """Takes what was said in a session out of the logs of answers that recalled it."""
    tx.execute(FORGET_SESSION, owner_id=owner_id, session_id=session_id)


def forget_avatar(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID | None) -> None:
    """Takes what an avatar (none: any) recalled out of the logs of its answers."""
    tx.execute(FORGET_AVATAR, owner_id=owner_id, avatar_id=avatar_id)
