"""SQL of the stores that an admin publishes: their rows, and of which store each is a copy."""

from __future__ import annotations

from dataclasses import dataclass

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Source:
    """A store that may be published, and the shared store that it was published as, if it was."""

    store_id: int
    store_name: str
    provider: str
    shared_id: int | None


@dataclass(frozen=True, slots=True)
class SharedStore:
    """A shared store."""

    store_id: int
    store_name: str
    purpose: str


# One publishing at a time: so a name is free that nobody had.
ALONE = db.Command("select pg_advisory_xact_lock(hashtextextended('anima.shared_stores', 0))")

SOURCE = db.Query(
    Source,
    """
    select s.store_id, s.store_name, s.provider, p.store_id as shared_id
    from vector_stores s left join shared_stores p on p.published_from = s.store_id
    where s.owner_id = %(owner_id)s and s.store_id = %(store_id)s
    """,
)

NAMED = db.Query(
    SharedStore,
    """
    select store_id, store_name, purpose from vector_stores
    where owner_id is null and store_name = %(store_name)s
    """,
)

ADD_STORE = db.Query(
    SharedStore,
    """
    insert into vector_stores (owner_id, store_name, embedding_model, dimension, metric, purpose, metadata)
    select null, %(store_name)s, embedding_model, dimension, metric, purpose, metadata
    from vector_stores
    where owner_id = %(owner_id)s and store_id = %(store_id)s and (select current_tenant_is_admin())
    returning store_id, store_name, purpose
    """,
)

RENEW_STORE = db.Query(
    SharedStore,
    """
    update vector_stores t set
        store_name = %(store_name)s, embedding_model = s.embedding_model, dimension = s.dimension,
        metric = s.metric, purpose = s.purpose, metadata = s.metadata
    from vector_stores s
    where t.store_id = %(shared_id)s and t.owner_id is null
        and s.owner_id = %(owner_id)s and s.store_id = %(store_id)s
    returning t.store_id, t.store_name, t.purpose
    """,
)

REMEMBER = db.Command(
    """
    insert into shared_stores (store_id, published_from)
    select s.store_id, o.store_id from vector_stores s, vector_stores o
    where s.store_id = %(shared_id)s and s.owner_id is null and o.store_id = %(store_id)s
        and o.owner_id = %(owner_id)s and (select current_tenant_is_admin())
    on conflict (store_id) do update set published_at = now()
    """
)

SHARED = db.Query(
    SharedStore,
    """
    select s.store_id, s.store_name, s.purpose
    from vector_stores s left join shared_stores p using (store_id)
    where s.owner_id is null and (
        s.store_id = %(store_id)s or exists (
            select from vector_stores o
            where o.owner_id = %(owner_id)s and o.store_id = p.published_from and o.store_id = %(store_id)s
        )
    )
    order by s.store_id
    """,
)

WITHDRAW = db.Query(
    SharedStore,
    """
    delete from vector_stores
    where store_id = %(shared_id)s and owner_id is null and (select current_tenant_is_admin())
    returning store_id, store_name, purpose
    """,
)


def alone(tx: db.Transaction) -> None:
    """Waits until nobody else publishes, and keeps others from it until the transaction ends."""
    tx.execute(ALONE)


def source(tx: db.Transaction, owner_id: int, store_id: int) -> db.Pending[Source]:
    """A store of the owner's."""
    return tx.fetch(SOURCE, owner_id=owner_id, store_id=store_id)


def named(tx: db.Transaction, store_name: str) -> db.Pending[SharedStore]:
    """The shared store of a name."""
    return tx.fetch(NAMED, store_name=store_name)


def store(
    tx: db.Transaction, owner_id: int, store_id: int, shared_id: int | None, store_name: str
) -> db.Pending[SharedStore]:
    """The shared store's row, made or brought up to date; no row for whoever is no admin."""
    if shared_id is None:
        return tx.fetch(ADD_STORE, owner_id=owner_id, store_id=store_id, store_name=store_name)
    return tx.fetch(RENEW_STORE, owner_id=owner_id, store_id=store_id, shared_id=shared_id, store_name=store_name)


def remember(tx: db.Transaction, owner_id: int, store_id: int, shared_id: int) -> None:
    """Notes of which store it is a copy, and that it was published now."""
    tx.execute(REMEMBER, owner_id=owner_id, store_id=store_id, shared_id=shared_id)


def shared(tx: db.Transaction, owner_id: int, store_id: int) -> db.Pending[SharedStore]:
    """The shared store of an id, or the one that the owner's store of this id was published as."""
    return tx.fetch(SHARED, owner_id=owner_id, store_id=store_id)


def withdraw(tx: db.Transaction, shared_id: int) -> db.Pending[SharedStore]:
    """Deletes a shared store with all that is in it, and what was cited of it."""
    return tx.fetch(WITHDRAW, shared_id=shared_id)
