"""What drives modulators while an agent learns: signals made of its errors and rewards, step by step. Pure.

Dopamine reports the error of prediction (Schultz, Dayan & Montague, Science 275, 1997); acetylcholine expected and
norepinephrine unexpected uncertainty (Yu & Dayan, Neuron 46, 2005); serotonin reward over a long time (Doya 2002).
A drive is a weighted sum of signals, so that a new one is configuration.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SIGNALS = (
    "reward_prediction_error",
    "relative_error",
    "absolute_error",
    "expected_uncertainty",
    "unexpected_uncertainty",
    "average_reward",
    "reward",
    "arousal",
    "ended",
    "constant",
)
"""What a drive may be made of, in the order of what `signals_one` and `signals_many` give.

`reward_prediction_error` is δ; `relative_error` δ over the slow mean of |δ|; `absolute_error` |δ|;
`expected_uncertainty` the slow mean of |δ|; `unexpected_uncertainty` how far the fast mean of |δ| is above `surprise`
times the slow one; `average_reward` the mean reward of a long time; `arousal` m/(1 + m) of the fast mean m of |δ|;
`ended` 1 at the end of an episode; `constant` 1.
"""
MOST = 1e12
"""Errors and rewards beyond this are taken for this: no receptor tells them apart, and nothing overflows."""
_LEAST = 1e-12


class NotFinite(ValueError):
    """A reward or an error is not a number."""

    slug = "signal-not-finite"


@dataclass(frozen=True, slots=True)
class Windows:
    """Over how many steps the means of |δ| and of reward are taken, and what counts as a surprise.

    Raises ValueError where these make no sense.
    """

    fast_steps: float = 200.0
    slow_steps: float = 5_000.0
    reward_steps: float = 10_000.0
    surprise: float = 2.0

    def __post_init__(self) -> None:
        spans = (self.fast_steps, self.slow_steps, self.reward_steps)
        if not all(1.0 <= each < math.inf for each in spans):
            raise ValueError("a window has one step or more")
        if not 1.0 <= self.surprise < math.inf:
            raise ValueError("a surprise is at least 1 times what is expected")


@dataclass(frozen=True, slots=True)
class Drive:
    """What releases a modulator: a weighted sum of signals less a threshold, kept within -`most` and `most`.

    With a threshold above 0 there is no drive below it.
    """

    modulator: str
    weights: tuple[tuple[str, float], ...]
    threshold: float = 0.0
    most: float = 1e9

    def __post_init__(self) -> None:
        if unknown := {name for name, _ in self.weights} - set(SIGNALS):
            raise ValueError(f"{self.modulator}: no signal is called {', '.join(sorted(unknown))}")
        if not (self.threshold >= 0.0 and 0.0 < self.most < math.inf):
            raise ValueError(f"{self.modulator}: a threshold is not negative, and a drive is bounded")

    @property
    def indices(self) -> tuple[tuple[int, float], ...]:
        """The weights by the place of their signal."""
        return tuple((SIGNALS.index(name), weight) for name, weight in self.weights)


def checked(name: str, value: float) -> float:
    """A signal within ±`MOST`. Raises NotFinite for what is no number, by its name."""
    if not math.isfinite(value):
        raise NotFinite(f"the {name} is {value}, which is not a finite number")
    return MOST if value > MOST else -MOST if value < -MOST else value


def checked_many(name: str, values: Any, agents: int) -> Array:
    """The same for many: an array of shape (agents,). Raises NotFinite naming the first agent whose value is none."""
    given = np.broadcast_to(np.asarray(values, dtype=np.float64), (agents,))
    if not np.isfinite(given).all():
        agent = int(np.flatnonzero(~np.isfinite(given))[0])
        raise NotFinite(f"the {name} of agent {agent} is {given[agent]}, which is not a finite number")
    return np.clip(given, -MOST, MOST)


def rate(steps: int, window: float) -> float:
    """How much of a new value a mean takes in: the plain mean until the window is full, then exponential."""
    return 1.0 / steps if steps < window else 1.0 / window


def signals_one(error: float, reward: float, ended: bool, means: list[float], surprise: float) -> tuple[float, ...]:
    """The signals of one agent; `means` are its fast and slow mean of |δ| and its mean reward, this step in them."""
    fast, slow, average = means
    size = -error if error < 0.0 else error
    known = slow if slow > _LEAST else _LEAST
    excess = fast / known - surprise if slow > _LEAST else 0.0
    return (
        error,
        error / known if slow > _LEAST else 0.0,
        size,
        slow,
        excess if excess > 0.0 else 0.0,
        average,
        reward,
        fast / (1.0 + fast),
        1.0 if ended else 0.0,
        1.0,
    )


def signals_many(error: Array, reward: Array, ended: NDArray[np.bool_], means: Array, surprise: float) -> list[Array]:
    """The same for many agents; `means` of shape (3, agents)."""
    fast, slow, average = means
    known = np.maximum(slow, _LEAST)
    any_error = slow > _LEAST
    return [
        error,
        np.where(any_error, error / known, 0.0),
        np.abs(error),
        slow,
        np.where(any_error, np.maximum(0.0, fast / known - surprise), 0.0),
        average,
        reward,
        fast / (1.0 + fast),
        ended.astype(np.float64),
        np.ones_like(error),
    ]


def shaping(potential_now: Any, potential_next: Any, gamma: Any) -> Any:
    """γ·Φ(s′) - Φ(s), what may be added to a reward without changing which policy is best.

    Ng, Harada & Russell (ICML 1999); for potentials that change with time Devlin & Kudenko (AAMAS 2012). Numbers or
    arrays; the potential after an end is 0.
    """
    return gamma * potential_next - potential_now
