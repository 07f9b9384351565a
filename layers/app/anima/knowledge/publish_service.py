"""Publishing a store: an admin's own one is copied, as it is now, into the shared tables, where everybody finds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from anima.kernel import db
from anima.kernel.errors import Forbidden, NotFound, Unauthenticated
from anima.knowledge import copying_repo, publish_repo
from anima.knowledge.copying_repo import Copied
from anima.knowledge.errors import StoreExists, UnsupportedStore
from anima.knowledge.publish_repo import SharedStore, Source

# So many in one statement, that none takes longer than a statement of the app may.
_CHUNKS, _VECTORS = 5_000, 20_000


@dataclass(frozen=True, slots=True)
class Published:
    """A shared store, and how much is in it now."""

    store_id: int
    store_name: str
    purpose: str
    documents: int
    chunks: int


def publish(principal: db.Principal, store_id: int, store_name: str | None = None) -> Published:
    """Copies a store of the caller's into the shared ones; published again, the copy becomes what the store is now.

    All at once: until it is done everybody finds what was there before. Only documents that are done are copied.
    Raises Forbidden for whoever is no admin, NotFound, UnsupportedStore, StoreExists.
    """
    owner_id = _admin(principal)
    with db.transaction(principal) as tx:
        publish_repo.alone(tx)
        source = _source(tx, owner_id, store_id)
        made = _store(tx, owner_id, source, store_name)
        publish_repo.remember(tx, owner_id, store_id, made.store_id)
        _repeat(lambda: copying_repo.drop_chunks(tx, owner_id, store_id, made.store_id, _CHUNKS))
        copying_repo.copy_documents(tx, owner_id, store_id, made.store_id)
        _repeat(lambda: copying_repo.copy_chunks(tx, owner_id, made.store_id, _CHUNKS))
        _repeat(lambda: copying_repo.copy_vectors(tx, owner_id, store_id, made.store_id, _VECTORS))
        held = copying_repo.end_copy(tx, made.store_id)
    counted = held.one()
    return Published(made.store_id, made.store_name, made.purpose, counted.documents, counted.chunks)


def withdraw(principal: db.Principal, store_id: int) -> None:
    """Deletes a shared store, named by its id or by that of the caller's own store that was published as it.

    Raises Forbidden for whoever is no admin, NotFound.
    """
    owner_id = _admin(principal)
    with db.transaction(principal) as tx:
        found = publish_repo.shared(tx, owner_id, store_id).first()
        if found is None:
            raise NotFound(what="shared vector store", id=store_id)
        _repeat(lambda: copying_repo.empty(tx, found.store_id, _CHUNKS))
        if publish_repo.withdraw(tx, found.store_id).first() is None:
            raise _no_admin()


def _admin(principal: db.Principal) -> int:
    if principal.user_id is None:
        raise Unauthenticated(reason="this is for users")
    if "admin" not in principal.roles:
        raise _no_admin()
    return principal.user_id


def _no_admin() -> Forbidden:
    return Forbidden(reason="shared stores are an admin's matter")


def _source(tx: db.Transaction, owner_id: int, store_id: int) -> Source:
    source = publish_repo.source(tx, owner_id, store_id).first()
    if source is None:
        raise NotFound(what="vector store", id=store_id)
    if source.provider != "pgvector":
        raise UnsupportedStore(reason=f"only what lies in this database can be published, not in {source.provider}")
    return source


def _store(tx: db.Transaction, owner_id: int, source: Source, store_name: str | None) -> SharedStore:
    """The row of the shared store. Who is no admin any more gets none: the database looks itself."""
    name = store_name or source.store_name
    taken = publish_repo.named(tx, name).first()
    if taken is not None and taken.store_id != source.shared_id:
        raise StoreExists(reason="the name is taken", name=name)
    made = publish_repo.store(tx, owner_id, source.store_id, source.shared_id, name).first()
    if made is None:
        raise _no_admin()
    return made


def _repeat(step: Callable[[], db.Pending[Copied]]) -> None:
    while step().one().n:
        pass
