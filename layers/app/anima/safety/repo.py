"""SQL of safety in a turn: the guard of a person, and what a turn leaves of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from anima.kernel import db
from anima.safety.model import Row

GUARD = db.Query(
    Row,
    """
    select (select jsonb_object_agg(s.key, s.value) from settings s where s.key like 'safety.%%') as settings,
        p.age, p.age_by, p.country, p.breaks, p.talk_began_at, p.last_turn_at, p.reminded_at
    from (select %(owner_id)s::bigint as owner_id) me
    left join safety_people p on p.owner_id = me.owner_id
    """,
)

# Somebody of whom an admin said that they are of age stays so.
SEEN = db.Command(
    """
    insert into safety_people (owner_id, age, age_by, talk_began_at, last_turn_at, reminded_at)
    values (
        %(owner_id)s, case when %(minor)s then 'minor' else 'unknown' end,
        case when %(minor)s then 'statement' end, %(began_at)s, %(at)s, %(reminded_at)s
    )
    on conflict (owner_id) do update set
        age = case when %(minor)s and safety_people.age = 'unknown' then 'minor' else safety_people.age end,
        age_by = case
            when %(minor)s and safety_people.age = 'unknown' then 'statement' else safety_people.age_by
        end,
        talk_began_at = excluded.talk_began_at,
        last_turn_at = excluded.last_turn_at,
        reminded_at = coalesce(excluded.reminded_at, safety_people.reminded_at)
    """
)

COUNT = db.Command("select safety_count(%(month)s::date, %(kinds)s::text[], %(country)s)")


def guard(tx: db.Transaction, owner_id: int) -> db.Pending[Row]:
    """What is kept of a person, and the settings; always a row."""
    return tx.fetch(GUARD, owner_id=owner_id)


def seen(
    tx: db.Transaction, owner_id: int, *, minor: bool, began_at: datetime, at: datetime, reminded_at: datetime | None
) -> None:
    """Keeps when somebody talked, that they were reminded of a break, and that they said to be under age."""
    tx.execute(SEEN, owner_id=owner_id, minor=minor, began_at=began_at, at=at, reminded_at=reminded_at)


def count(tx: db.Transaction, at: datetime, kinds: Sequence[str], country: str | None) -> None:
    """Counts what happened, for nobody."""
    tx.execute(COUNT, month=at.date(), kinds=list(kinds), country=country)
