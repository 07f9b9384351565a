"""The torch path of the agent: what numpy computes, within rounding; pictures; and that a run goes on bit for bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gpu_jobs.simulate.agent import Agent, run
from gpu_jobs.simulate.keeper import FolderKeeper
from gpu_jobs.simulate.network import Batch, Shape
from gpu_jobs.simulate.numpy_network import NumpyNetwork
from gpu_jobs.simulate.options import Options
from gpu_jobs.simulate.torch_network import TorchNetwork

from anima.neuromodulation.learning import physics

SMALL = Options(
    steps=400, hidden=(16, 16), batch=16, starts=50, train_every=4, target_every=60, checkpoint_every=70, threads=1
)


class Dots(gymnasium.Env[Any, Any]):
    """A picture of bits in which one is set: its column is the action that is paid."""

    observation_space = gymnasium.spaces.Box(0, 1, (5, 5, 2), np.bool_)
    action_space = gymnasium.spaces.Discrete(3)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self._left = 8
        return self._shown(), {}

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        reward, self._left = float(action == self._column), self._left - 1
        return self._shown(), reward, self._left == 0, False, {}

    def _shown(self) -> Any:
        self._column = int(self.np_random.integers(3))
        shown = np.zeros((5, 5, 2), np.bool_)
        shown[int(self.np_random.integers(5)), self._column + 1, 0] = True
        return shown


@pytest.mark.parametrize(("dueling", "double", "huber"), [(False, False, False), (True, True, True)])
def test_both_compute_the_same(dueling: bool, double: bool, huber: bool) -> None:
    shape = Shape((4,), (24, 16), 3, dueling=dueling, double=double, huber=huber)
    ours, theirs = NumpyNetwork(shape, 1), TorchNetwork(shape, 1, threads=1)
    rng = np.random.default_rng(0)
    for number in range(120):
        seen, then = rng.normal(size=(2, 16, 4)).astype(np.float32)
        rewards = rng.normal(size=16).astype(np.float32)
        batch = Batch(seen, rng.integers(0, 3, 16), rewards, then, np.full(16, 0.9, np.float32))
        gain = 1.0 if number % 2 else 1.7
        errors = ours.learn(batch, 1e-3, gain), theirs.learn(batch, 1e-3, gain)
        assert np.allclose(*errors, atol=1e-5)
        if number % 30 == 0:
            ours.follow(0.5), theirs.follow(0.5)
            ours.climb(seen, batch.actions, rewards, 0.5, 1e-3), theirs.climb(seen, batch.actions, rewards, 0.5, 1e-3)
    assert all(np.allclose(one, theirs.weights()[name], atol=1e-5) for name, one in ours.weights().items())
    # Either goes on with what the other was.
    ours.load_state_dict(theirs.state_dict()), theirs.load_state_dict(ours.state_dict())
    assert np.allclose(ours.learn(batch, 1e-3), theirs.learn(batch, 1e-3), atol=1e-6)


def test_the_same_seed_lives_the_same_life_on_both() -> None:
    first, second = (run(Agent(replace(SMALL, backend=backend))) for backend in ("numpy", "torch"))
    assert first.returns.tolist() == second.returns.tolist()
    assert all(np.allclose(one, second.weights[name], atol=1e-4) for name, one in first.weights.items())


@pytest.mark.parametrize("pictures", [False, True])
def test_a_run_in_torch_that_is_killed_ends_with_the_same_bits(pictures: bool, tmp_path: Path) -> None:
    chosen = replace(SMALL, backend="torch")
    if pictures:
        gymnasium.register("tests/Dots-v0", entry_point=Dots)
        chosen = replace(chosen, environment="tests/Dots-v0", backend="auto", hidden=(32,), learning_rate=3e-3)
    mind = physics("standard")
    whole = run(Agent(chosen, mind))
    left = 230

    def killed() -> bool:
        nonlocal left
        left -= 1
        if not left:
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        run(Agent(chosen, mind), keeper=FolderKeeper(tmp_path), stop=killed)
    broken = run(Agent(chosen, mind), keeper=FolderKeeper(tmp_path))
    assert whole.returns.tolist() == broken.returns.tolist()
    assert all((one == broken.weights[name]).all() for name, one in whole.weights.items())
    assert whole.weights["0.weight"].ndim == (4 if pictures else 2)
