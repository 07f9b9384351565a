"""SQL that compares what another engine should have with what it has, and what follows from that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Known:
    """A vector that an engine is known to have."""

    external_id: str


@dataclass(frozen=True, slots=True)
class Counted:
    """How many there are."""

    count: int


@dataclass(frozen=True, slots=True)
class Moved:
    """The model that a store is searched by now."""

    embedding_model: str


BEGIN_MOVE = db.Command(
    """
    update vector_stores set moving_model = %(embedding_model)s, moving_dimension = %(dimension)s
    where owner_id = %(owner_id)s and store_id = %(store_id)s and embedding_model <> %(embedding_model)s
    """
)

END_MOVE = db.Query(
    Moved,
    """
    update vector_stores s set embedding_model = s.moving_model, dimension = s.moving_dimension,
        moving_model = null, moving_dimension = null
    where s.owner_id = %(owner_id)s and s.store_id = %(store_id)s and s.moving_model is not null
        and not exists (
            select from documents d join chunks c on c.owner_id = d.owner_id and c.document_id = d.document_id
            left join outside_vectors o on o.owner_id = d.owner_id and o.store_id = d.store_id
                and o.embedding_model = s.moving_model and o.external_id = 'chunk:' || c.chunk_id
            where d.owner_id = %(owner_id)s and d.store_id = %(store_id)s and d.state = 'done'
                and o.written_at is null
        )
    returning s.embedding_model
    """,
)

KNOWN = db.Query(
    Known,
    """
    select external_id from outside_vectors
    where owner_id = %(owner_id)s and store_id = %(store_id)s and embedding_model = %(embedding_model)s
        and external_id = any (%(external_ids)s::text[])
    """,
)

EXPECTED = db.Query(
    Known,
    """
    select external_id from outside_vectors
    where owner_id = %(owner_id)s and store_id = %(store_id)s and embedding_model = %(embedding_model)s
        and written_at is not null and not gone
    """,
)

UNLISTED = db.Query(
    Counted,
    """
    select count(*) as count
    from documents d join chunks c on c.owner_id = d.owner_id and c.document_id = d.document_id
    where d.owner_id = %(owner_id)s and d.store_id = %(store_id)s and d.state = 'done' and not exists (
        select from outside_vectors o
        where o.owner_id = d.owner_id and o.store_id = d.store_id and o.embedding_model = %(embedding_model)s
            and o.external_id = 'chunk:' || c.chunk_id
    )
    """,
)

LIST = db.Command(
    """
    insert into outside_vectors (owner_id, store_id, embedding_model, external_id, document_id, chunk_id)
    select d.owner_id, d.store_id, %(embedding_model)s, 'chunk:' || c.chunk_id, d.document_id, c.chunk_id
    from documents d join chunks c on c.owner_id = d.owner_id and c.document_id = d.document_id
    where d.owner_id = %(owner_id)s and d.store_id = %(store_id)s and d.state = 'done'
    on conflict do nothing
    """
)

WRITE_AGAIN = db.Command(
    """
    update outside_vectors set written_at = null, busy_until = null
    where owner_id = %(owner_id)s and store_id = %(store_id)s and embedding_model = %(embedding_model)s
        and external_id = any (%(external_ids)s::text[]) and written_at is not null and not gone
    """
)

OTHER_MODEL = db.Query(
    Counted,
    """
    select count(*) as count
    from outside_vectors o join vector_stores s on s.store_id = o.store_id
    where o.owner_id = %(owner_id)s and o.store_id = %(store_id)s and not o.gone
        and o.embedding_model is distinct from s.embedding_model and o.embedding_model is distinct from s.moving_model
    """,
)

RETIRE = db.Command(
    """
    update outside_vectors o set gone = true, vector = null
    from vector_stores s
    where o.owner_id = %(owner_id)s and o.store_id = %(store_id)s and s.store_id = o.store_id and not o.gone
        and o.embedding_model is distinct from s.embedding_model and o.embedding_model is distinct from s.moving_model
    """
)


def begin_move(tx: db.Transaction, owner_id: int, store_id: int, model: str, dimension: int) -> None:
    """Has the vectors of a store made anew by another model; until they are all there, the old ones stay."""
    tx.execute(BEGIN_MOVE, owner_id=owner_id, store_id=store_id, embedding_model=model, dimension=dimension)
    tx.execute(LIST, owner_id=owner_id, store_id=store_id, embedding_model=model)


def list_chunks(tx: db.Transaction, owner_id: int, store_id: int, model: str) -> None:
    """Means all chunks of finished documents for the engine, by a model."""
    tx.execute(LIST, owner_id=owner_id, store_id=store_id, embedding_model=model)


def end_move(tx: db.Transaction, owner_id: int, store_id: int) -> db.Pending[Moved]:
    """Lets the new vectors serve, if they are all there, and the old ones be forgotten; no row where not."""
    moved = tx.fetch(END_MOVE, owner_id=owner_id, store_id=store_id)
    tx.execute(RETIRE, owner_id=owner_id, store_id=store_id)
    return moved


def known(
    tx: db.Transaction, owner_id: int, store_id: int, model: str, external_ids: Sequence[str]
) -> db.Pending[Known]:
    """Those of the ids that belong there or are on their way out."""
    return tx.fetch(KNOWN, owner_id=owner_id, store_id=store_id, embedding_model=model, external_ids=list(external_ids))


def expected(tx: db.Transaction, owner_id: int, store_id: int, model: str) -> db.Pending[Known]:
    """What the engine should have."""
    return tx.fetch(EXPECTED, owner_id=owner_id, store_id=store_id, embedding_model=model)


def unlisted(tx: db.Transaction, owner_id: int, store_id: int, model: str) -> db.Pending[Counted]:
    """How many chunks of finished documents nobody has ever meant for the engine."""
    return tx.fetch(UNLISTED, owner_id=owner_id, store_id=store_id, embedding_model=model)


def other_model(tx: db.Transaction, owner_id: int, store_id: int) -> db.Pending[Counted]:
    """How many vectors are of another model than the store's."""
    return tx.fetch(OTHER_MODEL, owner_id=owner_id, store_id=store_id)


def mend(tx: db.Transaction, owner_id: int, store_id: int, model: str, missing: Sequence[str]) -> None:
    """Has written again what is missing, written what was never listed, forgotten what is of another model."""
    tx.execute(LIST, owner_id=owner_id, store_id=store_id, embedding_model=model)
    tx.execute(WRITE_AGAIN, owner_id=owner_id, store_id=store_id, embedding_model=model, external_ids=list(missing))
    tx.execute(RETIRE, owner_id=owner_id, store_id=store_id)
