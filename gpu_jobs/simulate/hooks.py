"""The optimiser hook of the feedback loop: what is done besides with the rewards of the last steps."""

from __future__ import annotations

import numpy as np

from anima.neuromodulation.crowd import Hyper

from .network import Floats, Network
from .options import Options
from .replay import Replay


def policy_gradient(network: Network, replay: Replay, hyper: Hyper, options: Options) -> None:
    """A step of REINFORCE (Williams 1992) on each environment's last `log_every` steps, action-values as preferences.

    What followed an action, discounted, less its mean, in units of its deviation, is the advantage. Only whole episodes
    count: what follows the last step of one that goes on is not known.
    """
    warmth = max(float(hyper.temperature.mean()), 1e-6)
    rate, discount = float(hyper.learning_rate.mean()), float(hyper.discount.mean())
    for environment in range(replay.environments):
        rows, rewards, ended = replay.latest(environment, max(1, options.log_every // replay.environments))
        last = np.flatnonzero(ended)
        if not len(last):
            continue
        kept = slice(0, int(last[-1]) + 1)
        gained = followed(rewards[kept], ended[kept], discount)
        advantages = (gained - gained.mean()) / (gained.std() + np.float32(1e-6))
        batch = replay.batch(rows[kept], 1, discount)
        network.climb(batch.seen, batch.actions, advantages, warmth, rate)


def followed(rewards: Floats, ended: np.ndarray[tuple[int], np.dtype[np.bool_]], discount: float) -> Floats:
    """What came after each step of its episode, discounted: G = r + γ·G′."""
    gained = np.empty(len(rewards), np.float32)
    later = 0.0
    for at in range(len(rewards) - 1, -1, -1):
        later = float(rewards[at]) + (0.0 if ended[at] else discount * later)
        gained[at] = later
    return gained
