"""Runs written to where others look at them: MLflow, TensorBoard, Weights & Biases (offline)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from anima.kernel import db
from anima.kernel.errors import BadInput, NotFound
from anima.registry import run_reading_service, service, trackers_repo
from anima.registry.run_model import Session
from anima.registry.trackers_repo import Kept, Measured
from anima.vendors import trackers

_BATCH = 20_000
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Tracked:
    """Where a run is found now, and how much of it was written."""

    kind: str
    place: str
    run_id: str
    values: int
    checkpoints: int


def track(
    principal: db.Principal,
    session_id: uuid.UUID,
    to: str,
    place: str,
    *,
    project: str = "anima",
    progress: Callable[[int, int], None] | None = None,
) -> Tracked:
    """Writes a run with its configuration, all values and its checkpoints, in place of what was written before.

    In MLflow values are added to those of before: what the run has forgotten since, when it was resumed, stays there.
    `to` is mlflow (`place` is a tracking URI, as sqlite:///runs.db), tensorboard or wandb (a folder). `progress` hears
    values done and in all. Nothing is sent to anybody but the tracking store that `place` names. Raises NotFound,
    BadInput, TrackerMissing, TrackerRefused.
    """
    if not 1 <= len(project) <= _LONGEST or not project.isprintable():
        raise BadInput(reason=f"a project has a name of 1 to {_LONGEST} printable characters")
    session, owner_id = run_reading_service.session(principal, session_id), service.owner(principal)
    with db.transaction(principal) as tx:
        count = trackers_repo.count(tx, owner_id, session_id)
        kept = trackers_repo.checkpoints(tx, owner_id, session_id)
    run = _run(session, project, _model(principal, session))
    states = [_state(one) for one in kept.all()]
    points = _points(principal, session_id, count.one().found, progress)
    written = trackers.write(to, place, run, points, states)
    return Tracked(to, written.place, written.run_id, written.points, len(states))


def _model(principal: db.Principal, session: Session) -> str | None:
    if session.model_id is None:
        return None
    try:
        return str(service.get(principal, session.model_id))
    except NotFound:  # deleted since
        return None


def _run(session: Session, project: str, model: str | None) -> trackers.TrackedRun:
    return trackers.TrackedRun(
        session.session_id,
        session.name,
        project,
        session.status,
        model,
        session.configuration,
        session.dataset,
        session.created_at,
        session.started_at,
        session.ended_at,
        session.error,
    )


def _state(one: Kept) -> trackers.KeptState:
    return trackers.KeptState(
        one.checkpoint_id, one.step, one.kind, one.is_best, one.n_bytes, one.new_bytes, one.created_at
    )


def _points(
    principal: db.Principal, session_id: uuid.UUID, total: int, progress: Callable[[int, int], None] | None
) -> Iterator[trackers.Point]:
    """All values in the order of steps, some at a time."""
    owner_id, after, done = service.owner(principal), None, 0
    while True:
        with db.transaction(principal) as tx:
            rows = trackers_repo.values(tx, owner_id, session_id, after, _BATCH).all()
        yield from map(_point, rows)
        done += len(rows)
        if progress is not None and rows:
            progress(min(done, total), total)
        if len(rows) < _BATCH:
            return
        after = rows[-1]


def _point(one: Measured) -> trackers.Point:
    return trackers.Point(one.scope, one.name, one.step, one.at, one.epoch, one.value)
