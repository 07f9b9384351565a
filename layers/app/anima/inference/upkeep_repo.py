"""SQL of the upkeep of the caches: whom it concerns."""

from __future__ import annotations

from dataclasses import dataclass

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Due:
    """Somebody of whose caches something has expired."""

    owner_id: int


DUE = db.Query(Due, "select owner_id from owners_with_stale_caches()")


def due(tx: db.Transaction) -> db.Pending[Due]:
    """Whom the upkeep is to have a look at."""
    return tx.fetch(DUE)
