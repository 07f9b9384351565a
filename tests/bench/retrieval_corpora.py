"""Synthetic corpora for the latency of searches: made in sets by the server, quickly, and the same in every run.

Vectors are unit vectors around common centres, words are drawn by Zipf's law; a question is a chunk's vector with noise
and four words.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, LiteralString

import numpy as np
import psycopg

Connection = psycopg.Connection[Any]
Array = np.ndarray[Any, np.dtype[np.float32]]

OWNERS, CHUNKS_OF_OTHERS = 1_000, 20
SHARED = 100_000
DIMENSION, CENTRES, QUESTIONS, TOP = 384, 400, 20, 10
DOCUMENT = 50
"""Chunks of a document."""

_HEAD, _TAIL = b"PGCOPY\n\xff\r\n\0" + b"\0" * 8, b"\xff\xff"
_ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("n_bytes", ">i4"),
        ("n", ">i4"),
        ("bytes", ">i4"),
        ("dim", ">i2"),
        ("unused", ">i2"),
        ("vector", ">f4", (DIMENSION,)),
    ]
)

# A chunk has fourteen words; word k is drawn with a chance in proportion to 1/k. Each is spelled by its own hash, so
# that none is like another, and no stemmer changes it.
_WORDS: LiteralString = """
create unlogged table drawn as
select n, 'v' || translate(left(md5(k::text), 6), '0123456789', 'ghijklmnop') || 'k' as term, count(*)::smallint as tf
from (
    select n, floor(power(30000, random()))::int as k
    from generate_series(0, %(size)s - 1) n, generate_series(1, 14)
) drawn
group by 1, 2
"""
# Ids are given, so that a chunk's is its number in the set: base + n.
_LOAD: list[LiteralString] = [
    """
    insert into documents (
        document_id, owner_id, store_id, title, doc_type, content_sha256, size_bytes, storage_uri, state, stage
    )
    overriding system value
    select %(base)s + d, %(owner_id)s, %(store_id)s, 'synthetic ' || d, 'text',
        encode(sha256((%(store_id)s || ':' || d)::bytea), 'hex'), 1, 'bench://' || d, 'done', 'done'
    from generate_series(0, (%(size)s - 1) / %(per)s) d
    """,
    """
    insert into chunks (chunk_id, owner_id, document_id, chunk_index, text, token_count)
    overriding system value
    select %(base)s + n, %(owner_id)s, %(base)s + n / %(per)s, n %% %(per)s, string_agg(repeat(term || ' ', tf), ''), 20
    from drawn group by n
    """,
    """
    insert into embeddings (owner_id, store_id, entity_type, entity_id, external_id, vector, embedding_model)
    select %(owner_id)s, %(store_id)s, 'chunk', (%(base)s + s.n)::text, 'chunk:' || %(base)s + s.n, s.vector,
        v.embedding_model
    from staged s, vector_stores v where v.store_id = %(store_id)s
    """,
    """
    insert into postings (owner_id, store_id, term, chunk_id, tf, dl)
    select %(owner_id)s, %(store_id)s, term, %(base)s + n, tf, 14 from drawn
    """,
    """
    insert into lexicon (owner_id, store_id, term, df)
    select %(owner_id)s, %(store_id)s, term, count(*) from drawn group by term
    """,
    """
    insert into corpora (owner_id, store_id, n, total_len)
    values (%(owner_id)s, %(store_id)s, %(size)s, 14 * %(size)s)
    """,
]
_LOAD_SHARED: list[LiteralString] = [
    """
    insert into shared_documents (document_id, store_id, title, doc_type, size_bytes)
    select %(base)s + d, %(store_id)s, 'synthetic ' || d, 'text', 1 from generate_series(0, (%(size)s - 1) / %(per)s) d
    """,
    """
    insert into shared_chunks (chunk_id, document_id, chunk_index, text, token_count)
    select %(base)s + n, %(base)s + n / %(per)s, n %% %(per)s, string_agg(repeat(term || ' ', tf), ''), 20
    from drawn group by n
    """,
    """
    insert into shared_embeddings (store_id, entity_type, entity_id, external_id, vector, embedding_model)
    select %(store_id)s, 'chunk', (%(base)s + s.n)::text, 'chunk:' || %(base)s + s.n, s.vector,
        v.embedding_model
    from staged s, vector_stores v where v.store_id = %(store_id)s
    """,
    """
    insert into shared_postings (store_id, term, chunk_id, tf, dl)
    select %(store_id)s, term, %(base)s + n, tf, 14 from drawn
    """,
    "insert into shared_lexicon (store_id, term, df) select %(store_id)s, term, count(*) from drawn group by term",
    "insert into shared_corpora (store_id, n, total_len) values (%(store_id)s, %(size)s, 14 * %(size)s)",
]
# Everybody else, from the first thousand of what is staged.
_OTHERS: list[LiteralString] = [
    """
    insert into documents (owner_id, store_id, title, doc_type, content_sha256, size_bytes, storage_uri, state)
    select owner_id, store_id, 'other', 'text', repeat('0', 64), 1, 'bench://other', 'done'
    from vector_stores where purpose = 'context' and owner_id <> all (%(ours)s)
    """,
    """
    insert into chunks (owner_id, document_id, chunk_index, text, token_count)
    select owner_id, document_id, n, 'other', 1 from documents, generate_series(0, %(each)s - 1) n
    where title = 'other'
    """,
    """
    insert into embeddings (owner_id, store_id, entity_type, entity_id, external_id, vector, embedding_model)
    select c.owner_id, d.store_id, 'chunk', c.chunk_id::text, 'chunk:' || c.chunk_id, s.vector, v.embedding_model
    from chunks c join documents d using (owner_id, document_id) join vector_stores v using (store_id)
    join staged s on s.n = c.chunk_id %% 1000 where d.title = 'other'
    """,
    """
    insert into postings (owner_id, store_id, term, chunk_id, tf, dl)
    select c.owner_id, d.store_id, w.term, c.chunk_id, 1, 1
    from chunks c join documents d using (owner_id, document_id)
    join (select term, row_number() over (order by term) as k from drawn group by term limit 300) w
        on w.k = c.chunk_id %% 300 + 1
    where d.title = 'other'
    """,
    """
    insert into lexicon (owner_id, store_id, term, df)
    select owner_id, store_id, term, count(*) from postings where owner_id <> all (%(ours)s) group by 1, 2, 3
    """,
    """
    insert into corpora (owner_id, store_id, n, total_len)
    select owner_id, store_id, %(each)s, %(each)s from documents where title = 'other'
    """,
]


@dataclass(frozen=True, slots=True)
class Corpus:
    """A set of chunks of somebody's, or shared; a chunk's id is `base` and its row in `vectors`."""

    name: str
    size: int
    base: int
    reader: int
    owner_id: int | None
    store_id: int
    model: str
    vectors: Array
    questions: Array
    words: list[str]

    def exact(self) -> list[list[int]]:
        """The ids of the nearest chunks of each question, by comparing with all."""
        cosines = self.questions @ self.vectors.T
        best = np.argsort(-cosines, axis=1)[:, :TOP]
        return [[self.base + int(n) for n in row] for row in best]


class Vectors:
    """Unit vectors around common centres, the same in every run."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(7)
        self._centres = self._random.standard_normal((CENTRES, DIMENSION)).astype(np.float32)

    def near_centres(self, n: int) -> Array:
        """Shape (n, 384): a centre and noise of seven tenths of its length."""
        return self.noisy(self._centres[self._random.integers(0, CENTRES, n)], 0.7)

    def noisy(self, vectors: Array, share: float) -> Array:
        """The same with noise of a share of their length, of length 1."""
        noise = self._random.standard_normal(vectors.shape) * _lengths(vectors) / np.sqrt(DIMENSION) * share
        made = (vectors + noise).astype(np.float32)
        unit: Array = made / _lengths(made)
        return unit

    def questions(self, vectors: Array) -> Array:
        """Some of them with noise."""
        return self.noisy(vectors[self._random.integers(0, len(vectors), QUESTIONS)], 0.5)

    def words(self) -> list[str]:
        """Questions of four words each, drawn as those of the chunks are, the rarest left out."""
        drawn = np.floor(np.power(3_000.0, self._random.random((QUESTIONS, 4)))).astype(np.int64)
        return [" ".join(map(_word, row)) for row in drawn]


def _lengths(vectors: Array) -> Array:
    lengths: Array = np.sqrt(np.square(vectors).sum(axis=1, keepdims=True))
    return lengths


def _word(k: int) -> str:
    """The k-th word, as the server makes it."""
    digest = hashlib.md5(str(k).encode(), usedforsecurity=False).hexdigest()[:6]
    return f"v{digest.translate(str.maketrans('0123456789', 'ghijklmnop'))}k"


def stage(connection: Connection, vectors: Array) -> None:
    """The vectors as table `staged (n, vector)`, by the server's own binary format."""
    connection.execute("drop table if exists staged")
    connection.execute("create unlogged table staged (n integer, vector vector)")
    rows = np.zeros(len(vectors), dtype=_ROW)
    rows["fields"], rows["n_bytes"], rows["n"] = 2, 4, np.arange(len(vectors))
    rows["bytes"], rows["dim"], rows["vector"] = 4 + 4 * DIMENSION, DIMENSION, vectors
    with connection.cursor().copy("copy staged from stdin binary") as copy:
        copy.write(_HEAD)
        copy.write(rows.tobytes())
        copy.write(_TAIL)


def load(owner: Connection, corpus: Corpus) -> None:
    """Enters what is staged as the chunks of a corpus, with drawn words."""
    owner.execute("drop table if exists drawn")
    owner.execute("select setseed(0.25)")
    given = {
        "owner_id": corpus.owner_id,
        "store_id": corpus.store_id,
        "size": corpus.size,
        "base": corpus.base,
        "per": DOCUMENT,
    }
    with psycopg.ClientCursor(owner) as cursor:
        cursor.execute(_WORDS, given)
        for statement in _LOAD if corpus.owner_id is not None else _LOAD_SHARED:
            cursor.execute(statement, given)


def load_others(owner: Connection, ours: Iterable[int]) -> None:
    """Everybody else has twenty chunks."""
    with psycopg.ClientCursor(owner) as cursor:
        for statement in _OTHERS:
            cursor.execute(statement, {"ours": list(ours), "each": CHUNKS_OF_OTHERS})
