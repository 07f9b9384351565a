"""The mind of agents that learn: concentrations, and the hyper-parameters that follow from them, step by step. Pure.

>>> from anima.neuromodulation.learning import physics
>>> mind = Mind(physics("standard"))
>>> round(mind.observe_one(error=0.0, reward=0.0, ended=False).learning_rate, 6)
0.001
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anima.neuromodulation.crowd import PACKED, Crowd, Hyper, unpacked
from anima.neuromodulation.drives import Array, Drive, NotFinite, Windows, shaping
from anima.neuromodulation.learning import Base, Binding, Influence, Physics, Reset, Unstable
from anima.neuromodulation.lone import HyperOne, Lone
from anima.neuromodulation.plan import plan

__all__ = [
    "PACKED",
    "Base",
    "Binding",
    "Drive",
    "Hyper",
    "HyperOne",
    "Influence",
    "Mind",
    "NotFinite",
    "Physics",
    "Reset",
    "Signals",
    "Unstable",
    "Windows",
    "shaping",
]

_NEVER = -(1 << 62)


@dataclass(frozen=True, slots=True)
class Signals:
    """What happened in one step: arrays of shape (agents,), or numbers for all of them."""

    error: Any
    """The error of prediction δ = r + γ·max Q⁻(s′) - Q(s, a)."""
    reward: Any
    ended: Any = False
    """Whether an episode ended."""


class Mind:
    """The modulators of `agents` agents. Raises NotFinite in `observe` for an error or a reward that is no number."""

    def __init__(self, physics: Physics, agents: int = 1) -> None:
        if agents < 1:
            raise ValueError("there is one agent or more")
        self.physics, self.agents = physics, agents
        self.plan = plan(physics)
        self.names = self.plan.names
        self._one: Lone | None = None
        self._many: Crowd | None = None
        rest = [each.baseline for each in physics.profile.modulators]
        start = physics.base.epsilon_start
        if agents == 1:
            self._one = Lone(self.plan, rest, epsilon_from=start)
            return
        self._many = Crowd(
            self.plan,
            np.repeat(np.array(rest)[:, None], agents, axis=1),
            np.zeros((3, agents)),
            0,
            np.full(agents, start),
            np.zeros(agents, dtype=np.int64),
            np.ones(agents, dtype=bool),
            np.full(agents, _NEVER, dtype=np.int64),
            np.zeros(agents),
        )

    @property
    def concentrations(self) -> Array:
        """nM, of shape (agents, modulators), in the order of `names`."""
        if self._one is not None:
            return np.array([self._one.concentrations])
        return self._crowd.concentrations.T.copy()

    @property
    def levels(self) -> list[float]:
        """The concentrations (nM) of the only agent, as they are kept: read only, and fast."""
        return self._lone.concentrations

    @property
    def steps(self) -> int:
        """Steps observed."""
        return self._one.steps if self._one is not None else self._crowd.steps

    def observe(self, signals: Signals) -> Hyper:
        """One step of the environments: modulators are released and cleared, and what follows from them is returned."""
        if self._one is None:
            return self._crowd.observe(signals.error, signals.reward, signals.ended)
        error, reward, ended = _only(signals.error), _only(signals.reward), _only(signals.ended)
        return _as_arrays(self._one.observe(error, reward, ended != 0.0))

    def observe_one(self, error: float, reward: float, ended: bool) -> HyperOne:
        """The same for the only agent, in plain numbers."""
        return self._lone.observe(error, reward, ended)

    def hyper(self) -> Hyper:
        """What follows from the concentrations as they are, without a step: for the first actions of a run."""
        return self._crowd.read() if self._one is None else _as_arrays(self._one.read())

    def hyper_one(self) -> HyperOne:
        """The same for the only agent."""
        return self._lone.read()

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """All that changes, as arrays; `load_state_dict` brings it back bit by bit."""
        if self._one is not None:
            one = self._one
            return {
                "concentrations": np.array([one.concentrations]),
                "means": np.array(one.means)[:, None],
                "steps": np.array(one.steps, dtype=np.int64),
                "epsilon_from": np.array([one.epsilon_from]),
                "epsilon_at": np.array([one.epsilon_at], dtype=np.int64),
                "armed": np.array([one.armed]),
                "reset_at": np.array([one.reset_at], dtype=np.int64),
                "potential": np.array([one.potential]),
            }
        many = self._crowd
        kept = ("means", "epsilon_from", "epsilon_at", "armed", "reset_at", "potential")
        return {
            "concentrations": self.concentrations,
            "steps": np.array(many.steps, dtype=np.int64),
            **{name: getattr(many, name).copy() for name in kept},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from a kept state. Raises ValueError where it is of other modulators or another number of agents."""
        found = np.asarray(state["concentrations"], dtype=np.float64)
        if found.shape != (self.agents, len(self.names)):
            raise ValueError(f"the state is of shape {found.shape}, not {(self.agents, len(self.names))}")
        arrays = {name: np.array(value) for name, value in state.items()}
        if self._one is not None:
            self._load_one(arrays)
            return
        many = self._crowd
        many.concentrations = found.T.copy()
        many.steps = int(arrays["steps"])
        for name in ("means", "epsilon_from", "epsilon_at", "armed", "reset_at", "potential"):
            setattr(many, name, arrays[name].astype(getattr(many, name).dtype))

    def _load_one(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        one = self._lone
        one.concentrations = [float(each) for each in arrays["concentrations"][0]]
        one.means = [float(each) for each in arrays["means"].ravel()]
        one.steps = int(arrays["steps"])
        one.epsilon_from, one.epsilon_at = float(arrays["epsilon_from"][0]), int(arrays["epsilon_at"][0])
        one.armed, one.reset_at = bool(arrays["armed"][0]), int(arrays["reset_at"][0])
        one.potential = float(arrays["potential"][0])

    @property
    def _lone(self) -> Lone:
        if self._one is None:
            raise ValueError(f"there are {self.agents} agents, not one")
        return self._one

    @property
    def _crowd(self) -> Crowd:
        if self._many is None:
            raise ValueError("there is one agent, not many")
        return self._many


def _only(value: Any) -> float:
    """The number, given as itself or as an array of it."""
    return float(value.item() if isinstance(value, np.ndarray) else value)


def _as_arrays(one: HyperOne) -> Hyper:
    packed = np.array(
        (
            (one.learning_rate,),
            (one.learning_rate_raw,),
            (one.discount,),
            (one.discount_raw,),
            (one.attention_gain,),
            (one.temperature,),
            (one.epsilon,),
            (one.replay_factor,),
            (one.shaping,),
            (float(one.reset),),
        )
    )
    clipped, reset = np.array((one.discount_clipped,)), np.array((one.reset,))
    further = {name: np.array((value,)) for name, value in one.targets.items()}
    return unpacked(packed, clipped, reset, further)
