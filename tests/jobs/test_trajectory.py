"""The record of a run: whole, never a step twice, and what happens when disks, folders and processes fail."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gpu_jobs.simulate import live_file, trajectory
from gpu_jobs.simulate.record import Recorder
from gpu_jobs.simulate.trajectory import LEAD, NoRoomForRecord, RecordLost, TrajectoryWriter, parts, read
from hypothesis import given, settings
from hypothesis import strategies as st

from anima.neuromodulation.crowd import Hyper
from anima.neuromodulation.mind import Mind, Signals
from anima.neuromodulation.simulation import Simulation, read_object

COLUMNS = (*LEAD, "learning_rate", "reset")


def block(first: int, rows: int) -> np.ndarray[Any, Any]:
    """Rows whose every number is told by their step."""
    steps = np.arange(first, first + rows, dtype=np.float64)
    lead = (steps, steps // 10, steps % 2, steps % 3, steps / 4, steps % 10 == 9, -steps, steps)
    return np.stack([*lead, steps / 8, steps % 7 == 0])


def expect_steps(folder: Path, last: int) -> None:
    """That a record holds each step up to the last, once, with its numbers."""
    found = read(folder)
    assert found["step"].to_pylist() == list(range(1, last + 1))
    assert found["reward"].to_pylist() == [step / 4 for step in range(1, last + 1)]
    assert found["done"].to_pylist() == [step % 10 == 9 for step in range(1, last + 1)]


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_what_is_written_is_read_again(tmp_path: Path, form: str) -> None:
    writer = TrajectoryWriter(tmp_path, form, COLUMNS)
    for first in range(1, 1001, 100):
        writer.append(block(first, 100))
    writer.close()
    expect_steps(tmp_path, 1000)
    found = read(tmp_path)
    assert [str(field.type) for field in found.schema] == [
        *("int64", "int32", "int16", "int16", "float", "bool", "float", "float", "float", "bool")
    ]
    assert [part.path.name for part in parts(tmp_path)] == [f"trajectory-000000000001-000000001000.{form}"]


def test_a_record_loads_no_library_of_tables() -> None:
    """Pandas takes longer to load than a short run to write, and `pyarrow.array` loads it where it is installed."""
    told = (
        "import sys; import numpy as np; from gpu_jobs.simulate import trajectory;"
        "trajectory.batch_of(np.ones((3, 5)), trajectory.schema(('step', 'done', 'reward')));"
        "sys.exit('pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", told], check=False).returncode == 0


def test_parquet_is_packed_as_was_promised(tmp_path: Path) -> None:
    from pyarrow import parquet

    writer = TrajectoryWriter(tmp_path, "parquet", COLUMNS)
    writer.append(block(1, 5000))
    writer.close()
    column = parquet.ParquetFile(parts(tmp_path)[0].path).metadata.row_group(0).column(8)
    assert column.compression == "ZSTD"
    assert "BYTE_STREAM_SPLIT" in column.encodings
    assert not column.has_dictionary_page


@pytest.mark.parametrize("form", ["parquet", "csv"])
@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 60), st.sampled_from(["on", "checkpoint", "killed", "older"])), max_size=8),
    st.integers(1, 40),
)
def test_no_step_is_there_twice_however_often_it_is_killed(
    tmp_path_factory: pytest.TempPathFactory, form: str, events: list[tuple[int, str]], last: int
) -> None:
    folder = tmp_path_factory.mktemp("record")
    writer, done, kept, older = TrajectoryWriter(folder, form, COLUMNS), 0, 0, 0
    for rows, event in events:
        writer.append(block(done + 1, rows))
        done += rows
        if event == "checkpoint":
            writer.checkpoint()
            older, kept = kept, done
        elif event != "on":  # killed, and begun again after the last checkpoint or the one before
            writer.abandon()
            done = kept = older if event == "older" else kept
            older = min(older, kept)
            writer = TrajectoryWriter(folder, form, COLUMNS, resume_step=done)
    writer.append(block(done + 1, last))
    writer.close()
    expect_steps(folder, done + last)


def test_many_small_parts_become_one(tmp_path: Path) -> None:
    writer = TrajectoryWriter(tmp_path, "csv", COLUMNS)
    for first in range(1, 2 * trajectory.MOST_SMALL + 1):
        writer.append(block(first, 1))
        writer.checkpoint()
    assert len(list(tmp_path.iterdir())) <= trajectory.MOST_SMALL
    writer.close()
    expect_steps(tmp_path, 2 * trajectory.MOST_SMALL)


def test_a_process_that_died_while_parts_were_put_together_leaves_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = TrajectoryWriter(tmp_path, "parquet", COLUMNS)
    for first in (1, 11):
        writer.append(block(first, 10))
        writer.checkpoint()
    writer.close()
    small = {part.path.name: part.path.read_bytes() for part in parts(tmp_path)}
    monkeypatch.setattr(trajectory, "MOST_SMALL", 2)
    trajectory.put_together(tmp_path, "parquet")
    for name, content in small.items():  # the names of the small ones were not taken away yet
        (tmp_path / name).write_bytes(content)
    expect_steps(tmp_path, 20)
    TrajectoryWriter(tmp_path, "parquet", COLUMNS, resume_step=15).close()
    expect_steps(tmp_path, 15)


class FullDisk:
    """A file on a disk without room."""

    def __init__(self, *_: object) -> None: ...

    def write(self, *_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def abandon(self) -> None: ...


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trajectory, "_File", FullDisk)
    writer = TrajectoryWriter(tmp_path, "parquet", COLUMNS)
    writer.append(block(1, 10))
    with pytest.raises(NoRoomForRecord, match="no room left"):
        writer.checkpoint()
    writer.abandon()


def test_a_folder_that_goes_away_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "record"
    writer = TrajectoryWriter(folder, "parquet", COLUMNS)
    writer.append(block(1, 10))
    writer.wait()
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    with pytest.raises(RecordLost, match="cannot be written"):
        writer.checkpoint()
    writer.abandon()


def test_no_record_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no trajectory"):
        read(tmp_path)


# The recorder.


class Kept:
    """A keeper that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[int, str, dict[str, float]]] = []

    def log(self, step: int, scope: str = "train", **values: float) -> None:
        self.told.append((step, scope, values))


class Clock:
    """Time that passes by as much as it is told, at each look."""

    def __init__(self, seconds: float) -> None:
        self.now, self._seconds = 0.0, seconds

    def __call__(self) -> float:
        self.now += self._seconds
        return self.now


def simulation(**sections: Any) -> Simulation:
    return read_object({"feedback_loop": {"log_every": 50}, **sections})


class Played:
    """A made-up run of some environments, the same at each step whenever it is told."""

    def __init__(self, file: Simulation, n: int) -> None:
        self.n, self.mind, self.steps = n, Mind(file.physics(), n), 0

    def through(self, recorder: Recorder, last: int) -> None:
        while self.steps < last:
            first = self.steps + 1
            steps = np.arange(first, first + self.n)
            ended = steps % 10 == 9
            hyper: Hyper = self.mind.observe(Signals(steps % 5 / 5, 1.0, ended))
            numbers = (steps // 10, steps % 2, np.full(self.n, 0.1), ended, steps % 5 / 5, steps % 10 + 1.0)
            recorder.step(first, *numbers, hyper, self.mind.concentrations)
            self.steps += self.n


@pytest.mark.parametrize("n", [1, 4])
def test_what_a_run_leaves(tmp_path: Path, n: int) -> None:
    file, kept, said = simulation(), Kept(), list[str]()
    recorder = Recorder(file, tmp_path, kept, file.names(), n, say=said.append, clock=Clock(0.3))
    Played(file, n).through(recorder, 200)
    recorder.checkpoint(200)
    recorder.evaluated(200, 42.0)
    recorder.close()
    recorder.close()

    found = read(tmp_path / "trajectory")
    assert found["step"].to_pylist() == list(range(1, 201))
    assert found["environment"].to_pylist() == [place % n for place in range(200)]
    assert found.schema.names[-5:] == [f"c_{name}" for name in file.names()]
    assert found["c_dopamine"][0].as_py() == pytest.approx(20.0, rel=0.2)
    assert [step for step, scope, _ in kept.told if scope == "train"] == [50, 100, 150, 200]
    assert kept.told[-1] == (200, "test", {"evaluation_return": 42.0})
    last = kept.told[3][2]
    assert last["cumulative_reward"] == pytest.approx(20.0)
    assert last["td_error"] == pytest.approx(0.4)
    assert last["return_mean"] == pytest.approx(10.0)
    assert {"learning_rate", "discount", "epsilon", "temperature", "replay_factor", "c.gaba"} <= set(last)
    samples = [json.loads(line) for line in (tmp_path / "live.jsonl").read_text().splitlines()]
    assert samples[-1]["concentrations"].keys() == set(file.names())
    assert {"t", "step", "episode", "return", "learning_rate_raw", "attention_gain"} <= samples[-1].keys()
    beats = [json.loads(line) for line in said if line.startswith("{")]
    assert beats[-1]["step"] == 200
    assert beats[-1]["of"] == file.global_settings.max_steps
    assert "measured" in (tmp_path / "run.log").read_text()


@pytest.mark.parametrize("n", [1, 3])
def test_an_effect_on_a_target_of_ones_own_is_recorded_everywhere(tmp_path: Path, n: int) -> None:
    own = [{"modulator": "dopamine", "target": "retrieval_threshold", "gain": 0.4}]
    file, kept = simulation(integration_with_rl={"effects": own}), Kept()
    recorder = Recorder(file, tmp_path, kept, file.names(), n, say=lambda _: None, clock=Clock(0.3))
    played = Played(file, n)
    played.through(recorder, 150)
    recorder.close()
    known = played.mind.hyper().targets["retrieval_threshold"]
    found = read(tmp_path / "trajectory")
    assert found.schema.names[-1] == "t_retrieval_threshold"
    assert found.schema.names[-2] == f"c_{file.names()[-1]}"
    assert found["t_retrieval_threshold"].to_pylist()[-n:] == pytest.approx(known.tolist(), rel=1e-6)
    assert len(set(found["t_retrieval_threshold"].to_pylist())) > 10
    assert kept.told[-1][2]["t.retrieval_threshold"] == pytest.approx(known[-1])
    sample = json.loads((tmp_path / "live.jsonl").read_text().splitlines()[-1])
    assert sample["targets"].keys() == {"retrieval_threshold"}
    assert sample["concentrations"].keys() == set(file.names())


def test_what_is_counted_is_the_same_after_a_kill_and_at_any_pace(tmp_path: Path) -> None:
    file = simulation(persistence={"store_trajectory": False})

    def told(folder: Path, cut: int, seconds: float) -> list[Any]:
        kept, played = Kept(), Played(file, 1)
        recorder = Recorder(file, folder, kept, file.names(), 1, say=lambda _: None, clock=Clock(seconds))
        played.through(recorder, cut)
        recorder.checkpoint(cut)
        again = Recorder(file, folder, kept, file.names(), 1, cut, say=lambda _: None, clock=Clock(seconds))
        recorder.close()
        played.through(again, 170)
        again.close()
        return kept.told

    first = told(tmp_path / "a", 73, 0.001)
    assert [step for step, _, _ in first] == [50, 100, 150]
    assert first == told(tmp_path / "b", 120, 5.0)


def test_a_recorder_goes_on_by_what_its_run_kept(tmp_path: Path) -> None:
    file, kept = simulation(), Kept()
    state = {"cumulative_reward": 5.0, "episodes": 7, "returns": [1.0, 3.0], "error": 0.0, "errors": 0}
    recorder = Recorder(file, tmp_path, kept, file.names(), 1, 40, state, say=lambda _: None)
    played = Played(file, 1)
    played.steps = 40
    played.through(recorder, 50)
    recorder.close()
    assert kept.told[0][2]["cumulative_reward"] == pytest.approx(6.0)
    assert kept.told[0][2]["return_mean"] == pytest.approx((1.0 + 3.0 + 10.0) / 3)
    with pytest.raises(ValueError, match="does not follow"):
        played.through(Recorder(file, tmp_path, kept, file.names(), 1, 10, say=lambda _: None), 60)


def test_live_samples_are_bounded_and_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_file, "MOST_BYTES", 1_000)
    path = tmp_path / "live.jsonl"
    path.write_text('{"step": 0}\n{"step"')
    live = live_file.LiveFile(path, 10.0)
    due = [now for now in np.arange(0.0, 2.0, 0.01) if live.due(float(now))]
    assert 18 <= len(due) <= 21
    for step in range(1, 200):
        live.add({"step": step})
    steps = [json.loads(line)["step"] for line in path.read_text().splitlines()]
    assert path.stat().st_size <= 1_100
    assert steps == list(range(steps[0], 200))
