"""SQL of experiments as those who run the place make, read and end them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anima.gateway.experiments_report_model import MetricName
from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment; `ended` says by whom and why."""

    exp_id: int
    name: str
    variants: list[dict[str, Any]]
    metric: MetricName
    guard: dict[str, Any]
    created_by: int | None
    start_ts: datetime
    end_ts: datetime | None
    ended: dict[str, Any] | None


PAGE = db.Query(
    Experiment,
    """
    select e.exp_id, e.name, e.variants, e.metric, e.guard, e.created_by, e.start_ts, e.end_ts, e.ended
    from experiments e
    where %(before)s::bigint is null or e.exp_id < %(before)s
    order by e.exp_id desc
    limit %(most)s
    """,
)

ONE = db.Query(
    Experiment,
    """
    select e.exp_id, e.name, e.variants, e.metric, e.guard, e.created_by, e.start_ts, e.end_ts, e.ended
    from experiments e where e.exp_id = %(exp_id)s
    """,
)

MAKE = db.Query(
    Experiment,
    """
    insert into experiments (name, variants, metric, guard, created_by, start_ts)
    values (%(name)s, %(variants)s, %(metric)s, %(guard)s, %(created_by)s, %(at)s)
    on conflict (name) where end_ts is null do nothing
    returning exp_id, name, variants, metric, guard, created_by, start_ts, end_ts, ended
    """,
)

END = db.Query(
    Experiment,
    """
    update experiments e set end_ts = %(at)s, ended = %(ended)s where e.exp_id = %(exp_id)s and e.end_ts is null
    returning e.exp_id, e.name, e.variants, e.metric, e.guard, e.created_by, e.start_ts, e.end_ts, e.ended
    """,
)


def page(tx: db.Transaction, before: int | None, most: int) -> db.Pending[Experiment]:
    """Experiments, the newest first."""
    return tx.fetch(PAGE, before=before, most=most)


def one(tx: db.Transaction, exp_id: int) -> db.Pending[Experiment]:
    """An experiment."""
    return tx.fetch(ONE, exp_id=exp_id)


def make(
    tx: db.Transaction,
    name: str,
    variants: Sequence[Mapping[str, Any]],
    metric: MetricName,
    guard: Mapping[str, Any],
    *,
    created_by: int | None,
    at: datetime,
) -> db.Pending[Experiment]:
    """Begins an experiment; nothing where one of that name runs."""
    given = {"variants": db.jsonb(list(variants)), "metric": metric, "guard": db.jsonb(dict(guard))}
    return tx.fetch(MAKE, name=name, created_by=created_by, at=at, **given)


def end(tx: db.Transaction, exp_id: int, ended: Mapping[str, Any], at: datetime) -> db.Pending[Experiment]:
    """Ends an experiment that runs."""
    return tx.fetch(END, exp_id=exp_id, ended=db.jsonb(dict(ended)), at=at)
