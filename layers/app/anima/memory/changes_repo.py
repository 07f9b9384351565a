"""SQL of the journal: rows as they are, as they were, and back again."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anima.kernel import db
from anima.memory.changes_model import Change, Entry


@dataclass(frozen=True, slots=True)
class Recalled:
    """Messages that are recalled."""

    messages: list[int]


ADD = db.Command(
    """
    insert into memory_changes (change_id, owner_id, avatar_id, kind, item_id, action, title, before, made_at,
        expires_at)
    values (%(change_id)s, %(owner_id)s, %(avatar_id)s, %(kind)s, %(item_id)s, %(action)s, %(title)s,
        %(was)s::jsonb, %(at)s, %(expires_at)s)
    """
)

CHANGES = db.Query(
    Change,
    """
    select change_id, kind, item_id, action, title, made_at, expires_at, undone_at
    from memory_changes
    where owner_id = %(owner_id)s and avatar_id = %(avatar_id)s and expires_at > %(now)s
        and (%(before)s::uuid is null or change_id < %(before)s)
    order by change_id desc
    limit %(limit)s
    """,
)

ENTRY = db.Query(
    Entry,
    """
    select change_id, kind, item_id, expires_at, undone_at, before
    from memory_changes
    where owner_id = %(owner_id)s and avatar_id = %(avatar_id)s and change_id = %(change_id)s
    for update
    """,
)

# Undone, it need not say any more what was before.
UNDONE = db.Command(
    """
    update memory_changes set undone_at = %(at)s, before = '{}'
    where owner_id = %(owner_id)s and change_id = %(change_id)s
    """
)

INDEXED = db.Query(
    Recalled,
    """
    select array(
            select message_id from message_embeddings
            where user_id = %(owner_id)s and avatar_id = %(avatar_id)s and message_id = any(%(message_ids)s::bigint[])
            union
            select h::bigint
            from memory_changes c cross join lateral jsonb_array_elements_text(c.before -> 'hides') h
            where c.owner_id = %(owner_id)s and c.avatar_id = %(avatar_id)s and c.undone_at is null
                and h::bigint = any(%(message_ids)s::bigint[])
        ) as messages
    """,
)

# What can no longer be undone stays forgotten: what it took out of recall is in no other change any more.
EXPIRE = db.Command(
    """
    with gone as (
        delete from memory_changes
        where owner_id = %(owner_id)s and expires_at <= %(now)s
        returning before
    ),
    hidden as (
        select array_agg(h::bigint) as ids from gone cross join lateral jsonb_array_elements_text(before -> 'hides') h
    )
    update memory_changes c set before = jsonb_set(c.before, '{hides}', (
        select coalesce(jsonb_agg(h), '[]') from jsonb_array_elements(c.before -> 'hides') h
        where h::text::bigint <> all(hidden.ids)
    ))
    from hidden
    where c.owner_id = %(owner_id)s and c.expires_at > %(now)s and hidden.ids is not null and c.before ? 'hides'
    """
)

UNHIDE = db.Command(
    """
    update memory_changes c set before = jsonb_set(c.before, '{hides}', (
        select coalesce(jsonb_agg(h), '[]') from jsonb_array_elements(c.before -> 'hides') h
        where h::text::bigint <> all(%(message_ids)s::bigint[])
    ))
    where c.owner_id = %(owner_id)s and c.avatar_id = %(avatar_id)s and c.before ? 'hides'
    """
)

# What was before another change of the same thing goes too, when it is forgotten for good.
DROP_ITEM = db.Command(
    """
    delete from memory_changes
    where owner_id = %(owner_id)s and avatar_id = %(avatar_id)s
        and (item_id = any(%(fact_ids)s::uuid[]) or item_id = any(%(episode_ids)s::uuid[])
            or exists (
                select from jsonb_array_elements(before -> 'facts') f
                where (f ->> 'id')::uuid = any(%(fact_ids)s::uuid[])
            )
            or exists (
                select from jsonb_array_elements(before -> 'episodes') e
                where (e ->> 'id')::uuid = any(%(episode_ids)s::uuid[])
            ))
    """
)


def add(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, change: Change, before: dict[str, Any]) -> None:
    """Enters a change, with what was before it."""
    tx.execute(
        ADD,
        change_id=change.change_id,
        owner_id=owner_id,
        avatar_id=avatar_id,
        kind=change.kind,
        item_id=change.item_id,
        action=change.action,
        title=change.title,
        was=json.dumps(before, default=str),
        at=change.made_at,
        expires_at=change.expires_at,
    )


def changes(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, *, now: datetime, before: uuid.UUID | None, limit: int
) -> db.Pending[Change]:
    """A page of the changes that are not expired, newest first."""
    return tx.fetch(CHANGES, owner_id=owner_id, avatar_id=avatar_id, now=now, before=before, limit=limit)


def entry(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, change_id: uuid.UUID) -> db.Pending[Entry]:
    """One change, kept from being undone twice."""
    return tx.fetch(ENTRY, owner_id=owner_id, avatar_id=avatar_id, change_id=change_id)


def undone(tx: db.Transaction, owner_id: int, change_id: uuid.UUID, at: datetime) -> None:
    """Notes that a change was undone."""
    tx.execute(UNDONE, owner_id=owner_id, change_id=change_id, at=at)


def indexed(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, message_ids: Sequence[int]
) -> db.Pending[Recalled]:
    """Those of the messages that are recalled, or would be but for a change that can be undone."""
    return tx.fetch(INDEXED, owner_id=owner_id, avatar_id=avatar_id, message_ids=list(message_ids))


def expire(tx: db.Transaction, owner_id: int, now: datetime) -> None:
    """Deletes what can no longer be undone."""
    tx.execute(EXPIRE, owner_id=owner_id, now=now)


def for_good(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    *,
    fact_ids: Sequence[uuid.UUID],
    episode_ids: Sequence[uuid.UUID],
    message_ids: Sequence[int],
) -> None:
    """Has nothing left from which these could come back."""
    tx.execute(
        DROP_ITEM, owner_id=owner_id, avatar_id=avatar_id, fact_ids=list(fact_ids), episode_ids=list(episode_ids)
    )
    tx.execute(UNHIDE, owner_id=owner_id, avatar_id=avatar_id, message_ids=list(message_ids))
