"""SQL of stores on other engines: what it takes to ask them, and how they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from anima.kernel import db
from anima.knowledge.stores_model import OutsideStore


@dataclass(frozen=True, slots=True)
class Condition:
    """How a store is, for the worker: whether it was deleted, and whether it is put off now."""

    deleted: bool
    put_off: bool
    failures: int


@dataclass(frozen=True, slots=True)
class PutOff:
    """When a store that could not be reached is tried again."""

    retry_at: datetime


SEARCHED = db.Query(
    OutsideStore,
    """
    select store_id, store_name, provider, endpoint_url, api_key, embedding_model, dimension, metric, purpose, metadata,
        moving_model, moving_dimension
    from vector_stores
    where owner_id = %(owner_id)s and purpose = any (%(purposes)s::text[]) and provider <> 'pgvector'
        and embedding_model = %(embedding_model)s and deleted_at is null
    order by store_id
    """,
)

OUTSIDE_STORE = db.Query(
    OutsideStore,
    """
    select s.store_id, s.store_name, s.provider, s.endpoint_url, s.api_key, s.embedding_model, s.dimension, s.metric,
        s.purpose, s.metadata, s.moving_model, s.moving_dimension
    from vector_stores s
    where s.owner_id = %(owner_id)s and s.provider <> 'pgvector'
        and s.store_id = coalesce(%(store_id)s::bigint, (
            select d.store_id from documents d
            where d.owner_id = %(owner_id)s and d.document_id = %(document_id)s::bigint
        ))
    """,
)

CONDITION = db.Query(
    Condition,
    """
    select deleted_at is not null as deleted, coalesce(retry_at > now(), false) as put_off, failures
    from vector_stores where owner_id = %(owner_id)s and store_id = %(store_id)s
    """,
)

# A key that came by plain SQL is kept encrypted from its first use on.
ENCRYPT_KEY = db.Command(
    """
    update vector_stores set api_key = %(api_key)s
    where owner_id = %(owner_id)s and store_id = %(store_id)s and api_key = %(plain)s
    """
)

# One at a time is armed: who fails while another's turn is due adds none.
PUT_OFF = db.Query(
    PutOff,
    """
    update vector_stores set last_error = %(error)s, failed_at = now(), failures = failures + 1,
        retry_at = now() + case when failures > 100 then interval '6 hours'
            else least(interval '15 minutes', interval '2 seconds' * power(2, least(failures, 12))) end
    where owner_id = %(owner_id)s and store_id = %(store_id)s and (retry_at is null or retry_at <= now())
    returning retry_at
    """,
)

FAILED = db.Command(
    """
    update vector_stores set last_error = %(error)s, failed_at = now(), failures = failures + 1, retry_at = null
    where owner_id = %(owner_id)s and store_id = %(store_id)s
    """
)

REACHED = db.Query(
    Condition,
    """
    with before as (
        select store_id, failures from vector_stores
        where owner_id = %(owner_id)s and store_id = %(store_id)s for update
    )
    update vector_stores s set last_error = null, failures = 0, retry_at = null, reached_at = now()
    from before b where s.owner_id = %(owner_id)s and s.store_id = b.store_id
    returning s.deleted_at is not null as deleted, false as put_off, b.failures
    """,
)

SAY_WHY = db.Command(
    """
    update documents set reason = %(reason)s
    where owner_id = %(owner_id)s and store_id = %(store_id)s and state = 'running' and stage = 'index'
        and reason is distinct from %(reason)s
    """
)


def searched(
    tx: db.Transaction, owner_id: int, purposes: Sequence[str], embedding_model: str
) -> db.Pending[OutsideStore]:
    """Stores on other engines that a search of these purposes by this model asks."""
    return tx.fetch(SEARCHED, owner_id=owner_id, purposes=list(purposes), embedding_model=embedding_model)


def outside_store(
    tx: db.Transaction, owner_id: int, *, store_id: int | None = None, document_id: int | None = None
) -> db.Pending[OutsideStore]:
    """The store of this id, or of this document, if it is on another engine."""
    return tx.fetch(OUTSIDE_STORE, owner_id=owner_id, store_id=store_id, document_id=document_id)


def condition(tx: db.Transaction, owner_id: int, store_id: int) -> db.Pending[Condition]:
    """How the store is."""
    return tx.fetch(CONDITION, owner_id=owner_id, store_id=store_id)


def encrypt_key(tx: db.Transaction, owner_id: int, store_id: int, plain: bytes, api_key: bytes) -> None:
    """Replaces a key that lies there plainly."""
    tx.execute(ENCRYPT_KEY, owner_id=owner_id, store_id=store_id, plain=plain, api_key=api_key)


def put_off(tx: db.Transaction, owner_id: int, store_id: int, error: str) -> db.Pending[PutOff]:
    """Puts a store off that could not be reached; no row where it is put off already."""
    return tx.fetch(PUT_OFF, owner_id=owner_id, store_id=store_id, error=error)


def failed(tx: db.Transaction, owner_id: int, store_id: int, error: str) -> None:
    """Notes what the engine does not take; nothing changes by waiting."""
    tx.execute(FAILED, owner_id=owner_id, store_id=store_id, error=error)


def reached(tx: db.Transaction, owner_id: int, store_id: int) -> db.Pending[Condition]:
    """The engine answered well; the row says how often it had failed before."""
    return tx.fetch(REACHED, owner_id=owner_id, store_id=store_id)


def say_why(tx: db.Transaction, owner_id: int, store_id: int, reason: str | None) -> None:
    """Tells on every document that waits for the store why it does."""
    tx.execute(SAY_WHY, owner_id=owner_id, store_id=store_id, reason=reason)
