"""SQL of style outside a turn: what is learnt, seen, corrected and forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Kept:
    """All that is kept of somebody's style."""

    enabled: bool
    samples: list[dict[str, Any]]
    measured: dict[str, Any]
    corrected: dict[str, str]
    learns_after: int
    updated_at: datetime | None


BEGIN = db.Command("insert into style_profiles (owner_id) values (%(owner_id)s) on conflict do nothing")

KEPT = db.Query(
    Kept,
    """
    select enabled, samples, measured, corrected, learns_after, updated_at from style_profiles
    where owner_id = %(owner_id)s
    """,
)

LOCKED = db.Query(
    Kept,
    """
    select enabled, samples, measured, corrected, learns_after, updated_at from style_profiles
    where owner_id = %(owner_id)s
    for no key update
    """,
)

LEARN = db.Command(
    """
    update style_profiles set samples = %(samples)s, measured = %(measured)s, updated_at = %(at)s
    where owner_id = %(owner_id)s
    """
)

# What is corrected to null is given back.
CHANGE = db.Query(
    Kept,
    """
    insert into style_profiles as s (owner_id, enabled, corrected, updated_at)
    values (%(owner_id)s, coalesce(%(enabled)s, true), jsonb_strip_nulls(%(corrected)s), %(at)s)
    on conflict (owner_id) do update set
        enabled = coalesce(%(enabled)s, s.enabled),
        corrected = jsonb_strip_nulls(s.corrected || %(corrected)s),
        updated_at = excluded.updated_at
    returning s.enabled, s.samples, s.measured, s.corrected, s.learns_after, s.updated_at
    """,
)

# Whether style is followed at all is the person's will, and stays.
FORGET = db.Command(
    """
    insert into style_profiles as s (owner_id, learns_after)
    select %(owner_id)s, coalesce(max(message_id), 0) from messages where owner_id = %(owner_id)s
    on conflict (owner_id) do update set
        samples = '[]', measured = '{}', corrected = '{}', updated_at = null,
        learns_after = greatest(s.learns_after, excluded.learns_after)
    """
)


def kept(tx: db.Transaction, owner_id: int) -> db.Pending[Kept]:
    """What is kept; no row where nothing is."""
    return tx.fetch(KEPT, owner_id=owner_id)


def locked(tx: db.Transaction, owner_id: int) -> db.Pending[Kept]:
    """What is kept, begun where nothing was, and locked until the transaction ends."""
    tx.execute(BEGIN, owner_id=owner_id)
    return tx.fetch(LOCKED, owner_id=owner_id)


def learn(
    tx: db.Transaction,
    owner_id: int,
    samples: Sequence[Mapping[str, Any]],
    measured: Mapping[str, Any],
    at: datetime,
) -> None:
    """Writes what was measured."""
    tx.execute(LEARN, owner_id=owner_id, samples=db.jsonb(list(samples)), measured=db.jsonb(dict(measured)), at=at)


def change(
    tx: db.Transaction, owner_id: int, enabled: bool | None, corrected: Mapping[str, str | None], at: datetime
) -> db.Pending[Kept]:
    """Follows style or not, and corrects traits; null gives one back."""
    return tx.fetch(CHANGE, owner_id=owner_id, enabled=enabled, corrected=db.jsonb(dict(corrected)), at=at)


def forget(tx: db.Transaction, owner_id: int) -> None:
    """Forgets what was measured and corrected; what was said until now is not learnt again."""
    tx.execute(FORGET, owner_id=owner_id)
