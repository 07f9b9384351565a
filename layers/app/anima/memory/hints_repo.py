"""SQL of hints: what a person told of people, places and food, as far as conclusions are drawn from it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Statement:
    """A fact that holds (or held, for when), somebody who was named as somebody's kin, or a saying of the person."""

    id: str
    text: str
    key: str
    value: Any
    relation: str
    message_id: int | None
    session_id: int | None
    at: datetime
    true_from: datetime | None
    true_until: datetime | None


# A fact that holds no more is told for its time only: `superseded` says nothing about kin and places now.
STATEMENTS = db.Query(
    Statement,
    """
    (
        select 'fact:' || u.id as id, case when u.is_active then u.evidence else '' end as text, u.key, u.value,
            '' as relation, u.source_message_id as message_id, u.session_id, u.learned_at as at, u.true_from,
            u.true_until
        from user_facts u
        where u.user_id = %(owner_id)s and u.avatar_id = %(avatar_id)s
            and u.category = any(%(categories)s::text[])
            and (u.is_active or (u.true_from is not null and u.true_until is not null and u.superseded_by is null))
        order by u.is_active desc, u.learned_at desc
        limit %(limit)s
    )
    union all
    (
        select 'entity:' || e.entity_id, '', '', to_jsonb(e.name), e.relation, m.message_id, null::bigint, e.last_seen,
            null::timestamptz, null::timestamptz
        from entities e
        cross join lateral (
            select max(message_id) as message_id from entity_mentions m
            where m.owner_id = e.owner_id and m.avatar_id = %(avatar_id)s and m.entity_id = e.entity_id
        ) m
        where e.owner_id = %(owner_id)s and e.relation is not null and m.message_id is not null
            and cardinality(%(categories)s::text[]) > 0
        order by e.last_seen desc
        limit %(limit)s
    )
    union all
    (
        select 'message:' || m.message_id, m.content, '', 'null'::jsonb, '', m.message_id, m.session_id, m.created_at,
            null::timestamptz, null::timestamptz
        from (
            select distinct p.message_id from message_postings p
            where p.user_id = %(owner_id)s and p.avatar_id = %(avatar_id)s and p.term = any(%(terms)s::text[])
            order by p.message_id desc
            limit %(limit)s
        ) p
        join messages m on m.owner_id = %(owner_id)s and m.message_id = p.message_id and m.role = 'user'
    )
    """,
)


def statements(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, *, categories: list[str], terms: list[str], limit: int
) -> db.Pending[Statement]:
    """Facts of some categories (none: nor people by their kinship), and what was said with one of some terms."""
    return tx.fetch(STATEMENTS, owner_id=owner_id, avatar_id=avatar_id, categories=categories, terms=terms, limit=limit)
