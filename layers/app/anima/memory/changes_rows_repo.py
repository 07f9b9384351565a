"""SQL of what a change has changed: the rows as they are, and back again."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from anima.kernel import db
from anima.memory.changes_model import Standing


@dataclass(frozen=True, slots=True)
class Mark:
    """What tells whether anything was changed since."""

    mark: str


@dataclass(frozen=True, slots=True)
class There:
    """What of that which rows name is still there, and of the messages, those that may be recalled again."""

    messages: list[int]
    sessions: list[int]
    recallable: list[int]


@dataclass(frozen=True, slots=True)
class Told:
    """A message that is recalled again."""

    message_id: int
    session_id: int
    content: str
    created_at: datetime


STANDING = db.Query(
    Standing,
    """
    with facts as (
        select u.* from user_facts u
        where u.user_id = %(owner_id)s and u.avatar_id = %(avatar_id)s
            and (u.key = any(%(keys)s::text[]) or u.id = any(%(fact_ids)s::uuid[]))
    )
    select
        (select coalesce(jsonb_agg(to_jsonb(f) order by f.id), '[]') from facts f) as facts,
        (
            select coalesce(jsonb_agg(to_jsonb(m) order by m.fact_id, m.message_id), '[]')
            from fact_mentions m
            where m.owner_id = %(owner_id)s and m.fact_id in (select id from facts)
        ) as mentions,
        (
            select coalesce(jsonb_agg(to_jsonb(e) order by e.id), '[]') from episodes e
            where e.user_id = %(owner_id)s and e.avatar_id = %(avatar_id)s
                and (e.id = any(%(episode_ids)s::uuid[])
                    or (not e.pinned and e.related_facts && %(fact_ids)s::uuid[]))
        ) as episodes
    """,
)

# Of an episode, not what each recall changes.
MARK = db.Query(
    Mark,
    """
    select md5(
        (
            select coalesce(string_agg(concat_ws(
                '|', u.id, u.is_active, u.key, u.value, u.status, u.mention_count, u.learned_at, u.ended_at, u.pinned,
                u.tags, u.context, u.true_from, u.true_until, u.settled_at
            ), ';' order by u.id), '')
            from user_facts u
            where u.user_id = %(owner_id)s and u.avatar_id = %(avatar_id)s and u.key = any(%(keys)s::text[])
        ) || '#' || (
            select coalesce(string_agg(concat_ws(
                '|', e.id, e.title, e.summary, e.importance, e.pinned, e.tags
            ), ';' order by e.id), '')
            from episodes e
            where e.user_id = %(owner_id)s and e.avatar_id = %(avatar_id)s and e.id = any(%(episode_ids)s::uuid[])
        )
    ) as mark
    """,
)

# What another change that stands has taken out of recall stays out; what was said in other words since is not there.
THERE = db.Query(
    There,
    """
    with still as (
        select m.message_id, s.private
        from messages m join sessions s on s.user_id = m.owner_id and s.session_id = m.session_id
        where m.owner_id = %(owner_id)s and m.message_id = any(%(message_ids)s::bigint[]) and not exists (
            select from messages e
            where e.owner_id = m.owner_id and e.metadata ? 'edits' and e.metadata ->> 'edits' = any(array[
                m.message_id::text, case when m.role = 'assistant' then m.parent_message_id::text end
            ])
        )
    ),
    hidden as (
        select h::bigint as message_id
        from memory_changes c cross join lateral jsonb_array_elements_text(c.before -> 'hides') h
        where c.owner_id = %(owner_id)s and c.avatar_id = %(avatar_id)s and c.change_id <> %(change_id)s
            and c.undone_at is null
    )
    select array(select message_id from still order by message_id) as messages,
        array(
            select session_id from sessions
            where user_id = %(owner_id)s and session_id = any(%(session_ids)s::bigint[])
        ) as sessions,
        array(
            select message_id from still
            where not private and message_id = any(%(hides)s::bigint[])
                and message_id not in (select message_id from hidden)
        ) as recallable
    """,
)

TOLD = db.Query(
    Told,
    """
    select m.message_id, m.session_id, m.content, m.created_at
    from messages m join sessions s on s.user_id = m.owner_id and s.session_id = m.session_id
    where m.owner_id = %(owner_id)s and m.message_id = any(%(message_ids)s::bigint[]) and not s.private
    order by m.message_id
    """,
)

DROP_LINE = db.Command(
    """
    delete from user_facts
    where user_id = %(owner_id)s and avatar_id = %(avatar_id)s
        and (key = any(%(keys)s::text[]) or id = any(%(fact_ids)s::uuid[]))
    """
)

RESTORE_FACTS = db.Command(
    """
    insert into user_facts (id, user_id, avatar_id, session_id, category, key, value, confidence, status, evidence,
        source_message_id, first_mentioned, last_updated, mention_count, tags, context, is_active, superseded_by, terms,
        embedding, embedding_model, true_from, true_until, learned_at, ended_at, pinned, origin, entity_id, settled_at)
    select r.id, %(owner_id)s, %(avatar_id)s, r.session_id, r.category, r.key, r.value, r.confidence, r.status,
        r.evidence, r.source_message_id, r.first_mentioned, r.last_updated, r.mention_count, r.tags, r.context,
        r.is_active, r.superseded_by, r.terms, r.embedding, r.embedding_model, r.true_from, r.true_until, r.learned_at,
        r.ended_at, r.pinned, r.origin,
        (select e.entity_id from entities e where e.owner_id = %(owner_id)s and e.entity_id = r.entity_id),
        r.settled_at
    from jsonb_populate_recordset(null::user_facts, %(rows)s::jsonb) r
    on conflict (id) do nothing
    """
)

RESTORE_MENTIONS = db.Command(
    """
    insert into fact_mentions (owner_id, fact_id, message_id, evidence, said_at, confirmed, changed, gone, true_from,
        true_until, place)
    select %(owner_id)s, r.fact_id, r.message_id, r.evidence, r.said_at, r.confirmed, r.changed, r.gone, r.true_from,
        r.true_until, r.place
    from jsonb_populate_recordset(null::fact_mentions, %(rows)s::jsonb) r
    on conflict do nothing
    """
)

# An episode that is still there keeps what recalls have made of it.
RESTORE_EPISODES = db.Command(
    """
    insert into episodes as e (id, user_id, avatar_id, session_id, type, title, summary, importance, sentiment, tags,
        context_messages, "timestamp", temporal_decay, times_recalled, last_recalled, forget_at, pinned, related_facts,
        related_episodes, metadata, terms, embedding, embedding_model, origin)
    select r.id, %(owner_id)s, %(avatar_id)s, r.session_id, r.type, r.title, r.summary, r.importance, r.sentiment,
        r.tags, r.context_messages, r."timestamp", r.temporal_decay, r.times_recalled, r.last_recalled, r.forget_at,
        r.pinned, r.related_facts, r.related_episodes, r.metadata, r.terms, r.embedding, r.embedding_model, r.origin
    from jsonb_populate_recordset(null::episodes, %(rows)s::jsonb) r
    on conflict (id) do update set title = excluded.title, summary = excluded.summary, importance = excluded.importance,
        pinned = excluded.pinned, tags = excluded.tags, terms = excluded.terms, embedding = excluded.embedding,
        embedding_model = excluded.embedding_model, origin = excluded.origin,
        forget_at = case when e.times_recalled = excluded.times_recalled then excluded.forget_at else e.forget_at end
    where e.user_id = %(owner_id)s
    """
)


def standing(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    *,
    keys: Sequence[str] = (),
    fact_ids: Sequence[uuid.UUID] = (),
    episode_ids: Sequence[uuid.UUID] = (),
) -> db.Pending[Standing]:
    """The rows of these keys, facts and episodes, and the episodes that tell of the facts."""
    return tx.fetch(
        STANDING,
        owner_id=owner_id,
        avatar_id=avatar_id,
        keys=list(keys),
        fact_ids=list(fact_ids),
        episode_ids=list(episode_ids),
    )


def mark(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, keys: Sequence[str], episode_ids: Sequence[uuid.UUID]
) -> db.Pending[Mark]:
    """What tells whether anything of these was changed since."""
    return tx.fetch(MARK, owner_id=owner_id, avatar_id=avatar_id, keys=list(keys), episode_ids=list(episode_ids))


def there(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    change_id: uuid.UUID,
    *,
    message_ids: Sequence[int],
    session_ids: Sequence[int],
    hides: Sequence[int],
) -> db.Pending[There]:
    """Which of the messages and sessions are still there, and which of the hidden ones may be recalled again."""
    return tx.fetch(
        THERE,
        owner_id=owner_id,
        avatar_id=avatar_id,
        change_id=change_id,
        message_ids=list(message_ids),
        session_ids=list(session_ids),
        hides=list(hides),
    )


def told(tx: db.Transaction, owner_id: int, message_ids: Sequence[int]) -> db.Pending[Told]:
    """The messages, as far as they are there and of no private session."""
    return tx.fetch(TOLD, owner_id=owner_id, message_ids=list(message_ids))


def restore(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, keys: Sequence[str], rows: Standing) -> None:
    """Puts rows back in the place of what stands under these keys now."""
    fact_ids = [each["id"] for each in rows.facts]
    if keys:
        tx.execute(DROP_LINE, owner_id=owner_id, avatar_id=avatar_id, keys=list(keys), fact_ids=fact_ids)
    for command, listed in ((RESTORE_FACTS, rows.facts), (RESTORE_EPISODES, rows.episodes)):
        if listed:
            tx.execute(command, owner_id=owner_id, avatar_id=avatar_id, rows=json.dumps(listed))
    if rows.mentions:
        tx.execute(RESTORE_MENTIONS, owner_id=owner_id, rows=json.dumps(rows.mentions))
