"""What a tracker is told of a run: all values in the order of steps, its checkpoints, and nothing of anybody else's."""

from __future__ import annotations

import math
import sys
import types
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

from anima.kernel.errors import BadInput, NotFound
from anima.registry import metrics_service, run_service, trackers_service
from anima.registry.metrics_model import Value
from anima.registry.run_service import Run
from anima.vendors import trackers
from anima.vendors.trackers import KeptState, Point, TrackedRun, TrackerMissing, TrackerRefused, Written, flat
from fixtures.tensors import Keeper


class Recorder(types.ModuleType):
    """A tracker that keeps what it is told."""

    run: TrackedRun
    points: list[Point]
    checkpoints: Sequence[KeptState]

    def write(self, place: str, run: TrackedRun, points: Iterable[Point], checkpoints: Sequence[KeptState]) -> Written:
        if place == "full":
            raise OSError(28, "No space left on device")
        self.run, self.points, self.checkpoints = run, list(points), checkpoints
        return Written(place, run.run_id.hex, len(self.points))


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    made = Recorder("recording_tracker")
    monkeypatch.setitem(sys.modules, "recording_tracker", made)
    monkeypatch.setattr(trackers, "KINDS", {**trackers.KINDS, "recorder": "recording_tracker"})
    return made


@pytest.fixture
def run(keeper: Keeper) -> Run:
    """A run whose values were written in no order."""
    with run_service.begin(
        keeper.principal, "small run", configuration={"rate": 0.1, "adam": {"beta": 0.9}}, dataset={"name": "songs"}
    ) as made:
        values = [Value(step, name, step / 10, epoch=step / 5) for step in (7, 3, 5, 1) for name in ("loss", "grad")]
        metrics_service.write(keeper.principal, made.session_id, [*values, Value(4, "loss", math.nan, "validation")])
    return made


def test_all_values_come_in_the_order_of_steps(
    keeper: Keeper, run: Run, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trackers_service, "_BATCH", 2)
    heard: list[tuple[int, int]] = []
    done = trackers_service.track(
        keeper.principal, run.session_id, "recorder", "here", progress=lambda *told: heard.append(told)
    )
    assert (done.place, done.values, done.run_id) == ("here", 9, run.session_id.hex)
    steps = [(one.step, one.scope, one.name) for one in recorder.points]
    assert [step for step, _, _ in steps] == [1, 1, 3, 3, 4, 5, 5, 7, 7]
    assert len(set(steps)) == 9
    assert math.isnan(recorder.points[4].value)
    assert heard[-1] == (9, 9)
    assert (recorder.run.name, recorder.run.status, recorder.run.project) == ("small run", "completed", "anima")
    assert recorder.run.parameters == {"rate": 0.1, "adam.beta": 0.9, "dataset.name": "songs"}


def test_bad_orders_are_refused(keeper: Keeper, another_keeper: Keeper, run: Run, recorder: Recorder) -> None:
    with pytest.raises(BadInput):
        trackers_service.track(keeper.principal, run.session_id, "printer", "here")
    with pytest.raises(BadInput):
        trackers_service.track(keeper.principal, run.session_id, "recorder", "")
    with pytest.raises(BadInput):
        trackers_service.track(keeper.principal, run.session_id, "recorder", "here", project="a\nb")
    with pytest.raises(TrackerRefused, match="No space left"):
        trackers_service.track(keeper.principal, run.session_id, "recorder", "full")
    with pytest.raises(NotFound):
        trackers_service.track(another_keeper.principal, run.session_id, "recorder", "here")


@pytest.mark.parametrize("kind", ["mlflow", "tensorboard", "wandb"])
def test_what_is_not_installed_is_named_and_leaves_nothing_behind(
    keeper: Keeper, run: Run, kind: str, tmp_path: Path
) -> None:
    if find_spec(kind) is not None:
        pytest.skip(f"{kind} is installed here")
    place = f"sqlite:///{tmp_path}/nowhere.db" if kind == "mlflow" else str(tmp_path / "runs")
    with pytest.raises(TrackerMissing, match=r"anima\[train\]"):
        trackers_service.track(keeper.principal, run.session_id, kind, place)
    assert list(tmp_path.iterdir()) == []


def test_configurations_are_flat_by_path() -> None:
    given = {"a": {"b": {"c": 1}, "d": []}, "e": {}, "f": [1, {"g": 2}]}
    assert flat(given) == {"a.b.c": 1, "a.d": [], "e": {}, "f": [1, {"g": 2}]}
