"""SQL that keeps the digest of a document, and the chunks that it is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Sample:
    """A chunk of a document."""

    chunk_id: int
    text: str
    title: str
    language: str | None


# All chunks of a document, or so many spread over the whole of it.
SAMPLE = db.Query(
    Sample,
    """
    select c.chunk_id, c.text, d.title, d.language
    from documents d
    join chunks c on c.owner_id = d.owner_id and c.document_id = d.document_id
    where d.owner_id = %(owner_id)s and d.document_id = %(document_id)s and d.state in ('running', 'done')
        and (c.chunk_index < 20 or c.chunk_index %% greatest(1, d.chunks_total / %(most)s::integer) = 0)
    order by c.chunk_index
    limit %(most)s + 20
    """,
)

FORGET = db.Command(
    """
    delete from document_digests where owner_id = %(owner_id)s and document_id = %(document_id)s
    """
)

KEEP = db.Command(
    """
    insert into document_digests (owner_id, document_id, position, rank, chunk_id, text)
    select c.owner_id, c.document_id, n.number - 1, n.rank, c.chunk_id, n.text
    from unnest(%(chunk_ids)s::bigint[], %(ranks)s::integer[], %(texts)s::text[])
        with ordinality as n (chunk_id, rank, text, number)
    join chunks c on c.owner_id = %(owner_id)s and c.chunk_id = n.chunk_id
    where c.document_id = %(document_id)s
    on conflict (owner_id, document_id, position) do nothing
    """
)


def sample(tx: db.Transaction, owner_id: int, document_id: int, most: int) -> db.Pending[Sample]:
    """Chunks of a document, in order; one of an outside store is not done before its vectors are there."""
    return tx.fetch(SAMPLE, owner_id=owner_id, document_id=document_id, most=most)


def keep(tx: db.Transaction, owner_id: int, document_id: int, sentences: Sequence[tuple[int, int, str]]) -> None:
    """Replaces the digest of a document: chunk, rank (0 the best) and text of each sentence, in their order."""
    tx.execute(FORGET, owner_id=owner_id, document_id=document_id)
    tx.execute(
        KEEP,
        owner_id=owner_id,
        document_id=document_id,
        chunk_ids=[chunk_id for chunk_id, _, _ in sentences],
        ranks=[rank for _, rank, _ in sentences],
        texts=[text for _, _, text in sentences],
    )
