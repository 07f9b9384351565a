"""SQL of how experiments go: sums over people, without one of them, and an end because of harm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anima.gateway.experiments_report_model import SumsRow
from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Watched:
    """An experiment that runs, as its guard sees it."""

    variants: list[dict[str, Any]]
    guard: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Halted:
    """Whether it was this call that ended it."""

    halted: bool


WATCHED = db.Query(
    Watched,
    "select e.variants, e.guard from experiments e where e.exp_id = %(exp_id)s and e.end_ts is null",
)

SUMS = db.Query(
    SumsRow,
    """
    select s.variant, s.metric, s.people, s.x, s.d, s.squares, s.xx, s.xd, s.dd
    from experiment_sums(%(exp_id)s) s
    """,
)

HALT = db.Query(Halted, "select experiment_halt(%(exp_id)s, %(ended)s, %(at)s) as halted")


def held(tx: db.Transaction, exp_id: int) -> db.Pending[Watched]:
    """The experiment, where it runs."""
    return tx.fetch(WATCHED, exp_id=exp_id)


def sums(tx: db.Transaction, exp_id: int) -> db.Pending[SumsRow]:
    """What was seen of each variant and metric."""
    return tx.fetch(SUMS, exp_id=exp_id)


def halted(tx: db.Transaction, exp_id: int, ended: Mapping[str, object], at: datetime) -> db.Pending[Halted]:
    """Ends it, with a line in the audit log, where it still runs."""
    return tx.fetch(HALT, exp_id=exp_id, ended=db.jsonb(dict(ended)), at=at)
