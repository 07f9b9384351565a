"""Worlds that change without a word, as Gymnasium environments: `register()` makes their ids known.

| id | arguments | what changes |
|---|---|---|
| `anima/CartPoleSwap-v0` | every | each so many steps the two actions change places |
| `anima/CartPoleGravity-v0` | every, gravities | each so many steps the next gravity (m/s²) holds |
| `anima/ReversalBandit-v0` | arms, best, other, hazard, trials | which arm is the best |
| `anima/Posner-v0` | cues, hazard, trials | which cue tells the target, and how often it is right |
| `anima/Breakout-v0` | permute_every, sticky | MinAtar's Breakout; each so many steps its actions change places |

Steps are counted over episodes: a reset of the environment does not bring the old world back. `changes(id, arguments,
steps)` says when the world changes; no observation and no `info` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.classic_control.cartpole import CartPoleEnv
from numpy.typing import NDArray

from .bandit import BanditWorld
from .posner import PosnerWorld

CART_POLE_STEPS = 500
BREAKOUT_STEPS = 2_500
GRAVITIES = (9.8, 60.0)


class MinAtarMissing(ImportError):
    """Breakout is MinAtar's, which is not installed: pip install --no-deps minatar==1.0.15"""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


class _Counting:
    """Counts steps over episodes; what it knows outlives an episode, so a checkpoint holds it."""

    every: int
    taken: int = 0

    def state_dict(self) -> dict[str, Any]:
        return {"taken": self.taken}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.taken = int(state["taken"])


class CartPoleSwap(_Counting, CartPoleEnv):
    """CartPole whose actions change places each `every` steps; 0 never."""

    def __init__(self, every: int = 20_000, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.every = _not_negative(every)

    def step(self, action: int) -> tuple[Any, ...]:
        swapped = self.every and self.taken // self.every % 2
        self.taken += 1
        return super().step(1 - action if swapped else action)


class CartPoleGravity(_Counting, CartPoleEnv):
    """CartPole whose gravity (m/s²) is the next of `gravities` each `every` steps; 0 never."""

    def __init__(self, every: int = 20_000, gravities: Sequence[float] = GRAVITIES, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.every, self.gravities = _not_negative(every), tuple(float(one) for one in gravities)
        if not self.gravities or not np.isfinite(self.gravities).all():
            raise ValueError("one gravity or more")

    def step(self, action: int) -> tuple[Any, ...]:
        place = self.taken // self.every % len(self.gravities) if self.every else 0
        self.gravity = self.gravities[place]
        self.taken += 1
        return super().step(action)


class Breakout(_Counting, gymnasium.Env[NDArray[np.uint8], np.int64]):
    """MinAtar's Breakout (Young & Tian 2019) with its three actions that do something: stay, left, right.

    Observations are (10, 10, 4) bits: paddle, ball, trail, bricks. Each `permute_every` steps (0: never) the actions
    change places in turn, (0, 1, 2) to (1, 2, 0) to (2, 0, 1).
    """

    def __init__(self, permute_every: int = 0, sticky: float = 0.1) -> None:
        try:
            from minatar import Environment
        except ImportError as missing:
            raise MinAtarMissing from missing
        self.game = Environment("breakout", sticky_action_prob=sticky)
        self.actions = self.game.minimal_action_set()
        self.every = _not_negative(permute_every)
        self.action_space = gymnasium.spaces.Discrete(len(self.actions))
        self.observation_space = gymnasium.spaces.Box(0, 1, tuple(self.game.state_shape()), np.uint8)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        if seed is not None:
            self.game.seed(seed)
        self.game.reset()
        return self.game.state().astype(np.uint8), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        turns = self.taken // self.every if self.every else 0
        self.taken += 1
        reward, ended = self.game.act(self.actions[(int(action) + turns) % len(self.actions)])
        return self.game.state().astype(np.uint8), float(reward), bool(ended), False, {}

    def state_dict(self) -> dict[str, Any]:
        return {"taken": self.taken, "last_action": int(self.game.last_action)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self.game.last_action = int(state["last_action"])


class ReversalBandit(gymnasium.Env[NDArray[np.float32], np.int64]):
    """The reversal bandit: an action is an arm, an episode `trials` pulls, the observation the last reward."""

    def __init__(self, trials: int = 500, **world: Any) -> None:
        self.world, self.trials = BanditWorld(trials=trials, **world), trials
        self.action_space = gymnasium.spaces.Discrete(self.world.arms)
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (1,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        self.drawn, self.trial = self.world.drawn(self.np_random, 1), 0
        return np.zeros(1, np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        reward = float(self.drawn.rewards[0, self.trial, int(action)])
        self.trial += 1
        return np.full(1, reward, np.float32), reward, self.trial >= self.trials, False, {}


class Posner(gymnasium.Env[NDArray[np.float32], np.int64]):
    """The generalised Posner task: cues are seen, an action says where the target will be, 1 for being right."""

    def __init__(self, trials: int = 500, **world: Any) -> None:
        self.world, self.trials = PosnerWorld(trials=trials, **world), trials
        self.action_space = gymnasium.spaces.Discrete(2)
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (self.world.cues,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        self.drawn, self.trial = self.world.drawn(self.np_random, 1), 0
        return self._seen(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        reward = float(self.drawn.targets[0, self.trial] == int(action))
        self.trial += 1
        ended = self.trial >= self.trials
        return self._seen(), reward, ended, False, {}

    def _seen(self) -> NDArray[np.float32]:
        return self.drawn.seen[0, min(self.trial, self.trials - 1)].astype(np.float32)


_EVERY: Mapping[str, tuple[str, int]] = {
    "anima/CartPoleSwap-v0": ("every", 20_000),
    "anima/CartPoleGravity-v0": ("every", 20_000),
    "anima/Breakout-v0": ("permute_every", 0),
}
_MADE_BY: Mapping[str, tuple[Callable[..., Any], int | None]] = {
    "anima/CartPoleSwap-v0": (CartPoleSwap, CART_POLE_STEPS),
    "anima/CartPoleGravity-v0": (CartPoleGravity, CART_POLE_STEPS),
    "anima/ReversalBandit-v0": (ReversalBandit, None),
    "anima/Posner-v0": (Posner, None),
    "anima/Breakout-v0": (Breakout, BREAKOUT_STEPS),
}


def register() -> None:
    """Makes the ids known to Gymnasium; a second call does nothing."""
    for name, (made_by, longest) in _MADE_BY.items():
        if name not in gymnasium.registry:
            gymnasium.register(name, entry_point=made_by, max_episode_steps=longest)


def changes(name: str, arguments: Mapping[str, Any], steps: int) -> tuple[int, ...]:
    """The steps, of so many, at which this environment's world changes."""
    argument, default = _EVERY.get(name, ("", 0))
    every = int(arguments.get(argument, default))
    return tuple(range(every, steps, every)) if every else ()


def _not_negative(number: int) -> int:
    if number < 0:
        raise ValueError("a number of steps, 0 for never")
    return int(number)
