"""SQL of digests: the sentences that stand for a whole document, kept when it was read, and asked for by a turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class DigestPassage:
    """Sentences of a digest with the chunk that they stand in."""

    chunk_id: int
    document_id: int
    source_uri: str | None
    title: str
    location: dict[str, Any]
    text: str


# Of the documents whose titles hold most of what is asked the newest; of its sentences the best, in their order.
DIGEST = db.Query(
    DigestPassage,
    """
    with meant as (
        select d.document_id, d.source_uri, d.title
        from documents d
        join vector_stores s on s.store_id = d.store_id and s.purpose = %(purpose)s
        where d.owner_id = %(owner_id)s and d.state = 'done' and exists (
            select from document_digests g where g.owner_id = d.owner_id and g.document_id = d.document_id
        )
        order by (
            select count(*) from unnest(%(terms)s::text[]) t (term) where position(t.term in lower(d.title)) > 0
        ) desc, d.document_id desc
        limit 1
    )
    select c.chunk_id, m.document_id, m.source_uri, m.title, c.location,
        string_agg(g.text, ' ' order by g.position) as text
    from meant m
    join document_digests g on g.owner_id = %(owner_id)s and g.document_id = m.document_id and g.rank < %(most)s
    join chunks c on c.owner_id = g.owner_id and c.chunk_id = g.chunk_id
    group by c.chunk_id, m.document_id, m.source_uri, m.title, c.location
    order by min(g.position)
    """,
)


def digest(
    tx: db.Transaction, owner_id: int, terms: Sequence[str], purpose: str, most: int
) -> db.Pending[DigestPassage]:
    """The `most` best sentences of the document that a question names, or else of the newest one."""
    return tx.fetch(DIGEST, owner_id=owner_id, terms=list(terms), purpose=purpose, most=most)
