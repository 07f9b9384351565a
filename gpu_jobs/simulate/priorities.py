"""Which transitions are lived through again: all alike, or those that surprised more often (`memory` of the file).

After Schaul et al., Prioritized Experience Replay (ICLR 2016), without their tree: of a crowd drawn with equal
chances those that are learnt from are drawn by priority, |δ|^consolidation, which costs the same however
much is remembered. A transition that was never drawn has the highest priority there was. Each time one is drawn it
falls by `decay`. Their correction of the bias is left out, as for a memory that is to dwell on what is surprising.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .draws import Draws
from .network import Floats
from .replay import Replay, Rows

CROWD = 4
"""So many are drawn for each that is learnt from."""
LEAST = np.float32(1e-3)


class Priorities:
    """How much each row of a replay is worth to be lived through again."""

    def __init__(self, replay: Replay, consolidation: float, decay: float) -> None:
        self._replay, self._power, self._stays = replay, consolidation, 1.0 - decay
        size = replay.length * replay.environments if consolidation else 0
        self._error: Floats = np.zeros(size, np.float32)  # 0: never drawn since it was written
        self._fresh: Floats = np.zeros(size, np.float32)
        self._written: Rows = np.zeros(size, np.int64)
        self._most = np.float32(1.0)

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        return self._error.nbytes + self._fresh.nbytes + self._written.nbytes

    def rows(self, draws: Draws, count: int, steps: int) -> Rows:
        """Rows of the replay from which `count` transitions start."""
        if not self._power:
            return self._replay.rows(draws, count, steps)
        crowd = self._replay.rows(draws, CROWD * count, steps)
        worth = np.where(self._known(crowd), self._error[crowd] * self._fresh[crowd], self._most)
        chances = np.cumsum(np.maximum(worth, LEAST).astype(np.float64) ** self._power)
        drawn = np.searchsorted(chances, draws.many(count) * chances[-1], side="right")
        return crowd[np.minimum(drawn, len(crowd) - 1)]

    def learnt(self, rows: Rows, errors: Floats) -> None:
        """What they were learnt from, and how large the errors were."""
        if not self._power:
            return
        known = self._known(rows)
        self._fresh[rows] = np.where(known, self._fresh[rows], np.float32(1.0)) * np.float32(self._stays)
        self._error[rows] = np.maximum(np.abs(errors), LEAST)
        self._written[rows] = self._replay.numbers(rows)
        self._most = np.maximum(self._most, self._error[rows].max())

    def state_dict(self) -> dict[str, Any]:
        """All of it."""
        return {"error": self._error, "fresh": self._fresh, "written": self._written, "most": float(self._most)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on there."""
        for name, own in (("error", self._error), ("fresh", self._fresh), ("written", self._written)):
            np.copyto(own, state[name])
        self._most = np.float32(state["most"])

    def _known(self, rows: Rows) -> Any:
        """Whether what is known of a row is of the transition that lies there now."""
        return (self._error[rows] > 0.0) & (self._written[rows] == self._replay.numbers(rows))
