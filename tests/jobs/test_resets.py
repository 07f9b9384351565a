"""Where a run took the world to have changed: told in its samples, its metrics and its log, at the very step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
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
    file, kept = simulation(), Kept()
    recorder = Recorder(file, tmp_path, kept, file.names(), n, say=lambda _: None, clock=Clock(0.3))
    Surprised(file, n, many, {20, 55}).through(recorder, 60 * n)
    recorder.close()
    samples = [json.loads(line) for line in (tmp_path / "live.jsonl").read_text().splitlines()]
    told = [(step, one["step"]) for one in samples for step in one["resets"]]
    assert [step for step, _ in told] == steps
    assert all(step <= sample for step, sample in told)
    assert [step for step, _, values in kept.told if values.keys() == {"reset"}] == steps
    assert (tmp_path / "run.log").read_text().count("context reset") == len(steps)
