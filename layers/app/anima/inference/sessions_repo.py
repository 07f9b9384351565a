"""SQL of the sessions of inference."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from anima.inference.session_model import Session
from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Known:
    """A model that is there."""

    model_id: uuid.UUID


BEGIN = db.Query(
    Session,
    """
    with entered as (
        insert into inference_sessions (session_id, owner_id, model_id, temperature, top_k, top_p, created_at)
        select %(new_session)s, m.owner_id, m.model_id, %(temperature)s, %(top_k)s, %(top_p)s, %(at)s
        from models m where m.owner_id = %(owner_id)s and m.model_id = %(model_id)s
        returning *
    )
    select e.session_id as inference_id, e.model_id, m.name || '@' || m.version as model, e.temperature, e.top_k,
        e.top_p, e.request_count, e.created_at, e.ended_at
    from entered e join models m on m.owner_id = e.owner_id and m.model_id = e.model_id
    """,
)

ONE = db.Query(
    Session,
    """
    select s.session_id as inference_id, s.model_id, m.name || '@' || m.version as model, s.temperature, s.top_k,
        s.top_p, s.request_count, s.created_at, s.ended_at
    from inference_sessions s join models m on m.owner_id = s.owner_id and m.model_id = s.model_id
    where s.owner_id = %(owner_id)s and s.session_id = %(inference_id)s
    """,
)

# The newest first.
PAGE = db.Query(
    Session,
    """
    select s.session_id as inference_id, s.model_id, m.name || '@' || m.version as model, s.temperature, s.top_k,
        s.top_p, s.request_count, s.created_at, s.ended_at
    from inference_sessions s join models m on m.owner_id = s.owner_id and m.model_id = s.model_id
    where s.owner_id = %(owner_id)s and (%(model_id)s::uuid is null or s.model_id = %(model_id)s)
        and (%(after)s::timestamptz is null
            or s.created_at < %(after)s
            or s.created_at = %(after)s and s.session_id > %(after_session)s::uuid)
    order by s.created_at desc, s.session_id
    limit %(limit)s
    """,
)

END = db.Query(
    Known,
    """
    update inference_sessions s set ended_at = coalesce(s.ended_at, greatest(%(at)s, s.created_at))
    where s.owner_id = %(owner_id)s and s.session_id = %(inference_id)s
    returning s.model_id
    """,
)

DELETE = db.Command("delete from inference_sessions where owner_id = %(owner_id)s and session_id = %(inference_id)s")


def begin(
    tx: db.Transaction,
    owner_id: int,
    new_session: uuid.UUID,
    model_id: uuid.UUID,
    sampling: tuple[float | None, int | None, float | None],
    at: datetime,
) -> db.Pending[Session]:
    """Enters a session; no row where there is no such model."""
    temperature, top_k, top_p = sampling
    return tx.fetch(
        BEGIN,
        owner_id=owner_id,
        new_session=new_session,
        model_id=model_id,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        at=at,
    )


def one(tx: db.Transaction, owner_id: int, inference_id: uuid.UUID) -> db.Pending[Session]:
    """A session."""
    return tx.fetch(ONE, owner_id=owner_id, inference_id=inference_id)


def page(
    tx: db.Transaction, owner_id: int, model_id: uuid.UUID | None, after: tuple[datetime, uuid.UUID] | None, limit: int
) -> db.Pending[Session]:
    """The sessions behind `after` (time and id of the last one seen), one more than `limit`."""
    at, last = after or (None, None)
    return tx.fetch(PAGE, owner_id=owner_id, model_id=model_id, after=at, after_session=last, limit=limit + 1)


def end(tx: db.Transaction, owner_id: int, inference_id: uuid.UUID, at: datetime) -> db.Pending[Known]:
    """Ends a session; one that had ended stays as it was."""
    return tx.fetch(END, owner_id=owner_id, inference_id=inference_id, at=at)


def delete(tx: db.Transaction, owner_id: int, inference_id: uuid.UUID) -> db.Done:
    """Deletes a session with its metrics and what was cached for it."""
    return tx.execute(DELETE, owner_id=owner_id, inference_id=inference_id)
