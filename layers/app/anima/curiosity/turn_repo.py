"""SQL of what an avatar may bring up in a turn, and that it did."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from anima.curiosity.model import Aside
from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Found:
    """A gap that a finding answers."""

    gap_id: uuid.UUID


# Nothing until so many turns have passed since the last one. What was found is told once it can be cited; what was
# looked for in vain, or can be known by the person alone, is asked.
ASIDES = db.Query(
    Aside,
    """
    select g.gap_id, g.kind, g.question, g.subject, g.score::float8 as score, g.document_id, c.chunk_id, g.answer,
        g.title, g.source_uri, g.message_id
    from curiosity_gaps g
    left join lateral (
        select min(chunk_id) as chunk_id from chunks c
        where c.owner_id = g.owner_id and c.document_id = g.document_id
    ) c on true
    where g.owner_id = %(owner_id)s and g.avatar_id = %(avatar_id)s
        and (
            g.state = 'answered' and g.told_at is null and c.chunk_id is not null
            or g.state = 'open' and not g.to_research
        )
        and not exists (
            select from curiosity_minds m
            where m.owner_id = g.owner_id and m.avatar_id = g.avatar_id and m.told_after + %(between)s > (
                select coalesce(sum(total_messages), 0) from user_affinity u
                where u.user_id = m.owner_id and u.avatar_id = m.avatar_id
            )
        )
    order by g.score desc, g.gap_id
    limit 20
    """,
)

FOUND = db.Query(
    Found,
    """
    select g.gap_id from curiosity_gaps g
    where g.owner_id = %(owner_id)s and g.document_id is not null and g.state = 'answered'
    limit 1
    """,
)

TOLD = db.Command(
    """
    update curiosity_gaps g set
        state = case g.state when 'open' then 'asked' else g.state end,
        asked_at = case g.state when 'open' then %(at)s else g.asked_at end,
        told_at = case g.state when 'answered' then %(at)s else g.told_at end
    where g.owner_id = %(owner_id)s and g.gap_id = %(gap_id)s and g.state in ('open', 'answered')
    """
)

REST = db.Command(
    """
    insert into curiosity_minds as m (owner_id, avatar_id, told_after)
    select a.owner_id, a.avatar_id, coalesce((
        select sum(total_messages) from user_affinity u where u.user_id = a.owner_id and u.avatar_id = a.avatar_id
    ), 0)
    from avatars a where a.owner_id = %(owner_id)s and a.avatar_id = %(avatar_id)s
    on conflict (owner_id, avatar_id) do update set told_after = excluded.told_after
    """
)


def asides(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, between: int) -> db.Pending[Aside]:
    """What may be brought up now, what matters most first; nothing within so many turns of the last one."""
    return tx.fetch(ASIDES, owner_id=owner_id, avatar_id=avatar_id, between=between)


def found(tx: db.Transaction, owner_id: int) -> db.Pending[Found]:
    """Whether anything was found out for this person."""
    return tx.fetch(FOUND, owner_id=owner_id)


def told(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, gap_id: uuid.UUID, at: datetime) -> None:
    """It was brought up; nothing else is for some turns."""
    tx.execute(TOLD, owner_id=owner_id, gap_id=gap_id, at=at)
    tx.execute(REST, owner_id=owner_id, avatar_id=avatar_id)
