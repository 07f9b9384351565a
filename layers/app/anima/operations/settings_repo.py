"""SQL of the settings that admins change while everything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Stored:
    """A setting that was changed once."""

    key: str
    value: Any
    updated_at: datetime


STORED = db.Query(
    Stored,
    "select s.key, s.value, s.updated_at from settings s where s.key = any(%(keys)s::text[]) order by s.key",
)

STORE = db.Command(
    """
    insert into settings (key, value)
    select e.key, e.value from jsonb_each(%(values)s::jsonb) e order by e.key
    on conflict (key) do update set value = excluded.value
    """
)


def stored(tx: db.Transaction, keys: list[str]) -> db.Pending[Stored]:
    """Those of these settings that are in the database."""
    return tx.fetch(STORED, keys=keys)


def store(tx: db.Transaction, values: Mapping[str, object]) -> None:
    """Keeps some settings."""
    tx.execute(STORE, values=db.jsonb(dict(values)))
