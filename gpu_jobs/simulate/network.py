"""What the agent asks of a network, whatever computes it; and how its first weights are drawn."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
HUGE = 1e8
"""Errors are cut off here: a run whose rate of learning is absurd is to be recorded, not to end in infinity."""
STEEP = 1e18
"""So are gradients: their squares still are numbers of 32 bits."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A network: what it sees ((features,) or (channels, height, width)), its layers, its actions and its loss."""

    seen: tuple[int, ...]
    hidden: tuple[int, ...]
    actions: int
    dueling: bool = False
    double: bool = False
    huber: bool = False

    @property
    def inputs(self) -> int:
        """Numbers in one observation."""
        return math.prod(self.seen)

    @property
    def outputs(self) -> int:
        """An advantage for each action and, where it is dueling, the value of the state before them."""
        return self.actions + self.dueling

    @property
    def layers(self) -> list[tuple[str, tuple[int, ...]]]:
        """The parameters of its dense layers in order: names as torch's Sequential has them, shapes as in nn.Linear."""
        widths = [self.inputs, *self.hidden, self.outputs]
        named: list[tuple[str, tuple[int, ...]]] = []
        for number, (fan_in, fan_out) in enumerate(pairwise(widths)):
            named += [(f"{2 * number}.weight", (fan_out, fan_in)), (f"{2 * number}.bias", (fan_out,))]
        return named


@dataclass(slots=True)
class Batch:
    """Transitions to learn from: seen (batch, *seen), the action, the (n-step) return until `then` is seen, and what
    the value there counts (discount to the power of the steps between; 0 where the episode ended in a terminal state).
    """

    seen: Floats
    actions: NDArray[np.int64]
    rewards: Floats
    then: Floats
    weight: Floats


class Network(Protocol):
    """An action-value network with its target network and its optimiser."""

    shape: Shape

    def values(self, seen: Floats) -> Floats:
        """Q(s, ·) of (n, *seen): (n, actions). It stands until the next call."""
        ...

    def target_values(self, seen: Floats) -> Floats:
        """The same by the target network."""
        ...

    def learn(self, batch: Batch, rate: float, gain: float = 1.0) -> Floats:
        """One update; the temporal-difference errors of the batch before it.

        Attention: what is more surprising than the mean of the batch counts `gain` times.
        """
        ...

    def climb(self, seen: Floats, actions: NDArray[np.int64], advantages: Floats, warmth: float, rate: float) -> None:
        """One step up the policy gradient of softmax(Q/warmth): the mean of advantage · grad log π(a|s)."""
        ...

    def follow(self, tau: float) -> None:
        """Moves the target network towards the other: by `tau` (1: a copy)."""
        ...

    def weights(self) -> dict[str, Floats]:
        """The parameters by name."""
        ...

    def renew(self, weights: Mapping[str, Floats]) -> None:
        """Puts other weights into both networks, and forgets what the optimiser knew. Raises BadWeights."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Everything, to go on bit for bit: weights, target, optimizer."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on there."""
        ...


def drawn(layers: list[tuple[str, tuple[int, ...]]], seed: int) -> dict[str, Floats]:
    """First weights as torch draws them for nn.Linear and nn.Conv2d: uniform within 1/sqrt(inputs of the unit)."""
    generator = np.random.Generator(np.random.PCG64([seed, 0]))
    found: dict[str, Floats] = {}
    most = 1.0
    for name, shape in layers:
        if name.endswith("weight"):
            most = 1.0 / math.sqrt(math.prod(shape[1:]))
        found[name] = generator.uniform(-most, most, shape).astype(np.float32)
    return found
