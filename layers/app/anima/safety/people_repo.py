"""SQL of what a person sets of safety, what admins set, and the counts of a year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Person:
    """What holds for somebody."""

    age: str
    age_by: str | None
    country: str | None
    breaks: bool


@dataclass(frozen=True, slots=True)
class Aged:
    """Of whom the age was set."""

    owner_id: int


@dataclass(frozen=True, slots=True)
class Count:
    """How often something happened in a month; `country` is empty where it was not known."""

    month: date
    kind: str
    country: str
    n: int


PERSON = db.Query(
    Person,
    "select p.age, p.age_by, p.country, p.breaks from safety_people p where p.owner_id = %(owner_id)s",
)

# Once under age, only an admin says otherwise.
SET_PERSON = db.Query(
    Person,
    """
    insert into safety_people (owner_id, age, age_by, country, breaks)
    values (
        %(owner_id)s, case when %(minor)s then 'minor' else 'unknown' end, case when %(minor)s then 'person' end,
        %(country)s, coalesce(%(breaks)s, false)
    )
    on conflict (owner_id) do update set
        age = case when %(minor)s then 'minor' else safety_people.age end,
        age_by = case when %(minor)s and safety_people.age <> 'minor' then 'person' else safety_people.age_by end,
        country = case when %(sets_country)s then %(country)s else safety_people.country end,
        breaks = coalesce(%(breaks)s, safety_people.breaks)
    returning age, age_by, country, breaks
    """,
)

# Works under the operators' login, which may read names and write ages.
SET_AGE = db.Query(
    Aged,
    """
    insert into safety_people (owner_id, age, age_by)
    values (%(user_id)s, %(age)s, 'admin')
    on conflict (owner_id) do update set age = excluded.age, age_by = excluded.age_by
    returning owner_id
    """,
)

COUNTS = db.Query(
    Count,
    """
    select c.month, c.kind, c.country, c.n from safety_counts c
    where c.month >= %(since)s and c.month < %(until)s
    order by c.month, c.kind, c.country
    """,
)


def person(tx: db.Transaction, owner_id: int) -> db.Pending[Person]:
    """What holds for somebody; no row where nothing was ever set."""
    return tx.fetch(PERSON, owner_id=owner_id)


def set_person(
    tx: db.Transaction, owner_id: int, *, minor: bool, breaks: bool | None, country: str | None, sets_country: bool
) -> db.Pending[Person]:
    """Keeps what somebody sets of themselves."""
    params: dict[str, Any] = {"minor": minor, "breaks": breaks, "country": country, "sets_country": sets_country}
    return tx.fetch(SET_PERSON, owner_id=owner_id, **params)


def set_age(tx: db.Transaction, user_id: int, age: str) -> db.Pending[Aged]:
    """Keeps what an admin says of somebody's age."""
    return tx.fetch(SET_AGE, user_id=user_id, age=age)


def counts(tx: db.Transaction, year: int) -> db.Pending[Count]:
    """The counts of a year."""
    return tx.fetch(COUNTS, since=date(year, 1, 1), until=date(year + 1, 1, 1))
