"""Vector stores: what callers may do with them, and the transactions of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from anima.kernel import addresses, db, secrets
from anima.kernel.errors import BadInput, FieldError, NotFound, Unauthenticated, Unavailable
from anima.kernel.pages import Page, decode, page
from anima.knowledge import outside_repo, outside_service, outside_writing_service, stores_removal_service, stores_repo
from anima.knowledge.errors import StoreExists, StoreNeeded, UnsupportedStore
from anima.knowledge.stores_model import ALWAYS, HERE, NewStore, Store

if TYPE_CHECKING:
    from anima.vendors.embeddings import Embedder

_METRICS = ("cosine", "l2", "inner_product")


def _owner(principal: db.Principal) -> int:
    if principal.user_id is None:
        raise Unauthenticated(reason="this is for users")
    return principal.user_id


def _position(cursor: str | None) -> int:
    position = decode(cursor, 1)
    if position is None:
        return 0
    if type(position[0]) is int:
        return position[0]
    raise BadInput(reason="unknown cursor", fields=[FieldError("cursor", "take it from next_cursor of a page")])


def list_stores(principal: db.Principal, limit: int = 50, cursor: str | None = None) -> Page[Store]:
    """The caller's stores with how much is in them and how they are, in the order they were made."""
    after = _position(cursor)
    with db.transaction(principal) as tx:
        found = stores_repo.stores(tx, _owner(principal), limit + 1, after)
    return page(found.all(), limit, lambda row: [row.store_id])


def get_store(principal: db.Principal, store_id: int) -> Store:
    """One store. Raises NotFound."""
    with db.transaction(principal) as tx:
        found = stores_repo.stores(tx, _owner(principal), 1, store_id=store_id)
    if (store := found.first()) is None:
        raise NotFound(what="vector store", id=store_id)
    return store


def create_store(principal: db.Principal, new: NewStore) -> Store:
    """Makes a store for the embedder that serves, here or on another engine, which is asked before anything is kept.

    Raises UnsupportedStore, StoreExists, and what the engine says: StoreRefused, StoreMismatch, StoreUnavailable, …
    """
    model = serving(principal)
    _fitting(new, model)
    owner_id, metadata = _owner(principal), dict(new.metadata)
    if new.provider != HERE:
        metadata = _with_space(metadata, new.space)
        _engine_checked(new, model)
    with db.transaction(principal) as tx:
        made = stores_repo.add_store(
            tx,
            owner_id,
            name=new.store_name,
            provider=new.provider,
            endpoint_url=new.endpoint_url,
            api_key=secrets.encrypt(new.api_key) if new.api_key else None,
            purpose=new.purpose,
            embedding_model=model.name,
            dimension=model.dimension,
            metric=new.metric,
            metadata=metadata,
        ).first()
    if made is None:
        raise StoreExists(reason="the name is taken", name=new.store_name)
    if new.provider != HERE:
        _space_made(principal, owner_id, made.store_id)
    return get_store(principal, made.store_id)


def serving(principal: db.Principal) -> Embedder:
    """The embedder that serves: this process may never have searched by it."""
    from anima.vendors.embeddings import embedder

    with db.transaction(principal) as tx:
        moved_to = stores_repo.serving(tx).first()
    return embedder(moved_to.name if moved_to else None)


def _with_space(given: Mapping[str, Any], space: Any) -> dict[str, Any]:
    """The metadata of a store, which also tell the space that it lies in. Raises UnsupportedStore for another one."""
    if given.get("space", space) != space:
        raise UnsupportedStore(reason="the space of a store is said when it is made, by `space`, and stays")
    return {**given, **({"space": space} if space else {})}


def _check_key(provider: str, api_key: str | None) -> None:
    """Whether a key can be sent: it goes into a header. Raises BadInput."""
    if api_key and not (api_key.isprintable() and (api_key.isascii() or provider == "milvus")):
        wrong = FieldError("api_key", "printable characters of ASCII")
        raise BadInput(reason="no engine has such a key", fields=[wrong])


def _fitting(new: NewStore, model: Embedder) -> None:
    """Whether such a store can be searched. Raises UnsupportedStore, BadInput."""
    _check_key(new.provider, new.api_key)
    if new.embedding_model not in (None, model.name):
        raise UnsupportedStore(
            reason=f"questions are embedded by {model.name}, and vectors of {new.embedding_model} do not compare;"
            " `anima embeddings migrate` changes the model of all stores"
        )
    if new.dimension not in (None, model.dimension):
        raise UnsupportedStore(reason=f"{model.name} gives {model.dimension} dimensions, not {new.dimension}")
    if new.metric not in _METRICS:
        raise UnsupportedStore(reason=f"the metric is one of {', '.join(_METRICS)}")
    if new.provider != HERE:
        return
    if new.metric != "cosine":
        raise UnsupportedStore(reason="stores of this database are searched by cosine")
    if new.endpoint_url or new.api_key or new.space:
        raise UnsupportedStore(reason="stores of this database have no address, key or space of their own")


def _engine_checked(new: NewStore, model: Embedder) -> None:
    """Asks the engine before the store is made: whether it answers, takes the key, and holds what would not fit."""
    from anima.vendors import vector_stores

    metric = cast("vector_stores.Metric", new.metric)
    where = vector_stores.space(0, model.name, model.dimension, metric, new.space)
    vector_stores.connect(new.provider, new.endpoint_url, new.api_key, where).check()
    if new.endpoint_url == vector_stores.LOCAL:
        vector_stores.drop(new.provider, new.endpoint_url, new.api_key, where, 0)


def _space_made(principal: db.Principal, owner_id: int, store_id: int) -> None:
    """Makes the store's space; where the engine does not let us, there is no store. One not ready yet waits."""
    with db.transaction(principal) as tx:
        there = outside_repo.outside_store(tx, owner_id, store_id=store_id).first()
    if there is None:
        return
    try:
        outside_service.opened(there).ensure()
    except Unavailable:
        return
    except BaseException:
        with db.transaction(principal) as tx:
            stores_repo.remove_store(tx, owner_id, store_id)
        raise
    with db.transaction(principal) as tx:
        outside_repo.reached(tx, owner_id, store_id)


def change_store(
    principal: db.Principal,
    store_id: int,
    *,
    api_key: str | None = None,
    endpoint_url: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Store:
    """Gives a store another key, address or metadata; what waits for it is tried at once. Raises NotFound."""
    owner_id = _owner(principal)
    store = get_store(principal, store_id)
    if store.provider == HERE and (api_key or endpoint_url):
        raise UnsupportedStore(reason="stores of this database have no address or key of their own")
    _check_key(store.provider, api_key)
    if endpoint_url is not None:
        _check_move(store, endpoint_url, api_key)
    if metadata is not None and store.provider != HERE:
        metadata = _with_space(metadata, store.metadata.get("space"))
    with db.transaction(principal) as tx:
        stores_repo.change_store(
            tx,
            owner_id,
            store_id,
            api_key=secrets.encrypt(api_key) if api_key else None,
            endpoint_url=endpoint_url,
            metadata=metadata,
        )
        if store.provider != HERE:
            outside_writing_service.queue_store(tx, owner_id, store_id)
    return get_store(principal, store_id)


def _check_move(store: Store, endpoint_url: str, api_key: str | None) -> None:
    """Whether a store may go to another address. Raises BadInput where its key would go there that was for another."""
    if endpoint_url != "local":
        addresses.check_public(endpoint_url)
    if store.has_key and not api_key and endpoint_url != store.endpoint_url:
        raise BadInput(reason="another address wants its key again", fields=[FieldError("api_key", "the key for it")])


def delete_store(principal: db.Principal, store_id: int) -> None:
    """Deletes a store: it is seen and searched no more from now on; a worker removes all that is in it, everywhere.

    The last store of a purpose that everybody has stays. An admin deletes shared stores too.
    Raises NotFound, StoreNeeded.
    """
    owner_id = _owner(principal)
    with db.transaction(principal) as tx:
        found = stores_repo.stores(tx, owner_id, 1, store_id=store_id)
        rivals = stores_repo.rivals(tx, owner_id, store_id)
        store = found.first()
        if store is not None:
            if store.purpose in ALWAYS and rivals.first() is None:
                raise StoreNeeded(reason="it is the last of its purpose", purpose=store.purpose)
            if stores_repo.mark_deleted(tx, owner_id, store_id).first() is not None:
                stores_removal_service.queue(tx, owner_id, store_id)
    if store is None:
        _withdraw(principal, store_id)


def _withdraw(principal: db.Principal, store_id: int) -> None:
    if "admin" not in principal.roles:
        raise NotFound(what="vector store", id=store_id)
    from anima.knowledge import publish_service

    publish_service.withdraw(principal, store_id)
