"""Turns that were cut, as a worker finds them who acts for nobody."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Expiry:
    """When the next open turn expires."""

    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody who has a turn that was cut."""

    owner_id: int


# Whose turns were cut: asked by a worker that acts for nobody.
OWNERS_OF_CUT = db.Query(
    Owner,
    """
    select distinct owner_id from llm_requests
    where state = 'pending' and (expires_at < now() or instance = %(instance)s::uuid)
    """,
)

NEXT_EXPIRY = db.Query(Expiry, "select min(expires_at) as expires_at from llm_requests where state = 'pending'")


def owners_of_cut(tx: db.Transaction, instance: uuid.UUID | None) -> db.Pending[Owner]:
    """Whose turns are past their time, or belonged to a process that is gone."""
    return tx.fetch(OWNERS_OF_CUT, instance=instance)


def next_expiry(tx: db.Transaction) -> db.Pending[Expiry]:
    """When the next open turn of anybody's expires."""
    return tx.fetch(NEXT_EXPIRY)
