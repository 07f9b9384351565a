"""SQL of the ingestion: claiming a document, writing its index batch by batch, and taking it out again.

Whoever writes holds the document's row first, then the row of its corpus: so writers of one store wait for
each other and cannot block each other for good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from anima.kernel import db
from anima.knowledge.model import StoredChunk

MAX_ATTEMPTS = 3
SILENCE = timedelta(seconds=90)
"""A worker that has written nothing for so long is taken for dead; what comes before then comes twice."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A document that a worker has taken; `attempts` tells it from a later claim of the same."""

    document_id: int
    store_id: int
    dimension: int
    title: str
    doc_type: str
    storage_uri: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Held:
    """The document whose row is locked."""

    document_id: int


@dataclass(frozen=True, slots=True)
class IndexedChunk:
    """A chunk ready to be written: its place, its vector, its terms with their counts."""

    chunk_index: int
    text: str
    token_count: int
    location: str
    vector: str
    terms: dict[str, int]

    @property
    def length(self) -> int:
        """Number of terms, repeated ones counted (dl of BM25)."""
        return sum(self.terms.values())


GIVE_UP = db.Query(
    Held,
    """
    update documents set state = 'failed', stage = 'failed', reason = coalesce(reason, %(reason)s)
    where owner_id = %(owner_id)s and document_id = %(document_id)s and state in ('queued', 'running')
        and attempts >= %(max_attempts)s and (state = 'queued' or updated_at <= now() - %(silence)s::interval)
    returning document_id
    """,
)

AT_WORK = db.Query(
    Held,
    """
    select document_id from documents
    where owner_id = %(owner_id)s and document_id = %(document_id)s and state = 'running'
    """,
)

CLAIM = db.Query(
    Claimed,
    """
    update documents d set state = 'running', stage = 'parse', attempts = d.attempts + 1
    from vector_stores s
    where d.owner_id = %(owner_id)s and d.document_id = %(document_id)s and d.state in ('queued', 'running')
        and d.attempts < %(max_attempts)s and s.store_id = d.store_id
    returning d.document_id, d.store_id, s.dimension, d.title, d.doc_type, d.storage_uri, d.attempts
    """,
)

LAST_CHUNK = db.Query(
    StoredChunk,
    """
    select chunk_id, document_id, chunk_index, text, token_count, location
    from chunks
    where owner_id = %(owner_id)s and document_id = %(document_id)s
    order by chunk_index desc
    limit 1
    """,
)

ADVANCE = db.Query(
    Held,
    """
    update documents set
        stage = %(stage)s,
        chunks_done = coalesce(%(chunks_done)s, chunks_done),
        chunks_total = coalesce(%(chunks_total)s, chunks_total)
    where owner_id = %(owner_id)s and document_id = %(document_id)s
        and state = 'running' and attempts = %(attempts)s
    returning document_id
    """,
)

FINISH = db.Query(
    Held,
    """
    update documents d set
        state = 'done', stage = 'done', reason = null, language = %(language)s,
        token_count = (
            select coalesce(sum(c.token_count), 0) from chunks c
            where c.owner_id = d.owner_id and c.document_id = d.document_id
        )
    where d.owner_id = %(owner_id)s and d.document_id = %(document_id)s
        and d.state = 'running' and d.attempts = %(attempts)s
    returning d.document_id
    """,
)

END = db.Query(
    Held,
    """
    update documents set state = %(state)s, stage = %(state)s, reason = %(reason)s
    where owner_id = %(owner_id)s and document_id = %(document_id)s
        and state = 'running' and attempts = %(attempts)s
    returning document_id
    """,
)

COUNT_CORPUS = db.Command(
    """
    insert into corpora (owner_id, store_id, n, total_len)
    values (%(owner_id)s, %(store_id)s, %(n)s, %(total_len)s)
    on conflict (owner_id, store_id) do update set
        n = corpora.n + excluded.n, total_len = corpora.total_len + excluded.total_len
    """
)

COUNT_LEXICON = db.Command(
    """
    insert into lexicon (owner_id, store_id, term, df)
    select %(owner_id)s, %(store_id)s, term, count(*) from unnest(%(terms)s::text[]) as term group by term
    on conflict (owner_id, store_id, term) do update set df = lexicon.df + excluded.df
    """
)

WRITE = db.Command(
    """
    with written as (
        insert into chunks (owner_id, document_id, chunk_index, text, token_count, location)
        select %(owner_id)s, %(document_id)s, n.*
        from unnest(
            %(indexes)s::int[], %(texts)s::text[], %(token_counts)s::int[], %(locations)s::jsonb[]
        ) as n
        returning chunk_id, chunk_index
    ),
    embedded as (
        insert into embeddings (owner_id, store_id, entity_type, entity_id, external_id, vector, metadata)
        select %(owner_id)s, %(store_id)s, 'chunk', w.chunk_id::text, 'chunk:' || w.chunk_id, v.vector::vector,
            jsonb_build_object('model', %(model)s::text)
        from unnest(%(indexes)s::int[], %(vectors)s::text[]) as v (chunk_index, vector)
        join written w using (chunk_index)
    )
    insert into postings (owner_id, store_id, term, chunk_id, tf, dl)
    select %(owner_id)s, %(store_id)s, p.term, w.chunk_id, p.tf, p.dl
    from unnest(
        %(term_indexes)s::int[], %(terms)s::text[], %(tfs)s::smallint[], %(dls)s::int[]
    ) as p (chunk_index, term, tf, dl)
    join written w using (chunk_index)
    """
)

UNCOUNT_CORPUS = db.Command(
    """
    update corpora c set n = c.n - gone.n, total_len = c.total_len - gone.total_len
    from (
        select d.store_id, count(*) as n, coalesce(sum(l.dl), 0) as total_len
        from documents d
        join chunks k on k.owner_id = d.owner_id and k.document_id = d.document_id
        left join lateral (
            select p.dl from postings p where p.owner_id = k.owner_id and p.chunk_id = k.chunk_id limit 1
        ) l on true
        where d.owner_id = %(owner_id)s and d.document_id = %(document_id)s
        group by d.store_id
    ) gone
    where c.owner_id = %(owner_id)s and c.store_id = gone.store_id
    """
)

UNCOUNT_LEXICON = db.Command(
    """
    update lexicon x set df = x.df - gone.df
    from (
        select p.store_id, p.term, count(*) as df
        from chunks k join postings p on p.owner_id = k.owner_id and p.chunk_id = k.chunk_id
        where k.owner_id = %(owner_id)s and k.document_id = %(document_id)s
        group by p.store_id, p.term
    ) gone
    where x.owner_id = %(owner_id)s and x.store_id = gone.store_id and x.term = gone.term
    """
)

DROP_WORDS = db.Command(
    """
    delete from lexicon x
    using chunks k join postings p on p.owner_id = k.owner_id and p.chunk_id = k.chunk_id
    where k.owner_id = %(owner_id)s and k.document_id = %(document_id)s
        and x.owner_id = %(owner_id)s and x.store_id = p.store_id and x.term = p.term and x.df <= 0
    """
)

DROP_CHUNKS = db.Command("delete from chunks where owner_id = %(owner_id)s and document_id = %(document_id)s")


def give_up(tx: db.Transaction, owner_id: int, document_id: int, reason: str) -> db.Pending[Held]:
    """Ends a document that has had all its attempts, and whose last worker is silent."""
    return tx.fetch(
        GIVE_UP,
        owner_id=owner_id,
        document_id=document_id,
        reason=reason,
        max_attempts=MAX_ATTEMPTS,
        silence=SILENCE,
    )


def at_work(tx: db.Transaction, owner_id: int, document_id: int) -> db.Pending[Held]:
    """The document, where some worker has it."""
    return tx.fetch(AT_WORK, owner_id=owner_id, document_id=document_id)


def claim(tx: db.Transaction, owner_id: int, document_id: int) -> db.Pending[Claimed]:
    """Takes a document that waits, or one whose worker died; counts the attempt."""
    return tx.fetch(CLAIM, owner_id=owner_id, document_id=document_id, max_attempts=MAX_ATTEMPTS)


def last_chunk(tx: db.Transaction, owner_id: int, document_id: int) -> db.Pending[StoredChunk]:
    """The last chunk that was written."""
    return tx.fetch(LAST_CHUNK, owner_id=owner_id, document_id=document_id)


def advance(
    tx: db.Transaction,
    owner_id: int,
    claimed: Claimed,
    stage: str,
    chunks_done: int | None = None,
    chunks_total: int | None = None,
) -> db.Pending[Held]:
    """Says how far a claimed document is; no row where the claim no longer holds."""
    return tx.fetch(
        ADVANCE,
        owner_id=owner_id,
        document_id=claimed.document_id,
        attempts=claimed.attempts,
        stage=stage,
        chunks_done=chunks_done,
        chunks_total=chunks_total,
    )


def finish(tx: db.Transaction, owner_id: int, claimed: Claimed, language: str | None) -> db.Pending[Held]:
    """Ends a document whose chunks are all there: from now on it is found."""
    return tx.fetch(
        FINISH,
        owner_id=owner_id,
        document_id=claimed.document_id,
        attempts=claimed.attempts,
        language=language,
    )


def end(tx: db.Transaction, owner_id: int, claimed: Claimed, state: str, reason: str) -> db.Pending[Held]:
    """Ends the attempt in another state than done."""
    return tx.fetch(
        END,
        owner_id=owner_id,
        document_id=claimed.document_id,
        attempts=claimed.attempts,
        state=state,
        reason=reason,
    )


def write(tx: db.Transaction, owner_id: int, claimed: Claimed, model: str, batch: Sequence[IndexedChunk]) -> None:
    """Writes chunks with vectors and postings, and counts them in lexicon and corpus."""
    postings = [(chunk, term, tf) for chunk in batch for term, tf in chunk.terms.items()]
    terms = [term for _, term, _ in postings]
    tx.execute(
        COUNT_CORPUS,
        owner_id=owner_id,
        store_id=claimed.store_id,
        n=len(batch),
        total_len=sum(chunk.length for chunk in batch),
    )
    tx.execute(COUNT_LEXICON, owner_id=owner_id, store_id=claimed.store_id, terms=terms)
    tx.execute(
        WRITE,
        owner_id=owner_id,
        document_id=claimed.document_id,
        store_id=claimed.store_id,
        model=model,
        indexes=[chunk.chunk_index for chunk in batch],
        texts=[chunk.text for chunk in batch],
        token_counts=[chunk.token_count for chunk in batch],
        locations=[chunk.location for chunk in batch],
        vectors=[chunk.vector for chunk in batch],
        term_indexes=[chunk.chunk_index for chunk, _, _ in postings],
        terms=terms,
        tfs=[min(tf, 32_767) for _, _, tf in postings],
        dls=[chunk.length for chunk, _, _ in postings],
    )


def remove(tx: db.Transaction, owner_id: int, document_id: int) -> None:
    """Takes all chunks of a document out of the index; the caller holds the document's row."""
    for command in (UNCOUNT_CORPUS, UNCOUNT_LEXICON, DROP_WORDS, DROP_CHUNKS):
        tx.execute(command, owner_id=owner_id, document_id=document_id)
