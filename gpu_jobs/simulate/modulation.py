"""Where the hyper-parameters of a step come from: the mind of the agent, or a plain schedule without modulators."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from anima.neuromodulation.crowd import PACKED, Hyper
from anima.neuromodulation.mind import Mind, Physics, Signals

from .options import Options


class Modulation(Protocol):
    """What both give. `names` are the modulators; `wants_errors` says whether it looks at errors of prediction."""

    names: tuple[str, ...]
    wants_errors: bool

    def now(self) -> Hyper:
        """The hyper-parameters for the first actions of a run."""
        ...

    def observe(self, errors: Any, rewards: Any, ended: Any) -> Hyper:
        """One step of every environment: arrays of shape (environments,)."""
        ...

    @property
    def concentrations(self) -> NDArray[np.float64] | list[float]:
        """nM, (environments, modulators); of one environment's the plain numbers, which are at hand sooner."""
        ...

    def restart(self) -> None:
        """Exploration begins again, for the world has changed."""
        ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class Minded:
    """A mind for each environment: each has seen other errors, and explores by its own."""

    wants_errors = True

    def __init__(self, physics: Physics, environments: int) -> None:
        # A mind counts what it observes: a step of all environments, where the file counts each of theirs.
        decay = max(1, physics.base.epsilon_decay_steps // environments)
        physics = replace(physics, base=replace(physics.base, epsilon_decay_steps=decay))
        self._mind, self._alone = Mind(physics, environments), environments == 1
        self._reset = physics.binding.reset
        self.names = tuple(self._mind.names)

    def now(self) -> Hyper:
        """The hyper-parameters without a step."""
        return self._mind.hyper()

    def observe(self, errors: Any, rewards: Any, ended: Any) -> Hyper:
        """A step; what follows from it."""
        return self._mind.observe(Signals(errors, rewards, ended))

    @property
    def concentrations(self) -> NDArray[np.float64] | list[float]:
        """nM, (environments, modulators); of one environment's the plain numbers."""
        return self._mind.levels if self._alone else self._mind.concentrations

    def restart(self) -> None:
        """Puts epsilon back, as the mind's own reset does."""
        state = self._mind.state_dict()
        share = self._reset.epsilon if self._reset is not None else 1.0
        state["epsilon_from"][:] = share * self._mind.physics.base.epsilon_start
        state["epsilon_at"][:] = self._mind.steps
        self._mind.load_state_dict(state)

    def state_dict(self) -> dict[str, Any]:
        """All of the mind."""
        return self._mind.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on there."""
        self._mind.load_state_dict(state)


class Plain:
    """No modulators: everything stays as it is, but epsilon, which falls in a line."""

    wants_errors = False
    names: tuple[str, ...] = ()

    def __init__(self, options: Options, environments: int) -> None:
        self._options, self._steps, self._from, self._at = options, 0, options.epsilon_start, 0
        self._n = environments
        rows = np.ones((len(PACKED), environments))
        for name, value in (
            *(("learning_rate", options.learning_rate), ("learning_rate_raw", options.learning_rate)),
            *(("discount", options.discount), ("discount_raw", options.discount)),
            *(("temperature", options.temperature), ("shaping", 0.0), ("reset", 0.0)),
        ):
            rows[PACKED.index(name)] = value
        self._epsilon = rows[PACKED.index("epsilon")]
        never = np.zeros(environments, bool)
        # The arrays are the same at each step, rows of one; only epsilon is written anew.
        by_name: dict[str, Any] = dict(zip(PACKED, rows, strict=True)) | {"reset": never}
        self._hyper = Hyper(**by_name, discount_clipped=never, targets={}, packed=rows)
        self.concentrations: NDArray[np.float64] | list[float] = np.zeros((environments, 0))

    def now(self) -> Hyper:
        """The hyper-parameters; epsilon counts steps of all environments."""
        share = min(1.0, (self._steps - self._at) / max(1, self._options.epsilon_decay_steps))
        self._epsilon.fill(self._from + (self._options.epsilon_end - self._from) * share)
        return self._hyper

    def observe(self, _errors: Any, _rewards: Any, _ended: Any) -> Hyper:
        """A step."""
        self._steps += self._n
        return self.now()

    def restart(self) -> None:
        """Epsilon starts again."""
        self._from, self._at = self._options.epsilon_start, self._steps

    def state_dict(self) -> dict[str, Any]:
        """Where the schedule stands."""
        return {"steps": self._steps, "from": self._from, "at": self._at}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on there."""
        self._steps, self._from, self._at = state["steps"], state["from"], state["at"]
