"""SQL of the upkeep of the store: whom it concerns."""

from __future__ import annotations

from dataclasses import dataclass

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Due:
    """Somebody of whom something lies in the store that nothing refers to."""

    owner_id: int


DUE = db.Query(Due, "select owner_id from owners_with_free_tensors()")


def due(tx: db.Transaction) -> db.Pending[Due]:
    """Of whom something is to be collected."""
    return tx.fetch(DUE)
