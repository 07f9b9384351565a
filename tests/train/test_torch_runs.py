"""Runs that train with torch: what comes back is what was saved, to the bit, whatever happens to the process."""

from __future__ import annotations

import copy
import signal
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

from anima.registry import checkpoint_service, metrics_service, run_service
from anima.registry.run_errors import MismatchedState, UnsupportedState
from anima.tensors import service as tensors
from fixtures import broken_runs
from train.tiny_transformer import Tiny, Training, same

if TYPE_CHECKING:
    from fixtures.tensors import Keeper, Sound

KILLS, STEPS, EVERY = 20, 249, 3


def test_a_run_that_is_killed_twenty_times_ends_with_the_weights_of_an_unbroken_one(
    keeper: Keeper, sound: Sound
) -> None:
    broken = uuid.uuid4()
    codes = broken_runs.train(
        keeper.owner_id, broken, "train.tiny_transformer:Training", steps=STEPS, every=EVERY, kills=KILLS, last=3
    )
    assert codes == [-signal.SIGKILL] * KILLS + [0]

    unbroken = Training()
    losses = [unbroken.step() for _ in range(STEPS)]
    resumed = Training()
    run = run_service.attach(keeper.principal, broken)
    assert resumed.resume(run).step == STEPS
    run.finish()
    assert same(dict(resumed.model.state_dict()), dict(unbroken.model.state_dict()))
    assert same(resumed.optimizer.state_dict(), unbroken.optimizer.state_dict())

    curve = metrics_service.read(keeper.principal, broken, "loss", points=STEPS)
    assert [one.last for one in curve] == losses
    assert [one.values for one in curve] == [1] * STEPS
    sound(keeper)


def test_everything_of_a_run_comes_back(keeper: Keeper) -> None:
    """The one that resumes was trained itself before, with generators that stand elsewhere."""
    first = Training()
    for _ in range(9):
        first.step()
    run = run_service.begin(keeper.principal, "whole")
    first.save(run, 9, metrics={"loss": 1.0}, wait=True)
    after = [first.step() for _ in range(12)]

    second = Training()
    for _ in range(4):
        second.step()
    resumed = second.resume(run)
    assert resumed.step == 9
    assert (resumed.weights, resumed.optimizer, resumed.scheduler, resumed.scaler) == (None, None, None, None)
    assert [second.step() for _ in range(12)] == after
    assert same(dict(second.model.state_dict()), dict(first.model.state_dict()))
    assert same(second.optimizer.state_dict(), first.optimizer.state_dict())
    assert same(second.scheduler.state_dict(), first.scheduler.state_dict())
    assert same(second.scaler.state_dict(), first.scaler.state_dict())
    assert second.model.head.weight is second.model.embedding.weight
    assert second.model.seen == 21
    run.finish()


def test_a_save_does_not_see_what_training_does_after_it(keeper: Keeper) -> None:
    training = Training()
    training.step()
    then = copy.deepcopy(dict(training.model.state_dict()))
    moments = copy.deepcopy(training.optimizer.state_dict())
    run = run_service.begin(keeper.principal, "goes on")
    saving = training.save(run, 1)
    for _ in range(5):
        training.step()
    saving.wait()
    assert training.resume(run).step == 1
    assert same(dict(training.model.state_dict()), then)
    assert same(training.optimizer.state_dict(), moments)
    run.finish()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64, torch.float32])
@pytest.mark.parametrize(
    "make",
    [
        lambda given: torch.optim.SGD(given, lr=0.1, momentum=0.9, nesterov=True),
        lambda given: torch.optim.Adam(given, lr=1e-3, amsgrad=True),
        lambda given: torch.optim.RMSprop(given, lr=1e-3, momentum=0.5, centered=True),
        lambda given: torch.optim.Adagrad(given, lr=1e-2),
    ],
    ids=["sgd", "adam", "rmsprop", "adagrad"],
)
def test_types_and_optimisers(keeper: Keeper, dtype: torch.dtype, make: Any) -> None:
    def built() -> tuple[nn.Module, torch.optim.Optimizer]:
        torch.manual_seed(2)
        model = nn.Sequential(nn.Linear(6, 40), nn.BatchNorm1d(40), nn.ReLU(), nn.Linear(40, 2)).to(dtype)
        return model, make(model.parameters())

    def step(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        optimizer.zero_grad()
        model(torch.randn(8, 6, dtype=dtype)).square().mean().backward()
        optimizer.step()

    model, optimizer = built()
    for _ in range(3):
        step(model, optimizer)
    run = run_service.begin(keeper.principal, "types")
    run.save(model, optimizer, step=3, wait=True)
    again, its = built()
    assert run.resume(again, its) is not None
    assert same(dict(again.state_dict()), dict(model.state_dict()))
    assert same(its.state_dict(), optimizer.state_dict())
    state = torch.get_rng_state()
    step(model, optimizer)
    torch.set_rng_state(state)
    step(again, its)
    assert same(dict(again.state_dict()), dict(model.state_dict()))
    run.finish()


def test_moments_of_more_bits_than_the_weights_stay_so(keeper: Keeper) -> None:
    """Torch casts what it loads to the type of the parameters; a master copy in float32 must survive that."""
    parameter = nn.Parameter(torch.ones(100, dtype=torch.bfloat16))
    optimizer = torch.optim.Adam([parameter], lr=0.1)
    master = torch.randn(100)
    optimizer.state[parameter] = {"step": torch.tensor(1.0), "exp_avg": master, "exp_avg_sq": master**2}
    run = run_service.begin(keeper.principal, "master")
    run.save({"w": parameter.detach()}, optimizer, step=1, wait=True)
    fresh = torch.optim.Adam([parameter], lr=0.1)
    run.resume({"w": parameter.detach()}, fresh)
    assert same(fresh.state[parameter]["exp_avg"], master)
    run.finish()


def test_a_model_of_another_shape_stays_as_it_is(keeper: Keeper) -> None:
    training = Training()
    training.step()
    run = run_service.begin(keeper.principal, "other")
    training.save(run, 1, wait=True)
    wide = Training()
    wide.model = Tiny(width=24)
    wide.optimizer = torch.optim.AdamW(wide.model.parameters())
    before, drawn = copy.deepcopy(dict(wide.model.state_dict())), torch.get_rng_state()
    with pytest.raises(MismatchedState, match="embedding"):
        wide.resume(run)
    one_group = Training()
    one_group.optimizer = torch.optim.AdamW(one_group.model.parameters())
    torch.set_rng_state(drawn)
    with pytest.raises(MismatchedState, match="groups"):
        one_group.resume(run)
    assert same(dict(wide.model.state_dict()), before)
    assert torch.equal(torch.get_rng_state(), drawn)
    with pytest.raises(UnsupportedState, match="sparse"):
        run.save({"w": torch.eye(3).to_sparse()}, step=2)
    run.finish()


def test_moments_are_found_by_the_names_of_parameters(keeper: Keeper) -> None:
    training = Training()
    training.step()
    run = run_service.begin(keeper.principal, "moments")
    made = training.save(run, 1, wait=True).wait()
    rows = {row.parameter: row for row in checkpoint_service.optimizer(keeper.principal, made.checkpoint_id)}
    assert set(rows) == {name for name, _ in training.model.named_parameters()}
    row = rows["embedding.weight"]
    assert row.hyperparameters["weight_decay"] == 0
    assert (row.step, row.hyperparameters["betas"][1]) == (1, pytest.approx(0.99, abs=0.02))
    parts = {one.ref.tensor_id: one.ref for one in checkpoint_service.tensors(keeper.principal, made.checkpoint_id)}
    assert row.momentum_tensor_id is not None
    (momentum,) = tensors.read_all(keeper.principal, [parts[row.momentum_tensor_id]])
    held = training.optimizer.state[training.model.embedding.weight]["exp_avg"]
    assert momentum.tobytes() == held.numpy().tobytes()
    run.finish()


def test_a_hundred_fine_tuned_checkpoints_cost_the_price_of_a_few(keeper: Keeper, sound: Sound) -> None:
    """All weights are trained, in bfloat16, with Adam at a small rate: each is a delta to the one before, lossless."""
    torch.manual_seed(4)
    model = nn.Linear(256, 256, bias=False).to(torch.bfloat16)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-6)
    whole = model.weight.nbytes
    run = run_service.begin(keeper.principal, "fine")
    bits = []
    for step in range(1, 101):
        optimizer.zero_grad()
        model(torch.randn(16, 256, dtype=torch.bfloat16)).square().mean().backward()
        optimizer.step()
        run.save(model, step=step, kind="weights")
        bits.append(model.weight.detach().view(torch.int16).numpy().tobytes())
    run.finish()
    assert len(set(bits)) > 90
    assert tensors.usage(keeper.principal).stored_bytes < 12 * whole
    pages = checkpoint_service.checkpoints(keeper.principal, session_id=run.session_id, limit=200).items
    for place in (0, 37, 99):
        (part,) = checkpoint_service.tensors(keeper.principal, pages[place].checkpoint_id)
        (array,) = tensors.read_all(keeper.principal, [part.ref])
        assert array.tobytes() == bits[pages[place].step - 1]
    sound(keeper)
