"""SQL of taking snapshots in: rows of the file become rows here, some at a time; what is there is merged by time.

Rows come as one text of JSON, with what they refer to by its names here. Where a row is there already, the later one
holds; each statement answers which rows it wrote, and whether they were new.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import LiteralString

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Written:
    """A row that was written, and whether it was new."""

    id: uuid.UUID
    added: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """A fact that was ended, and the one that holds instead."""

    id: uuid.UUID
    successor: uuid.UUID


@dataclass(frozen=True, slots=True)
class Named:
    """A person, animal or thing that is known here under this kind and name."""

    entity_id: uuid.UUID
    kind: str
    folded: str


ENTITIES_THERE = db.Query(
    Named,
    """
    select e.entity_id, e.kind, e.folded from entities e
    join jsonb_to_recordset(%(rows)s::jsonb) as n (id uuid, kind text, folded text)
        on e.kind = n.kind and e.folded = n.folded or e.entity_id = n.id
    where e.owner_id = %(owner_id)s
    """,
)

# One that is known here gets what the other knows besides.
ENTITIES = db.Query(
    Written,
    """
    insert into entities as e (entity_id, owner_id, kind, name, folded, aliases, relation, mention_count, first_seen,
        last_seen)
    select n.id, %(owner_id)s, n.kind, n.name, n.folded, n.aliases, n.relation, n.mention_count, n.first_seen,
        n.last_seen
    from jsonb_to_recordset(%(rows)s::jsonb) as n (id uuid, kind text, name text, folded text, aliases text[],
        relation text, mention_count integer, first_seen timestamptz, last_seen timestamptz)
    on conflict (entity_id) do update set
        aliases = e.aliases || array(
            select name from unnest(excluded.aliases) with ordinality as a (name, place)
            where a.name <> all(e.aliases) order by place
        ),
        relation = coalesce(e.relation, excluded.relation), first_seen = least(e.first_seen, excluded.first_seen),
        last_seen = greatest(e.last_seen, excluded.last_seen)
    where e.owner_id = %(owner_id)s and (not e.aliases @> excluded.aliases
        or e.relation is null and excluded.relation is not null
        or excluded.first_seen < e.first_seen or excluded.last_seen > e.last_seen)
    returning e.entity_id as id, xmax = 0 as added
    """,
)

ENTITY_MENTIONS = db.Command(
    """
    with heard as (
        insert into entity_mentions (owner_id, avatar_id, entity_id, message_id)
        select %(owner_id)s, %(avatar_id)s, n.entity, n.message
        from jsonb_to_recordset(%(rows)s::jsonb) as n (entity uuid, message bigint, old boolean)
        on conflict do nothing
        returning entity_id
    ),
    more as (
        select h.entity_id, count(*)::integer as n from heard h
        where h.entity_id in (
            select o.entity from jsonb_to_recordset(%(rows)s::jsonb) as o (entity uuid, old boolean) where o.old
        )
        group by h.entity_id
    )
    update entities e set mention_count = e.mention_count + more.n
    from more where e.owner_id = %(owner_id)s and e.entity_id = more.entity_id
    """
)

# Two that hold under one key cannot both hold: the one that was learnt later does.
END_EARLIER = db.Query(
    Ended,
    """
    update user_facts f set is_active = false, ended_at = greatest(f.learned_at, n.learned_at)
    from jsonb_to_recordset(%(rows)s::jsonb) as n (id uuid, category text, key text, is_active boolean,
        learned_at timestamptz, last_updated timestamptz)
    where f.user_id = %(owner_id)s and f.avatar_id = %(avatar_id)s and f.is_active and n.is_active
        and f.category = n.category and f.key = n.key and f.id <> n.id
        and (n.learned_at, n.last_updated, n.id) > (f.learned_at, f.last_updated, f.id)
        and not exists (
            select from user_facts t where t.user_id = f.user_id and t.id = n.id and t.last_updated >= n.last_updated
        )
    returning f.id, n.id as successor
    """,
)

_FACT: LiteralString = """
    n (id uuid, session bigint, source bigint, entity uuid, category text, key text, value jsonb, confidence real,
        status text, evidence text, first_mentioned timestamptz, last_updated timestamptz, mention_count integer,
        tags text[], context text, is_active boolean, true_from timestamptz, true_until timestamptz,
        learned_at timestamptz, ended_at timestamptz, pinned boolean, origin text, settled_at timestamptz)
"""

FACTS = db.Query(
    Written,
    """
    insert into user_facts as f (id, user_id, avatar_id, session_id, source_message_id, entity_id, category, key, value,
        confidence, status, evidence, first_mentioned, last_updated, mention_count, tags, context, is_active, true_from,
        true_until, learned_at, ended_at, pinned, origin, settled_at, superseded_by)
    select n.id, %(owner_id)s, %(avatar_id)s, n.session, n.source, n.entity, n.category, n.key,
        coalesce(n.value, 'null'), n.confidence, n.status, n.evidence, n.first_mentioned, n.last_updated,
        n.mention_count, n.tags, n.context, n.is_active and later.id is null, n.true_from, n.true_until, n.learned_at,
        case when later.id is null then n.ended_at else greatest(n.learned_at, later.learned_at) end, n.pinned,
        n.origin, n.settled_at, later.id
    from jsonb_to_recordset(%(rows)s::jsonb) as
    """  # noqa: S608 (a piece from this file)
    + _FACT
    + """
    left join lateral (
        select o.id, o.learned_at from user_facts o
        where o.user_id = %(owner_id)s and o.avatar_id = %(avatar_id)s and o.category = n.category and o.key = n.key
            and o.is_active and o.id <> n.id
    ) later on n.is_active
    on conflict (id) do update set
        session_id = excluded.session_id, source_message_id = excluded.source_message_id,
        entity_id = excluded.entity_id,
        category = excluded.category, key = excluded.key, value = excluded.value, confidence = excluded.confidence,
        status = excluded.status, evidence = excluded.evidence, first_mentioned = excluded.first_mentioned,
        last_updated = excluded.last_updated, mention_count = excluded.mention_count, tags = excluded.tags,
        context = excluded.context, is_active = excluded.is_active, true_from = excluded.true_from,
        true_until = excluded.true_until, learned_at = excluded.learned_at, ended_at = excluded.ended_at,
        pinned = excluded.pinned, origin = excluded.origin, settled_at = excluded.settled_at,
        superseded_by = excluded.superseded_by, terms = '{}', embedding = null, embedding_model = null,
        next_embedding = null, next_model = null
    where f.user_id = %(owner_id)s and f.avatar_id = %(avatar_id)s and excluded.last_updated > f.last_updated
    returning f.id, xmax = 0 as added
    """,
)

SUCCESSORS = db.Command(
    """
    update user_facts f set superseded_by = n.successor
    from jsonb_to_recordset(%(rows)s::jsonb) as n (id uuid, successor uuid)
    join user_facts s on s.user_id = %(owner_id)s and s.id = n.successor
    where f.user_id = %(owner_id)s and f.avatar_id = %(avatar_id)s and f.id = n.id
    """
)

MENTIONS = db.Command(
    """
    with told as (
        insert into fact_mentions (owner_id, fact_id, message_id, evidence, said_at, confirmed, changed, gone, place,
            true_from, true_until)
        select %(owner_id)s, n.fact, n.message, n.evidence, n.said_at, n.confirmed, n.changed, n.gone, n.place,
            n.true_from, n.true_until
        from jsonb_to_recordset(%(rows)s::jsonb) as n (fact uuid, message bigint, old boolean, evidence text,
            said_at timestamptz, confirmed boolean, changed boolean, gone boolean, place smallint,
            true_from timestamptz, true_until timestamptz)
        on conflict do nothing
        returning fact_id, gone
    ),
    more as (
        select t.fact_id, count(*)::integer as n from told t
        where not t.gone and t.fact_id in (
            select o.fact from jsonb_to_recordset(%(rows)s::jsonb) as o (fact uuid, old boolean) where o.old
        )
        group by t.fact_id
    )
    update user_facts f set mention_count = f.mention_count + more.n
    from more where f.user_id = %(owner_id)s and f.id = more.fact_id
    """
)

EPISODES = db.Query(
    Written,
    """
    insert into episodes as e (id, user_id, avatar_id, session_id, type, title, summary, importance, sentiment, tags,
        context_messages, "timestamp", temporal_decay, times_recalled, last_recalled, forget_at, pinned, related_facts,
        related_episodes, metadata, origin)
    select n.id, %(owner_id)s, %(avatar_id)s, n.session, n.type, n.title, n.summary, n.importance, n.sentiment, n.tags,
        n.messages, n."timestamp", n.temporal_decay, n.times_recalled, n.last_recalled, n.forget_at, n.pinned, n.facts,
        n.episodes, case when n.made_of is null then n.metadata else jsonb_set(n.metadata, '{parts}', (
            select jsonb_agg(p.part || jsonb_build_object('message_ids', n.made_of -> (p.n - 1)::integer) order by p.n)
            from jsonb_array_elements(n.metadata -> 'parts') with ordinality p (part, n)
        )) end, n.origin
    from jsonb_to_recordset(%(rows)s::jsonb) as n (id uuid, session bigint, type text, title text, summary text,
        importance real, sentiment text, tags text[], messages bigint[], "timestamp" timestamptz, temporal_decay real,
        times_recalled integer, last_recalled timestamptz, forget_at timestamptz, pinned boolean, facts uuid[],
        episodes uuid[], metadata jsonb, made_of jsonb, origin text)
    on conflict (id) do update set
        title = case when e.origin = 'corrected' then e.title else excluded.title end,
        summary = case when e.origin = 'corrected' then e.summary else excluded.summary end,
        importance = case when e.origin = 'corrected' then e.importance else excluded.importance end,
        sentiment = case when e.origin = 'corrected' then e.sentiment else excluded.sentiment end,
        origin = case when e.origin = 'corrected' then e.origin else excluded.origin end,
        times_recalled = greatest(e.times_recalled, excluded.times_recalled),
        last_recalled = greatest(e.last_recalled, excluded.last_recalled),
        forget_at = greatest(e.forget_at, excluded.forget_at), pinned = e.pinned or excluded.pinned,
        terms = '{}', embedding = null, embedding_model = null, next_embedding = null, next_model = null
    where e.user_id = %(owner_id)s and e.avatar_id = %(avatar_id)s and (
        coalesce(excluded.last_recalled, '-infinity') > coalesce(e.last_recalled, '-infinity')
        or excluded.pinned and not e.pinned or excluded.origin = 'corrected' and e.origin <> 'corrected')
    returning e.id, xmax = 0 as added
    """,
)

FELT = db.Query(
    Written,
    """
    insert into feelings_history (feeling_id, owner_id, avatar_id, at, valence, arousal, mood, mood_intensity,
        sentiment, concentrations, session_id, message_id, cause)
    select n.id, a.owner_id, a.avatar_id, n.at, n.valence, n.arousal, n.mood, n.mood_intensity, n.sentiment,
        n.concentrations, n.session, n.message, n.cause
    from jsonb_to_recordset(%(rows)s::jsonb) as n (id uuid, at timestamptz, valence real, arousal real, mood text,
        mood_intensity real, sentiment real, concentrations double precision[], session bigint, message bigint,
        cause text)
    join avatars a on a.owner_id = %(owner_id)s and a.avatar_id = %(avatar_id)s
    on conflict do nothing
    returning feeling_id as id, true as added
    """,
)

QUESTIONS = db.Query(
    Written,
    """
    insert into curiosity_gaps (gap_id, owner_id, avatar_id, message_id, fact_id, entity_id, kind, subject, question,
        folded, language, score, state, to_research, mention_count, looked_in, answer, title, source_uri, created_at,
        last_seen, researched_at, asked_at, told_at)
    select n.id, %(owner_id)s, %(avatar_id)s, n.message, n.fact, n.entity, n.kind, n.subject, n.question, n.folded,
        n.language, n.score, n.state, n.to_research, n.mention_count, n.looked_in, n.answer, n.title, n.source_uri,
        n.created_at, n.last_seen, n.researched_at, n.asked_at, n.told_at
    from jsonb_to_recordset(%(rows)s::jsonb) as n (id uuid, message bigint, fact uuid, entity uuid, kind text,
        subject text, question text, folded text, language text, score real, state text, to_research boolean,
        mention_count integer, looked_in jsonb, answer text, title text, source_uri text, created_at timestamptz,
        last_seen timestamptz, researched_at timestamptz, asked_at timestamptz, told_at timestamptz)
    where n.message is not null
    on conflict do nothing
    returning gap_id as id, true as added
    """,
)


def merge(
    tx: db.Transaction, query: db.Query[Written], owner_id: int, avatar_id: uuid.UUID, rows: str
) -> db.Pending[Written]:
    """Writes rows of a part; those that were written."""
    return tx.fetch(query, owner_id=owner_id, avatar_id=avatar_id, rows=rows)


def apply(tx: db.Transaction, command: db.Command, owner_id: int, avatar_id: uuid.UUID, rows: str) -> None:
    """Writes rows beside those of a part."""
    tx.execute(command, owner_id=owner_id, avatar_id=avatar_id, rows=rows)


def end_earlier(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, rows: str) -> db.Pending[Ended]:
    """Ends facts that hold and were learnt before those of the snapshot that hold under the same keys."""
    return tx.fetch(END_EARLIER, owner_id=owner_id, avatar_id=avatar_id, rows=rows)


def entities_there(tx: db.Transaction, owner_id: int, rows: str) -> db.Pending[Named]:
    """Those of the entities that are known here, by id or by kind and name."""
    return tx.fetch(ENTITIES_THERE, owner_id=owner_id, rows=rows)
