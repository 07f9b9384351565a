"""Playing without exploring and without learning: what trained weights are worth, and what they do step by step."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .environments import Environments
from .failures import OutOfTime
from .network import Floats
from .networks import network_for
from .options import Options

ELSEWHERE = 7_919
"""The seeds of played episodes are others than those of training."""
LONGEST = 1_000_000
"""Steps after which an episode that does not end by itself is cut."""
Tell = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Played:
    """The returns of the episodes, and the steps of all of them; `whole` is False where it was stopped."""

    returns: NDArray[np.float64]
    steps: int
    whole: bool

    def told(self) -> dict[str, Any]:
        """As it stands in a result."""
        mean = float(self.returns.mean()) if len(self.returns) else None
        return {"episodes": len(self.returns), "return_mean": mean, "returns": self.returns.tolist()}


def play(
    options: Options,
    weights: Mapping[str, Floats],
    episodes: int,
    *,
    tell: Tell | None = None,
    stop: Callable[[], bool] = lambda: False,
    longest: int = LONGEST,
    environment: Any = None,
) -> Played:
    """Plays so many episodes, greedily; `tell` gets each step. Raises BadWeights, OutOfTime, and as worlds do."""
    alone = replace(options, environments=1, seed=options.seed + ELSEWHERE)
    worlds = Environments(alone.environment, alone.arguments, seed=alone.seed, frames=alone.frames, made=environment)
    network = network_for(alone, worlds)
    network.renew(weights)
    begun, returns, steps = time.monotonic(), [], 0
    for episode in range(episodes):
        worlds.begin(0)
        total, ended, length = 0.0, False, 0
        while not ended and length < longest:
            if stop():
                return Played(np.asarray(returns), steps, whole=False)
            if steps % 64 == 0 and time.monotonic() - begun > options.wall_seconds:
                raise OutOfTime(seconds=options.wall_seconds)
            values = network.values(worlds.stacked)
            actions = values.argmax(axis=1)
            value = float(values[0, actions[0]])
            taken = worlds.step(actions, steps)
            ended, total = bool(taken.ended[0]), total + float(taken.rewards[0])
            steps, length = steps + 1, length + 1
            if tell is not None:
                step = {"episode": episode, "step": length, "action": int(actions[0]), "value": value}
                tell({**step, "reward": float(taken.rewards[0]), "done": ended, "seen": _seen(taken.seen[0])})
        returns.append(total)
        worlds.ended(0)
    worlds.close()
    return Played(np.asarray(returns), steps, whole=True)


def _seen(seen: NDArray[Any]) -> list[float] | None:
    """An observation of numbers; of pictures nothing is told."""
    return [float(one) for one in seen] if seen.ndim == 1 else None
