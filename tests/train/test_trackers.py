"""A run in MLflow, TensorBoard and Weights & Biases, read back with their own libraries."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anima.registry import run_service, trackers_service
from anima.registry.run_service import Run
from anima.registry.trackers_service import Tracked
from anima.vendors.trackers import TrackerRefused
from fixtures.tensors import Keeper

LOSSES = {step: 1 / (step + 1) for step in range(30)}


@pytest.fixture
def run(keeper: Keeper) -> Run:
    """A run that measured, kept two checkpoints, and has come to its end."""
    with run_service.begin(
        keeper.principal,
        "träining: a/b",
        configuration={"rate": 0.125, "adam": {"betas": [0.9, 0.99]}, "fused": False, "note": "x" * 7000},
        dataset={"name": "songs"},
    ) as made:
        for step, loss in LOSSES.items():
            made.log(step, epoch=step / 10, **{"loss": loss, "gradient norm @1": 2.0})
        made.log(7, scope="validation", loss=math.nan)
        made.log(9, scope="validation", loss=0.5)
        weights = {"w": np.arange(6, dtype=np.float32)}
        made.save(weights, step=10, kind="weights", is_best=True, wait=True)
        made.save({"w": weights["w"] + 1}, step=29, kind="weights", wait=True)
    return made


def track(keeper: Keeper, run: Run, to: str, place: str) -> Tracked:
    return trackers_service.track(keeper.principal, run.session_id, to, place, project="songs")


def test_mlflow_has_parameters_values_and_checkpoints(keeper: Keeper, run: Run, tmp_path: Path) -> None:
    from mlflow.tracking import MlflowClient

    place = f"sqlite:///{tmp_path / 'runs.db'}"
    done = track(keeper, run, "mlflow", place)
    assert (done.values, done.checkpoints) == (62, 2)
    client = MlflowClient(tracking_uri=place)
    kept = client.get_run(done.run_id)
    assert (kept.info.run_name, kept.info.status) == ("träining: a/b", "FINISHED")
    assert kept.info.end_time >= kept.info.start_time > 0
    params = kept.data.params
    assert (params["rate"], params["adam.betas"], params["fused"]) == ("0.125", "[0.9, 0.99]", "false")
    assert (len(params["note"]), params["dataset.name"]) == (6000, "songs")
    assert kept.data.tags["anima.run"] == str(run.session_id)
    history = {one.step: one.value for one in client.get_metric_history(done.run_id, "train/loss")}
    assert history == LOSSES
    assert [one.value for one in client.get_metric_history(done.run_id, "train/gradient norm _40_1")] == [2.0] * 30
    validation = {one.step: one.value for one in client.get_metric_history(done.run_id, "validation/loss")}
    assert math.isnan(validation[7])
    assert validation[9] == 0.5
    epochs = {one.step: one.value for one in client.get_metric_history(done.run_id, "train/epoch")}
    assert epochs == {step: step / 10 for step in LOSSES}
    sizes = client.get_metric_history(done.run_id, "checkpoint/n_bytes")
    assert [(one.step, one.value) for one in sizes] == [(10, 24), (29, 24)]
    again = track(keeper, run, "mlflow", place)
    assert again.run_id == done.run_id
    experiment = client.get_experiment_by_name("songs")
    assert len(client.search_runs([experiment.experiment_id])) == 1
    assert len(client.get_metric_history(done.run_id, "train/loss")) == len(LOSSES)
    with pytest.raises(TrackerRefused):
        track(keeper, run, "mlflow", "nosuchstore://x")


def test_mlflow_is_brought_up_to_date_when_the_run_goes_on(keeper: Keeper, tmp_path: Path) -> None:
    from mlflow.tracking import MlflowClient

    place = f"sqlite:///{tmp_path / 'runs.db'}"
    with run_service.begin(keeper.principal, "long", configuration={"rate": 1}) as going:
        going.log(1, loss=1.0)
        going.flush()
        first = track(keeper, going, "mlflow", place)
        client = MlflowClient(tracking_uri=place)
        assert client.get_run(first.run_id).info.status == "RUNNING"
        going.log(2, loss=0.5)
    track(keeper, going, "mlflow", place)
    assert client.get_run(first.run_id).info.status == "FINISHED"
    with run_service.attach(keeper.principal, going.session_id) as further:
        further.log(3, loss=0.25)
        further.flush()
        track(keeper, going, "mlflow", place)
        assert client.get_run(first.run_id).info.status == "RUNNING"
    track(keeper, going, "mlflow", place)
    assert client.get_run(first.run_id).info.status == "FINISHED"
    history = client.get_metric_history(first.run_id, "train/loss")
    assert [(one.step, one.value) for one in history] == [(1, 1.0), (2, 0.5), (3, 0.25)]


def test_tensorboard_shows_curves_parameters_and_what_the_run_is(keeper: Keeper, run: Run, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    done = track(keeper, run, "tensorboard", str(tmp_path))
    again = track(keeper, run, "tensorboard", str(tmp_path))
    assert done == again
    [file] = Path(done.place).iterdir()
    assert "tfevents" in file.name
    shown = EventAccumulator(done.place, size_guidance={"scalars": 0, "tensors": 0}).Reload()
    assert sorted(shown.Tags()["scalars"]) == [
        "checkpoint/new_bytes",
        "train/gradient norm @1",
        "train/loss",
        "validation/loss",
    ]
    assert {one.step: one.value for one in shown.Scalars("train/loss")} == {
        step: float(np.float32(loss)) for step, loss in LOSSES.items()
    }
    assert math.isnan(shown.Scalars("validation/loss")[0].value)
    [content] = (shown.SummaryMetadata("_hparams_/session_start_info").plugin_data.content,)
    told = HParamsPluginData.FromString(content).session_start_info
    assert told.hparams["rate"].number_value == 0.125
    assert told.hparams["fused"].bool_value is False
    assert told.hparams["adam.betas"].string_value == "[0.9, 0.99]"
    [words] = shown.Tensors("run")
    assert str(run.session_id).encode() in words.tensor_proto.string_val[0]


def records(file: Path) -> Iterator[Any]:
    """The records of a W&B file, by W&B's own messages; they lie in LevelDB's log format after seven bytes."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, at, record = file.read_bytes(), 7, b""
    assert data.startswith(b":W&B")
    while at + 7 <= len(data):
        if 32_768 - at % 32_768 < 7:
            at += 32_768 - at % 32_768
            continue
        _, size, kind = struct.unpack_from("<IHB", data, at)
        record += data[at + 7 : at + 7 + size]
        at += 7 + size
        if kind in (1, 4):  # a whole record, or the last part of one
            yield Record.FromString(record)
            record = b""


def test_weights_and_biases_have_the_run_offline_and_nothing_of_this_machine(
    keeper: Keeper, run: Run, tmp_path: Path
) -> None:
    first = track(keeper, run, "wandb", str(tmp_path))
    done = track(keeper, run, "wandb", str(tmp_path))
    [folder] = (tmp_path / "wandb").glob("offline-run-*")
    assert str(folder) == done.place
    assert first.run_id == done.run_id == run.session_id.hex
    [file] = folder.glob("*.wandb")
    found = list(records(file))
    [begun] = [one.run for one in found if one.WhichOneof("record_type") == "run"]
    assert (begun.run_id, begun.project, begun.display_name) == (run.session_id.hex, "songs", "träining: a/b")
    assert (begun.host, begun.git.remote_url) == ("", "")
    config = {one.key: json.loads(one.value_json) for one in begun.config.update}
    assert (config["rate"], config["adam"], config["dataset"]) == (0.125, {"betas": [0.9, 0.99]}, {"name": "songs"})
    assert config["anima"]["status"] == "completed"
    rows = {}
    for one in found:
        if one.WhichOneof("record_type") == "history":
            row = {"/".join(item.nested_key) or item.key: json.loads(item.value_json) for item in one.history.item}
            rows[int(row["_step"])] = row
    assert {step: row["train/loss"] for step, row in rows.items()} == LOSSES
    assert math.isnan(rows[7]["validation/loss"])
    assert rows[10]["checkpoint/n_bytes"] == 24
    assert rows[12]["train/epoch"] == 1.2
    kinds = {one.WhichOneof("record_type") for one in found}
    assert "exit" in kinds
    assert not kinds & {"stats", "environment", "files"}
    with pytest.raises(TrackerRefused):
        trackers_service.track(keeper.principal, run.session_id, "wandb", str(tmp_path), project="a/b")
