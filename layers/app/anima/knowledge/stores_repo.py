"""SQL of vector stores: their list, their making, their end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anima.kernel import db
from anima.knowledge.stores_model import Store


@dataclass(frozen=True, slots=True)
class Touched:
    """A store that a statement has written."""

    store_id: int


@dataclass(frozen=True, slots=True)
class Rival:
    """Another store with the same purpose."""

    store_id: int


@dataclass(frozen=True, slots=True)
class StoreDocument:
    """A document of a store that is being deleted."""

    document_id: int


@dataclass(frozen=True, slots=True)
class Serving:
    """The embedding model that everything was moved to."""

    name: str


SERVING = db.Query(Serving, "select value ->> 'name' as name from settings where key = 'embedding_model'")

STORES = db.Query(
    Store,
    """
    select s.store_id, s.store_name, s.provider, s.endpoint_url, s.api_key is not null as has_key, s.embedding_model,
        s.dimension, s.metric, s.purpose,
        (select count(*) from documents d where d.owner_id = s.owner_id and d.store_id = s.store_id) as documents,
        coalesce(
            (select c.n from corpora c where c.owner_id = s.owner_id and c.store_id = s.store_id), 0
        ) as chunks,
        (select count(*) from outside_vectors o
            where o.owner_id = s.owner_id and o.store_id = s.store_id and (o.written_at is null or o.gone)) as waiting,
        s.last_error, s.failed_at, s.retry_at, s.reached_at, s.created_at, s.metadata
    from vector_stores s
    where s.owner_id = %(owner_id)s and s.deleted_at is null
        and s.store_id > %(after)s and (%(store_id)s::bigint is null or s.store_id = %(store_id)s)
    order by s.store_id
    limit %(limit)s
    """,
)

ADD_STORE = db.Query(
    Touched,
    """
    insert into vector_stores (
        owner_id, store_name, provider, endpoint_url, api_key, embedding_model, dimension, metric, purpose, metadata
    )
    values (
        %(owner_id)s, %(name)s, %(provider)s, %(endpoint_url)s, %(api_key)s, %(embedding_model)s, %(dimension)s,
        %(metric)s, %(purpose)s, %(metadata)s
    )
    on conflict (owner_id, store_name) do nothing
    returning store_id
    """,
)

CHANGE_STORE = db.Query(
    Touched,
    """
    update vector_stores set
        api_key = coalesce(%(api_key)s::bytea, api_key),
        endpoint_url = coalesce(%(endpoint_url)s::text, endpoint_url),
        metadata = coalesce(%(metadata)s::jsonb, metadata),
        failures = 0, retry_at = null
    where owner_id = %(owner_id)s and store_id = %(store_id)s
    returning store_id
    """,
)

# Whoever deletes stores of one purpose does it one after the other.
RIVALS = db.Query(
    Rival,
    """
    select r.store_id from vector_stores s
    join vector_stores r on r.owner_id = s.owner_id and r.purpose = s.purpose and r.store_id <> s.store_id
    where s.owner_id = %(owner_id)s and s.store_id = %(store_id)s and r.deleted_at is null
    order by r.store_id
    for update of s, r
    """,
)

# Its name is free at once.
MARK_DELETED = db.Query(
    Touched,
    """
    update vector_stores set deleted_at = now(),
        store_name = 'deleted-' || store_id || '-' || extract(epoch from now())::bigint
    where owner_id = %(owner_id)s and store_id = %(store_id)s and deleted_at is null
    returning store_id
    """,
)

STORE_DOCUMENTS = db.Query(
    StoreDocument,
    """
    select document_id from documents
    where owner_id = %(owner_id)s and store_id = %(store_id)s
    order by document_id
    limit %(limit)s
    """,
)

# Past conversations only stand in a store: nothing of them lies there.
MOVE_TRANSCRIPTS = db.Command(
    """
    update documents d set store_id = o.store_id
    from transcripts t, lateral (
        select s.store_id from vector_stores s
        where s.owner_id = t.owner_id and s.store_id <> %(store_id)s and s.deleted_at is null
        order by s.store_id limit 1
    ) o
    where d.owner_id = %(owner_id)s and d.store_id = %(store_id)s
        and t.owner_id = d.owner_id and t.document_id = d.document_id
    """
)

# Whoever enters a document holds the store's row until that is done: he is waited for, and none comes after.
HELD = db.Query(
    Touched,
    """
    select store_id from vector_stores
    where owner_id = %(owner_id)s and store_id = %(store_id)s
    for update
    """,
)

REMOVE_STORE = db.Command("delete from vector_stores where owner_id = %(owner_id)s and store_id = %(store_id)s")


def serving(tx: db.Transaction) -> db.Pending[Serving]:
    """The model that everything was moved to, if it ever was."""
    return tx.fetch(SERVING)


def stores(
    tx: db.Transaction, owner_id: int, limit: int, after: int = 0, store_id: int | None = None
) -> db.Pending[Store]:
    """The owner's stores in the order they were made, or one of them."""
    return tx.fetch(STORES, owner_id=owner_id, limit=limit, after=after, store_id=store_id)


def add_store(
    tx: db.Transaction,
    owner_id: int,
    *,
    name: str,
    provider: str,
    endpoint_url: str | None,
    api_key: bytes | None,
    purpose: str,
    embedding_model: str,
    dimension: int,
    metric: str,
    metadata: Mapping[str, Any],
) -> db.Pending[Touched]:
    """Makes a store; no row where the name is taken."""
    return tx.fetch(
        ADD_STORE,
        owner_id=owner_id,
        name=name,
        provider=provider,
        endpoint_url=endpoint_url,
        api_key=api_key,
        purpose=purpose,
        embedding_model=embedding_model,
        dimension=dimension,
        metric=metric,
        metadata=db.jsonb(dict(metadata)),
    )


def change_store(
    tx: db.Transaction,
    owner_id: int,
    store_id: int,
    *,
    endpoint_url: str | None,
    api_key: bytes | None,
    metadata: Mapping[str, Any] | None,
) -> db.Pending[Touched]:
    """Changes what is given; what was put off may be tried again."""
    return tx.fetch(
        CHANGE_STORE,
        owner_id=owner_id,
        store_id=store_id,
        endpoint_url=endpoint_url,
        api_key=api_key,
        metadata=None if metadata is None else db.jsonb(dict(metadata)),
    )


def rivals(tx: db.Transaction, owner_id: int, store_id: int) -> db.Pending[Rival]:
    """Other stores of the same purpose; held until the transaction ends."""
    return tx.fetch(RIVALS, owner_id=owner_id, store_id=store_id)


def mark_deleted(tx: db.Transaction, owner_id: int, store_id: int) -> db.Pending[Touched]:
    """Hides a store from everybody but the worker that removes it."""
    return tx.fetch(MARK_DELETED, owner_id=owner_id, store_id=store_id)


def documents(tx: db.Transaction, owner_id: int, store_id: int, limit: int) -> db.Pending[StoreDocument]:
    """Some documents of a store."""
    return tx.fetch(STORE_DOCUMENTS, owner_id=owner_id, store_id=store_id, limit=limit)


def move_transcripts(tx: db.Transaction, owner_id: int, store_id: int) -> None:
    """Has documents of past conversations stand in another store, so that they do not go with this one."""
    tx.execute(MOVE_TRANSCRIPTS, owner_id=owner_id, store_id=store_id)


def held(tx: db.Transaction, owner_id: int, store_id: int) -> db.Pending[Touched]:
    """A store, held until the transaction ends: no document comes into it."""
    return tx.fetch(HELD, owner_id=owner_id, store_id=store_id)


def remove_store(tx: db.Transaction, owner_id: int, store_id: int) -> None:
    """Deletes the row of a store, and all that refers to it."""
    tx.execute(REMOVE_STORE, owner_id=owner_id, store_id=store_id)
