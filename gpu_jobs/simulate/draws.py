"""Random numbers drawn in blocks: a call for each would take longer than an environment's step."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 8192


class Draws:
    """Numbers from [0, 1), always the same for a seed and a purpose, wherever the run was interrupted."""

    def __init__(self, seed: int, purpose: int) -> None:
        self._generator = np.random.Generator(np.random.PCG64([seed, purpose]))
        self._refill()

    def one(self) -> float:
        """The next."""
        if self._at == BLOCK:
            self._refill()
        self._at += 1
        return self._listed[self._at - 1]

    def many(self, count: int) -> NDArray[np.float64]:
        """The next `count` of them: a view that stands until the block is used up."""
        if count > BLOCK:
            return np.concatenate([self.many(min(BLOCK, count - at)) for at in range(0, count, BLOCK)])
        if self._at + count > BLOCK:
            self._refill()
        self._at += count
        return self._block[self._at - count : self._at]

    def state_dict(self) -> dict[str, Any]:
        """The generator as it stood before this block, and how much of the block is used."""
        return {"before": self._before, "at": self._at}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on where `state` was taken."""
        self._generator.bit_generator.state = state["before"]
        self._refill()
        self._at = state["at"]

    def _refill(self) -> None:
        self._before: Any = self._generator.bit_generator.state
        self._block = self._generator.random(BLOCK)
        self._listed = self._block.tolist()
        self._at = 0
