"""MLflow: a run in a tracking store (an SQLite file, a database or a server), through MLflow's own client."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from anima.vendors.trackers import KeptState, Point, TrackedRun, TrackerRefused, Written

if TYPE_CHECKING:
    from mlflow.entities import Metric, Run
    from mlflow.tracking import MlflowClient

_RUN = "anima.run"
_STATUS = {"completed": "FINISHED", "failed": "FAILED", "cancelled": "KILLED", "pending": "SCHEDULED"}
_METRICS, _PARAMETERS = 1000, 100
_LONGEST_KEY, _LONGEST_VALUE, _LONGEST_TAG = 250, 6000, 8000
# What MLflow takes in names of metrics and parameters.
_REFUSED = re.compile(r"[^\w\-. /:]", re.ASCII)


def write(place: str, run: TrackedRun, points: Iterable[Point], checkpoints: Sequence[KeptState]) -> Written:
    """Writes a run into the store at a tracking URI; one that is there already is brought up to date.

    Parameters never change in MLflow: those that have another value by now stay as they were, and the whole
    configuration as it is stands in the tag `anima.configuration`. Raises TrackerRefused.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read when it is imported
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

    try:
        client = MlflowClient(tracking_uri=place)
        kept = _entered(client, run)
        _told(client, kept, run, checkpoints)
        count = _measured(client, kept.info.run_id, points, checkpoints)
        if run.ended_at is not None:
            client.set_terminated(kept.info.run_id, _STATUS.get(run.status, "FINISHED"), _millis(run.ended_at))
    except MlflowException as error:
        raise TrackerRefused(kind="MLflow", place=place, reason=str(error)[:300]) from error
    return Written(place, kept.info.run_id, count)


def _entered(client: MlflowClient, run: TrackedRun) -> Run:
    """The run as it is in MLflow; entered where it is not yet there."""
    experiment = client.get_experiment_by_name(run.project)
    experiment_id = experiment.experiment_id if experiment else client.create_experiment(run.project)
    found = client.search_runs([experiment_id], f"tags.`{_RUN}` = '{run.run_id}'", max_results=1)
    if found:
        client.update_run(found[0].info.run_id, _STATUS.get(run.status, "RUNNING"), run.name)
        return found[0]
    return client.create_run(experiment_id, _millis(run.begun), {_RUN: str(run.run_id)}, run.name)


def _told(client: MlflowClient, kept: Run, run: TrackedRun, checkpoints: Sequence[KeptState]) -> None:
    """Parameters and tags."""
    from mlflow.entities import Param, RunTag

    given = {_key(name): _text(value)[:_LONGEST_VALUE] for name, value in run.parameters.items()}
    new = [Param(name, value) for name, value in given.items() if name not in kept.data.params]
    for some in _batches(new, _PARAMETERS):
        client.log_batch(kept.info.run_id, params=some)
    tags = _tags(run, checkpoints)
    client.log_batch(kept.info.run_id, tags=[RunTag(name, value[:_LONGEST_TAG]) for name, value in tags.items()])


def _tags(run: TrackedRun, checkpoints: Sequence[KeptState]) -> dict[str, str]:
    tags = {
        "anima.status": run.status,
        "anima.configuration": _text(run.configuration),
        "anima.dataset": _text(run.dataset),
        "anima.checkpoints": str(len(checkpoints)),
    }
    if run.model is not None:
        tags["anima.model"] = run.model
    if run.error is not None:
        tags["anima.error"] = run.error
    if checkpoints:
        tags["anima.latest_checkpoint"] = str(max(checkpoints, key=lambda one: one.step).checkpoint_id)
    best = [one for one in checkpoints if one.is_best]
    return tags | ({"anima.best_checkpoint": str(best[-1].checkpoint_id)} if best else {})


def _measured(client: MlflowClient, run_id: str, points: Iterable[Point], checkpoints: Sequence[KeptState]) -> int:
    """Writes all values; MLflow leaves out those that it has. How many there were of the run's own."""
    count = 0
    for some in _batches(_metrics(points), _METRICS):
        count += sum(not metric.key.endswith("/epoch") for metric in some)
        client.log_batch(run_id, metrics=some)
    for some in _batches(_states(checkpoints), _METRICS):
        client.log_batch(run_id, metrics=some)
    return count


def _metrics(points: Iterable[Point]) -> Iterator[Metric]:
    """Values under "train/loss" and the like, and at each step the epoch, where it is known."""
    from mlflow.entities import Metric

    told: tuple[str, int] | None = None
    for point in points:
        at = _millis(point.at)
        yield Metric(_key(f"{point.scope}/{point.name}"), point.value, at, point.step)
        if point.epoch is not None and told != (point.scope, point.step):
            told = (point.scope, point.step)
            yield Metric(_key(f"{point.scope}/epoch"), point.epoch, at, point.step)


def _states(checkpoints: Sequence[KeptState]) -> Iterator[Metric]:
    from mlflow.entities import Metric

    for one in checkpoints:
        at = _millis(one.created_at)
        yield Metric("checkpoint/n_bytes", one.n_bytes, at, one.step)
        yield Metric("checkpoint/new_bytes", one.new_bytes, at, one.step)


def _batches(given: Iterable[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(given)
    while some := list(islice(rest, size)):
        yield some


def _key(name: str) -> str:
    """A name that MLflow takes; other characters stand there as their numbers."""
    key = _REFUSED.sub(lambda found: f"_{ord(found[0]):x}_", name)
    # It takes no path that leads elsewhere than it says.
    return re.sub(r"(^|/)\.+(?=/|$)", r"\1_", key).strip("/").replace("//", "/")[:_LONGEST_KEY] or "_"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _millis(at: Any) -> int:
    return int(at.timestamp() * 1000)
