"""SQL of forgetting: what is due is found by an index on the moment it is due, and nothing else is touched."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from anima.kernel import db
from anima.memory.forgetting_model import BETWEEN


@dataclass(frozen=True, slots=True)
class Due:
    """Somebody who has a memory that has faded."""

    owner_id: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """An episode that was deleted because it had faded."""

    id: uuid.UUID


DUE = db.Query(Due, "select owner_id from owners_with_faded()")

# The looks are those of forgetting_model.look; where nothing is due only a clock that went back is noted.
DROP_FADED = db.Query(
    Dropped,
    """
    with due as (
        select avatar_id from episodes where user_id = %(owner_id)s and not pinned and forget_at <= %(at)s
        union
        select avatar_id from sleeps where owner_id = %(owner_id)s and seen_at > %(at)s
    ),
    looked as (
        insert into sleeps (owner_id, avatar_id, seen_at)
        select %(owner_id)s, avatar_id, %(at)s from due
        on conflict (owner_id, avatar_id) do update set
            seen_at = case
                when sleeps.seen_at <= excluded.seen_at and excluded.seen_at - sleeps.seen_at < %(between)s::interval
                    then sleeps.seen_at
                else excluded.seen_at
            end,
            believed_at = case
                when sleeps.seen_at > excluded.seen_at then least(
                    sleeps.believed_at, case when sleeps.believed_at is not null then excluded.seen_at end)
                when excluded.seen_at - sleeps.seen_at >= %(between)s::interval then sleeps.seen_at
                else sleeps.believed_at
            end
        returning avatar_id, believed_at
    )
    delete from episodes e using looked l
    where e.user_id = %(owner_id)s and e.avatar_id = l.avatar_id and not e.pinned
        and e.forget_at <= %(at)s and e.forget_at <= l.believed_at
    returning e.id
    """,
)


def due(tx: db.Transaction) -> db.Pending[Due]:
    """Some of those who have a memory that has faded by the server's clock, for a worker that acts for nobody."""
    return tx.fetch(DUE)


def drop_faded(tx: db.Transaction, owner_id: int, at: datetime) -> db.Pending[Dropped]:
    """Deletes an owner's episodes that were found faded twice (forgetting_model); what was said stays."""
    return tx.fetch(DROP_FADED, owner_id=owner_id, at=at, between=BETWEEN)
