"""SQL of gaps for the person whose avatar has them: to see, to put aside, and how curious it may be."""

from __future__ import annotations

import uuid

from anima.curiosity.model import Gap, Mind
from anima.kernel import db

GAPS = db.Query(
    Gap,
    """
    select g.gap_id, g.avatar_id, g.kind, g.subject, g.question, round(g.score::numeric, 3)::float8 as score, g.state,
        g.mention_count, g.looked_in, g.document_id, g.answer, g.title, g.source_uri, g.message_id, m.session_id,
        g.created_at, g.last_seen, g.researched_at, g.asked_at, g.told_at
    from curiosity_gaps g
    join messages m on m.owner_id = g.owner_id and m.message_id = g.message_id
    where g.owner_id = %(owner_id)s and g.avatar_id = %(avatar_id)s
        and (%(state)s::text is null or g.state = %(state)s) and (%(kind)s::text is null or g.kind = %(kind)s)
        and (
            %(before_score)s::float8 is null
            or (round(g.score::numeric, 3)::float8, g.gap_id) < (%(before_score)s::float8, %(before_id)s::uuid)
        )
    order by round(g.score::numeric, 3)::float8 desc, g.gap_id desc
    limit %(limit)s
    """,
)

GAP = db.Query(
    Gap,
    """
    select g.gap_id, g.avatar_id, g.kind, g.subject, g.question, round(g.score::numeric, 3)::float8 as score, g.state,
        g.mention_count, g.looked_in, g.document_id, g.answer, g.title, g.source_uri, g.message_id, m.session_id,
        g.created_at, g.last_seen, g.researched_at, g.asked_at, g.told_at
    from curiosity_gaps g
    join messages m on m.owner_id = g.owner_id and m.message_id = g.message_id
    where g.owner_id = %(owner_id)s and g.avatar_id = %(avatar_id)s and g.gap_id = %(gap_id)s
    """,
)

DISMISS = db.Command(
    """
    update curiosity_gaps g set state = 'dismissed', search_id = null, to_research = false
    where g.owner_id = %(owner_id)s and g.avatar_id = %(avatar_id)s and g.gap_id = %(gap_id)s
    """
)

# Looked for again, and told again; what was found before counts no more.
REOPEN = db.Command(
    """
    update curiosity_gaps g set
        state = 'open', search_id = null, to_research = true, looked_in = '{}', document_id = null, answer = null,
        title = null, source_uri = null, asked_at = null, told_at = null
    where g.owner_id = %(owner_id)s and g.avatar_id = %(avatar_id)s and g.gap_id = %(gap_id)s
    """
)

MIND = db.Query(
    Mind,
    """
    select coalesce((a.switches ->> 'curiosity')::boolean, true) as is_on, m.searches_a_day,
        case when m.day = %(day)s then m.searches else 0 end as searches
    from avatars a
    left join curiosity_minds m on m.owner_id = a.owner_id and m.avatar_id = a.avatar_id
    where a.owner_id = %(owner_id)s and a.avatar_id = %(avatar_id)s
    """,
)

ALLOW = db.Command(
    """
    insert into curiosity_minds (owner_id, avatar_id, searches_a_day)
    select a.owner_id, a.avatar_id, %(searches_a_day)s
    from avatars a where a.owner_id = %(owner_id)s and a.avatar_id = %(avatar_id)s
    on conflict (owner_id, avatar_id) do update set searches_a_day = excluded.searches_a_day
    """
)


def gaps(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    *,
    state: str | None,
    kind: str | None,
    before: tuple[float, uuid.UUID] | None,
    limit: int,
) -> db.Pending[Gap]:
    """Gaps, those that matter most first."""
    return tx.fetch(
        GAPS,
        owner_id=owner_id,
        avatar_id=avatar_id,
        state=state,
        kind=kind,
        before_score=before[0] if before else None,
        before_id=before[1] if before else None,
        limit=limit,
    )


def gap(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, gap_id: uuid.UUID) -> db.Pending[Gap]:
    """One gap."""
    return tx.fetch(GAP, owner_id=owner_id, avatar_id=avatar_id, gap_id=gap_id)


def dismiss(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, gap_id: uuid.UUID) -> None:
    """Puts a gap aside for good."""
    tx.execute(DISMISS, owner_id=owner_id, avatar_id=avatar_id, gap_id=gap_id)


def reopen(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, gap_id: uuid.UUID) -> None:
    """Has a gap looked for anew."""
    tx.execute(REOPEN, owner_id=owner_id, avatar_id=avatar_id, gap_id=gap_id)


def mind(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, day: object) -> db.Pending[Mind]:
    """How curious an avatar may be, and its searches of a day; no row where there is no such avatar."""
    return tx.fetch(MIND, owner_id=owner_id, avatar_id=avatar_id, day=day)


def allow(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, searches_a_day: int | None) -> None:
    """Sets how many searches an avatar has a day; null: the usual number."""
    tx.execute(ALLOW, owner_id=owner_id, avatar_id=avatar_id, searches_a_day=searches_a_day)
