"""SQL of the index: writing that of a document batch by batch, and taking it out again.

Whoever writes holds the document's row first, then the row of its corpus: so writers of one store wait for
each other and cannot block each other for good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from anima.kernel import db
from anima.knowledge.claim_repo import Claimed
from anima.knowledge.documents_model import StoredChunk


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

COUNT_CORPUS = db.Command(
    """
    insert into corpora (owner_id, store_id, n, total_len)
    values (%(owner_id)s, %(store_id)s, %(n)s, %(total_len)s)
    on conflict (owner_id, store_id) do update set
        n = corpora.n + excluded.n, total_len = corpora.total_len + excluded.total_len
    """
)

# Lists of many short values travel as one text each: an array costs the client more than all else here.
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
    vectors as (
        select w.chunk_id, v.vector::vector as vector
        from unnest(%(indexes)s::int[], string_to_array(%(vectors)s::text, ' ')) as v (chunk_index, vector)
        join written w using (chunk_index)
    ),
    embedded as (
        insert into embeddings (owner_id, store_id, entity_type, entity_id, external_id, vector, embedding_model)
        select %(owner_id)s, %(store_id)s, 'chunk', v.chunk_id::text, 'chunk:' || v.chunk_id, v.vector,
            %(embedding_model)s
        from vectors v where not %(is_outside)s
    ),
    waiting as (
        insert into outside_vectors (
            owner_id, store_id, document_id, chunk_id, external_id, vector, embedding_model
        )
        select %(owner_id)s, %(store_id)s, %(document_id)s, v.chunk_id, 'chunk:' || v.chunk_id, v.vector,
            %(embedding_model)s
        from vectors v where %(is_outside)s
    ),
    occurring as materialized (
        select * from unnest(
            string_to_array(%(term_indexes)s::text, ' ')::int[], string_to_array(%(terms)s::text, ' '),
            string_to_array(%(tfs)s::text, ' ')::smallint[], string_to_array(%(dls)s::text, ' ')::int[]
        ) as p (chunk_index, term, tf, dl)
    ),
    counted as (
        insert into lexicon (owner_id, store_id, term, df)
        select %(owner_id)s, %(store_id)s, o.term, count(*) from occurring o group by o.term
        on conflict (owner_id, store_id, term) do update set df = lexicon.df + excluded.df
    )
    insert into postings (owner_id, store_id, term, chunk_id, tf, dl)
    select %(owner_id)s, %(store_id)s, o.term, w.chunk_id, o.tf, o.dl
    from occurring o join written w using (chunk_index)
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


def last_chunk(tx: db.Transaction, owner_id: int, document_id: int) -> db.Pending[StoredChunk]:
    """The last chunk that was written."""
    return tx.fetch(LAST_CHUNK, owner_id=owner_id, document_id=document_id)


def write(tx: db.Transaction, owner_id: int, claimed: Claimed, batch: Sequence[IndexedChunk]) -> None:
    """Writes chunks with vectors and postings, and counts them in lexicon and corpus.

    Vectors of another engine wait beside it, until it has them.
    """
    lengths = [chunk.length for chunk in batch]
    postings = [
        (chunk.chunk_index, term, tf, length)
        for chunk, length in zip(batch, lengths, strict=True)
        for term, tf in chunk.terms.items()
    ]
    tx.execute(COUNT_CORPUS, owner_id=owner_id, store_id=claimed.store_id, n=len(batch), total_len=sum(lengths))
    tx.execute(
        WRITE,
        owner_id=owner_id,
        document_id=claimed.document_id,
        store_id=claimed.store_id,
        embedding_model=claimed.embedding_model,
        is_outside=claimed.outside,
        indexes=[chunk.chunk_index for chunk in batch],
        texts=[chunk.text for chunk in batch],
        token_counts=[chunk.token_count for chunk in batch],
        locations=[chunk.location for chunk in batch],
        vectors=" ".join(chunk.vector for chunk in batch),
        term_indexes=" ".join(str(chunk_index) for chunk_index, _, _, _ in postings),
        terms=" ".join(term for _, term, _, _ in postings),
        tfs=" ".join(str(min(tf, 32_767)) for _, _, tf, _ in postings),
        dls=" ".join(str(length) for _, _, _, length in postings),
    )


def remove(tx: db.Transaction, owner_id: int, document_id: int) -> None:
    """Takes all chunks of a document out of the index; the caller holds the document's row."""
    for command in (UNCOUNT_CORPUS, UNCOUNT_LEXICON, DROP_WORDS, DROP_CHUNKS):
        tx.execute(command, owner_id=owner_id, document_id=document_id)
