"""SQL of looking for gaps: what a turn left behind, and what of it is not explained."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anima.curiosity.model import NewGap
from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn that may have left a gap: what was asked, what was answered, and what the gate had said of it."""

    message_id: int
    session_id: int
    text: str
    answer: str
    gate: str


@dataclass(frozen=True, slots=True)
class Unexplained:
    """Somebody or something named again and again, of whom nothing is known."""

    entity_id: uuid.UUID
    name: str
    kind: str
    mentions: int


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A fact that another took the place of within a day."""

    fact_id: uuid.UUID
    key: str
    before: Any
    after: Any
    said_before: str
    said_after: str


@dataclass(frozen=True, slots=True)
class Held:
    """A gap that is there."""

    gap_id: uuid.UUID
    kind: str
    subject: str
    question: str
    folded: str
    state: str


# Only a turn that may have left a gap, and where the avatar may be curious.
TURN = db.Query(
    Turn,
    """
    select m.message_id, m.session_id, m.content as text, coalesce(r.content ->> 'text', '') as answer,
        coalesce(q.parameters ->> 'gate', '') as gate
    from llm_requests q
    join llm_responses r on r.owner_id = q.owner_id and r.request_id = q.request_id
    join messages m on m.owner_id = q.owner_id and m.message_id = q.message_id
    join sessions s on s.user_id = m.owner_id and s.session_id = m.session_id and not s.private
    join avatars a on a.owner_id = s.user_id and a.avatar_id = %(avatar_id)s::uuid
    where q.owner_id = %(owner_id)s and q.request_id = %(request_id)s
        and coalesce((a.switches ->> 'curiosity')::boolean, true)
        and (
            q.parameters ->> 'gate' in ('unknown', 'open')
            or exists (
                select from entity_mentions n
                join entities e on e.owner_id = n.owner_id and e.entity_id = n.entity_id
                where n.owner_id = q.owner_id and n.avatar_id = a.avatar_id and n.message_id = m.message_id
                    and e.relation is null and e.mention_count > 1
            )
            or exists (
                select from user_facts f
                where f.user_id = q.owner_id and f.avatar_id = a.avatar_id and f.source_message_id = m.message_id
            ) and exists (
                select from curiosity_gaps g
                where g.owner_id = q.owner_id and g.avatar_id = a.avatar_id and g.state in ('open', 'asked')
            )
            or exists (
                select from user_facts f
                join user_facts old on old.user_id = f.user_id and old.superseded_by = f.id
                where f.user_id = q.owner_id and f.avatar_id = a.avatar_id and f.source_message_id = m.message_id
            )
        )
    """,
)

UNEXPLAINED = db.Query(
    Unexplained,
    """
    select e.entity_id, e.name, e.kind, count(*) as mentions
    from entity_mentions now_named
    join entities e on e.owner_id = now_named.owner_id and e.entity_id = now_named.entity_id
    join entity_mentions n on n.owner_id = e.owner_id and n.entity_id = e.entity_id
        and n.avatar_id = now_named.avatar_id
    where now_named.owner_id = %(owner_id)s and now_named.avatar_id = %(avatar_id)s
        and now_named.message_id = %(message_id)s and e.relation is null
        and not exists (
            select from user_facts f
            where f.user_id = e.owner_id and f.avatar_id = now_named.avatar_id and f.is_active
                and (f.entity_id = e.entity_id or strpos(lower(f.value::text), lower(e.name)) > 0)
        )
    group by e.entity_id, e.name, e.kind
    having count(*) > 1
    order by count(*) desc, e.name
    limit 5
    """,
)

CONTRADICTIONS = db.Query(
    Contradiction,
    """
    select new.id as fact_id, new.key, old.value as before, new.value as after, old.evidence as said_before,
        new.evidence as said_after
    from user_facts new
    join user_facts old on old.user_id = new.user_id and old.superseded_by = new.id
    where new.user_id = %(owner_id)s and new.avatar_id = %(avatar_id)s and new.source_message_id = %(message_id)s
        and new.is_active and new.origin <> 'corrected' and old.source_message_id is distinct from new.source_message_id
        and new.learned_at - old.learned_at < interval '1 day'
    order by new.key
    limit 5
    """,
)

HELD = db.Query(
    Held,
    """
    select g.gap_id, g.kind, g.subject, g.question, g.folded, g.state
    from curiosity_gaps g
    where g.owner_id = %(owner_id)s and g.avatar_id = %(avatar_id)s
    order by g.last_seen desc
    limit 300
    """,
)

# A gap that shows again counts more; one that nobody wants to hear of stays so. What was looked for in vain is looked
# for again on another day.
FOUND = db.Command(
    """
    insert into curiosity_gaps as g (
        gap_id, owner_id, avatar_id, message_id, kind, subject, question, folded, language, score, state, to_research,
        fact_id, entity_id, created_at, last_seen
    )
    select %(new_id)s, m.owner_id, %(avatar_id)s, m.message_id, %(kind)s, %(subject)s, %(question)s, %(folded)s,
        %(language)s, %(score)s, 'open', %(to_research)s, %(fact_id)s, %(entity_id)s, %(at)s, %(at)s
    from messages m where m.owner_id = %(owner_id)s and m.message_id = %(message_id)s
    on conflict (owner_id, avatar_id, folded) do update set
        mention_count = g.mention_count + 1,
        score = least(1, greatest(g.score, excluded.score) + 0.1),
        message_id = excluded.message_id,
        last_seen = greatest(g.last_seen, excluded.last_seen),
        state = case when g.state = 'answered' and g.document_id is null then 'open' else g.state end,
        to_research = g.to_research or g.state in ('open', 'asked') and excluded.to_research
            and (g.researched_at is null or g.researched_at < excluded.last_seen - interval '1 day')
    """
)

# What the person told since is no gap any more, and nothing that anybody has to be told.
FILLED = db.Command(
    """
    update curiosity_gaps g set state = 'answered', told_at = %(at)s, looked_in = g.looked_in || '{"told": "found"}'
    where g.owner_id = %(owner_id)s and g.avatar_id = %(avatar_id)s and g.gap_id = any(%(gap_ids)s::uuid[])
        and g.state in ('open', 'asked')
    """
)

# Beyond two hundred the ones that matter least go.
DROP_LEAST = db.Command(
    """
    delete from curiosity_gaps g
    where g.owner_id = %(owner_id)s and g.avatar_id = %(avatar_id)s and g.gap_id in (
        select gap_id from curiosity_gaps
        where owner_id = %(owner_id)s and avatar_id = %(avatar_id)s and state in ('open', 'asked')
        order by score desc, last_seen desc, gap_id
        offset %(most)s
    )
    """
)


def turn(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, request_id: int) -> db.Pending[Turn]:
    """A turn worth looking at; nothing where it is gone, private, or the avatar is not curious."""
    return tx.fetch(TURN, owner_id=owner_id, avatar_id=avatar_id, request_id=request_id)


def unexplained(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, message_id: int) -> db.Pending[Unexplained]:
    """Whom a message names again without that anything is known of them."""
    return tx.fetch(UNEXPLAINED, owner_id=owner_id, avatar_id=avatar_id, message_id=message_id)


def contradictions(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, message_id: int
) -> db.Pending[Contradiction]:
    """What a message says that something else said within the day speaks against."""
    return tx.fetch(CONTRADICTIONS, owner_id=owner_id, avatar_id=avatar_id, message_id=message_id)


def held(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID) -> db.Pending[Held]:
    """The gaps of an avatar, the latest ones."""
    return tx.fetch(HELD, owner_id=owner_id, avatar_id=avatar_id)


def found(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    message_id: int,
    new_id: uuid.UUID,
    gap: NewGap,
    at: datetime,
) -> None:
    """Enters a gap, or counts it again; nothing where its message is gone."""
    tx.execute(
        FOUND,
        owner_id=owner_id,
        avatar_id=avatar_id,
        message_id=message_id,
        new_id=new_id,
        kind=gap.kind,
        subject=gap.subject,
        question=gap.question,
        folded=gap.folded,
        language=gap.language,
        score=gap.score,
        to_research=gap.to_research,
        fact_id=gap.fact_id,
        entity_id=gap.entity_id,
        at=at,
    )


def filled(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, gap_ids: list[uuid.UUID], at: datetime) -> None:
    """Closes gaps that the person filled."""
    tx.execute(FILLED, owner_id=owner_id, avatar_id=avatar_id, gap_ids=gap_ids, at=at)


def drop_least(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, most: int) -> None:
    """Keeps so many open gaps, those that matter most."""
    tx.execute(DROP_LEAST, owner_id=owner_id, avatar_id=avatar_id, most=most)
