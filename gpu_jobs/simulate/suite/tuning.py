"""Tuning with a budget that is the same for every method: the first settings of a seeded shuffle of its grid.

Seeds for tuning and for the test are disjoint: tuning takes 1000, 1001, …, the test 0, 1, 2, …
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Settings = dict[str, Any]
Grid = Mapping[str, Sequence[Any]]

FIRST_TUNING_SEED = 1000


def test_seeds(count: int) -> tuple[int, ...]:
    """The held-out seeds."""
    if not 0 < count <= FIRST_TUNING_SEED:
        raise ValueError(f"1 to {FIRST_TUNING_SEED} seeds")
    return tuple(range(count))


def tuning_seeds(count: int) -> tuple[int, ...]:
    """The seeds that settings are chosen on."""
    return tuple(range(FIRST_TUNING_SEED, FIRST_TUNING_SEED + count))


def trials(grid: Grid, budget: int, seed: int = 0) -> list[Settings]:
    """At most `budget` settings of the grid; the first is always the grid's first (its default)."""
    every = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    rest = np.random.default_rng(seed).permutation(len(every) - 1) + 1
    return [every[place] for place in (0, *rest[: max(0, budget - 1)].tolist())]


def best(grid: Grid, budget: int, score: Callable[[Settings], float]) -> Settings:
    """The settings with the highest score; the earlier one where two are equal."""
    tried = trials(grid, budget)
    scores = [score(settings) for settings in tried]
    return tried[int(np.argmax(scores))]
