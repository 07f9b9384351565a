"""Metrics of runs: batches in, curves of few points out."""

from __future__ import annotations

import math
import operator
import uuid
from collections.abc import Sequence
from itertools import groupby
from typing import SupportsIndex, get_args

from anima.kernel import clock, db
from anima.kernel.errors import BadInput, FieldError
from anima.registry import metrics_repo as repo
from anima.registry import run_repo
from anima.registry.metrics_model import Bucket, Curve, Scope, Series, Value
from anima.registry.naming import is_text
from anima.registry.run_errors import RunNotFound, RunOver
from anima.registry.run_model import ENDED
from anima.registry.service import owner

MOST_POINTS = 5000
MOST_VALUES = 10_000
"""In one batch."""
_LONGEST_NAME = 200
_LAST_STEP = 2**63 - 1


def write(principal: db.Principal, session_id: uuid.UUID, values: Sequence[Value]) -> int:
    """Enters a batch, and says how many of its values were new: sent twice, with its times, it is there once.

    Raises RunNotFound, RunOver, BadInput.
    """
    check(values)
    owner_id = owner(principal)
    with db.transaction(principal) as tx:
        run = run_repo.locked(tx, owner_id, session_id).first()
        if run is None:
            raise RunNotFound(session_id=session_id)
        if run.status in ENDED:
            raise RunOver(session_id=session_id, status=run.status)
        done = repo.add(tx, owner_id, session_id, values)
        last = max(values, key=lambda one: one.step, default=None)
        if last is not None:
            run_repo.advance(tx, owner_id, session_id, last.step, last.epoch, clock.now())
        return done.count()


def check(values: Sequence[Value]) -> None:
    """Raises BadInput, which names the first value that cannot be kept."""
    if len(values) > MOST_VALUES:
        raise BadInput(reason=f"at most {MOST_VALUES} values in a batch")
    for at, one in enumerate(values):
        for wrong, name, accepted in (
            (not _is_name(one.name), "name", "1 to 200 letters"),
            (not _is_step(one.step), "step", "a whole number, 0 or more"),
            (one.scope not in get_args(Scope), "scope", "train, validation or test"),
            (one.epoch is not None and not (math.isfinite(one.epoch) and one.epoch >= 0), "epoch", "0 or more"),
        ):
            if wrong:
                raise BadInput(reason="a value cannot be kept", fields=[FieldError(f"values.{at}.{name}", accepted)])


def _is_name(name: object) -> bool:
    return isinstance(name, str) and 1 <= len(name) <= _LONGEST_NAME and is_text(name)


def _is_step(step: object) -> bool:
    """Whether it is a whole number (also one of numpy's) that can be kept."""
    return isinstance(step, SupportsIndex) and not isinstance(step, bool) and 0 <= operator.index(step) <= _LAST_STEP


def series(principal: db.Principal, session_id: uuid.UUID) -> list[Series]:
    """What a run measured, by scope and name. Raises RunNotFound."""
    with db.transaction(principal) as tx:
        run = run_repo.session(tx, owner(principal), session_id)
        found = repo.series(tx, owner(principal), session_id)
    if run.first() is None:
        raise RunNotFound(session_id=session_id)
    return found.all()


def downsampled(
    principal: db.Principal,
    session_id: uuid.UUID,
    *,
    names: Sequence[str] = (),
    scope: Scope | None = None,
    points: int = 500,
    since: int = 0,
    until: int | None = None,
) -> list[Curve]:
    """The series of a run (or those of some names, or of a scope) as at most `points` buckets each, 1 to 5000.

    Of `since` to `until`, both steps with it. Raises RunNotFound, BadInput.
    """
    if not 1 <= points <= MOST_POINTS:
        raise BadInput(reason="so many points", fields=[FieldError("points", f"1 to {MOST_POINTS}")])
    bounds = {"points": points, "since": max(0, since), "until": _LAST_STEP if until is None else until}
    wanted = [one for one in names if is_text(one)] if names else None
    with db.transaction(principal) as tx:
        run = run_repo.session(tx, owner(principal), session_id)
        found = repo.curves(tx, owner(principal), session_id, names=wanted, scope=scope, **bounds)
    if run.first() is None:
        raise RunNotFound(session_id=session_id)
    grouped = groupby(found.all(), key=lambda part: (part.scope, part.name))
    return [_curve(scope, name, list(parts)) for (scope, name), parts in grouped]


def _curve(scope: Scope, name: str, parts: Sequence[repo.Part]) -> Curve:
    buckets = [
        Bucket(
            one.first_step,
            one.last_step,
            one.values,
            one.not_finite,
            one.minimum,
            one.maximum,
            one.mean,
            one.last,
        )
        for one in parts
    ]
    count, first, last = sum(one.values for one in parts), parts[0], parts[-1]
    return Curve(scope, name, count, first.first_step, last.last_step, last.last, buckets)


def read(
    principal: db.Principal,
    session_id: uuid.UUID,
    name: str,
    scope: Scope = "train",
    *,
    points: int = 500,
    since: int = 0,
    until: int | None = None,
) -> list[Bucket]:
    """One series, as `downsampled` tells it; nothing where nothing was logged under this name."""
    found = downsampled(principal, session_id, names=[name], scope=scope, points=points, since=since, until=until)
    return found[0].buckets if found else []
