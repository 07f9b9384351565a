"""Ends an experiment in which a variant does harm: looked at after each answer, failure and rating within it."""

from __future__ import annotations

from dataclasses import asdict

from anima.gateway import experiments_sums_repo as repo
from anima.gateway.experiments_report_model import Guard, Harm, harm
from anima.kernel import clock, db, telemetry


def consider(principal: db.Principal, exp_id: int) -> Harm | None:
    """Ends a running experiment where a variant is worse than the guard bears, with a line in the audit log; once."""
    with db.transaction(principal) as tx:
        held, sums = repo.held(tx, exp_id), repo.sums(tx, exp_id)
        found = held.first()
        if found is None:
            return None
        done = harm([one["name"] for one in found.variants], sums.all(), Guard(**found.guard))
        if done is None or not repo.halted(tx, exp_id, {"by": "guard", **asdict(done)}, clock.now()).one().halted:
            return None
    telemetry.count("experiments.halted")
    telemetry.warning("experiments.halted", experiment=exp_id, metric=done.metric)
    return done
