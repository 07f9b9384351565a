"""Statements of the maintenance; what needs the owner's rights is done by functions that take no argument."""

from __future__ import annotations

from dataclasses import dataclass

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Run:
    """A run that was begun just now."""

    task: str


@dataclass(frozen=True, slots=True)
class Step:
    """What was done to the partitions; nothing: there is nothing left to do."""

    done: str | None


@dataclass(frozen=True, slots=True)
class Expired:
    """How many rows were deleted."""

    n: int


# Of several at once one begins; one that was killed is begun again by whoever comes after ten minutes.
BEGUN = db.Query(
    Run,
    """
    insert into maintenance_runs as r (task) values (%(task)s)
    on conflict (task) do update set begun_at = now(), done_at = null
    where coalesce(r.done_at < now() - interval '20 hours', r.begun_at < now() - interval '10 minutes')
    returning task
    """,
)

ENDED = db.Command("update maintenance_runs set done_at = now() where task = %(task)s")

PARTITIONS = db.Query(Step, "select maintain_partitions() as done")

EXPIRED = db.Query(Expired, "select maintain_expired() + maintain_activations() as n")


def begun(tx: db.Transaction, task: str) -> db.Pending[Run]:
    """Begins the day's run of a task; no row where it was done or is under way."""
    return tx.fetch(BEGUN, task=task)


def ended(tx: db.Transaction, task: str) -> None:
    """The run is done, until tomorrow."""
    tx.execute(ENDED, task=task)


def partitions(tx: db.Transaction) -> db.Pending[Step]:
    """One step on the partitions."""
    return tx.fetch(PARTITIONS)


def expired(tx: db.Transaction) -> db.Pending[Expired]:
    """Deletes a batch of what has expired."""
    return tx.fetch(EXPIRED)
