"""Experiments in a turn: the variant that a person is given, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from anima.gateway import experiments_repo as repo
from anima.gateway.experiments_model import Running, Variant, chosen
from anima.kernel import clock, db


@dataclass(frozen=True, slots=True)
class PendingVariant:
    """What runs, asked for in a transaction."""

    owner_id: int
    running: db.Pending[Running]

    def variant(self) -> Variant | None:
        """The person's variant; waits for the database where it has not answered yet."""
        return chosen(self.running.all(), self.owner_id)


def begin(tx: db.Transaction, owner_id: int) -> PendingVariant:
    """Asks which experiments run, as part of the running transaction."""
    return PendingVariant(owner_id, repo.running(tx, owner_id))


def answered(
    tx: db.Transaction, owner_id: int, variant: Variant, *, ms: float, cost: float | None = None, harmed: bool = False
) -> None:
    """Counts an answer, in the transaction that stores it: what it took, what it cost in USD where that is known, and
    whether something of it was harmful. Of private sessions nothing is counted.
    """
    exp_id, name, at = variant.exp_id, variant.name, clock.now()
    repo.count(tx, owner_id, exp_id, name, at=at, answers=1, harmed=int(harmed), ms=ms, cost=cost)


def failed(tx: db.Transaction, owner_id: int, variant: Variant) -> None:
    """Counts a turn to which no answer was found."""
    repo.count(tx, owner_id, variant.exp_id, variant.name, at=clock.now(), answers=0, harmed=0, ms=0.0, cost=None)


def rated(tx: db.Transaction, owner_id: int, response_id: int) -> db.Pending[repo.Rated]:
    """Counts a rating that was just stored; says of which experiment the answer was, if of any."""
    return repo.rate(tx, owner_id, response_id)
