"""Task 1, the reversal bandit: K arms, one pays more often, and which one that is changes at a constant hazard.

The ideal observer knows K, both probabilities and the hazard, filters the posterior over the best arm exactly, and
takes the arm that is most probably the best. All methods see the same worlds: rewards of all arms are drawn beforehand.
Regret is counted in expectation (best minus chosen probability), so that luck does not enter it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Arms = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Drawn:
    """Worlds that were drawn: the best arm of each trial (worlds, trials), all arms' rewards (worlds, trials, arms)."""

    best: Arms
    rewards: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class BanditWorld:
    """The rules of the bandit. Raises ValueError where they make no sense."""

    arms: int = 4
    best: float = 0.8
    other: float = 0.2
    hazard: float = 0.01
    trials: int = 2_000

    def __post_init__(self) -> None:
        if self.arms < 2 or self.trials < 1:
            raise ValueError("two arms or more, one trial or more")
        if not 0.0 < self.other < self.best < 1.0 or not 0.0 <= self.hazard < 1.0:
            raise ValueError("0 < other < best < 1 and 0 <= hazard < 1")

    def drawn(self, random: np.random.Generator, worlds: int) -> Drawn:
        """So many worlds; a change leads to one of the other arms, each as probably."""
        moves = random.random((worlds, self.trials)) < self.hazard
        by = np.where(moves, random.integers(1, self.arms, (worlds, self.trials)), 0)
        by[:, 0] = random.integers(0, self.arms, worlds)
        best = np.cumsum(by, axis=1) % self.arms
        chance = np.where(np.arange(self.arms) == best[:, :, None], self.best, self.other)
        return Drawn(best, random.random(chance.shape) < chance)


class Player(Protocol):
    """Plays many worlds at once: one arm for each, then what each arm paid."""

    def choose(self) -> Arms: ...

    def learn(self, arms: Arms, rewards: Array) -> None: ...


class IdealObserver:
    """The exact filter over which arm is best, and the arm that most probably is (the first of equals)."""

    def __init__(self, world: BanditWorld, worlds: int) -> None:
        self.world = world
        self.belief = np.full((worlds, world.arms), 1.0 / world.arms)

    def choose(self) -> Arms:
        return np.argmax(self.belief, axis=1)

    def learn(self, arms: Arms, rewards: Array) -> None:
        world = self.world
        chance = np.where(np.arange(world.arms) == arms[:, None], world.best, world.other)
        self.belief *= np.where(rewards[:, None] > 0.5, chance, 1.0 - chance)
        self.belief /= self.belief.sum(axis=1, keepdims=True)
        self.belief += world.hazard * ((1.0 - self.belief) / (world.arms - 1) - self.belief)


class Softmax:
    """Values by a delta rule, arms by a softmax of them: a fixed rate and a fixed temperature."""

    def __init__(self, arms: int, rate: float, temperature: float, uniforms: Callable[[], Array], worlds: int) -> None:
        self.values = np.full((worlds, arms), 0.5)
        self.rate, self.temperature, self._uniforms = rate, temperature, uniforms

    def choose(self) -> Arms:
        return drawn_from(softmax(self.values, self.temperature), self._uniforms())

    def learn(self, arms: Arms, rewards: Array) -> None:
        rows = np.arange(len(arms))
        self.values[rows, arms] += self.rate * (rewards - self.values[rows, arms])


class DiscountedUcb:
    """Discounted UCB (Garivier & Moulines 2011): counts and sums fade by γ, B = 1, bonus 2√(ξ log n / N)."""

    def __init__(self, arms: int, discount: float, exploration: float, worlds: int) -> None:
        self.sums, self.counts = np.zeros((worlds, arms)), np.zeros((worlds, arms))
        self.discount, self.exploration = discount, exploration

    def choose(self) -> Arms:
        whole = np.maximum(self.counts.sum(axis=1, keepdims=True), 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            bound = self.sums / self.counts + 2.0 * np.sqrt(self.exploration * np.log(whole) / self.counts)
        return np.argmax(np.where(self.counts < 1e-9, np.inf, bound), axis=1)

    def learn(self, arms: Arms, rewards: Array) -> None:
        rows = np.arange(len(arms))
        self.sums *= self.discount
        self.counts *= self.discount
        self.sums[rows, arms] += rewards
        self.counts[rows, arms] += 1.0


def play(world: BanditWorld, drawn: Drawn, player: Player) -> Array:
    """The regret of each trial, (worlds, trials)."""
    worlds, trials = drawn.best.shape
    rows, regret = np.arange(worlds), np.zeros((worlds, trials))
    for trial in range(trials):
        arms = player.choose()
        player.learn(arms, drawn.rewards[rows, trial, arms].astype(np.float64))
        regret[:, trial] = (arms != drawn.best[:, trial]) * (world.best - world.other)
    return regret


def softmax(values: Array, temperature: float | Array) -> Array:
    """Chances of the arms, (worlds, arms); `temperature` one for all or one for each world."""
    heat = np.maximum(np.asarray(temperature, dtype=np.float64).reshape(-1, 1), 1e-6)
    powers = np.exp((values - values.max(axis=1, keepdims=True)) / heat)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def drawn_from(chances: Array, uniforms: Array) -> Arms:
    """One arm for each row of chances."""
    below = np.cumsum(chances, axis=1) < uniforms[:, None]
    return np.minimum(below.sum(axis=1), chances.shape[1] - 1)
