"""SQL of accounts that are closed and erased."""

from __future__ import annotations

from dataclasses import dataclass

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Closed:
    """What came of closing: closed, last admin, or gone."""

    outcome: str


@dataclass(frozen=True, slots=True)
class Erased:
    """Whether the account was one that had been closed."""

    erased: bool


@dataclass(frozen=True, slots=True)
class Subject:
    """The number of an account that was closed."""

    subject_id: int


CLOSE = db.Query(Closed, "select auth_close() as outcome")

ERASE = db.Query(Erased, "select auth_erase() as erased")

# Whatever was to erase them should have come to an end by now.
UNFINISHED = db.Query(
    Subject,
    """
    select subject_id from erasures
    where erased_at is null and asked_at < now() - interval '1 hour'
    order by asked_at limit 100
    """,
)

SETTLED = db.Query(
    Subject,
    """
    select subject_id from erasures
    where erased_at < now() - interval '1 day'
    order by asked_at limit 100
    """,
)

FORGET = db.Command("delete from erasures where subject_id = %(subject_id)s and erased_at is not null")


def close(tx: db.Transaction) -> db.Pending[Closed]:
    """Closes the account of the tenant: no credential of theirs is good any more."""
    return tx.fetch(CLOSE)


def erase(tx: db.Transaction) -> db.Pending[Erased]:
    """Removes the row of the tenant, if the account was closed, with every row that refers to it."""
    return tx.fetch(ERASE)


def unfinished(tx: db.Transaction) -> db.Pending[Subject]:
    """Accounts that were closed and are not erased after an hour."""
    return tx.fetch(UNFINISHED)


def settled(tx: db.Transaction) -> db.Pending[Subject]:
    """Accounts that were erased a day ago."""
    return tx.fetch(SETTLED)


def forget(tx: db.Transaction, subject_id: int) -> None:
    """Removes the last that is known of an account: its number."""
    tx.execute(FORGET, subject_id=subject_id)
