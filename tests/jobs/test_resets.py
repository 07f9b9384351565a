"""Where a run took the world to have changed: told in its samples, its metrics and its log, at the very step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from gpu_jobs.simulate.keeper import FolderKeeper
from gpu_jobs.simulate.record import Recorder

from anima.neuromodulation.mind import PACKED
from jobs.test_trajectory import Clock, Kept, Played, simulation


class Surprised(Played):
    """A run whose first environments, so many of them, take the world to have changed at these rounds."""

    def __init__(self, file: Any, n: int, many: int, rounds: set[int]) -> None:
        super().__init__(file, n)
        observe = self.mind.observe

        def seen(signals: Any) -> Any:
            hyper = observe(signals)
            assert hyper.packed is not None
            hyper.packed[PACKED.index("reset"), :many] = float(self.steps // n in rounds)
            return hyper

        self.mind.observe = seen  # type: ignore[method-assign]


@pytest.mark.parametrize(("n", "many", "steps"), [(1, 1, [21, 56]), (4, 3, [84, 224]), (4, 2, [])])
def test_where_most_took_the_world_to_have_changed_is_told_everywhere(
    tmp_path: Path, n: int, many: int, steps: list[int]
) -> None:
    file, kept, said = simulation(), Kept(), list[str]()
    recorder = Recorder(file, tmp_path, kept, file.names(), n, say=said.append, clock=Clock(0.3))
    Surprised(file, n, many, {20, 55}).through(recorder, 60 * n)
    recorder.close()
    samples = [json.loads(line) for line in (tmp_path / "live.jsonl").read_text().splitlines()]
    told = [(step, one["step"]) for one in samples for step in one["resets"]]
    assert [step for step, _ in told] == steps
    assert all(step <= sample for step, sample in told)
    assert [step for step, _, values in kept.told if values.keys() == {"reset"}] == steps
    assert (tmp_path / "run.log").read_text().count("context reset") == len(steps)
    lines = [line.partition(" INFO ")[2] for line in said if not line.startswith("{")]
    assert lines[1:-1] == [f"context reset step={step}" for step in steps]
    assert lines[0].startswith("begins step=0")
    assert lines[-1] == "ends"


def test_what_came_after_the_last_look_is_shown_at_the_end(tmp_path: Path) -> None:
    file, kept = simulation(), Kept()
    recorder = Recorder(file, tmp_path, kept, file.names(), 1, say=lambda _: None, clock=lambda: 1.0)
    Surprised(file, 1, 1, {58}).through(recorder, 60)
    recorder.checkpoint(60)
    recorder.close()
    samples = [json.loads(line) for line in (tmp_path / "live.jsonl").read_text().splitlines()]
    assert [one["step"] for one in samples][-1] == 60
    assert [step for one in samples for step in one["resets"]] == [59]


@pytest.mark.parametrize("own", [True, False])
def test_a_job_says_what_its_log_says_but_no_measurements(tmp_path: Path, own: bool) -> None:
    file, said = simulation(), list[str]()
    keeper = FolderKeeper(tmp_path) if own else Kept()
    recorder = Recorder(file, tmp_path, keeper, file.names(), 1, say=said.append, clock=Clock(0.3))
    Played(file, 1).through(recorder, 60)
    recorder.close()
    assert "measured" in (tmp_path / "run.log").read_text()
    assert [line.split()[3] for line in said if not line.startswith("{")] == ([] if own else ["begins", "ends"])
