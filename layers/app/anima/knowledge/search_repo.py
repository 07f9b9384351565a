"""SQL of the search: vectors, words and spelling in one statement, and its log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anima.kernel import db
from anima.knowledge.model import Hit, Mode, Retrieval

CANDIDATES = 100
DENSE_WEIGHT = 0.7
LIKE_ENOUGH = 0.45
# Of a very long question the rarest terms count, and the longest of those that nobody knows.
MOST_TERMS = 64
MOST_MISSING = 8


@dataclass(frozen=True, slots=True)
class StoreOfPurpose:
    """The first store of a purpose."""

    store_id: int


@dataclass(frozen=True, slots=True)
class Logged:
    """A search that was logged."""

    retrieval_id: int


STORE = db.Query(
    StoreOfPurpose,
    """
    select store_id from vector_stores
    where owner_id = %(owner_id)s and purpose = %(purpose)s and provider = 'pgvector'
    order by store_id limit 1
    """,
)

# BM25 (Robertson 1994; k1 1.2, b .75) over the postings, exact cosine over the vectors, both of one owner in the
# stores of one purpose, fused by min-max with .7 for the cosine. A word that no document holds is looked up by its
# spelling among those that some do. Every way in starts from the owner: no other operator is leakproof.
SEARCH = db.Query(
    Hit,
    """
    with places as materialized (
        select coalesce(array_agg(s.store_id), '{}') as ids,
            coalesce(sum(c.n), 0)::float8 as n,
            coalesce(sum(c.total_len)::float8 / nullif(sum(c.n), 0)::float8, 1::float8) as mean_len
        from vector_stores s
        left join corpora c on c.owner_id = %(owner_id)s and c.store_id = s.store_id
        where s.owner_id = %(owner_id)s and s.purpose = %(purpose)s and s.provider = 'pgvector'
    ),
    unready as materialized (
        select k.chunk_id from documents d
        join chunks k on k.owner_id = d.owner_id and k.document_id = d.document_id
        where d.owner_id = %(owner_id)s and d.state <> 'done'
    ),
    wanted as materialized (
        select k.chunk_id from documents d
        join chunks k on k.owner_id = d.owner_id and k.document_id = d.document_id
        where %(filtered)s and d.owner_id = %(owner_id)s
            and (%(document_ids)s::bigint[] is null or d.document_id = any(%(document_ids)s::bigint[]))
            and (%(metadata)s::jsonb is null or d.metadata @> %(metadata)s::jsonb)
    ),
    asked as materialized (
        select term, word from unnest(%(terms)s::text[], %(words)s::int[]) as t (term, word)
        where %(mode)s <> 'vector'
    ),
    known as materialized (
        select a.term, a.word, sum(x.df)::float8 as df
        from asked a
        join lexicon x on x.owner_id = %(owner_id)s and x.store_id = any((select ids from places)::bigint[])
            and x.term = a.term
        group by a.term, a.word
        order by df, a.term
        limit %(most_terms)s
    ),
    missing as materialized (
        select term from asked
        where length(term) >= 4 and word not in (select word from known)
        order by length(term) desc, term
        limit %(most_missing)s
    ),
    alike as materialized (
        select near.term, max(near.df) as df, max(near.likeness) as likeness
        from missing m
        cross join lateral (
            select x.term, sum(x.df)::float8 as df, similarity(x.term, m.term)::float8 as likeness
            from lexicon x
            where x.owner_id = %(owner_id)s and x.store_id = any((select ids from places)::bigint[])
                and similarity(x.term, m.term) >= %(like_enough)s
            group by x.term
            order by likeness desc, x.term
            limit 3
        ) near
        where near.term not in (select term from known)
        group by near.term
    ),
    weighed as materialized (
        select t.term, t.likeness, coalesce(t.likeness * t.likeness, 1::float8)
            * ln(1::float8 + (p.n - t.df + 0.5::float8) / (t.df + 0.5::float8)) as weight
        from (
            select term, df, null::float8 as likeness from known
            union all
            select term, df, likeness from alike
        ) t
        cross join places p
    ),
    by_words as materialized (
        select i.chunk_id, max(w.likeness) as likeness,
            sum(w.weight * i.tf::float8 * 2.2::float8
                / (i.tf::float8 + 1.2::float8 * (0.25::float8 + 0.75::float8 * i.dl::float8 / p.mean_len))) as bm25
        from weighed w
        cross join places p
        join postings i on i.owner_id = %(owner_id)s and i.store_id = any((select ids from places)::bigint[])
            and i.term = w.term
        where i.chunk_id not in (select chunk_id from unready)
            and (not %(filtered)s or i.chunk_id in (select chunk_id from wanted))
        group by i.chunk_id
        order by bm25 desc, i.chunk_id
        limit %(candidates)s
    ),
    by_vector as materialized (
        select e.entity_id::bigint as chunk_id, 1::float8 - (e.vector <=> %(vector)s::vector) as cosine
        from embeddings e
        where e.owner_id = %(owner_id)s and e.store_id = any((select ids from places)::bigint[])
            and e.entity_type = 'chunk' and %(mode)s <> 'words'
            and e.entity_id::bigint not in (select chunk_id from unready)
            and (not %(filtered)s or e.entity_id::bigint in (select chunk_id from wanted))
        order by e.vector <=> %(vector)s::vector, e.entity_id
        limit %(candidates)s
    ),
    candidates as materialized (
        select chunk_id, w.bm25, w.likeness,
            coalesce(v.cosine, (
                select 1::float8 - (e.vector <=> %(vector)s::vector) from embeddings e
                where %(mode)s <> 'words' and e.owner_id = %(owner_id)s and e.entity_type = 'chunk'
                    and e.entity_id = w.chunk_id::text
                limit 1
            )) as cosine
        from by_vector v full join by_words w using (chunk_id)
    ),
    spread as materialized (
        select max(bm25) as most_words,
            (select max(cosine) from by_vector) as nearest, (select min(cosine) from by_vector) as farthest
        from candidates
    ),
    fused as materialized (
        select c.*,
            case when %(mode)s = 'words' then 0 when %(mode)s = 'vector' then 1 else %(dense_weight)s end::float8
                * coalesce(greatest(c.cosine - s.farthest, 0) / nullif(s.nearest - s.farthest, 0),
                    (c.cosine is not null)::int)
            + case when %(mode)s = 'words' then 1 when %(mode)s = 'vector' then 0 else 1 - %(dense_weight)s end::float8
                * coalesce(c.bm25 / nullif(s.most_words, 0), 0) as score
        from candidates c cross join spread s
        order by score desc, chunk_id
        limit %(limit)s
    )
    select f.chunk_id, k.document_id, d.source_uri, d.title, k.location, k.text, f.score,
        f.cosine as vector, f.bm25 as words, f.likeness as trigram
    from fused f
    join chunks k on k.owner_id = %(owner_id)s and k.chunk_id = f.chunk_id
    join documents d on d.owner_id = k.owner_id and d.document_id = k.document_id
    order by f.score desc, f.chunk_id
    """,
)

# An array has no foreign key: only ids of the owner's own chunks get in.
LOG = db.Query(
    Logged,
    """
    with results as (
        select coalesce(array_agg(c.chunk_id order by r.rank), '{}') as ids,
            coalesce(array_agg(r.distance order by r.rank), '{}') as distances
        from unnest(%(result_ids)s::bigint[], %(distances)s::float8[]) with ordinality as r (chunk_id, distance, rank)
        join chunks c on c.owner_id = %(owner_id)s and c.chunk_id = r.chunk_id
    )
    insert into retrieval_logs (
        owner_id, request_id, store_id, query_text, query_vector, mode, top_k, result_ids, distances, status, latency_ms
    )
    select %(owner_id)s, %(request_id)s,
        (
            select store_id from vector_stores
            where owner_id = %(owner_id)s and purpose = %(purpose)s and provider = 'pgvector'
            order by store_id limit 1
        ),
        %(query_text)s, %(vector)s::vector, %(mode)s, %(limit)s, ids, distances, %(status)s, %(latency_ms)s
    from results
    returning retrieval_id
    """,
)

RETRIEVAL = db.Query(
    Retrieval,
    """
    select retrieval_id, request_id, store_id, query_text, mode, top_k, result_ids, distances, status, latency_ms,
        retrieved_at
    from retrieval_logs
    where owner_id = %(owner_id)s and retrieval_id = %(retrieval_id)s
    """,
)


def store(tx: db.Transaction, owner_id: int, purpose: str) -> db.Pending[StoreOfPurpose]:
    """The first store of a purpose, or no row."""
    return tx.fetch(STORE, owner_id=owner_id, purpose=purpose)


def hits(
    tx: db.Transaction,
    owner_id: int,
    *,
    vector: Sequence[float] | None,
    terms: Sequence[str],
    words: Sequence[int],
    purpose: str,
    mode: Mode,
    limit: int,
    document_ids: Sequence[int] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> db.Pending[Hit]:
    """The best chunks, best first."""
    return tx.fetch(
        SEARCH,
        owner_id=owner_id,
        vector=None if vector is None else db.vector_text(vector),
        terms=list(terms),
        words=list(words),
        purpose=purpose,
        mode=mode,
        limit=limit,
        candidates=max(CANDIDATES, limit),
        dense_weight=DENSE_WEIGHT,
        like_enough=LIKE_ENOUGH,
        most_terms=MOST_TERMS,
        most_missing=MOST_MISSING,
        filtered=document_ids is not None or metadata is not None,
        document_ids=None if document_ids is None else list(document_ids),
        metadata=None if metadata is None else db.jsonb(dict(metadata)),
    )


def log(
    tx: db.Transaction,
    owner_id: int,
    *,
    purpose: str,
    query_text: str | None,
    vector: Sequence[float] | None,
    mode: Mode,
    limit: int,
    found: Sequence[Hit],
    status: str,
    latency_ms: float | None,
    request_id: int | None,
) -> db.Pending[Logged]:
    """Logs a search: which chunks, how far, how long it took, how it ended."""
    return tx.fetch(
        LOG,
        owner_id=owner_id,
        request_id=request_id,
        purpose=purpose,
        query_text=query_text,
        vector=None if vector is None else db.vector_text(vector),
        mode=mode,
        limit=limit,
        result_ids=[hit.chunk_id for hit in found],
        distances=[1.0 if hit.vector is None else 1.0 - hit.vector for hit in found],
        status=status,
        latency_ms=latency_ms,
    )


def retrieval(tx: db.Transaction, owner_id: int, retrieval_id: int) -> db.Pending[Retrieval]:
    """One logged search."""
    return tx.fetch(RETRIEVAL, owner_id=owner_id, retrieval_id=retrieval_id)
