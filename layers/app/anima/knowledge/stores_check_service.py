"""Compares what a store holds with what belongs in it, and has the difference mended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from anima.kernel import db
from anima.kernel.errors import AnimaError, DatabaseUnavailable, NotFound, Unauthenticated
from anima.knowledge import (
    outside_drift_repo,
    outside_repo,
    outside_service,
    outside_writing_service,
    stores_check_repo,
    stores_repo,
    stores_service,
)
from anima.knowledge.stores_model import HERE, OutsideStore, Store, StoreChecked

if TYPE_CHECKING:
    from anima.vendors.embeddings import Embedder

_BATCH = 64


def check(principal: db.Principal, store_id: int, *, mend: bool = False) -> StoreChecked:
    """What is missing in a store, what is too much, what is of another model; `mend` has it put right.

    An engine that cannot be asked is no error: the answer says so. Raises NotFound.
    """
    if principal.user_id is None:
        raise Unauthenticated(reason="this is for users")
    with db.transaction(principal) as tx:
        found = stores_repo.stores(tx, principal.user_id, 1, store_id=store_id)
        outside = outside_repo.outside_store(tx, principal.user_id, store_id=store_id)
    store = found.first()
    if store is None:
        raise NotFound(what="vector store", id=store_id)
    there = outside.first()
    if there is None:
        return _check_here(principal, principal.user_id, store, mend)
    return _check_outside(principal, principal.user_id, store, there, mend)


def _check_here(principal: db.Principal, owner_id: int, store: Store, mend: bool) -> StoreChecked:
    with db.transaction(principal) as tx:
        seen = stores_check_repo.compared(tx, owner_id, store.store_id).one()
        wrong = bool(seen.missing or seen.extra or seen.other_model)
        if mend and wrong:
            stores_check_repo.drop_extra(tx, owner_id, store.store_id)
            outside_writing_service.queue_store(tx, owner_id, store.store_id)
    return StoreChecked(
        store_id=store.store_id,
        store_name=store.store_name,
        provider=HERE,
        reachable=True,
        problem=None,
        expected=seen.expected,
        found=seen.found,
        waiting=0,
        missing=seen.missing,
        extra=seen.extra,
        other_model=seen.other_model,
        mended=mend and wrong,
    )


def fill_here(owner: db.Principal, owner_id: int, store_id: int) -> None:
    """Gives chunks of a store of this database the vectors that they lack; what is cached costs nothing."""
    from anima.inference import cache_service
    from anima.knowledge.chunker import indexed_text
    from anima.vendors.embeddings import embedder

    while True:
        with db.transaction(owner) as tx:
            rows = stores_check_repo.unembedded(tx, owner_id, store_id, _BATCH).all()
        if not rows:
            return
        model = embedder(rows[0].embedding_model)
        texts = [indexed_text(row.title, row.headings.split(" > ") if row.headings else [], row.text) for row in rows]
        vectors = cache_service.embed(owner, owner_id, model, texts)
        ids = [row.chunk_id for row in rows]
        with db.transaction(owner) as tx:
            written = stores_check_repo.fill(
                tx, owner_id, store_id, model.name, ids, [db.vector_text(vector.tolist()) for vector in vectors]
            )
            if written.count() == 0:  # deleted meanwhile, or in the way of another's
                return


def _check_outside(
    principal: db.Principal, owner_id: int, store: Store, there: OutsideStore, mend: bool
) -> StoreChecked:
    held, problem, reachable = _held(owner_id, there)
    seen = _drift(principal, owner_id, there, held)
    mended = mend and held is not None and bool(seen.wrong or store.waiting)
    if mended:
        problem = _mend(principal, owner_id, there, seen) or problem
    return StoreChecked(
        store_id=store.store_id,
        store_name=store.store_name,
        provider=store.provider,
        reachable=reachable,
        problem=problem,
        expected=seen.expected,
        found=len(held or ()),
        waiting=store.waiting,
        missing=len(seen.missing) + seen.unlisted,
        extra=len(seen.extra),
        other_model=seen.other_model,
        mended=mended,
    )


@dataclass(frozen=True, slots=True)
class _Drift:
    """How an engine differs from the catalogue; `serving` is the embedder that the store should be moved to, if any."""

    expected: int
    missing: list[str]
    extra: list[str]
    unlisted: int
    other_model: int
    serving: Embedder | None

    @property
    def wrong(self) -> bool:
        """Whether it differs at all."""
        return bool(self.missing or self.extra or self.unlisted or self.other_model)


def _drift(principal: db.Principal, owner_id: int, there: OutsideStore, held: set[str] | None) -> _Drift:
    store_id, model, serving = there.store_id, there.embedding_model, stores_service.serving(principal)
    with db.transaction(principal) as tx:
        rows = outside_drift_repo.expected(tx, owner_id, store_id, model)
        unlisted = outside_drift_repo.unlisted(tx, owner_id, store_id, model)
        others = outside_drift_repo.other_model(tx, owner_id, store_id)
        known = outside_drift_repo.known(tx, owner_id, store_id, model, sorted(held or ()))
    expected = {row.external_id for row in rows.all()}
    belong = {row.external_id for row in known.all()}
    moves = serving.name not in (model, there.moving_model)
    never = unlisted.one().count
    return _Drift(
        expected=len(expected) + never,
        missing=sorted(expected - held) if held is not None else [],
        extra=sorted(held - belong) if held is not None else [],
        unlisted=never,
        other_model=others.one().count + (len(expected) if moves else 0),
        serving=serving if moves else None,
    )


def _held(owner_id: int, there: OutsideStore) -> tuple[set[str] | None, str | None, bool]:
    """The external ids that the engine has, or why they cannot be had, and whether it can be reached."""
    held: set[str] = set()
    try:
        engine = outside_service.opened(there)
        engine.check()
        cursor: str | None = None
        while True:
            page = engine.ids(owner_id, cursor)
            held.update(page.external_ids)
            cursor = page.cursor
            if cursor is None:
                return held, None, True
    except DatabaseUnavailable:
        raise
    except AnimaError as error:
        return None, outside_service.told(there, error.detail), error.status < 500


def _mend(principal: db.Principal, owner_id: int, there: OutsideStore, seen: _Drift) -> str | None:
    """Has written what is missing, by an event, and removes what is too much; answers what went wrong.

    A store whose vectors are not of the embedder that serves is moved to it.
    """
    problem = None
    try:
        engine = outside_service.opened(there)
        for start in range(0, len(seen.extra), engine.batch):
            engine.delete(owner_id, seen.extra[start : start + engine.batch])
    except DatabaseUnavailable:
        raise
    except AnimaError as error:
        problem = outside_service.told(there, error.detail)
    with db.transaction(principal) as tx:
        outside_drift_repo.mend(tx, owner_id, there.store_id, there.embedding_model, seen.missing)
        if seen.serving is not None:
            outside_drift_repo.begin_move(tx, owner_id, there.store_id, seen.serving.name, seen.serving.dimension)
        outside_repo.reached(tx, owner_id, there.store_id)  # its turn comes now, whatever it was put off for
        outside_writing_service.queue_store(tx, owner_id, there.store_id)
    return problem
