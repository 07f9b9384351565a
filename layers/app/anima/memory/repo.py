"""What recall asks the database: one statement for all candidates, one command to reinforce."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from anima.kernel import db
from anima.memory.model import Candidate

# BM25 with k1 = 1.2, b = 0.75 (Robertson & Zaragoza 2009) over the postings of this owner and avatar; the posting of
# the empty term counts messages and their lengths. A word may have a stem in each language: its weight is that of the
# commoner. Facts and episodes carry their terms with them. Vectors of another embedding model are not looked at.
CANDIDATES = db.Query(
    Candidate,
    """
    with asked as (
        select t.term, t.word
        from unnest(%(terms)s::text[], %(words)s::integer[]) as t (term, word)
    ),
    lengths as (
        select count(*)::float8 as n, greatest(coalesce(avg(dl), 1), 1)::float8 as average from message_postings
        where user_id = %(owner_id)s and avatar_id = %(avatar_id)s and term = ''
    ),
    postings as (
        select p.term, p.message_id, p.tf::float8 as tf, p.dl::float8 as dl
        from message_postings p
        where p.user_id = %(owner_id)s and p.avatar_id = %(avatar_id)s and p.term = any(%(terms)s::text[])
    ),
    weights as (
        select a.term, a.word,
            ln(1 + (l.n - coalesce(f.df, 0) + 0.5::float8) / (coalesce(f.df, 0) + 0.5::float8)) as idf
        from asked a
        cross join lengths l
        left join (select term, count(*)::float8 as df from postings group by term) f using (term)
    ),
    total as (
        select greatest(sum(idf), 0.001::float8) as idf from (select min(idf) as idf from weights group by word) w
    ),
    hits as (
        select p.message_id, w.word, max(w.idf) as idf,
            max(w.idf * p.tf * 2.2::float8
                / (p.tf + 1.2::float8 * (0.25::float8 + 0.75::float8 * p.dl / l.average))) as bm25
        from postings p
        join weights w using (term)
        cross join lengths l
        group by p.message_id, w.word
    ),
    worded as (
        select message_id, sum(bm25) as bm25, sum(idf) as idf from hits group by message_id
    ),
    near as materialized (
        select message_id, 1 - (embedding <=> %(vector)s::vector) as cosine
        from message_embeddings
        where user_id = %(owner_id)s and avatar_id = %(avatar_id)s and embedding_model = %(embedding_model)s
    ),
    found as (
        select message_id, cosine, coalesce(bm25, 0) as words, coalesce(worded.idf, 0) as idf
        from near full join worded using (message_id)
        where message_id <> all(%(exclude)s::bigint[])
            and ((%(session_id)s::bigint is null and %(at)s::timestamptz is null) or exists (
                select from messages m
                where m.owner_id = %(owner_id)s and m.message_id = coalesce(near.message_id, worded.message_id)
                    and (%(session_id)s::bigint is null or m.session_id = %(session_id)s)
                    and (%(at)s::timestamptz is null or m.created_at <= %(at)s)
            ))
        order by coalesce(cosine / nullif(max(abs(cosine)) over (), 0), 0)
            + coalesce(bm25 / nullif(max(bm25) over (), 0), 0) desc
        limit %(limit)s
    ),
    said as (
        select 'message' as kind, m.message_id::text as id, m.content as text, '' as key, 'null'::jsonb as value,
            true as confirmed, 0.5::float8 as importance, m.created_at as made_at, null::timestamptz as last_recalled,
            0 as times_recalled, false as pinned, m.message_id, m.session_id,
            coalesce(m.metadata ->> 'speaker', m.role) as speaker, f.cosine, f.words, f.idf
        from found f
        join messages m on m.owner_id = %(owner_id)s and m.message_id = f.message_id
    ),
    known as (
        select 'fact' as kind, u.id::text as id, u.evidence as text, u.key, u.value,
            u.status = 'confirmed' as confirmed, u.confidence::float8 as importance, u.first_mentioned as made_at,
            null::timestamptz as last_recalled, 0 as times_recalled, true as pinned,
            u.source_message_id as message_id, u.session_id, 'user' as speaker,
            c.cosine, 0::float8 as words, coalesce(w.idf, 0) as idf
        from user_facts u
        left join lateral (
            select sum(idf) as idf
            from (select max(idf) as idf from weights where term = any(u.terms) group by word) matched
        ) w on true
        cross join lateral (
            select case when u.embedding_model = %(embedding_model)s
                then 1 - (u.embedding <=> %(vector)s::vector) end as cosine
        ) c
        where u.user_id = %(owner_id)s and u.avatar_id = %(avatar_id)s and u.is_active
            and (%(at)s::timestamptz is null or u.first_mentioned <= %(at)s)
            and (%(session_id)s::bigint is null or u.session_id = %(session_id)s)
        order by split_part(u.key, ':', 1) = any(%(keys)s::text[]) desc, coalesce(c.cosine, 0) + coalesce(w.idf, 0) desc
        limit %(limit)s
    ),
    lived as (
        select 'episode' as kind, e.id::text as id, e.summary as text, e.type as key, 'null'::jsonb as value,
            true as confirmed, e.importance::float8 / 10 as importance, e."timestamp" as made_at, e.last_recalled,
            e.times_recalled, e.pinned, e.context_messages[1] as message_id, e.session_id, 'user' as speaker,
            c.cosine, 0::float8 as words, coalesce(w.idf, 0) as idf
        from episodes e
        left join lateral (
            select sum(idf) as idf
            from (select max(idf) as idf from weights where term = any(e.terms) group by word) matched
        ) w on true
        cross join lateral (
            select case when e.embedding_model = %(embedding_model)s
                then 1 - (e.embedding <=> %(vector)s::vector) end as cosine
        ) c
        where e.user_id = %(owner_id)s and e.avatar_id = %(avatar_id)s
            and (e.pinned or e.forget_at > coalesce(%(at)s::timestamptz, now()))
            and (%(at)s::timestamptz is null or e."timestamp" <= %(at)s)
            and (%(session_id)s::bigint is null or e.session_id = %(session_id)s)
        order by coalesce(c.cosine, 0) + coalesce(w.idf, 0) desc
        limit %(limit)s
    ),
    everything as (
        select * from said union all select * from known union all select * from lived
    )
    select e.kind, e.id, e.text, e.key, e.value, e.confirmed, e.importance, e.made_at, e.last_recalled,
        e.times_recalled, e.pinned, e.message_id, e.session_id, e.speaker, e.cosine,
        case when e.kind = 'message' then e.words else 1.3::float8 * e.idf end as words,
        least(e.idf / t.idf, 1) as coverage
    from everything e cross join total t
    where e.kind = any(%(kinds)s::text[])
    """,
)

# The moment of forgetting is that of model.forget_at with one recall more.
REINFORCE = db.Command(
    """
    update episodes set
        times_recalled = times_recalled + 1,
        last_recalled = %(at)s,
        forget_at = %(at)s::timestamptz + make_interval(secs => 86400 * ln(10::float8) / 0.1::float8
            * (1 + 0.05::float8 * importance + 0.2::float8 * ln((times_recalled + 2)::float8)))
    where user_id = %(owner_id)s and id = any(%(episode_ids)s::uuid[])
    """
)


def candidates(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    *,
    vector: Sequence[float],
    embedding_model: str,
    terms: Sequence[str],
    words: Sequence[int],
    keys: Sequence[str],
    kinds: Sequence[str],
    exclude: Sequence[int],
    session_id: int | None,
    at: datetime | None,
    limit: int,
) -> db.Pending[Candidate]:
    """Facts that hold, episodes that live and messages that may answer a question; at most `limit` of each kind.

    `at` asks what was there at a moment, None what is there now.
    """
    return tx.fetch(
        CANDIDATES,
        owner_id=owner_id,
        avatar_id=avatar_id,
        vector=db.vector_text(vector),
        embedding_model=embedding_model,
        terms=list(terms),
        words=list(words),
        keys=list(keys),
        kinds=list(kinds),
        exclude=list(exclude),
        session_id=session_id,
        at=at,
        limit=limit,
    )


def reinforce(tx: db.Transaction, owner_id: int, episode_ids: Sequence[uuid.UUID], at: datetime) -> None:
    """Counts a recall of episodes and puts off the moment of their forgetting."""
    tx.execute(REINFORCE, owner_id=owner_id, episode_ids=list(episode_ids), at=at)
