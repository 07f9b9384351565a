"""SQL of the search, one statement for vectors, words and spelling, and of its log.

It is the same text over a person's own tables and over those that are shared. A row's `score` says how it stands within
its statement (1: the best), `strength` how good the best of it is, so that rows of several statements can be merged.

Every way in starts from the owner, or from a store: no other operator is leakproof. Words: BM25 (Robertson 1994; k1
1.2, b .75). A word that no document holds is looked up by its spelling among those that some do. Where the question
names somebody who speaks in these texts, it is compared without the name, and what they say is preferred. The best
candidates are weighed again with the words of the two passages before and after them, which count the less the farther
they are and the longer the passage is itself; last, long ones gain by being near to the two best (Rocchio 1971).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

from anima.kernel import db
from anima.knowledge.search_model import Asked, Hit, Mode, Outside, Within

CANDIDATES = 100
DENSE_WEIGHT = 0.6
SPEAKER_WEIGHT = 0.12
ECHO_WEIGHT = 0.4
LIKE_ENOUGH = 0.45
# Of a very long question the rarest terms count, and the longest of those that nobody knows.
MOST_TERMS = 64
MOST_MISSING = 8


@dataclass(frozen=True, slots=True)
class Logged:
    """A search that was logged."""

    retrieval_id: int


# A row's `score` says how it stands within its statement (1: the best), `strength` how good the best of it is: so rows
# of several statements can be merged. It is the same text for a person's own tables and for those that are shared.
_STATEMENT: LiteralString = """
    with places as materialized (
        select coalesce(array_agg(s.store_id), '{}') as ids,
            coalesce(sum(c.n), 0)::float8 as n,
            coalesce(sum(c.total_len)::float8 / nullif(sum(c.n), 0)::float8, 1::float8) as mean_len
        from vector_stores s
        left join (select * from {prefix}corpora where {whose}) c on c.store_id = s.store_id
        where {places} and s.purpose = %(purpose)s
            and (%(model)s::text is null or s.embedding_model = %(model)s::text)
    ),
    speaking as materialized (
        select coalesce(array_agg(n.name), '{}') as names
        from unnest(%(names)s::text[]) as n (name)
        where exists (select from (select * from {prefix}chunks where {whose}) k where k.speaker = n.name)
    ),
    asking as materialized (
        select case when s.names && %(left_out)s::text[] and %(plain)s::vector is not null
            then case when s.names @> %(left_out)s::text[] then %(plain)s::vector
                else %(vector)s::vector + %(plain)s::vector end
            else %(vector)s::vector end as vector
        from speaking s
    ),
    unready as materialized (
        select k.chunk_id
        from (select * from {prefix}documents where {whose} and state <> 'done') d
        join (select * from {prefix}chunks where {whose}) k on k.document_id = d.document_id
    ),
    wanted as materialized (
        select k.chunk_id
        from (select * from {prefix}documents where {whose}) d
        join (select * from {prefix}chunks where {whose}) k on k.document_id = d.document_id
        where %(filtered)s
            and (%(document_ids)s::bigint[] is null or d.document_id = any(%(document_ids)s::bigint[]))
            and (%(metadata)s::jsonb is null or d.metadata @> %(metadata)s::jsonb)
            and (%(after)s::timestamptz is null or d.created_at >= %(after)s::timestamptz)
            and (%(before)s::timestamptz is null or d.created_at < %(before)s::timestamptz)
    ),
    asked as materialized (
        select term, word from unnest(%(terms)s::text[], %(words)s::int[]) as t (term, word)
        where %(mode)s <> 'vector'
    ),
    known as materialized (
        select a.term, a.word, sum(x.df)::float8 as df
        from asked a
        join (select * from {prefix}lexicon where {whose}) x
            on x.store_id = any((select ids from places)::bigint[]) and x.term = a.term
        group by a.term, a.word
        order by df, a.term
        limit %(most_terms)s
    ),
    missing as materialized (
        select term, word from asked
        where length(term) >= 4 and word not in (select word from known)
        order by length(term) desc, term
        limit %(most_missing)s
    ),
    alike as materialized (
        select distinct on (near.term) near.term, m.word, near.df, near.likeness
        from missing m
        cross join lateral (
            select x.term, sum(x.df)::float8 as df, similarity(x.term, m.term)::float8 as likeness
            from (select * from {prefix}lexicon where {whose}) x
            where x.store_id = any((select ids from places)::bigint[]) and similarity(x.term, m.term) >= %(like_enough)s
            group by x.term
            order by likeness desc, x.term
            limit 3
        ) near
        where near.term not in (select term from known)
        order by near.term, near.likeness desc
    ),
    weighed as materialized (
        select row_number() over () as number, t.term, t.word, t.likeness, coalesce(t.likeness * t.likeness, 1::float8)
            * ln(1::float8 + (p.n - t.df + 0.5::float8) / (t.df + 0.5::float8)) as weight
        from (
            select term, word, df, null::float8 as likeness from known
            union all
            select term, word, df, likeness from alike
        ) t
        cross join places p
    ),
    held as materialized (
        select w.number, i.chunk_id, i.tf, i.dl
        from weighed w
        join (select * from {prefix}postings where {whose}) i
            on i.store_id = any((select ids from places)::bigint[]) and i.term = w.term
    ),
    by_words as materialized (
        select h.chunk_id, max(w.likeness) as likeness,
            sum(w.weight * h.tf::float8 * 2.2::float8
                / (h.tf::float8 + 1.2::float8 * (0.25::float8 + 0.75::float8 * h.dl::float8 / p.mean_len))) as bm25
        from held h
        join weighed w using (number)
        cross join places p
        where h.chunk_id not in (select chunk_id from unready)
            and (not %(filtered)s or h.chunk_id in (select chunk_id from wanted))
        group by h.chunk_id
        order by bm25 desc, h.chunk_id
        limit %(candidates)s
    ),
    by_vector as materialized (
        select v.chunk_id, v.cosine
        from nearest_chunks(
            {owner}, (select ids from places)::bigint[], %(model)s::text, (select vector from asking),
            %(candidates)s::int,
            array(select chunk_id from unready), case when %(filtered)s then array(select chunk_id from wanted) end
        ) v
        where %(mode)s <> 'words'
    ),
    outside as materialized (
        select o.chunk_id, max(o.cosine) as cosine
        from unnest(%(outside_ids)s::bigint[], %(outside_cosines)s::float8[]) as o (chunk_id, cosine)
        where %(mode)s <> 'words' and o.chunk_id not in (select chunk_id from unready)
            and (not %(filtered)s or o.chunk_id in (select chunk_id from wanted))
        group by o.chunk_id
    ),
    candidates as materialized (
        select c.chunk_id, k.document_id, k.chunk_index, k.speaker, d.store_id, w.bm25, w.likeness,
            power(1::float8 - least(k.token_count, 200)::float8 / 250::float8, 1.5::float8) as lean, e.vector,
            case when k.speaker = any((select names from speaking)::text[]) then %(speaker_weight)s
                else 0 end::float8 as spoken,
            coalesce(v.cosine, o.cosine, 1::float8 - (e.vector <=> (select vector from asking))) as cosine
        from (
            select chunk_id from by_vector union select chunk_id from by_words union select chunk_id from outside
        ) c
        join (select * from {prefix}chunks where {whose}) k on k.chunk_id = c.chunk_id
        join (select * from {prefix}documents where {whose}) d
            on d.document_id = k.document_id and d.store_id = any((select ids from places)::bigint[])
        left join by_words w on w.chunk_id = c.chunk_id
        left join by_vector v on v.chunk_id = c.chunk_id
        left join outside o on o.chunk_id = c.chunk_id
        left join lateral (
            select e.vector from (select * from {prefix}embeddings where {whose}) e
            where %(mode)s <> 'words' and e.entity_type = 'chunk' and e.entity_id = c.chunk_id::text
                and e.embedding_model = %(model)s
            limit 1
        ) e on true
    ),
    scale as materialized (
        select max(bm25) as most_words, greatest(max(cosine), 0.01::float8) as nearest,
            case when %(mode)s = 'words' or max(cosine) is null then 0
                when %(mode)s = 'vector' then 1 else %(dense_weight)s end::float8 as dense,
            (
                select sum(coalesce(h.weight,
                    0.5::float8 * ln(1::float8 + greatest(p.n - 0.5::float8, 0) / 1.5::float8)))
                from (select distinct word from asked) a
                cross join places p
                left join (select word, max(weight) as weight from weighed group by word) h on h.word = a.word
            ) as ideal
        from candidates
    ),
    first as materialized (
        select c.*
        from candidates c cross join scale s
        order by s.dense * coalesce(c.cosine, 0) / s.nearest
            + (1::float8 - s.dense) * coalesce(c.bm25 / nullif(s.most_words, 0), 0)
            + c.spoken desc, c.chunk_id
        limit %(weighed)s
    ),
    beside as materialized (
        select f.chunk_id as of_id, f.store_id, k.chunk_id, power(f.lean, abs(k.chunk_index - f.chunk_index)) as part
        from first f
        cross join lateral (
            select k.chunk_id, k.chunk_index from (select * from {prefix}chunks where {whose}) k
            where k.document_id = f.document_id and k.chunk_index between f.chunk_index - 2 and f.chunk_index + 2
            limit 5
        ) k
    ),
    around as materialized (
        select b.of_id as chunk_id, w.number, sum(i.tf::float8 * b.part) as tf, bool_or(b.of_id = b.chunk_id) as itself
        from beside b
        cross join weighed w
        cross join lateral (
            select i.tf from (select * from {prefix}postings where {whose}) i
            where i.store_id = b.store_id and i.term = w.term and i.chunk_id = b.chunk_id
            limit 1
        ) i
        group by b.of_id, w.number
    ),
    in_context as materialized (
        select a.chunk_id, array_agg(distinct w.word) filter (where a.itself) as met,
            jsonb_object_agg(w.word, w.term) filter (where a.itself and w.likeness is not null) as spelled,
            sum(w.weight * a.tf * 2.2::float8 / (a.tf + 1.2::float8)) as words
        from around a join weighed w using (number)
        group by a.chunk_id
    ),
    second as materialized (
        select f.*, x.met, x.spelled, s.dense * coalesce(f.cosine, 0) / s.nearest
            + (1::float8 - s.dense) * power(
                coalesce(x.words / nullif((select max(words) from in_context), 0), 0), 1.3::float8)
            + f.spoken as score
        from first f cross join scale s left join in_context x on x.chunk_id = f.chunk_id
    ),
    model as materialized (
        select avg(vector) as vector
        from (select vector from second where vector is not null order by score desc, chunk_id limit 2) b
    ),
    ranked as materialized (
        select r.*, row_number() over (order by r.score + r.echo desc, r.chunk_id) as rank
        from (
            select s.*, %(echo_weight)s::float8 * (1::float8 - s.lean)
                * coalesce(1::float8 - (s.vector <=> m.vector), 0) as echo
            from second s cross join model m
        ) r
        order by rank
        limit %(limit)s
    )
    select r.chunk_id, r.document_id, r.store_id, s.purpose, s.metadata as store_metadata, d.source_uri,
        d.title, k.chunk_index, k.location, k.text, (r.score + r.echo) / max(r.score + r.echo) over () as score,
        z.dense * z.nearest + (1::float8 - z.dense) * least(1::float8, coalesce(
            (select max(words) from in_context) / nullif(z.ideal, 0), 0)) as strength,
        r.cosine as vector, r.bm25 as words, r.likeness as trigram, coalesce(r.met, '{}') as met,
        coalesce(r.spelled, '{}') as spelled,
        case when r.spoken > 0 then r.speaker end as speaker
    from ranked r
    cross join scale z
    join (select * from {prefix}chunks where {whose}) k on k.chunk_id = r.chunk_id
    join (select * from {prefix}documents where {whose}) d on d.document_id = r.document_id
    join vector_stores s on s.store_id = r.store_id
    order by r.rank
    """


def search_sql(
    prefix: LiteralString, whose: LiteralString, places: LiteralString, owner: LiteralString
) -> LiteralString:
    """The statement over the tables `<prefix>chunks` etc., in the rows `whose`, of the stores `places`.

    `owner` is the first argument of the function nearest_chunks: whose vectors, null for those that are shared.
    """
    statement = _STATEMENT.replace("{prefix}", prefix).replace("{whose}", whose)
    return statement.replace("{places}", places).replace("{owner}", owner)


SEARCH = db.Query(Hit, search_sql("", "owner_id = %(owner_id)s", "s.owner_id = %(owner_id)s", "%(owner_id)s::bigint"))
SEARCH_SHARED = db.Query(Hit, search_sql("shared_", "true", "s.owner_id is null", "null::bigint"))

# An array has no foreign key: only ids of chunks that the owner may see get in.
LOG = db.Query(
    Logged,
    """
    with results as (
        select coalesce(array_agg(r.chunk_id order by r.rank), '{}') as ids,
            coalesce(array_agg(r.distance order by r.rank), '{}') as distances
        from unnest(%(result_ids)s::bigint[], %(distances)s::float8[]) with ordinality as r (chunk_id, distance, rank)
        where exists (select from chunks c where c.owner_id = %(owner_id)s and c.chunk_id = r.chunk_id)
            or exists (select from shared_chunks c where c.chunk_id = r.chunk_id)
    )
    insert into retrieval_logs (
        owner_id, request_id, store_id, purposes, query_text, query_vector, mode, top_k, floor, result_ids, distances,
        status, latency_ms, warnings
    )
    select %(owner_id)s, %(request_id)s,
        (
            select store_id from vector_stores
            where (owner_id = %(owner_id)s or owner_id is null) and purpose = any(%(purposes)s::text[])
            order by owner_id nulls last, array_position(%(purposes)s::text[], purpose), store_id limit 1
        ),
        %(purposes)s::text[], %(query_text)s, %(vector)s::vector, %(mode)s, %(limit)s, %(floor)s, ids, distances,
        %(status)s, %(latency_ms)s, %(warnings)s::text[]
    from results
    returning retrieval_id
    """,
)


def hits(
    tx: db.Transaction,
    owner_id: int,
    question: Asked,
    *,
    purpose: str,
    mode: Mode,
    limit: int,
    within: Within,
    outside: Outside,
    shared: bool = False,
) -> db.Pending[Hit]:
    """The best chunks, best first, of the owner's own stores of a purpose or of the shared ones; where the question has
    been embedded, of the stores of that model.
    """
    params = {
        "owner_id": owner_id,
        "vector": db.vector_text(question.vector) if question.vector else None,
        "plain": db.vector_text(question.plain) if question.plain else None,
        "left_out": list(question.left_out),
        "names": list(question.names[:MOST_TERMS]),
        "model": question.model,
        "terms": list(question.terms),
        "words": list(question.words),
        "purpose": purpose,
        "mode": mode,
        "limit": limit,
        "candidates": max(CANDIDATES, limit),
        "weighed": max(CANDIDATES, limit),
        "dense_weight": DENSE_WEIGHT,
        "speaker_weight": SPEAKER_WEIGHT,
        "echo_weight": ECHO_WEIGHT,
        "like_enough": LIKE_ENOUGH,
        "most_terms": MOST_TERMS,
        "most_missing": MOST_MISSING,
        "filtered": not within.everything,
        "document_ids": None if within.document_ids is None else list(within.document_ids),
        "metadata": None if within.metadata is None else db.jsonb(dict(within.metadata)),
        "after": within.after,
        "before": within.before,
        "outside_ids": list(outside.chunk_ids),
        "outside_cosines": list(outside.cosines),
    }
    return tx.fetch(SEARCH_SHARED if shared else SEARCH, **params)


def log(
    tx: db.Transaction,
    owner_id: int,
    question: Asked,
    found: Sequence[Hit],
    *,
    purposes: Sequence[str],
    mode: Mode,
    limit: int,
    status: str,
    latency_ms: float | None,
    request_id: int | None = None,
    floor: float | None = None,
    warnings: Sequence[str] = (),
) -> db.Pending[Logged]:
    """Logs a search: which chunks, how far, how long it took, how it ended."""
    return tx.fetch(
        LOG,
        owner_id=owner_id,
        request_id=request_id,
        purposes=list(purposes),
        query_text=question.text,
        vector=db.vector_text(question.vector) if question.vector else None,
        mode=mode,
        limit=limit,
        floor=floor,
        result_ids=[hit.chunk_id for hit in found],
        distances=[1.0 if hit.vector is None else 1.0 - hit.vector for hit in found],
        status=status,
        latency_ms=latency_ms,
        warnings=list(warnings),
    )
