"""Experiments as admins make, read and end them; under the operators' login, with lines in the audit log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from anima.avatars.model import SWITCHES
from anima.gateway import experiments_admin_repo as repo
from anima.gateway import experiments_sums_repo, profiles, prompts_model, prompts_repo
from anima.gateway import service as gateway
from anima.gateway.experiments_admin_repo import Experiment
from anima.gateway.experiments_report_model import Guard, MetricName, report
from anima.kernel import audit, auth, clock, db, pages
from anima.kernel.config import settings
from anima.kernel.errors import BadInput, Conflict, FieldError, NotFound

_OPERATOR = db.Principal(user_id=None, login="admin")


class ExperimentNotFound(NotFound):
    """There is no experiment {exp_id} here."""

    slug = "experiment-not-found"


class ExperimentRuns(Conflict):
    """An experiment called {name} runs already; stop it first, or take another name."""

    slug = "experiment-runs"


@dataclass(frozen=True, slots=True)
class NewVariant:
    """A variant as it is asked for: `prompt` is `name@version`."""

    name: str
    weight: float = 1.0
    model: str | None = None
    prompt: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    policy: Mapping[str, bool] = field(default_factory=dict)


def experiments(principal: db.Principal, cursor: str | None = None, limit: int = 50) -> pages.Page[Experiment]:
    """Experiments, the newest first. Raises Forbidden, BadInput for an unknown cursor."""
    auth.require(principal, "admin")
    before = pages.number(cursor)
    with db.transaction(_OPERATOR) as tx:
        found = repo.page(tx, before, limit + 1)
    return pages.page(found.all(), limit, lambda one: [one.exp_id])


def begin(
    principal: db.Principal, name: str, variants: Sequence[NewVariant], metric: MetricName, guard: Guard
) -> Experiment:
    """Begins an experiment: from now on people are given its variants. The first is the one others are held to.

    Raises Forbidden, BadInput (which names the variant), ExperimentRuns.
    """
    auth.require(principal, "admin")
    _check(variants)
    named = [reference for one in variants if one.prompt and (reference := prompts_model.reference(one.prompt))]
    with db.transaction(_OPERATOR) as tx:
        known = {f"{one.name}@{one.version}": one.prompt_id for one in prompts_repo.chosen(tx, named).all()}
        missing = [
            FieldError(f"variants.{at}.prompt", "name@version of a prompt that is here")
            for at, one in enumerate(variants)
            if one.prompt is not None and one.prompt not in known
        ]
        if missing:
            raise BadInput(reason="a prompt is not there", fields=missing)
        stored = [{**asdict(one), "prompt_id": known.get(one.prompt or "")} for one in variants]
        by, at = principal.user_id, clock.now()
        made = repo.make(tx, name, stored, metric, asdict(guard), created_by=by, at=at).first()
        if made is None:
            raise ExperimentRuns(name=name)
        audit.note(tx, principal, "experiments.begin", subject=str(made.exp_id), detail={"name": name})
    return made


def stop(principal: db.Principal, exp_id: int, reason: str = "") -> Experiment:
    """Ends an experiment; one that has ended stays as it is. Raises Forbidden, ExperimentNotFound."""
    auth.require(principal, "admin")
    with db.transaction(_OPERATOR) as tx:
        ended = {"by": "admin", "user_id": principal.user_id, "reason": reason}
        found = repo.end(tx, exp_id, ended, clock.now()).first()
        if found is not None:
            audit.note(tx, principal, "experiments.stop", subject=str(exp_id), detail={"reason": reason})
        now = found or repo.one(tx, exp_id).first()
    if now is None:
        raise ExperimentNotFound(exp_id=exp_id)
    return now


def reported(principal: db.Principal, exp_id: int) -> tuple[Experiment, dict[str, Any]]:
    """An experiment with what it has shown. Raises Forbidden, ExperimentNotFound."""
    auth.require(principal, "admin")
    with db.transaction(_OPERATOR) as tx:
        found, sums = repo.one(tx, exp_id), experiments_sums_repo.sums(tx, exp_id)
    experiment = found.first()
    if experiment is None:
        raise ExperimentNotFound(exp_id=exp_id)
    return experiment, report([one["name"] for one in experiment.variants], sums.all(), experiment.metric)


def _check(variants: Sequence[NewVariant]) -> None:
    """Raises BadInput where two variants share a name, or one asks for a model or turns a switch that is not here."""
    names = [one.name for one in variants]
    wrong = [
        FieldError(f"variants.{at}.name", "another name than the others'")
        for at, name in enumerate(names)
        if name in names[:at]
    ]
    wrong += [
        FieldError(f"variants.{at}.policy", f"switches of avatars: {', '.join(SWITCHES)}")
        for at, one in enumerate(variants)
        if not set(one.policy) <= set(SWITCHES)
    ]
    wrong += [
        FieldError(f"variants.{at}.model", f"one of {', '.join(_accepted())}")
        for at, one in enumerate(variants)
        if one.model is not None and not _is_known(one.model)
    ]
    if wrong:
        raise BadInput(reason="; ".join(f"{one.path}: {one.message}" for one in wrong), fields=wrong)


def _accepted() -> list[str]:
    return [*profiles.active(settings()), *gateway.accepted()]


def _is_known(model: str) -> bool:
    """Whether a role or a model of this name can be asked, as far as that is known without asking it."""
    wide = {name.removesuffix("*") for name in gateway.accepted() if name.endswith(":*")}
    return model in _accepted() or any(model.startswith(start) and model != start for start in wide)
