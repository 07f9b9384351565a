"""The agent: what it learns, that a run is the same however often it is killed, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gpu_jobs.simulate import failures, frames, hooks
from gpu_jobs.simulate.agent import Agent, run, train
from gpu_jobs.simulate.draws import BLOCK, Draws
from gpu_jobs.simulate.environments import Environments, episode_seed
from gpu_jobs.simulate.keeper import FolderKeeper
from gpu_jobs.simulate.network import Batch, Shape
from gpu_jobs.simulate.numpy_network import NumpyNetwork
from gpu_jobs.simulate.options import Options
from gpu_jobs.simulate.play import play
from gpu_jobs.simulate.replay import Layout, Replay
from hypothesis import given, settings
from hypothesis import strategies as st

from anima.kernel.errors import AnimaError
from anima.neuromodulation.learning import Base, physics
from anima.neuromodulation.simulation import read

LENGTH = 5


class Chain(gymnasium.Env[Any, Any]):
    """Five places in a row: at the right end there is 1, at the left one 0.1, and both end the episode."""

    observation_space = gymnasium.spaces.Discrete(LENGTH)

    def __init__(self, odd: str = "", space: Any = None) -> None:
        self.action_space = space or gymnasium.spaces.Discrete(2)
        self._odd, self._at, self._steps = odd, 0, 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[int, dict[str, Any]]:
        super().reset(seed=seed)
        self._at = int(self.np_random.integers(1, LENGTH - 1))
        self._steps = 0
        return self._at, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        self._at += 1 if action else -1
        self._steps += 1
        if self._odd == "throws" and self._steps == 2:
            raise RuntimeError("the world fell apart")
        reward = {0: 0.1, LENGTH - 1: 1.0}.get(self._at, 0.0)
        if self._odd == "nan":
            reward = float("nan")
        return self._at, reward, self._at in (0, LENGTH - 1), self._steps >= 20, {}


class Bits(gymnasium.Env[Any, Any]):
    """A picture of bits in which one is set: its column is the action that is paid."""

    observation_space = gymnasium.spaces.Box(0, 1, (3, 4, 2), np.bool_)
    action_space = gymnasium.spaces.Discrete(4)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self._left = 6
        return self._shown(), {}

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        reward, self._left = float(action == self._column), self._left - 1
        return self._shown(), reward, self._left == 0, False, {}

    def _shown(self) -> Any:
        self._column = int(self.np_random.integers(4))
        shown = np.zeros((3, 4, 2), np.bool_)
        shown[int(self.np_random.integers(3)), self._column, 0] = True
        return shown


@pytest.fixture(scope="module", autouse=True)
def _registered() -> None:
    gymnasium.register("tests/Chain-v0", entry_point=Chain)
    gymnasium.register("tests/Bits-v0", entry_point=Bits)


SMALL = Options(
    environment="tests/Chain-v0",
    steps=600,
    hidden=(16,),
    replay=400,
    batch=16,
    starts=50,
    train_every=2,
    target_every=40,
    learning_rate=5e-3,
    discount=0.8,
    epsilon_decay_steps=300,
    checkpoint_every=97,
)


def best_by(weights: dict[str, Any], options: Options = SMALL) -> float:
    return float(play(options, weights, 10).returns.mean())


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"double": True, "dueling": True, "n_step": 3, "huber": True, "environments": 3},
        {"softmax": True, "temperature": 0.1, "consolidation": 0.6, "decay": 0.1},
    ],
)
def test_it_learns_to_go_to_the_better_end(change: dict[str, Any]) -> None:
    chosen = replace(SMALL, steps=2_000, **change)
    done = run(Agent(chosen))
    assert done.steps >= 2_000
    assert done.episodes == len(done.returns) == len(done.ends)
    assert list(done.ends) == sorted(done.ends)
    assert best_by(done.weights, chosen) == 1.0


def test_it_learns_from_pictures_of_bits_too() -> None:
    chosen = replace(SMALL, environment="tests/Bits-v0", backend="numpy", steps=2_500, hidden=(32,), discount=0.0)
    done = run(Agent(chosen))
    assert best_by(done.weights, chosen) >= 5.0  # of 6; 1.5 by chance


KINDS = {
    "plain": ({}, None),
    "minded": ({}, physics("standard", base=Base(epsilon_decay_steps=300), resets=True)),
    "max": ({}, physics("max", base=Base(discount=1.0, epsilon_end=0.0))),
    "many": ({"environments": 3, "n_step": 3, "dueling": True, "tau": 0.5}, physics("standard", "doya")),
    "hooked": ({"hook": "policy_gradient", "log_every": 100, "softmax": True, "consolidation": 0.5}, None),
    "pictures": ({"environment": "tests/Bits-v0", "backend": "numpy", "frames": frames.Frames(stack=2)}, None),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bits(kind: str, tmp_path: Path) -> None:
    change, mind = KINDS[kind]
    chosen = replace(SMALL, **change)
    whole = run(Agent(chosen, mind))
    lives, rng = 0, np.random.default_rng(4)
    while True:
        left = int(rng.integers(30, 200)) // chosen.environments

        def killed() -> bool:
            nonlocal left
            left -= 1
            if left < 0:
                raise KeyboardInterrupt
            return False

        try:
            broken = run(Agent(chosen, mind), keeper=FolderKeeper(tmp_path), stop=killed)
            break
        except KeyboardInterrupt:
            lives += 1
    assert lives >= 2
    assert whole.returns.tobytes() == broken.returns.tobytes()
    assert whole.ends.tobytes() == broken.ends.tobytes()
    assert {name: one.tobytes() for name, one in whole.weights.items()} == {
        name: one.tobytes() for name, one in broken.weights.items()
    }


def test_stopped_it_goes_on_where_it_was_and_another_seed_is_another_run(tmp_path: Path) -> None:
    asked = iter([False] * 100 + [True])
    first = run(Agent(SMALL), keeper=FolderKeeper(tmp_path), stop=lambda: next(asked))
    assert first.stopped
    assert first.steps == FolderKeeper(tmp_path).resume_step == 101
    second = run(Agent(SMALL), keeper=FolderKeeper(tmp_path))
    assert not second.stopped
    assert second.returns.tolist() == run(Agent(SMALL)).returns.tolist()
    assert second.returns.tolist() != run(Agent(replace(SMALL, seed=1))).returns.tolist()


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(tmp_path: Path) -> None:
    run(Agent(SMALL), keeper=FolderKeeper(tmp_path))
    last = sorted((tmp_path / "checkpoints").iterdir())[-1]
    data = bytearray(last.read_bytes())
    data[len(data) // 2] ^= 255
    last.write_bytes(data)
    assert FolderKeeper(tmp_path).resume_step == 582


def test_the_file_says_what_is_trained() -> None:
    file = {
        "global_settings": {"max_steps": 120, "seed": 2},
        "environment": {"id": "tests/Chain-v0"},
        "rl_plugin": {"learning_starts": 20, "batch_size": 8, "hidden": [8]},
    }
    done = train(read(json.dumps(file)))
    assert done.steps == 120
    assert done.weights["0.weight"].shape == (8, LENGTH)


def test_who_raises_the_alarm_makes_it_forget_the_old_world() -> None:
    seen = []

    def alarm(step: int, reward: float, ended: bool, error: float) -> bool:
        seen.append((step, reward, ended, error))
        return step == 300

    agent = Agent(replace(SMALL, steps=320, reset="weights"), alarm=alarm)
    before = {name: one.copy() for name, one in agent.network.weights().items()}
    done = run(agent)
    assert [step for step, *_ in seen] == list(range(1, 321))
    assert done.resets.tolist() == [300]
    assert 0 < agent.replay.usable() <= 20
    assert float(agent.hyper.epsilon[0]) > 0.9
    assert all((one != done.weights[name]).any() for name, one in before.items())


def test_the_policy_gradient_prefers_what_was_paid() -> None:
    agent = Agent(replace(SMALL, softmax=True, starts=10**9))
    for _ in range(300):
        agent.step()
    seen = np.eye(LENGTH, dtype=np.float32)[1:-1]
    before = np.diff(agent.network.values(seen).copy())
    hooks.policy_gradient(agent.network, agent.replay, agent.hyper, replace(agent.options, log_every=300))
    assert (np.diff(agent.network.values(seen)) > before).all()


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"environment": "Nowhere-v7"}, failures.UnknownEnvironment, "Nowhere"),
        ({"environment": "nosuchmodule:Nowhere-v7"}, failures.UnknownEnvironment, "nosuchmodule"),
        ({"environment": "name less"}, failures.UnknownEnvironment, "Malformed"),
        ({"environment": "Ant-v5", "arguments": {"colour": 1}}, failures.UnknownEnvironment, "not installed"),
        ({"arguments": {"colour": 1}}, failures.ArgumentsRefused, "environment.arguments (colour): TypeError"),
        ({"environment": "FrozenLake-v1", "arguments": {"map_name": "q"}}, failures.ArgumentsRefused, "(map_name)"),
        ({"environment": "Pendulum-v1"}, failures.NotDiscrete, "Box"),
        ({"environment": "Blackjack-v1"}, failures.NotSeen, "Tuple"),
        ({"arguments": {"odd": "nan"}}, failures.NotANumber, "step 0"),
        ({"arguments": {"odd": "throws"}}, failures.EnvironmentFailed, "RuntimeError: the world fell apart"),
        ({"memory_bytes": 1_000}, failures.TooMuchMemory, "1000"),
        ({"wall_seconds": 0.0}, failures.OutOfTime, "0.0 seconds"),
    ],
)
def test_what_it_cannot_live_in_is_refused_in_words(
    change: dict[str, Any], error: type[AnimaError], words: str
) -> None:
    with pytest.raises(error) as raised:
        run(Agent(replace(SMALL, **change)))
    assert words in raised.value.detail
    assert ".." not in raised.value.detail


# The replay buffer.

Steps = st.lists(st.tuples(st.integers(0, 1), st.sampled_from("....te")), min_size=2, max_size=60)


@settings(max_examples=60, deadline=None)
@given(Steps, st.integers(4, 40), st.integers(1, 4), st.sampled_from([None, 7]))
def test_what_is_sampled_has_happened(lived: list[Any], capacity: int, steps: int, forgets: int | None) -> None:
    """Of any history: the same action and rewards, what came after them, and nothing of another episode."""
    replay = Replay(Layout((1,), "float32"), capacity, 1, 2)
    happened, number, episode = {}, 0.0, []
    replay.begin(0, np.array([number], np.float32))
    for at, (action, end) in enumerate(lived):
        if at == forgets:
            replay.forget()
            happened, episode = {}, []
        seen, number = number, number + 1.0
        flags = np.array([end == "t"]), np.array([end != "."])
        replay.add(np.array([action]), np.array([seen * 10]), *flags, np.array([[number]], np.float32))
        episode.append((seen, action, number, end))
        if end != "." or at == len(lived) - 1:
            for first in range(len(episode)):
                part = episode[first : first + steps]
                if len(part) == steps or end != ".":
                    reward = sum(0.5**k * one[0] * 10 for k, one in enumerate(part))
                    weight = 0.0 if part[-1][3] == "t" else 0.5 ** len(part)
                    happened[part[0][0]] = (part[0][1], reward, part[-1][2], weight)
        if end != ".":
            episode, number = [], number + 1.0
            replay.begin(0, np.array([number], np.float32))
    if not replay.usable(steps) or not happened:
        return
    drawn = replay.sample(Draws(1, 1), 50, steps, 0.5)
    for seen, action, reward, then, weight in zip(
        drawn.seen[:, 0], drawn.actions, drawn.rewards, drawn.then[:, 0], drawn.weight, strict=True
    ):
        known = happened[float(seen)]
        assert (action, then) == (known[0], known[2])
        assert (reward, weight) == (pytest.approx(known[1]), pytest.approx(known[3]))


def test_ten_million_transitions_of_cartpole_fit_in_450_megabytes_and_bits_are_packed() -> None:
    assert Replay(Layout((4,), "float32"), 10_000_000, 1, 2).nbytes <= 450_000_000
    assert Replay(Layout((4, 10, 10), "bool"), 1_000, 1, 6).nbytes <= 1_000 * (50 + 6)
    shown = np.random.default_rng(0).random((3, 4, 5, 5)) > 0.5
    replay = Replay(Layout((4, 5, 5), "bool"), 30, 3, 6)
    for number in range(3):
        replay.begin(number, shown[number])
    replay.add(np.zeros(3), np.zeros(3), np.zeros(3, bool), np.zeros(3, bool), ~shown)
    assert (replay.seen(np.array([0, 10, 20])) == shown).all()
    assert (replay.seen(np.array([1, 11, 21])) == ~shown).all()


# The network.


@pytest.mark.parametrize(("dueling", "huber"), [(False, False), (True, False), (False, True)])
def test_the_gradient_is_that_of_the_loss(dueling: bool, huber: bool) -> None:
    network = NumpyNetwork(Shape((3,), (7, 5), 4, dueling=dueling, huber=huber), 1)
    rng = np.random.default_rng(1)
    seen, then = rng.normal(size=(2, 6, 3)).astype(np.float32)
    rewards = (3 * rng.normal(size=6)).astype(np.float32)
    batch = Batch(seen, rng.integers(0, 4, 6), rewards, then, np.full(6, 0.9, np.float32))
    wanted = rewards + 0.9 * network.target_values(then).max(axis=1)

    def loss() -> float:
        error = (wanted - network.values(seen)[np.arange(6), batch.actions]).astype(np.float64)
        size = np.abs(error)
        each = np.where(size < 1, 0.5 * error**2, size - 0.5) if huber else error**2
        return float(each.mean())

    start = network.online.flat.copy()
    slopes = []
    for at in range(start.size):
        ends = []
        for step in (1e-3, -1e-3):
            network.online.flat[at] = start[at] + step
            ends.append(loss())
        network.online.flat[at] = start[at]
        slopes.append((ends[0] - ends[1]) / 2e-3)
    network.learn(batch, 0.0)
    assert (network.online.flat == start).all()
    m = network.adam.m / 0.1  # after one step, the first moment is a tenth of the gradient
    assert np.abs(m - slopes).max() < 0.03 * np.abs(slopes).max()


def test_weights_of_another_shape_are_refused() -> None:
    with pytest.raises(failures.BadWeights, match=r"0\.weight"):
        NumpyNetwork(Shape((3,), (7,), 2), 1).renew(NumpyNetwork(Shape((4,), (7,), 2), 1).weights())


# Its eyes, its chance.


def test_pictures_are_cropped_turned_grey_scaled_and_stacked() -> None:
    picture = np.zeros((6, 8, 3), np.uint8)
    picture[1:5, 2:6] = (255, 0, 0)
    seen = frames.Frames(crop=(1, 1, 2, 2), grey=True, scale=(2, 2)).see(picture)
    assert seen.shape == (1, 2, 2)
    assert (seen == 76).all()  # 0.299 · 255
    assert frames.Frames(scale=(3, 4)).see(picture)[0].tolist() == [
        [0, 128, 128, 0],
        [0, 255, 255, 0],
        [0, 128, 128, 0],
    ]


def test_the_last_pictures_are_seen_together_and_never_those_of_the_episode_before() -> None:
    worlds = Environments("tests/Bits-v0", {}, frames=frames.Frames(stack=3))
    replay = Replay(worlds.layout, 40, 1, 4)
    replay.begin(0, worlds.begin(0))
    stacks = {0: worlds.stacked[0].copy()}
    for at in range(30):
        taken = worlds.step(np.array([0]), at)
        replay.add(np.array([0]), taken.rewards, taken.terminal, taken.ended, taken.seen)
        stacks[int(replay.written[0]) - bool(taken.ended[0])] = worlds.stacked[0].copy()
        if taken.ended[0]:
            worlds.ended(0)
            replay.begin(0, worlds.begin(0))
            stacks[int(replay.written[0])] = worlds.stacked[0].copy()
    rows = np.arange(2, int(replay.written[0]))
    rows = rows[(np.asarray(replay.state_dict()["flags"])[rows] & 8) == 0]
    assert len(rows) > 20
    for row, seen in zip(rows, replay.seen(rows), strict=True):
        assert (seen == stacks[int(row)]).all(), row


@given(st.integers(0, 2**63 - 1), st.lists(st.integers(1, 3_000), max_size=8))
@settings(max_examples=20, deadline=None)
def test_draws_go_on_where_they_were(seed: int, counts: list[int]) -> None:
    one = Draws(seed, 1)
    for count in counts:
        one.many(count)
    other = Draws(0, 2)
    other.load_state_dict(json.loads(json.dumps(one.state_dict())))
    assert [one.one() for _ in range(5)] == [other.one() for _ in range(5)]
    assert one.many(BLOCK).tolist() == other.many(BLOCK).tolist()


def test_each_episode_has_a_seed_of_its_own() -> None:
    seeds = {episode_seed(seed, world, episode) for seed in range(10) for world in range(10) for episode in range(20)}
    assert len(seeds) == 2_000
    assert all(0 <= one < 2**31 for one in seeds)
