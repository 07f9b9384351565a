"""SQL of rows of embedding matrices."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from anima.kernel import db
from anima.registry.model import Neighbour

ADD = db.Command(
    """
    insert into model_embeddings (owner_id, model_id, kind, position, token, vector)
    select %(owner_id)s, %(model_id)s, %(kind)s, n.position, n.token, n.vector::halfvec
    from unnest(%(positions)s::integer[], %(tokens)s::text[], %(vectors)s::text[]) as n (position, token, vector)
    """
)


@dataclass(frozen=True, slots=True)
class Kept:
    """How many rows of a matrix are kept to be searched, and their length."""

    rows: int
    dimensions: int


KEPT = db.Query(
    Kept,
    """
    select count(*)::integer as rows, coalesce(max(vector_dims(vector)), 0) as dimensions from model_embeddings
    where owner_id = %(owner_id)s and model_id = %(model_id)s and kind = %(kind)s
    """,
)

NEAREST = db.Query(
    Neighbour,
    """
    select position, token, 1 - (vector <=> %(vector)s::text::halfvec) as similarity from model_embeddings
    where owner_id = %(owner_id)s and model_id = %(model_id)s and kind = %(kind)s and l2_norm(vector) > 0
    order by vector <=> %(vector)s::text::halfvec, position limit %(limit)s
    """,
)


def add(
    tx: db.Transaction,
    owner_id: int,
    model_id: uuid.UUID,
    kind: str,
    tokens: Sequence[str | None],
    vectors: Sequence[str],
) -> None:
    """Enters the rows of a matrix, in order."""
    tx.execute(
        ADD,
        owner_id=owner_id,
        model_id=model_id,
        kind=kind,
        positions=list(range(len(vectors))),
        tokens=list(tokens),
        vectors=list(vectors),
    )


def kept(tx: db.Transaction, owner_id: int, model_id: uuid.UUID, kind: str) -> db.Pending[Kept]:
    """What is kept of a matrix."""
    return tx.fetch(KEPT, owner_id=owner_id, model_id=model_id, kind=kind)


def nearest(
    tx: db.Transaction, owner_id: int, model_id: uuid.UUID, kind: str, vector: str, limit: int
) -> db.Pending[Neighbour]:
    """The rows nearest to a vector (cosine)."""
    return tx.fetch(NEAREST, owner_id=owner_id, model_id=model_id, kind=kind, vector=vector, limit=limit)
