"""A small memory of worlds: what was learnt in one is kept, and tried again when the world changes.

After a change the weights of the world before are kept, at most so many of them. Each that is kept is then lived with
for some episodes, and the present ones too; the best by mean return is gone on with.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .network import Floats, Network

TRIES = 3
"""Episodes that each gets in a trial."""


@dataclass(slots=True)
class Contexts:
    """`most` worlds, the present one among them: 1 remembers none."""

    most: int = 1
    kept: list[dict[str, Floats]] = field(default_factory=list)
    _trial: list[dict[str, Floats]] = field(default_factory=list)
    _gained: list[list[float]] = field(default_factory=list)

    def changed(self, network: Network) -> None:
        """The world is said to have changed: what was learnt so far is kept, and a trial begins."""
        if self.most < 2:
            return
        present = _copy(network)
        candidates = [present, *self.kept]
        self.kept = [*self.kept, present][-(self.most - 1) :]
        self._trial, self._gained = candidates, [[]]

    def ended(self, gained: float, network: Network) -> None:
        """An episode came to this return; in a trial it may be another's turn, or the best one's."""
        if not self._trial:
            return
        self._gained[-1].append(gained)
        if len(self._gained[-1]) < TRIES:
            return
        if len(self._gained) < len(self._trial):
            network.renew(self._trial[len(self._gained)])
            self._gained.append([])
            return
        best = int(np.argmax([np.mean(one) for one in self._gained]))
        network.renew(self._trial[best])
        self._trial, self._gained = [], []

    def state_dict(self) -> dict[str, Any]:
        """What is kept, and how a trial stands."""
        return {"kept": self.kept, "trial": self._trial, "gained": self._gained}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on there."""
        self.kept, self._trial = list(state["kept"]), list(state["trial"])
        self._gained = [list(one) for one in state["gained"]]


def _copy(network: Network) -> dict[str, Floats]:
    return {name: one.copy() for name, one in network.weights().items()}
