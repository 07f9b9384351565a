"""Runs that train models of numpy arrays: measured, saved while training goes on, taken over, resumed bit for bit."""

from __future__ import annotations

import math
import random
import threading
import uuid
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg
import pytest

from anima.kernel.errors import BadInput, NotFound
from anima.registry import (
    checkpoint_saving_service,
    checkpoint_service,
    metrics_service,
    parts_service,
    run_reading_service,
    run_remote_service,
    run_service,
    service,
)
from anima.registry.checkpoint_model import Checkpoint, Keep
from anima.registry.run_errors import (
    CheckpointExists,
    CheckpointNotFound,
    LaterCheckpoints,
    MismatchedState,
    RunEnded,
    RunNotFound,
    RunOver,
    RunTakenOver,
    UnsupportedState,
)
from anima.tensors import service as tensors
from fixtures.training import Trainer

if TYPE_CHECKING:
    from fixtures.tensors import Keeper, Sound


def save(run: run_service.Run, trainer: Trainer, step: int, **more: Any) -> run_service.Saving:
    """Everything of a trainer."""
    given = {"rng": {"data": trainer.generator}, "data_position": trainer.place, **more}
    return run.save(trainer.weights, trainer.adam, step=step, **given)


def resume(run: run_service.Run, trainer: Trainer, **more: Any) -> run_service.Resumed | None:
    """The same, filled."""
    given = {"rng": {"data": trainer.generator}, "data_position": trainer.place, **more}
    return run.resume(trainer.weights, trainer.adam, **given)


def seeded() -> None:
    random.seed(3)
    np.random.seed(3)


def drawn() -> tuple[float, float]:
    """The next numbers of the generators that everybody shares."""
    return random.uniform(0, 1), float(np.random.random())  # noqa: S311


def test_a_resumed_run_ends_with_the_same_bits_as_an_unbroken_one(keeper: Keeper, sound: Sound) -> None:
    seeded()
    unbroken = Trainer()
    losses = [unbroken.step() for _ in range(30)]
    tail = drawn()

    seeded()
    trainer = Trainer()
    run = run_service.begin(keeper.principal, "tiny", configuration={"rate": 0.01})
    assert resume(run, trainer) is None
    for step in range(1, 18):
        run.log(step, loss=trainer.step())
        if step == 12:
            save(run, trainer, step)
    run.flush()

    seeded()
    drawn()
    again = Trainer()
    other = run_service.attach(keeper.principal, run.session_id)
    resumed = resume(other, again)
    assert resumed is not None
    assert resumed.step == 12
    assert resumed.data_position is None  # it was filled in its place
    for step in range(13, 31):
        other.log(step, loss=again.step())
    assert again.bits == unbroken.bits
    assert drawn() == tail
    other.finish()

    curve = metrics_service.read(keeper.principal, run.session_id, "loss", points=100)
    assert [bucket.last for bucket in curve] == losses, "what was measured after the checkpoint is there once"
    session = run_reading_service.session(keeper.principal, run.session_id)
    assert (session.status, session.step) == ("completed", 30)
    sound(keeper)


def test_what_is_saved_is_what_it_was_when_save_was_called(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trainer goes on at once, while the save waits for its turn."""
    gate = threading.Event()
    real = checkpoint_saving_service.save

    def late(*args: Any) -> Any:
        gate.wait(10)
        return real(*args)

    monkeypatch.setattr(checkpoint_saving_service, "save", late)
    trainer = Trainer()
    trainer.weights["large"] = np.zeros((300, 300), dtype=np.float32)
    run = run_service.begin(keeper.principal, "busy")
    trainer.step()
    then = {name: one.copy() for name, one in trainer.weights.items()}
    saving = save(run, trainer, 1)
    assert not saving.done
    for _ in range(5):
        trainer.step()
        trainer.weights["large"] += 1
    gate.set()
    assert saving.wait().step == 1
    run.finish()
    resumed = run_service.attach(keeper.principal, run.session_id).resume(rng={"data": trainer.generator})
    assert resumed is not None
    assert resumed.weights is not None
    assert all(np.array_equal(resumed.weights[name], one) for name, one in then.items())


def test_who_took_a_run_over_is_its_only_writer(keeper: Keeper) -> None:
    trainer = Trainer()
    first = run_service.begin(keeper.principal, "contested")
    save(first, trainer, 1, wait=True)
    first.log(1, loss=1.0)
    second = run_service.attach(keeper.principal, first.session_id)
    with pytest.raises(RunTakenOver):
        first.flush()
    trainer.step()
    late = save(first, trainer, 2)
    with pytest.raises(RunTakenOver):
        late.wait()
    save(second, trainer, 2, wait=True)
    with pytest.raises(RunTakenOver):
        first.finish()
    second.finish()
    with pytest.raises(RunEnded):
        second.log(3, loss=1.0)
    steps = [one.step for one in checkpoint_service.checkpoints(keeper.principal, session_id=first.session_id).items]
    assert steps == [2, 1]
    assert metrics_service.series(keeper.principal, first.session_id) == []


def test_an_error_behind_the_trainer_s_back_is_told_by_the_next_call(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    trainer = Trainer()
    run = run_service.begin(keeper.principal, "unlucky")
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint_saving_service, "save", full)
        saving = save(run, trainer, 1)
        while not saving.done:
            threading.Event().wait(0.01)
    with pytest.raises(OSError, match="No space left"):
        run.log(2, loss=1.0)
    run.log(2, loss=1.0)
    assert save(run, trainer, 2, wait=True).wait().step == 2
    run.finish()


def test_the_same_step_twice_is_the_same_checkpoint_or_refused(keeper: Keeper) -> None:
    trainer = Trainer()
    run = run_service.begin(keeper.principal, "twice")
    once = save(run, trainer, 5).wait()
    assert save(run, trainer, 5).wait() == once
    trainer.weights["b1"] += 1
    other = save(run, trainer, 5)
    with pytest.raises(CheckpointExists):
        other.wait()
    assert save(run, trainer, 5, kind="weights").wait().kind == "weights"
    run.finish()


def test_one_checkpoint_is_the_best(keeper: Keeper, owner_conn: psycopg.Connection[Any]) -> None:
    trainer = Trainer()
    run = run_service.begin(keeper.principal, "best")
    for step, loss in enumerate([3.0, 1.0, math.nan, 2.0, 1.0], start=1):
        trainer.step()
        save(run, trainer, step, metrics={"loss": loss}, is_best="lowest:loss")
    run.flush()
    marked = checkpoint_service.best(keeper.principal, session_id=run.session_id)
    assert marked is not None
    assert marked.step == 2
    by_metric = checkpoint_service.best(keeper.principal, session_id=run.session_id, metric="loss", mode="highest")
    assert by_metric is not None
    assert by_metric.step == 1
    assert checkpoint_service.best(keeper.principal, session_id=run.session_id, metric="accuracy") is None
    nan = checkpoint_service.checkpoints(keeper.principal, session_id=run.session_id).items[2]
    assert math.isnan(nan.metrics["loss"])
    checkpoint_service.set_best(keeper.principal, nan.checkpoint_id)
    now = checkpoint_service.best(keeper.principal, session_id=run.session_id)
    assert now is not None
    assert now.step == 3
    with pytest.raises(psycopg.errors.UniqueViolation):
        owner_conn.execute("update model_checkpoints set is_best = true where session_id = %s", [run.session_id])
    with pytest.raises(BadInput):
        run.save({}, step=9, is_best="loss")
    run.finish()


def test_only_what_is_worth_it_is_kept(keeper: Keeper, sound: Sound) -> None:
    trainer = Trainer()
    run = run_service.begin(keeper.principal, "thin", keep=Keep(last=2, every=10))
    for step in range(1, 25):
        trainer.step()
        save(run, trainer, step, is_best=step == 7)
    run.finish()
    left = checkpoint_service.checkpoints(keeper.principal, session_id=run.session_id).items
    assert [one.step for one in left] == [24, 23, 20, 10, 7]
    again = run_service.attach(keeper.principal, run.session_id)
    assert resume(again, Trainer()) is not None
    again.finish()
    sound(keeper)


def test_a_state_comes_back_with_its_types(keeper: Keeper) -> None:
    odd = {
        "tuple": (1, (2.5, None)),
        "zero": -0.0,
        "nan": float("nan"),
        "large": 2**200,
        1: "a number as key",
        "text": "nul \0 and \ud800",
        "bytes": b"\xff\0",
        "array": np.arange(100.0),
        "scalar": np.float32(0.1),
        "empty": np.zeros((0, 3), dtype=np.int8),
        "half": np.arange(40, dtype=np.float16)[::2],
    }
    run = run_service.begin(keeper.principal, "odd")
    run.save({"w": np.eye(3, order="F")[:, ::-1]}, step=1, extra=odd, scheduler={"last": 3}, wait=True)
    resumed = run.resume()
    assert resumed is not None
    assert resumed.weights is not None
    assert np.array_equal(resumed.weights["w"], np.eye(3)[:, ::-1])
    back = resumed.extra
    assert list(back) == list(odd)
    assert back["tuple"] == (1, (2.5, None))
    assert math.copysign(1, back["zero"]) == -1
    assert math.isnan(back["nan"])
    assert (back["large"], back["text"], back["bytes"]) == (odd["large"], odd["text"], odd["bytes"])
    assert isinstance(back["scalar"], np.float32)
    for name in ("array", "empty", "half"):
        assert back[name].dtype == odd[name].dtype
        assert np.array_equal(back[name], odd[name])
    assert resumed.scheduler == {"last": 3}
    run.finish()


@pytest.mark.parametrize("wrong", [object(), {"a": lambda: 0}, {"a": {1, 2}}, np.array([object()])])
def test_what_cannot_be_saved_is_refused_with_its_place(keeper: Keeper, wrong: Any) -> None:
    run = run_service.begin(keeper.principal, "refused")
    with pytest.raises(UnsupportedState, match="extra"):
        run.save({"w": np.zeros(2)}, step=1, extra=wrong)
    with pytest.raises(BadInput):
        run.log(1, loss="high")  # type: ignore[arg-type]
    run.finish()
    assert checkpoint_service.checkpoints(keeper.principal, session_id=run.session_id).items == []


def test_what_does_not_fit_changes_nothing(keeper: Keeper) -> None:
    seeded()
    trainer = Trainer()
    run = run_service.begin(keeper.principal, "fits")
    trainer.step()
    save(run, trainer, 1, wait=True)
    other = Trainer()
    other.weights["w2"] = np.zeros((HIDDEN_ELSEWHERE, 1), dtype=np.float32)
    before, number = other.bits, np.random.get_state(legacy=False)["state"]["pos"]
    with pytest.raises(MismatchedState, match="w2"):
        resume(run, other)
    with pytest.raises(MismatchedState, match="generators"):
        run.resume(Trainer().weights)
    assert other.bits == before
    assert np.random.get_state(legacy=False)["state"]["pos"] == number
    with pytest.raises(CheckpointNotFound):
        run.resume(checkpoint_id=uuid.uuid4())
    run.finish()


HIDDEN_ELSEWHERE = 5


def test_a_run_goes_on_from_an_earlier_checkpoint_only_where_the_later_ones_are_given_up(keeper: Keeper) -> None:
    seeded()
    trainer = Trainer()
    run = run_service.begin(keeper.principal, "back again")
    kept = []
    for step in (1, 2, 3):
        trainer.step()
        run.log(step, loss=float(step))
        kept.append(save(run, trainer, step, wait=True).wait())
    earlier, last = kept[0].checkpoint_id, trainer.bits
    with pytest.raises(LaterCheckpoints, match="2 checkpoints after step 1"):
        resume(run, trainer, checkpoint_id=earlier)
    assert trainer.bits == last
    resumed = resume(run, trainer, checkpoint_id=earlier, discard_later=True)
    assert resumed is not None
    assert resumed.step == 1
    assert len(checkpoint_service.checkpoints(keeper.principal, session_id=run.session_id).items) == 1
    trainer.weights["w2"] += 1.0  # another way than the first time
    trainer.step()
    save(run, trainer, 2, wait=True)
    run.finish()
    again = Trainer()
    resumed = resume(run_service.attach(keeper.principal, run.session_id), again)
    assert resumed is not None
    assert (resumed.step, again.bits) == (2, trainer.bits)


def test_what_an_optimiser_keeps_is_found_by_parameter(keeper: Keeper) -> None:
    trainer = Trainer()
    run = run_service.begin(keeper.principal, "moments")
    trainer.step()
    made = save(run, trainer, 1).wait()
    rows = {row.parameter: row for row in checkpoint_service.optimizer(keeper.principal, made.checkpoint_id)}
    assert sorted(rows) == ["b1", "b2", "w1", "w2"]
    parts = {one.ref.tensor_id: one for one in checkpoint_service.tensors(keeper.principal, made.checkpoint_id)}
    momentum, variance = rows["w1"].momentum_tensor_id, rows["w1"].variance_tensor_id
    assert momentum is not None
    assert variance is not None
    (array,) = tensors.read_all(keeper.principal, [parts[momentum].ref])
    assert np.array_equal(array, trainer.adam["m"]["w1"])
    (array,) = tensors.read_all(keeper.principal, [parts[variance].ref])
    assert np.array_equal(array, trainer.adam["v"]["w1"])
    run.finish()


def test_a_hundred_checkpoints_cost_the_price_of_a_few(keeper: Keeper, sound: Sound) -> None:
    """Of a model whose one layer is trained, with steps as small as those of fine-tuning."""
    generator = np.random.default_rng(5)
    frozen = {f"h.{n}": generator.standard_normal((128, 256)).astype(np.float32) for n in range(8)}
    head = generator.standard_normal((64, 64)).astype(np.float32)
    weights = {**frozen, "head": head}
    whole = sum(one.nbytes for one in weights.values())
    run = run_service.begin(keeper.principal, "hundred")
    for step in range(1, 101):
        head += (generator.standard_normal(head.shape) * 1e-5).astype(np.float32)
        run.save(weights, step=step, rng=False)
    run.finish()
    found = []
    cursor = None
    while True:
        page = checkpoint_service.checkpoints(keeper.principal, session_id=run.session_id, cursor=cursor, limit=60)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    assert [one.step for one in found] == list(range(100, 0, -1))
    assert sum(one.new_bytes for one in found) < 2.5 * whole
    assert all(one.n_bytes == whole for one in found)
    assert tensors.usage(keeper.principal).stored_bytes < 2.5 * whole
    resumed = run_service.attach(keeper.principal, run.session_id).resume(rng=False)
    assert resumed is not None
    assert resumed.weights is not None
    assert np.array_equal(resumed.weights["head"], head)
    sound(keeper)


def test_a_curve_has_few_points_and_loses_no_peak(keeper: Keeper) -> None:
    session = run_remote_service.begin(keeper.principal, "elsewhere")
    values = [metrics_service.Value(step, "loss", 1 / (step + 1)) for step in range(1000)]
    values[500] = metrics_service.Value(500, "loss", 99.0)
    values[600] = metrics_service.Value(600, "loss", math.nan)
    values.append(metrics_service.Value(7, "loss", 0.5, scope="validation"))
    assert metrics_service.write(keeper.principal, session.session_id, values) == 1001
    assert metrics_service.write(keeper.principal, session.session_id, values) == 0
    curve = metrics_service.read(keeper.principal, session.session_id, "loss", points=10)
    assert [(one.first_step, one.last_step) for one in curve] == [(n * 100, n * 100 + 99) for n in range(10)]
    assert curve[5].maximum == 99.0
    assert (curve[6].values, curve[6].not_finite) == (100, 1)
    assert curve[0].mean == pytest.approx(sum(1 / (n + 1) for n in range(100)) / 100)
    part = metrics_service.read(keeper.principal, session.session_id, "loss", since=990, until=2000)
    assert [one.first_step for one in part] == list(range(990, 1000))
    both = metrics_service.downsampled(keeper.principal, session.session_id)
    assert [(one.scope, one.name, one.values) for one in both] == [("train", "loss", 1000), ("validation", "loss", 1)]
    assert metrics_service.downsampled(keeper.principal, session.session_id, names=["other"]) == []
    assert run_reading_service.session(keeper.principal, session.session_id).step == 999
    for wrong in ({"name": ""}, {"step": -1}, {"scope": "elsewhere"}, {"name": "a\0"}, {"epoch": math.nan}):
        given = {"step": 1, "name": "loss", "value": 1.0, **wrong}
        with pytest.raises(BadInput):
            metrics_service.write(keeper.principal, session.session_id, [metrics_service.Value(**given)])
    with pytest.raises(RunNotFound):
        metrics_service.series(keeper.principal, uuid.uuid4())


def test_a_run_is_stopped_from_outside(keeper: Keeper, another_keeper: Keeper) -> None:
    run = run_service.begin(keeper.principal, "stopped")
    with pytest.raises(RunNotFound):
        run_remote_service.change(another_keeper.principal, run.session_id, "cancelled")
    assert run_remote_service.change(keeper.principal, run.session_id, "cancelled").status == "cancelled"
    run.log(1, loss=1.0)
    with pytest.raises(RunTakenOver):
        run.flush()
    with pytest.raises(RunOver):
        run_remote_service.change(keeper.principal, run.session_id, "running")
    assert [one.session_id for one in run_reading_service.sessions(keeper.principal, status="cancelled").items] == [
        run.session_id
    ]
    run_remote_service.delete(keeper.principal, run.session_id)
    with pytest.raises(RunNotFound):
        run_reading_service.session(keeper.principal, run.session_id)


def test_a_run_that_breaks_says_why(keeper: Keeper) -> None:
    run = run_service.begin(keeper.principal, "breaks")

    def train() -> None:
        with run:
            run.log(3, loss=1.0)
            run.log(4, loss=1 / 0)

    with pytest.raises(ZeroDivisionError):
        train()
    session = run_reading_service.session(keeper.principal, run.session_id)
    assert (session.status, session.step) == ("failed", 3)
    assert session.error is not None
    assert "ZeroDivisionError" in session.error


def test_a_run_that_breaks_is_not_alive_because_its_saves_failed(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    enough = threading.Event()

    def full(*_: Any) -> None:
        enough.wait(10)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint_saving_service, "save", full)
    run, trainer = run_service.begin(keeper.principal, "full disk"), Trainer()

    def train() -> None:
        with run:
            save(run, trainer, 1)
            save(run, trainer, 2)
            enough.set()
            run.log(2, loss=1 / 0)

    with pytest.raises(ZeroDivisionError):
        train()
    session = run_reading_service.session(keeper.principal, run.session_id)
    assert session.status == "failed"
    assert "ZeroDivisionError" in (session.error or "")


def test_a_run_that_begins_anew_is_at_its_begin(keeper: Keeper) -> None:
    run = run_service.begin(keeper.principal, "anew", total_epochs=2)
    run.log(10, epoch=1.5, loss=1.0)
    run.flush()
    again = run_service.begin(keeper.principal, "anew", session_id=run.session_id)
    assert again.resume({}) is None
    session = run_reading_service.session(keeper.principal, run.session_id)
    assert (session.step, session.current_epoch) == (0, 0.0)
    again.finish()


def test_the_best_stays_where_the_new_one_is_deleted_meanwhile(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    run, trainer = run_service.begin(keeper.principal, "best"), Trainer()
    best = save(run, trainer, 1, is_best=True).wait()
    trainer.step()
    other = save(run, trainer, 2).wait()
    run.finish()
    looked_up = checkpoint_service.checkpoint

    def and_gone(principal: Any, checkpoint_id: uuid.UUID) -> Checkpoint:
        found = looked_up(principal, checkpoint_id)
        checkpoint_service.delete(principal, checkpoint_id)
        return found

    monkeypatch.setattr(checkpoint_service, "checkpoint", and_gone)
    with pytest.raises(CheckpointNotFound):
        checkpoint_service.set_best(keeper.principal, other.checkpoint_id)
    marked = checkpoint_service.best(keeper.principal, session_id=run.session_id)
    assert marked is not None
    assert marked.checkpoint_id == best.checkpoint_id


def test_a_checkpoint_becomes_a_version_of_its_model(keeper: Keeper, sound: Sound) -> None:
    model = service.create(keeper.principal, "tiny", "other", {"family": "unknown"})
    trainer = Trainer()
    run = run_service.begin(keeper.principal, "for a model", model_id=model.model_id, total_epochs=4)
    assert service.get(keeper.principal, model.model_id).status == "training"
    trainer.step()
    made = save(run, trainer, 1, epoch=1.0, metrics={"loss": 0.5}).wait()
    progress = run_reading_service.progress(keeper.principal, run.session_id)
    assert (progress.checkpoint_count, progress.progress, progress.model_name) == (1, 0.25, "tiny")
    run.finish()
    assert service.get(keeper.principal, model.model_id).status == "trained"
    used = tensors.usage(keeper.principal)
    version = checkpoint_service.promote(keeper.principal, made.checkpoint_id)
    assert (version.name, version.version, version.status, version.parent_id) == ("tiny", 2, "trained", model.model_id)
    assert version.derivation["step"] == 1
    assert tensors.usage(keeper.principal) == used
    checkpoint_service.delete(keeper.principal, made.checkpoint_id)
    with pytest.raises(NotFound):
        checkpoint_service.checkpoint(keeper.principal, made.checkpoint_id)
    weights = {one.name: one for one in parts_service.all_weights(keeper.principal, version)}
    assert sorted(weights) == ["b1", "b2", "w1", "w2"]
    sound(keeper)


def test_weights_from_elsewhere_are_a_checkpoint_of_a_model(keeper: Keeper) -> None:
    from anima.tensors.model import given

    model = service.create(keeper.principal, "brought", "other", {})
    weights = [given("w", np.arange(6, dtype=np.float32).reshape(2, 3))]
    once = checkpoint_service.add(keeper.principal, weights=weights, model_id=model.model_id, step=3)
    assert checkpoint_service.add(keeper.principal, weights=weights, model_id=model.model_id, step=3) == once
    other = [given("w", np.zeros(1))]
    with pytest.raises(CheckpointExists):
        checkpoint_service.add(keeper.principal, weights=other, model_id=model.model_id, step=3)
    assert checkpoint_service.checkpoints(keeper.principal, model_id=model.model_id).items == [once]
    for wrong in ({"step": -1}, {"epoch": -1.0}, {"metrics": {"loss": "low"}}):
        with pytest.raises(BadInput):
            checkpoint_service.add(keeper.principal, weights=weights, model_id=model.model_id, **wrong)
    with pytest.raises(BadInput):
        checkpoint_service.set_best(keeper.principal, once.checkpoint_id)
