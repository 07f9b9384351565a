"""SQL of turns that wait for the person to say whether a tool may be called, and of their going on."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from anima.chat.repo import Opened
from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Waiting:
    """A turn that waits, or waited: `kept` is where it stands, `expired` that whoever went on with it is gone."""

    request_id: int
    session_id: int | None
    message_id: int | None
    state: str
    taken: bool
    expired: bool
    kept: dict[str, Any] | None
    provider: str | None
    model_name: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """A call that waits for its person, with the turn that it is part of."""

    request_id: int
    session_id: int | None
    message_id: int | None
    avatar_id: uuid.UUID | None
    kept: dict[str, Any]
    asked_at: datetime


# The turn stays open for its person, without a process: whoever is told the decision goes on with it.
WAIT = db.Command(
    """
    update llm_requests set
        state = 'pending', finished_at = null, instance = null, expires_at = now() + %(patience)s::interval,
        prompt_json = %(prompt)s::jsonb,
        parameters = parameters || jsonb_build_object('waiting', %(kept)s::jsonb, 'asked', %(asked)s::jsonb)
    where owner_id = %(owner_id)s and request_id = %(request_id)s and state <> 'completed'
    """
)

# One of several goes on; one whose process died may be taken over after its time, or once it was closed.
GO_ON = db.Query(
    Opened,
    """
    update llm_requests set
        state = 'pending', finished_at = null, error = null, instance = %(instance)s::uuid,
        expires_at = now() + %(lifetime)s::interval
    where owner_id = %(owner_id)s and request_id = %(request_id)s and parameters ? 'waiting'
        and (state in ('failed', 'interrupted') or state = 'pending' and (instance is null or expires_at < now()))
    returning request_id, message_id
    """,
)

WAITING = db.Query(
    Waiting,
    """
    select q.request_id, q.session_id, q.message_id, q.state, q.instance is not null as taken,
        q.expires_at < now() as expired, q.parameters -> 'waiting' as kept, m.provider, m.model_name, q.created_at
    from llm_requests q
    left join llm_models m on m.model_id = q.model_id
    where q.owner_id = %(owner_id)s and (
        q.request_id = %(request_id)s::bigint
        or %(request_id)s::bigint is null and q.parameters -> 'asked' @> to_jsonb(%(invocation_id)s::bigint)
    )
    order by q.request_id desc
    limit 1
    """,
)

ASKED = db.Query(
    Asked,
    """
    select q.request_id, q.session_id, q.message_id, s.avatar_id, q.parameters -> 'waiting' as kept,
        q.created_at as asked_at
    from llm_requests q
    left join sessions s on s.user_id = q.owner_id and s.session_id = q.session_id
    where q.owner_id = %(owner_id)s and q.state = 'pending' and q.instance is null and q.expires_at > now()
        and q.parameters ? 'waiting'
        and (%(session_id)s::bigint is null or q.session_id = %(session_id)s::bigint)
    order by q.request_id desc
    limit %(limit)s
    """,
)


def wait(
    tx: db.Transaction,
    owner_id: int,
    request_id: int,
    *,
    kept: dict[str, Any],
    prompt: Any,
    ids: list[int],
    patience: timedelta,
) -> None:
    """Keeps where a turn stands that waits for decisions about the calls `ids`."""
    tx.execute(
        WAIT,
        owner_id=owner_id,
        request_id=request_id,
        kept=db.jsonb(kept),
        prompt=db.jsonb(prompt),
        asked=db.jsonb(ids),
        patience=patience,
    )


def go_on(
    tx: db.Transaction, owner_id: int, request_id: int, instance: uuid.UUID, lifetime: timedelta
) -> db.Pending[Opened]:
    """Takes up a turn that waited; nothing where another goes on with it, or it is over."""
    return tx.fetch(GO_ON, owner_id=owner_id, request_id=request_id, instance=instance, lifetime=lifetime)


def waiting(
    tx: db.Transaction, owner_id: int, request_id: int | None, invocation_id: int | None = None
) -> db.Pending[Waiting]:
    """A turn that waits or waited, by its request, else by a call that was asked about in it."""
    return tx.fetch(WAITING, owner_id=owner_id, request_id=request_id, invocation_id=invocation_id)


def asked(tx: db.Transaction, owner_id: int, session_id: int | None, limit: int) -> db.Pending[Asked]:
    """Turns that wait now, newest first."""
    return tx.fetch(ASKED, owner_id=owner_id, session_id=session_id, limit=limit)
